/** What a provider says: the pieces of an answer, and the tokens that it came to. */

/** From the surest to the least sure. */
export type UsageSource = 'provider' | 'counted' | 'estimated';

/**
 * Tokens in disjoint buckets: their sum is the total, whatever a provider counts inside what.
 * `input` is uncached input; `reasoning` is output that was thought and not said, and is not part of `output`.
 */
export interface Usage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  /** Who counted: the provider; we, with the model's own tokenizer and template; or we, as well as we could. */
  readonly source: UsageSource;
  /** Seconds of hardware time the provider bills, where it bills time (Replicate's `predict_time`). */
  readonly seconds?: number;
  /** Whether the provider said how much of the prompt came from a cache, so that a `cacheRead` of 0 is known to be none. */
  readonly cacheTold?: true;
  /** The provider counted its answer alone. `input` is 0 until we have counted the prompt. */
  readonly promptUnknown?: true;
}

export const promptTokens = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite;
export const completionTokens = (usage: Usage): number => usage.output + usage.reasoning;

const SURENESS: readonly UsageSource[] = ['provider', 'counted', 'estimated'];

const lessSure = (a: UsageSource, b: UsageSource): UsageSource => (SURENESS.indexOf(a) > SURENESS.indexOf(b) ? a : b);

/** The sum of several upstream requests of one call: it is as sure as its least sure part. */
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
 * Usage from OpenAI's figures, where cached tokens are inside the prompt's and reasoning inside the completion's.
 * A part larger than its whole (seen on odd servers) is cut to the whole, so that no bucket is negative.
 */
export function usageFromTotals(totals: {
  prompt: number;
  completion: number;
  cacheRead?: number | undefined;
  reasoning?: number | undefined;
}): Usage {
  const cacheRead = Math.min(totals.cacheRead ?? 0, totals.prompt);
  const reasoning = Math.min(totals.reasoning ?? 0, totals.completion);
  return {
    input: totals.prompt - cacheRead,
    cacheRead,
    cacheWrite: 0,
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
  /** Null for the first token of an echoed prompt, which nothing came before. */
  readonly logprob: number | null;
  readonly bytes: readonly number[] | null;
  readonly top: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes: readonly number[] | null;
  }[];
}

/**
 * What a provider says, piece by piece. Providers yield events in batches, one batch per network read, because
 * entering JavaScript once per read is what a stream costs.
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
      /** A piece of a tool call. The first piece of each `index` carries `id` and `name`; `index` counts from 0 per choice. */
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
      /** The provider's own word for it. */
      readonly native?: string;
      /** We ended it, at a stop string: the model would have gone on, and its end was never made. */
      readonly cut?: true;
    }
  | { readonly type: 'usage'; readonly usage: Usage };

/**
 * One batch and no more: an answer that came whole. By hand, because an async generator costs several turns of the microtask
 * queue for the one thing that it gives.
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
