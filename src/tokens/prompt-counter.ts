/** Counts the tokens of rendered prompts, raw prompts and chats. */
import { type Message, type Tool, textOf } from '../core/index.ts';
import { TextCounts } from './engine/count-caches.ts';
import { readsBos } from './templates/index.ts';
import { pythonJson, type Segment } from './templates/template.ts';
import type { Encoding, TextOptions, Tokenizer, Tokenizers } from './tokenizer.ts';

/**
 * The exact number of tokens of a rendered prompt: contents count as plain text, each special token of the template
 * as one. With a limit, a result up to the limit is exact, and one above it only says "more".
 */
export function countPrompt(
  tokenizer: Pick<Tokenizer, 'count'>,
  segments: readonly Segment[],
  limit = Number.POSITIVE_INFINITY,
): number {
  let total = 0;
  for (const segment of segments) {
    if (total > limit) break;
    total +=
      'special' in segment
        ? 1
        : tokenizer.count(segment.text, { continued: segment.continued === true, limit: limit - total });
  }
  return total;
}

/** The ids of a rendered prompt. Undefined if the tokenizer lacks one of its special tokens. */
export function encodePrompt(
  tokenizer: Pick<Tokenizer, 'encode' | 'special'>,
  segments: readonly Segment[],
): number[] | undefined {
  const ids: number[] = [];
  for (const segment of segments) {
    if ('special' in segment) {
      const id = Object.hasOwn(tokenizer.special, segment.special) ? tokenizer.special[segment.special] : undefined;
      if (id === undefined) return undefined;
      ids.push(id);
    } else {
      for (const id of tokenizer.encode(segment.text, { continued: segment.continued === true })) ids.push(id);
    }
  }
  return ids;
}

/** A stretch of a prompt and its tokens. Offsets are in the UTF-8 of this stretch. */
export interface PromptPart extends Encoding {
  readonly text: string;
  /** The whole stretch is one special token. */
  readonly special: boolean;
}

/** What `partsOf` takes: a rendered prompt, or a raw one whose special tokens are parsed. */
export type PromptText = Segment | { readonly parsed: string };

/** The tokens that `countPrompt` counts, with their texts. Undefined if the tokenizer lacks a special token. */
export function partsOf(
  tokenizer: Pick<Tokenizer, 'pieces' | 'special'>,
  texts: readonly PromptText[],
): readonly PromptPart[] | undefined {
  const parts: PromptPart[] = [];
  for (const one of texts) {
    if ('special' in one) {
      const { special: text } = one;
      const id = Object.hasOwn(tokenizer.special, text) ? tokenizer.special[text] : undefined;
      if (id === undefined) return undefined;
      parts.push({ text, special: true, ids: [id], pieces: [text], offsets: [0] });
    } else if ('parsed' in one) {
      parts.push({ text: one.parsed, special: false, ...tokenizer.pieces(one.parsed, { markers: 'parse' }) });
    } else if (one.text !== '') {
      const options = { continued: one.continued === true };
      parts.push({ text: one.text, special: false, ...tokenizer.pieces(one.text, options) });
    }
  }
  return parts;
}

/** How many tokens a prompt is for the model that reads it. */
export interface Counted {
  readonly tokens: number;
  /** `exact`: counted with the model's own tokenizer and template. */
  readonly exactness: 'exact' | 'estimate';
  /** How far an estimate may be off, as a share of the count. */
  readonly errorBound?: number;
  /** Counting stopped at the limit: there are more tokens than `tokens`. */
  readonly more?: true;
}

/** Counts the prompts of one call. Texts that several offers share are counted once. */
export interface PromptCounter {
  /** A rendered prompt. Contents count as plain text, each special token of the template as one. */
  segments(modelFamily: string, segments: readonly Segment[]): Counted;
  /**
   * A raw prompt as servers read it: special tokens in it are parsed. Without the begin-of-sequence that a server
   * adds.
   */
  text(modelFamily: string, prompt: string): Counted;
  /** A chat without a template here, or with parts that its template has no place for. Always an estimate. */
  roughly(modelFamily: string, messages: readonly Message[], tools: readonly Tool[]): Counted;
}

/** Roughly what a template adds around a message. */
export const TOKENS_A_MESSAGE = 5;
/** Least error bound for a chat whose template is not known. */
const LEAST_BOUND = 0.3;

/** Recent counts of each tokenizer, over all calls. */
const recentCounts = new WeakMap<Tokenizer, TextCounts>();

function recentCountsOf(tokenizer: Tokenizer): TextCounts {
  let counts = recentCounts.get(tokenizer);
  if (counts === undefined) {
    counts = new TextCounts();
    recentCounts.set(tokenizer, counts);
  }
  return counts;
}

/** What is known of a tokenizer's counts during one call. */
interface KnownCounts {
  readonly recent: TextCounts;
  /** Of texts that are too long or too short to be kept for other calls, or over the limit. */
  readonly own: Map<string, number>;
}

/** @param limit number of tokens after which counting may stop */
export function promptCounter(tokenizers: Tokenizers, limit: number): PromptCounter {
  /** Counts by rendered prompt, which the offers of one family share. */
  const seen = new Map<readonly Segment[], Counted>();
  /** The newest count, kept outside the map because most calls have only one. */
  let latest: { readonly segments: readonly Segment[]; readonly count: Counted } | undefined;
  const knownCounts = new Map<Tokenizer, KnownCounts>();

  function knownOf(tokenizer: Tokenizer): KnownCounts {
    let known = knownCounts.get(tokenizer);
    if (known === undefined) {
      known = { recent: recentCountsOf(tokenizer), own: new Map() };
      knownCounts.set(tokenizer, known);
    }
    return known;
  }

  /** Counts a text up to the call's limit, whatever stands before it, so that one count serves all offers. */
  function countOnce(
    tokenizer: Tokenizer,
    { recent, own }: KnownCounts,
    text: string,
    options: TextOptions = {},
  ): number {
    // Parsed or continued texts may have another count.
    const plain = options.markers !== 'parse' && options.continued !== true;
    const key = plain ? text : `${options.markers ?? ''}\u0000${options.continued ?? ''}\u0000${text}`;
    const before = (plain ? recent.get(text) : undefined) ?? own.get(key);
    if (before !== undefined) return before;
    const count = tokenizer.count(text, { ...options, limit });
    // A count above the limit is not exact, so it is not kept for other calls.
    if (!(plain && count <= limit && recent.put(text, count))) own.set(key, count);
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
      const known = knownOf(tokenizer);
      const count = counted(
        tokenizer,
        countPrompt({ count: (text, options) => countOnce(tokenizer, known, text, options) }, segments, limit),
      );
      if (latest) seen.set(latest.segments, latest.count);
      latest = { segments, count };
      return count;
    },
    text(modelFamily, prompt) {
      const tokenizer = tokenizers(modelFamily);
      return counted(tokenizer, countOnce(tokenizer, knownOf(tokenizer), prompt, { markers: 'parse' }));
    },
    roughly(modelFamily, messages, tools) {
      const tokenizer = tokenizers(modelFamily);
      const known = knownOf(tokenizer);
      const count = (text: string): number => countOnce(tokenizer, known, text);
      let tokens = readsBos(modelFamily) ? 1 : 0;
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
