import type { LimitState } from '../accounts/index.ts';

/**
 * What is left of a key's limits, in the two forms that clients read: OpenAI's (`x-ratelimit-*`, resets as durations
 * until all of it is there again; developers.openai.com/api/docs/guides/rate-limits) and the IETF's
 * (draft-ietf-httpapi-ratelimit-headers-11, resets in whole seconds).
 */

const OPENAI_NAMES: Readonly<Record<LimitState['name'], string>> = { rpm: 'requests', tpm: 'tokens' };
const WINDOW_S = 60;

/** A duration as OpenAI writes it: `12ms`, `1s`, `8.64s`, `6m0s`. */
function duration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1_000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${(whole - minutes * 60_000) / 1_000}s`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** The headers for these limits; none for a key without limits. */
export function limitHeaders(limits: readonly LimitState[]): Record<string, string> {
  if (limits.length === 0) return {};
  const headers: Record<string, string> = {
    'ratelimit-policy': limits.map(({ name, limit }) => `"${name}";q=${limit};w=${WINDOW_S}`).join(', '),
    ratelimit: limits
      .map(({ name, remaining, resetMs }) => `"${name}";r=${Math.max(0, remaining)};t=${Math.ceil(resetMs / 1_000)}`)
      .join(', '),
  };
  for (const { name, limit, remaining, resetMs } of limits) {
    const called = OPENAI_NAMES[name];
    headers[`x-ratelimit-limit-${called}`] = String(limit);
    headers[`x-ratelimit-remaining-${called}`] = String(Math.max(0, remaining));
    headers[`x-ratelimit-reset-${called}`] = duration(resetMs);
  }
  return headers;
}
