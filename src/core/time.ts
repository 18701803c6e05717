/** Waiting with an abort signal: for a time, for work, for work that has a time limit. And the UTC day of a moment. */
import { abortReason, type GatewayError } from './errors.ts';

/** Calls back once after so many milliseconds, unless cancelled by the function it returns. */
export type After = (ms: number, callback: () => void) => () => void;

const afterTimeout: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/** Resolves after `ms`, or rejects with the abort's reason. `after` is the timer, which tests replace. */
export function sleep(ms: number, signal: AbortSignal, after: After = afterTimeout): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortReason(signal));
    const onAbort = () => {
      cancel();
      reject(abortReason(signal));
    };
    const cancel = after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Runs `work` under a signal of its own, which aborts with `signal`, or with the error `late` makes when `ms` are
 * over. Leaves no timer behind.
 */
export async function withTimeout<T>(
  ms: number,
  signal: AbortSignal,
  late: () => GatewayError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController();
  const timer = setTimeout(() => limited.abort(late()), ms);
  const onAbort = () => limited.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(limited.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The outcome of work, or a rejection as soon as the signal aborts, even if the work does not listen to the signal.
 */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (thrown: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(thrown);
      },
    );
  });
}

const DAY_MS = 86_400_000;

let known = { number: Number.NaN, text: '' };

/** The UTC day of a moment, as `2026-11-27`. Prices and retirements go by it. Formatted once for each day. */
export function dayOf(ms: number): string {
  const number = Math.floor(ms / DAY_MS);
  if (number !== known.number) known = { number, text: new Date(ms).toISOString().slice(0, 10) };
  return known.text;
}
