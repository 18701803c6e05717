import { type Message, type Tool, textOf } from '../core/index.ts';
import { begins } from './bos.ts';
import { countPrompt } from './prompt-tokens.ts';
import type { Tokenizers } from './ready.ts';
import type { Segment } from './segments.ts';
import { pythonJson } from './templates/json.ts';
import { TextCounts } from './text-counts.ts';
import type { CountOptions, Tokenizer } from './tokenizer.ts';

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

/** A tokenizer that remembers what it has counted. */
function remembering(tokenizer: Tokenizer): Pick<Tokenizer, 'count'> {
  const counts = remembered.get(tokenizer) ?? new TextCounts();
  remembered.set(tokenizer, counts);
  return {
    count(text, options: CountOptions = {}) {
      // Where it goes on from another text it may be another count.
      if (options.continued) return tokenizer.count(text, options);
      const before = counts.get(text);
      if (before !== undefined) return before;
      const count = tokenizer.count(text, options);
      // Beyond its limit a count is not one.
      if (count <= (options.limit ?? Number.POSITIVE_INFINITY)) counts.put(text, count);
      return count;
    },
  };
}

/** @param limit tokens at which it no longer matters how many more there are */
export function promptCounter(tokenizers: Tokenizers, limit: number): PromptCounter {
  /** Offers of one family share what was rendered for it. */
  const seen = new Map<readonly Segment[], Counted>();

  const counted = ({ exactness, errorBound }: Tokenizer, tokens: number): Counted => ({
    tokens,
    exactness,
    ...(errorBound === undefined ? {} : { errorBound }),
    ...(tokens > limit ? { more: true } : {}),
  });

  return {
    segments(modelFamily, segments) {
      const before = seen.get(segments);
      if (before) return before;
      const tokenizer = tokenizers(modelFamily);
      const count = counted(tokenizer, countPrompt(remembering(tokenizer), segments, limit));
      seen.set(segments, count);
      return count;
    },
    text(modelFamily, prompt) {
      const tokenizer = tokenizers(modelFamily);
      return counted(tokenizer, tokenizer.count(prompt, { markers: 'parse', limit }));
    },
    roughly(modelFamily, messages, tools) {
      const tokenizer = tokenizers(modelFamily);
      const { count } = remembering(tokenizer);
      let tokens = begins(modelFamily) ? 1 : 0;
      for (const message of messages) {
        if (tokens > limit) break;
        tokens += TOKENS_A_MESSAGE + count(textOf(message.content), { limit: limit - tokens });
        if (message.role !== 'assistant') continue;
        for (const call of message.toolCalls ?? []) tokens += count(call.name) + count(call.arguments, { limit });
      }
      for (const tool of tools) tokens += count(pythonJson(tool), { limit });
      const errorBound = Math.max(LEAST_BOUND, tokenizer.errorBound ?? 0);
      return { tokens, exactness: 'estimate', errorBound, ...(tokens > limit ? { more: true } : {}) };
    },
  };
}
