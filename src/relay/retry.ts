import type { GatewayError } from '../core/index.ts';
import type { Clock } from './clock.ts';

/** Tries at one offer, the first included. */
export const MAX_TRIES_PER_OFFER = 3;
/** Upstream attempts of one call, over all its offers. */
export const MAX_ATTEMPTS = 6;
/** Longest wait for one retry, whatever `Retry-After` says: a caller is better served by its own 429 then. */
export const MAX_WAIT_MS = 30_000;

const BASE_MS = 250;
const CAP_MS = 8_000;

/**
 * How long to wait before asking the same offer again: full jitter (uniform in 0 … base·2^tries), and never less than
 * the provider asked for.
 */
export function backoffMs(tries: number, error: GatewayError, clock: Clock): number {
  const jitter = clock.random() * Math.min(CAP_MS, BASE_MS * 2 ** tries);
  return Math.max(jitter, error.details.retryAfterMs ?? 0);
}

/** Whether the same offer may be asked again: never where the work may already have been billed. */
export const mayRetry = (error: GatewayError): boolean => error.retryable && error.details.maybeBilled !== true;

/**
 * Retries are at most a tenth of a provider's requests, so that an outage is not amplified: a bucket that each request
 * fills by 0.1 and each retry empties by 1. It starts full, so that a quiet deployment can retry too.
 */
export interface RetryBudget {
  request(provider: string): void;
  /** Takes one retry, if there is one. */
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
    take(provider) {
      const tokens = left.get(provider) ?? FULL;
      if (tokens < 1) return false;
      left.set(provider, tokens - 1);
      return true;
    },
  };
}
