import { sleep } from '../wait.ts';

/**
 * A barrier at which requests wait until it is opened, so that a test can look at a moment in which all of them are
 * under way. One for the whole sandbox: the fault `barrier` says which requests stop at it.
 */
let closed = true;
let waiting = 0;

/** How often a waiting request looks: requests cannot wake one another in the runtime. */
const LOOK_MS = 100;

/** Waits at the barrier, if it is closed, or until the client has gone. */
export async function stopAtBarrier(signal: AbortSignal): Promise<void> {
  waiting++;
  try {
    while (closed && !signal.aborted) await sleep(LOOK_MS, signal);
  } finally {
    waiting--;
  }
}

export const barrier = () => ({ closed, waiting });

export function openBarrier(): void {
  closed = false;
}

export function closeBarrier(): void {
  closed = true;
}
