import { GatewayError } from '../../src/core/index.ts';

/**
 * Our hold on a prediction that runs, and costs, at Replicate. However the caller goes away, by its signal, by leaving
 * the iterator, or by a failure of ours, the prediction is canceled once; never after it has ended by itself.
 */
export interface Lease {
  /** Aborts with the caller's signal, or when the lease is abandoned. */
  readonly signal: AbortSignal;
  /** The prediction has ended: there is nothing to cancel any more. */
  settle(): void;
  /** Nobody waits for the rest. Returns at once: whoever waited for the cancel's answer would keep a finished one back. */
  abandon(): void;
}

/** `cancel` is called at most once. */
export function lease(outer: AbortSignal, cancel: () => void): Lease {
  const inner = new AbortController();
  let settled = false;
  const end = (reason: unknown) => {
    outer.removeEventListener('abort', onAbort);
    if (!settled) {
      settled = true;
      cancel();
    }
    inner.abort(reason);
  };
  const onAbort = () => end(outer.reason);
  if (outer.aborted) onAbort();
  else outer.addEventListener('abort', onAbort, { once: true });
  return {
    signal: inner.signal,
    settle() {
      settled = true;
    },
    abandon() {
      if (!inner.signal.aborted) end(new GatewayError('canceled', 'The answer is not wanted any more.'));
    },
  };
}
