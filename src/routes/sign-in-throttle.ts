/** Limits how many wrong keys an address may try at the sign-in, within one isolate. */

export interface SignInThrottle {
  /** Milliseconds until the address may try again; 0: now. */
  waitMs(address: string, now: number): number;
  /** A key that this address sent was wrong. */
  failed(address: string, now: number): void;
}

const WINDOW_MS = 60_000;
/** Wrong keys in a minute: of one address, and of all together. */
const MOST_FAILURES = 10;
const MOST_OF_ALL = 100;
const ALL = '*';
const MOST_ADDRESSES = 1_000;

interface Failures {
  count: number;
  /** When they are forgotten, in milliseconds since the epoch. */
  readonly until: number;
}

export function signInThrottle(): SignInThrottle {
  const failures = new Map<string, Failures>();

  function wait(name: string, most: number, now: number): number {
    const known = failures.get(name);
    return known && known.until > now && known.count >= most ? known.until - now : 0;
  }

  function count(name: string, now: number): void {
    const known = failures.get(name);
    if (known && known.until > now) {
      known.count++;
      return;
    }
    failures.delete(name);
    failures.set(name, { count: 1, until: now + WINDOW_MS });
    // The oldest goes; while there are that many addresses, the limit of all together holds.
    const [oldest] = [...failures.keys()].filter((one) => one !== ALL);
    if (failures.size > MOST_ADDRESSES && oldest !== undefined) failures.delete(oldest);
  }

  return {
    waitMs: (address, now) => Math.max(wait(`a ${address}`, MOST_FAILURES, now), wait(ALL, MOST_OF_ALL, now)),
    failed(address, now) {
      count(`a ${address}`, now);
      count(ALL, now);
    },
  };
}
