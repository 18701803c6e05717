import type { ErrorCode, GatewayError } from '../core/index.ts';
import type { Stage } from './request.ts';

/** What is known of an upstream request that failed, beside the error it failed with. */
export interface Progress {
  /** From asking until it failed. */
  readonly elapsedMs: number;
  readonly stage: Stage;
}

/**
 * What a failure means, by its code: `refused` is the upstream's own no, which nobody bills; `unreachable` is one as well,
 * if it comes promptly; `worked` was taken on; of `failed` and `internal` it depends on how far it had come.
 */
type Meaning = 'refused' | 'unreachable' | 'worked' | 'failed' | 'internal';

const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  invalid_request: 'refused',
  context_length_exceeded: 'refused',
  unsupported_parameter: 'refused',
  model_not_found: 'refused',
  no_eligible_offer: 'refused',
  not_found: 'refused',
  not_implemented: 'refused',
  authentication: 'refused',
  permission_denied: 'refused',
  insufficient_budget: 'refused',
  rate_limit_exceeded: 'refused',
  content_policy: 'refused',
  provider_rate_limited: 'refused',
  provider_overloaded: 'refused',
  provider_auth: 'refused',
  provider_unavailable: 'unreachable',
  provider_error: 'failed',
  // A gateway's 504 says no more than our own timer does: the model may be at work still.
  timeout: 'worked',
  canceled: 'worked',
  stream_interrupted: 'worked',
  internal: 'internal',
};

/** A connection that cannot be made fails sooner. What closes after a longer silence had taken the request. */
export const PROMPT_MS = 2_000;

/**
 * Whether the work of a request that failed may have been billed: a request that was sent in full, and not refused. It
 * is never sent to the same offer again. A provider that knows better (`details.maybeBilled`) is believed.
 */
export function mayBeBilled(error: GatewayError, { elapsedMs, stage }: Progress): boolean {
  if (stage === 'speaking') return true;
  if (error.details.maybeBilled !== undefined) return error.details.maybeBilled;
  switch (MEANINGS[error.code]) {
    case 'refused':
      return false;
    case 'unreachable':
      return stage === 'answered' || elapsedMs > PROMPT_MS;
    case 'worked':
      return true;
    case 'failed':
      // Under a status of success the answer came, and could not be read, or ended in an error.
      return stage === 'answered' || (error.details.upstreamStatus ?? 200) < 300;
    case 'internal':
      return stage === 'answered';
  }
}
