import { type Message, type Tool, textOf } from '../core/index.ts';
import { begins } from './bos.ts';
import { countPrompt } from './prompt-tokens.ts';
import type { Tokenizers } from './ready.ts';
import type { Segment } from './segments.ts';
import { pythonJson } from './templates/json.ts';
import { TextCounts } from './text-counts.ts';
import type { TextOptions, Tokenizer } from './tokenizer.ts';

/** What a prompt comes to, for the model that reads it. */
export interface Counted {
  readonly tokens: number;
  /** `exact`: by this model's own tokenizer and template. */
  readonly exactness: 'exact' | 'estimate';
  /** Share of the count that an estimate may be off by. */
  readonly errorBound?: number;
  /** Counting stopped: there are more tokens than that. */
  readonly more?: true;
}

/** Counts the prompts of one call. What offers have in common (nearly all of it) is counted once. */
export interface PromptCounter {
  /** A rendered prompt: contents are plain text, the template's special tokens one token each. */
  segments(modelFamily: string, segments: readonly Segment[]): Counted;
  /** A raw prompt as servers read it, its special tokens parsed. Without a begin-of-sequence that a server adds. */
  text(modelFamily: string, prompt: string): Counted;
  /** A chat that we have no template for, or none with a place for all of it. Always an estimate. */
  roughly(modelFamily: string, messages: readonly Message[], tools: readonly Tool[]): Counted;
}

/** What a template puts around a message, roughly. */
const TOKENS_A_MESSAGE = 5;
/** An estimate of a chat whose template is not known is off by at least that. */
const LEAST_BOUND = 0.3;

/** What each tokenizer has counted lately, over all calls. */
const remembered = new WeakMap<Tokenizer, TextCounts>();

/** @param limit tokens at which it no longer matters how many more there are */
export function promptCounter(tokenizers: Tokenizers, limit: number): PromptCounter {
  /** Offers of one family share what was rendered for it. */
  const seen = new Map<readonly Segment[], Counted>();
  /** The newest, which is not looked up: most calls have no other. */
  let latest: { readonly segments: readonly Segment[]; readonly count: Counted } | undefined;
  /** What this call has counted, by tokenizer: texts too long to be kept beyond it, and those that go over the limit. */
  const own = new Map<Tokenizer, Map<string, number>>();

  /** Counts up to the limit of the call, whatever stands before a text, so that a text is counted once for all offers. */
  function countOnce(tokenizer: Tokenizer, text: string, options: TextOptions = {}): number {
    // Parsed, or going on from another text, it may be another count.
    const plain = options.markers !== 'parse' && options.continued !== true;
    const lately = remembered.get(tokenizer) ?? new TextCounts();
    const known = own.get(tokenizer) ?? new Map<string, number>();
    const key = plain ? text : `${options.markers ?? ''}\u0000${options.continued ?? ''}\u0000${text}`;
    const before = (plain ? lately.get(text) : undefined) ?? known.get(key);
    if (before !== undefined) return before;
    const count = tokenizer.count(text, { ...options, limit });
    // Beyond its limit a count is not one.
    if (plain && count <= limit && lately.put(text, count)) remembered.set(tokenizer, lately);
    else own.set(tokenizer, known.set(key, count));
    return count;
  }

  const counted = ({ exactness, errorBound }: Tokenizer, tokens: number): Counted => ({
    tokens,
    exactness,
    ...(errorBound === undefined ? {} : { errorBound }),
    ...(tokens > limit ? { more: true } : {}),
  });

  return {
    segments(modelFamily, segments) {
      const before = latest?.segments === segments ? latest.count : seen.get(segments);
      if (before) return before;
      const tokenizer = tokenizers(modelFamily);
      const count = counted(
        tokenizer,
        countPrompt({ count: (text, options) => countOnce(tokenizer, text, options) }, segments, limit),
      );
      if (latest) seen.set(latest.segments, latest.count);
      latest = { segments, count };
      return count;
    },
    text(modelFamily, prompt) {
      const tokenizer = tokenizers(modelFamily);
      return counted(tokenizer, countOnce(tokenizer, prompt, { markers: 'parse' }));
    },
    roughly(modelFamily, messages, tools) {
      const tokenizer = tokenizers(modelFamily);
      const count = (text: string): number => countOnce(tokenizer, text);
      let tokens = begins(modelFamily) ? 1 : 0;
      for (const message of messages) {
        if (tokens > limit) break;
        tokens += TOKENS_A_MESSAGE + count(textOf(message.content));
        if (message.role !== 'assistant') continue;
        tokens += count(message.reasoning ?? '');
        for (const call of message.toolCalls ?? []) tokens += count(call.name) + count(call.arguments);
      }
      for (const tool of tools) tokens += count(pythonJson(tool));
      const errorBound = Math.max(LEAST_BOUND, tokenizer.errorBound ?? 0);
      return { tokens, exactness: 'estimate', errorBound, ...(tokens > limit ? { more: true } : {}) };
    },
  };
}
