import type { Usage } from './usage.ts';

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
