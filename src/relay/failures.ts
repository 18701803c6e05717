/** What is reported of attempts that failed, and the one error that a call with no answer ends in. */
import { type AttemptReport, GatewayError } from '../core/index.ts';
import type { Candidate } from '../offers/index.ts';
import type { AttemptFailure } from './attempt.ts';

export const isOf =
  (offer: Candidate) =>
  ({ provider, model }: AttemptReport): boolean =>
    provider === offer.provider && model === offer.upstream;

export const reportOf = (offer: Candidate, { error, maybeBilled }: AttemptFailure, ms: number): AttemptReport => ({
  provider: offer.provider,
  model: offer.upstream,
  type: error.code,
  ...(error.details.upstreamStatus === undefined ? {} : { status: error.details.upstreamStatus }),
  message: error.details.upstreamMessage ?? error.message,
  ...(maybeBilled ? { maybe_billed: true as const } : {}),
  ms,
});

/** Another provider may have no such policy. The caller decides whether it is asked. */
export function refusedByPolicy(error: GatewayError, attempts: readonly AttemptReport[], others: number): GatewayError {
  const advice =
    others > 0 ? ' Set provider.allow_policy_fallbacks to true where another provider may be asked then.' : '';
  return new GatewayError(error.code, `${error.message}${advice}`, { ...error.details, attempts });
}

/**
 * One error for many. An error that the caller can act on comes first: the one on which all providers agree, else a
 * rate limit or overload, which asks for a wait. Otherwise it is the last one.
 */
export function summary(
  errors: readonly GatewayError[],
  attempts: readonly AttemptReport[],
  late: boolean,
): GatewayError {
  const last = errors.at(-1);
  if (!last)
    return new GatewayError('timeout', 'The deadline passed before any provider could be asked.', { attempts });
  const waits = errors.flatMap((error) => error.details.retryAfterMs ?? []);
  const sizes = errors.flatMap((error) => error.details.offers ?? []);
  const told = errors.find((error) => error.code === 'provider_rate_limited' || error.code === 'provider_overloaded');
  const chosen = errors.every((error) => error.code === last.code) ? last : (told ?? last);
  const message =
    attempts.length === 1
      ? chosen.message
      : `No provider could serve this call (${attempts.length} attempts${late ? ', until the deadline' : ''}). ${chosen.message}`;
  return new GatewayError(chosen.code, message, {
    ...chosen.details,
    ...(waits.length > 0 ? { retryAfterMs: Math.min(...waits) } : {}),
    ...(chosen.details.offers ? { offers: sizes } : {}),
    attempts,
  });
}
