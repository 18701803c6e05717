/** Longest that anything here waits, in ms: no timer outlives it, whatever the client does. */
export const MAX_WAIT_MS = 120_000;

/** Resolves after `ms`, or as soon as the client has gone. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, MAX_WAIT_MS));
    signal.addEventListener('abort', end);
  });
}

/** Says nothing until the client gives up. */
export const hang = (signal: AbortSignal): Promise<void> => sleep(MAX_WAIT_MS, signal);
