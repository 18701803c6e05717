/** The events of an answer, and the token usage they end in. */

/** From the most to the least reliable. */
export type UsageSource = 'provider' | 'counted' | 'estimated';

/**
 * Tokens in disjoint buckets. Their sum is the total, however a provider nests its figures.
 * `input` is uncached input. `reasoning` is not part of `output`.
 */
export interface Usage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  /** Who counted: the provider; we, with the model's own tokenizer and template; or we estimated. */
  readonly source: UsageSource;
  /** Seconds of hardware time the provider bills, where it bills time (Replicate's `predict_time`). */
  readonly seconds?: number;
  /** The provider reports cached tokens, so a `cacheRead` of 0 means that there were none. */
  readonly cacheTold?: true;
  /** The provider counted only the answer. `input` is 0 until we have counted the prompt. */
  readonly promptUnknown?: true;
}

export const promptTokens = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite;
export const completionTokens = (usage: Usage): number => usage.output + usage.reasoning;

const SURENESS: readonly UsageSource[] = ['provider', 'counted', 'estimated'];

const lessSure = (a: UsageSource, b: UsageSource): UsageSource => (SURENESS.indexOf(a) > SURENESS.indexOf(b) ? a : b);

/** The sum of several upstream requests of one call. Its source is that of its least reliable part. */
export function addUsage(a: Usage, b: Usage): Usage {
  const seconds = a.seconds === undefined && b.seconds === undefined ? undefined : (a.seconds ?? 0) + (b.seconds ?? 0);
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
    source: lessSure(a.source, b.source),
    ...(a.cacheTold && b.cacheTold ? { cacheTold: true } : {}),
    ...(a.promptUnknown || b.promptUnknown ? { promptUnknown: true } : {}),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

/**
 * Usage from OpenAI's figures, in which cached tokens are part of the prompt's and reasoning part of the completion's.
 * A part that is larger than its whole (some servers send that) is cut to the whole, so no bucket is negative.
 */
export function usageFromTotals(totals: {
  prompt: number;
  completion: number;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
  reasoning?: number | undefined;
}): Usage {
  const cacheRead = Math.min(totals.cacheRead ?? 0, totals.prompt);
  const cacheWrite = Math.min(totals.cacheWrite ?? 0, totals.prompt - cacheRead);
  const reasoning = Math.min(totals.reasoning ?? 0, totals.completion);
  return {
    input: totals.prompt - cacheRead - cacheWrite,
    cacheRead,
    cacheWrite,
    output: totals.completion - reasoning,
    reasoning,
    source: 'provider',
    ...(totals.cacheRead === undefined ? {} : { cacheTold: true }),
  };
}

/** OpenAI's reasons. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'function_call';

/** One token's log probability, in OpenAI's chat terms. `bytes` is null where the provider does not give them. */
export interface TokenLogprob {
  readonly token: string;
  /** Null for the first token of an echoed prompt. */
  readonly logprob: number | null;
  readonly bytes: readonly number[] | null;
  readonly top: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes: readonly number[] | null;
  }[];
}

/**
 * One piece of an answer. Providers yield events in batches, one batch per network read, because most of the cost of a
 * stream is entering JavaScript once per read.
 * `choice` counts from 0; every choice ends in exactly one `finish`, nothing of that choice follows it, and at most
 * one `usage` comes per upstream request.
 */
export type Event =
  | {
      readonly type: 'text';
      readonly choice: number;
      readonly text: string;
      readonly logprobs?: readonly TokenLogprob[];
    }
  | { readonly type: 'reasoning'; readonly choice: number; readonly text: string }
  | {
      /**
       * A piece of a tool call. The first piece of each `index` carries `id` and `name`; `index` counts from 0 per
       * choice.
       */
      readonly type: 'tool';
      readonly choice: number;
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'finish';
      readonly choice: number;
      readonly reason: FinishReason;
      /** The provider's own name for it. */
      readonly native?: string;
      /** We ended it at a stop string. The model itself did not finish. */
      readonly cut?: true;
      /**
       * The stop string that ended it, where we or the provider know it: of the call's `stop`, or the template's own.
       */
      readonly stopString?: string;
    }
  | { readonly type: 'usage'; readonly usage: Usage };

/**
 * An answer that came whole, as a stream of one batch. Not an async generator, which would take several turns of the
 * microtask queue to yield it.
 */
export function onlyBatch(batch: Event[]): AsyncIterableIterator<Event[], undefined> {
  let left: Event[] | undefined = batch;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      const value = left;
      left = undefined;
      return Promise.resolve(value ? { done: false, value } : { done: true, value: undefined });
    },
    return() {
      left = undefined;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
