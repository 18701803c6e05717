/** What an account refuses, as errors that callers can act on. */
import { formatDollars, GatewayError } from '../core/index.ts';
import type { CallOutcome, ExtendReply, KeyTerms, ReserveReply } from './protocol.ts';

type Refused = Extract<ReserveReply | ExtendReply, { kind: 'refused' }>;
type Repeated = Extract<ReserveReply, { kind: 'repeated' }>;

const IDEMPOTENCY = { param: 'Idempotency-Key' };

/** The terms of the key have changed since the offers were chosen. Nothing was sent: choose again by these. */
export class StaleTerms extends GatewayError {
  readonly terms: KeyTerms;

  constructor(terms: KeyTerms) {
    super('internal', 'The terms of this key have changed again and again. Try again.', {
      status: 503,
      retryable: true,
      retryAfterMs: 1_000,
    });
    this.terms = terms;
  }
}

export function refusalOf(reply: Refused): GatewayError {
  const { code, message } = reply;
  const after = 'retryAfterMs' in reply ? reply.retryAfterMs : undefined;
  return new GatewayError(code, message, after === undefined ? {} : { retryAfterMs: after });
}

/** A call with an `Idempotency-Key` that was used before. */
export function repeatOf(reply: Repeated): GatewayError {
  switch (reply.state) {
    case 'running':
      return new GatewayError(
        'request_in_progress',
        `The call with this Idempotency-Key is under way as ${reply.call}. Ask again later.`,
        { ...IDEMPOTENCY, retryable: true, retryAfterMs: reply.retryAfterMs },
      );
    case 'done':
      return new GatewayError(
        'already_completed',
        `The call with this Idempotency-Key was made before, as ${reply.call}. Its text is kept nowhere: metadata.receipt says what it came to. Use another key to make the call again.`,
        { ...IDEMPOTENCY, receipt: receiptOf(reply.call, reply.came) },
      );
    case 'other_body':
      return new GatewayError(
        'invalid_request',
        'This Idempotency-Key was used for another body or route. Use a new key for each call.',
        { ...IDEMPOTENCY, status: 422 },
      );
  }
}

function receiptOf(id: string, came: CallOutcome | undefined): Readonly<Record<string, unknown>> {
  if (!came) return { id };
  return {
    id,
    outcome: came.outcome,
    status: came.status,
    ended_at: new Date(came.endedAt).toISOString(),
    attempts: came.attempts.map(({ attempt, outcome, money, cost, usage }) => ({
      attempt,
      outcome,
      money,
      cost: cost === undefined ? null : formatDollars(cost),
      ...(usage
        ? {
            prompt_tokens: usage.input + usage.cacheRead + usage.cacheWrite,
            completion_tokens: usage.output + usage.reasoning,
          }
        : {}),
    })),
  };
}
