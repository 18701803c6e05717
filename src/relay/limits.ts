import { GatewayError } from '../core/index.ts';

/** Milliseconds. All can be set by the deployment (`CHASQUI_TIMEOUTS`). */
export interface Timeouts {
  /** Until an upstream that was asked to stream answers at all. */
  readonly connectMs: number;
  /** From there until the first content. */
  readonly firstTokenMs: number;
  /** Between two reads of a stream that has begun. */
  readonly idleMs: number;
  /** The whole call, all its attempts included. */
  readonly totalMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 30_000, firstTokenMs: 30_000, idleMs: 30_000, totalMs: 600_000 };

/** What one attempt may take. */
export interface AttemptLimits {
  readonly connectMs: number;
  readonly firstTokenMs: number;
  readonly idleMs: number;
  /** What is left of the whole call. */
  readonly totalMs: number;
}

/** A slow model's time for one token, for answers that come in one piece. */
const MS_PER_TOKEN = 40;
const ASSUMED_TOKENS = 1024;
/** The last offer has nobody to hand over to, so it may take its time: a cold start is better than an error. */
const LAST_OFFER_PATIENCE = 4;

/**
 * The timers exist to reach the next offer in time: while others wait, an attempt gets at most its share of what is left.
 */
export function attemptLimits(
  timeouts: Timeouts,
  leftMs: number,
  othersWaiting: number,
  call: { readonly stream: boolean; readonly maxTokens?: number },
): AttemptLimits {
  const share = leftMs / (othersWaiting + 1);
  const patience = othersWaiting === 0 ? LAST_OFFER_PATIENCE : 1;
  const bounded = (ms: number) => Math.max(1, Math.min(ms * patience, share));
  const whole = timeouts.firstTokenMs + (call.maxTokens ?? ASSUMED_TOKENS) * MS_PER_TOKEN;
  return {
    connectMs: bounded(call.stream ? timeouts.connectMs : whole),
    firstTokenMs: bounded(call.stream ? timeouts.firstTokenMs : whole),
    idleMs: timeouts.idleMs,
    totalMs: leftMs,
  };
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

/** Not retried on the same offer: what hung once is likely to hang again, and may be billed. */
export const timedOut = (provider: string, what: string, ms: number): GatewayError =>
  new GatewayError('timeout', `${provider} ${what} within ${seconds(ms)}.`, { provider, retryable: false });
