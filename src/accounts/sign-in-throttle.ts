/** Limits how many wrong keys may be tried at the sign-in: in each isolate, and in an object for all of them. */

export interface SignInThrottle {
  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string, now: number): number;
  /** A key that this address sent was wrong. */
  failed(address: string, now: number): void;
}

const WINDOW_MS = 60_000;
/** Wrong keys within a minute: of one address, and of all together. */
const MOST_OF_ONE = 10;
const MOST_OF_ALL = 100;
const MOST_ADDRESSES = 1_000;

interface Failures {
  readonly count: number;
  /** When they are forgotten, in milliseconds since the epoch. */
  readonly until: number;
}

const NONE: Failures = { count: 0, until: 0 };

const oneMore = (before: Failures, now: number): Failures =>
  before.until > now ? { ...before, count: before.count + 1 } : { count: 1, until: now + WINDOW_MS };

const waitOf = ({ count, until }: Failures, most: number, now: number): number =>
  count >= most && until > now ? until - now : 0;

export function signInThrottle(): SignInThrottle {
  let all = NONE;
  const byAddress = new Map<string, Failures>();
  return {
    waitMs: (address, now) =>
      Math.max(waitOf(byAddress.get(address) ?? NONE, MOST_OF_ONE, now), waitOf(all, MOST_OF_ALL, now)),
    failed(address, now) {
      all = oneMore(all, now);
      const known = oneMore(byAddress.get(address) ?? NONE, now);
      // The oldest is forgotten first. Whoever uses that many addresses meets the limit of all together.
      byAddress.delete(address);
      const [oldest] = byAddress.keys();
      if (byAddress.size >= MOST_ADDRESSES && oldest !== undefined) byAddress.delete(oldest);
      byAddress.set(address, known);
    },
  };
}
