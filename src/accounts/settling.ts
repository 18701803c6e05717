/**
 * Calls of this isolate that are over for their callers and not yet settled with their accounts. A report waits for
 * them, so that whoever has an answer finds it there. Numbers and no promises: a request may not wait for another's.
 */
const calls = new Map<string, number>();

export function beginSettling(account: string): void {
  calls.set(account, (calls.get(account) ?? 0) + 1);
}

export function endSettling(account: string): void {
  const left = (calls.get(account) ?? 1) - 1;
  if (left > 0) calls.set(account, left);
  else calls.delete(account);
}

/** How many there are. */
export const settlingIn = (account: string): number => calls.get(account) ?? 0;

const LOOK_MS = 10;

/** Resolves when there are none, or after so many milliseconds. */
export async function settled(account: string, mostMs: number): Promise<void> {
  for (let waited = 0; settlingIn(account) > 0 && waited < mostMs; waited += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
