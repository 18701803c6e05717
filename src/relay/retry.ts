/**
 * Retries are at most a tenth of a provider's requests, so that an outage is not amplified: a bucket that each request
 * fills by 0.1 and each retry empties by 1. It starts full, so that a quiet deployment can retry too.
 */
export interface RetryBudget {
  request(provider: string): void;
  /** Whether there is a retry to take: if not, nobody need wait for one. */
  has(provider: string): boolean;
  /** Takes one retry, if there is one: when it is made, not when it is planned. */
  take(provider: string): boolean;
}

const FULL = 10;
const PER_REQUEST = 0.1;

export function retryBudget(): RetryBudget {
  const left = new Map<string, number>();
  return {
    request(provider) {
      left.set(provider, Math.min(FULL, (left.get(provider) ?? FULL) + PER_REQUEST));
    },
    has: (provider) => (left.get(provider) ?? FULL) >= 1,
    take(provider) {
      const tokens = left.get(provider) ?? FULL;
      if (tokens < 1) return false;
      left.set(provider, tokens - 1);
      return true;
    },
  };
}
