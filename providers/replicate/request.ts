import { GatewayError, type PromptJob } from '../../src/core/index.ts';
import { inputOf } from './input.ts';

/** The one request that creates a prediction. */
export interface CreateRequest {
  /** Below the API's base URL. */
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>>;
}

const OFFICIAL = /^(\w[\w.-]{0,127})\/(\w[\w.-]{0,127})$/;
const PINNED = /^(?:\w[\w.-]{0,127}\/\w[\w.-]{0,127}:([0-9a-z]{4,128})|([0-9a-f]{64}))$/;

/**
 * Longest time, in seconds, that the create call stays open for the answer (`Prefer: wait=n`, n ≤ 60). Kept short,
 * because a prediction can be canceled only by its id, and the id comes with this answer; after it, polling takes over.
 */
const MAX_WAIT_S = 5;

/** `Prefer: wait=n` in whole seconds, within the deadline. */
const preferWait = (deadlineMs: number): string =>
  `wait=${Math.min(MAX_WAIT_S, Math.max(1, Math.floor(deadlineMs / 1000)))}`;

const MIN_CANCEL_AFTER_S = 5;
/** Replicate ends every run after 30 minutes. */
const MAX_CANCEL_AFTER_S = 30 * 60;

/**
 * `Cancel-After` for a deadline: seconds up to a minute, whole minutes above it, rounded up. It bounds what a
 * prediction may cost that nobody is left to cancel. https://replicate.com/changelog/2025-10-16-prediction-deadlines
 */
export function cancelAfter(deadlineMs: number): string {
  const seconds = Math.min(MAX_CANCEL_AFTER_S, Math.max(MIN_CANCEL_AFTER_S, Math.ceil(deadlineMs / 1000)));
  return seconds <= 60 ? `${seconds}s` : `${Math.ceil(seconds / 60)}m`;
}

/** How to ask Replicate for a job: official models by name, all others by their version. */
export function createRequest(job: PromptJob): CreateRequest {
  const headers: Record<string, string> = { 'Cancel-After': cancelAfter(job.deadlineMs) };
  if (!job.stream) headers.Prefer = preferWait(job.deadlineMs);
  const official = OFFICIAL.exec(job.model);
  if (official) {
    return { route: `models/${official[1]}/${official[2]}/predictions`, headers, data: { input: inputOf(job) } };
  }
  const pinned = PINNED.exec(job.model);
  const version = pinned?.[1] ?? pinned?.[2];
  if (version) return { route: 'predictions', headers, data: { version, input: inputOf(job) } };
  throw new GatewayError(
    'model_not_found',
    'Replicate names models as owner/name, owner/name:version or version. Correct the name of this one.',
    { provider: 'replicate' },
  );
}
