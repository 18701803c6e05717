/**
 * Requests and tokens of the last minute, for limits by the minute. Counts by the second and lets go of a second when
 * it lies wholly more than a minute back: no 60 seconds, wherever they begin, hold more than the limit, and what is
 * taken is free again after 61 seconds at the latest.
 */
import type { LimitState } from './protocol.ts';

/** Any 60 seconds touch at most 61 whole ones. */
const SECONDS = 61;

export interface MinuteUse {
  /** The newest second, since the epoch. */
  second: number;
  readonly requests: Float64Array;
  readonly tokens: Float64Array;
  requestSum: number;
  tokenSum: number;
}

export const newMinute = (now: number): MinuteUse => ({
  second: Math.floor(now / 1000),
  requests: new Float64Array(SECONDS),
  tokens: new Float64Array(SECONDS),
  requestSum: 0,
  tokenSum: 0,
});

/** Of a key that has had no call. Never changed. */
const NO_USE: MinuteUse = { ...newMinute(0), second: Number.MAX_SAFE_INTEGER };

/** Lets go of the seconds that no longer count. */
export function advance(use: MinuteUse, now: number): void {
  const second = Math.floor(now / 1000);
  const passed = Math.min(SECONDS, second - use.second);
  for (let step = 1; step <= passed; step++) {
    const at = (second - passed + step) % SECONDS;
    use.requestSum -= use.requests[at] ?? 0;
    use.tokenSum -= use.tokens[at] ?? 0;
    use.requests[at] = 0;
    use.tokens[at] = 0;
  }
  if (passed > 0) use.second = second;
}

/** Adds to the second of `at`, unless it no longer counts. The minute must have been advanced to now. */
export function take(use: MinuteUse, at: number, requests: number, tokens: number): void {
  const second = Math.floor(at / 1000);
  if (second > use.second || second <= use.second - SECONDS) return;
  const index = second % SECONDS;
  use.requests[index] = (use.requests[index] ?? 0) + requests;
  use.tokens[index] = (use.tokens[index] ?? 0) + tokens;
  use.requestSum += requests;
  use.tokenSum += tokens;
}

/** Milliseconds until no more than `most` of what is counted is left. */
function msUntil(counts: Float64Array, sum: number, most: number, newest: number, now: number): number {
  let left = sum;
  for (let second = newest - SECONDS + 1; second <= newest; second++) {
    if (left <= most) return Math.max(0, (second - 1 + SECONDS) * 1000 - now);
    left -= counts[second % SECONDS] ?? 0;
  }
  return Math.max(0, (newest + SECONDS) * 1000 - now);
}

interface MinuteLimits {
  readonly rpm?: number;
  readonly tpm?: number;
}

/** What is left of each limit. */
export function minuteState(use: MinuteUse | undefined, { rpm, tpm }: MinuteLimits, now: number): LimitState[] {
  const { second, requests, tokens, requestSum, tokenSum } = use ?? NO_USE;
  const states: LimitState[] = [];
  const state = (name: LimitState['name'], limit: number, counts: Float64Array, sum: number) => {
    const resetMs = sum === 0 ? 0 : msUntil(counts, sum, 0, second, now);
    states.push({ name, limit, remaining: Math.max(0, limit - sum), resetMs });
  };
  if (rpm !== undefined) state('rpm', rpm, requests, requestSum);
  if (tpm !== undefined) state('tpm', tpm, tokens, tokenSum);
  return states;
}

/** Which limit one more request with so many tokens would break, and when it no longer will. */
export function minuteRefusal(
  use: MinuteUse = NO_USE,
  { rpm, tpm }: MinuteLimits,
  tokens: number,
  now: number,
): { readonly name: LimitState['name']; readonly limit: number; readonly retryAfterMs?: number } | undefined {
  if (rpm !== undefined && use.requestSum + 1 > rpm) {
    return { name: 'rpm', limit: rpm, retryAfterMs: msUntil(use.requests, use.requestSum, rpm - 1, use.second, now) };
  }
  if (tpm === undefined || use.tokenSum + tokens <= tpm) return undefined;
  // It asks for more than a whole minute has: waiting does not help.
  if (tokens > tpm) return { name: 'tpm', limit: tpm };
  return { name: 'tpm', limit: tpm, retryAfterMs: msUntil(use.tokens, use.tokenSum, tpm - tokens, use.second, now) };
}
