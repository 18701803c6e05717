import {
  type AttemptReport,
  abortReason,
  asGatewayError,
  type Call,
  completionTokens,
  type ErrorCode,
  GatewayError,
  type Provider,
  promptTokens,
} from '../core/index.ts';
import { type Candidate, type OfferSheet, type Plan, planFor } from '../offers/index.ts';
import { type Answer, attempt, type Observer } from './attempt.ts';
import { type Clock, sleep } from './clock.ts';
import type { HealthBook } from './health.ts';
import { attemptLimits, type Timeouts } from './limits.ts';
import { backoffMs, MAX_ATTEMPTS, MAX_TRIES_PER_OFFER, MAX_WAIT_MS, mayRetry, type RetryBudget } from './retry.ts';

export interface Relay {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly timeouts: Timeouts;
  readonly budget: RetryBudget;
  readonly health: HealthBook;
  readonly clock: Clock;
}

export interface Carried extends Answer {
  readonly offer: Candidate;
  readonly attempts: readonly AttemptReport[];
  /** Offers whose attempts failed and may have been billed all the same, one for each such attempt. */
  readonly maybeBilled: readonly Candidate[];
}

interface Turn {
  readonly offer: Candidate;
  readonly tries: number;
  readonly readyAt: number;
}

/**
 * Carries a call to its end: the offers in the sheet's order, each failure handing over to the next, then those worth
 * asking again, under one deadline and one budget of attempts. A streamed call is carried when its first content is here;
 * any other when its answer is complete, so that until then no failure reaches the caller.
 */
export async function carry(call: Call, sheet: OfferSheet, caller: AbortSignal, relay: Relay): Promise<Carried> {
  const { clock } = relay;
  const deadline = clock.now() + Math.min(call.timeoutMs ?? relay.timeouts.totalMs, relay.timeouts.totalMs);
  const attempts: AttemptReport[] = [];
  const errors: GatewayError[] = [];
  const maybeBilled: Candidate[] = [];
  const turns: Turn[] = sheet.eligible.map((offer) => ({ offer, tries: 0, readyAt: 0 }));

  for (let turn = turns.shift(); turn && attempts.length < MAX_ATTEMPTS; turn = turns.shift()) {
    const wait = turn.readyAt - clock.now();
    if (wait > 0) {
      if (wait > MAX_WAIT_MS || turn.readyAt >= deadline) continue;
      await sleep(clock, wait, caller).catch(() => {
        throw abortReason(caller);
      });
    }
    const left = deadline - clock.now();
    if (left <= 0) break;
    const { offer } = turn;
    const provider = relay.providers.get(offer.provider);
    if (!provider)
      throw new GatewayError('internal', `The offer sheet names ${offer.provider}, which is not configured.`);

    const begun = clock.now();
    const report = (type: ErrorCode | 'ok', error?: GatewayError) =>
      attempts.push({
        provider: offer.provider,
        model: offer.upstream,
        type,
        ...(error?.details.upstreamStatus === undefined ? {} : { status: error.details.upstreamStatus }),
        ...(error ? { message: error.details.upstreamMessage ?? error.message } : {}),
        ms: clock.now() - begun,
      });
    relay.budget.request(offer.provider);
    try {
      const limits = attemptLimits(relay.timeouts, left, turns.length, call);
      const plan = planFor(call, offer, limits.totalMs);
      const observer = observe(relay, call, offer, plan);
      const answer = await attempt(provider, plan, !call.stream, limits, caller, clock, observer);
      report('ok');
      return { ...answer, offer, attempts, maybeBilled };
    } catch (thrown) {
      if (caller.aborted) throw abortReason(caller);
      const error = asGatewayError(thrown);
      report(error.code, error);
      errors.push(error);
      relay.health.failed(offer, error, clock.now());
      if (error.details.maybeBilled) maybeBilled.push(offer);
      if (mayRetry(error) && turn.tries + 1 < MAX_TRIES_PER_OFFER && relay.budget.take(offer.provider)) {
        turns.push({ offer, tries: turn.tries + 1, readyAt: clock.now() + backoffMs(turn.tries, error, clock) });
      }
    }
  }
  throw summary(errors, attempts, deadline <= clock.now());
}

/** Keeps account of one attempt: how fast the offer is, whether it breaks, and whether its tokens are ours. */
function observe({ health, clock }: Relay, call: Call, offer: Candidate, plan: Plan): Observer {
  const asked = clock.now();
  let first: number | undefined;
  return {
    begun() {
      first = clock.now();
    },
    ended(usage) {
      const now = clock.now();
      const streamed = call.stream && first !== undefined ? { ttftMs: first - asked } : {};
      const from = call.stream ? (first ?? asked) : asked;
      const outputTokens = completionTokens(usage);
      health.succeeded(offer, { ...streamed, ms: now - from, outputTokens, choices: plan.choices }, now);
      // A prompt that we only estimate shows no drift.
      if (usage.source !== 'provider' || plan.promptExactness !== 'exact') return;
      health.reported(offer, promptTokens(usage), plan.promptTokens + offer.reportsExtra * plan.jobs.length);
    },
    broke: (error) => health.failed(offer, error, clock.now()),
  };
}

/**
 * One error for many: what the caller can do something about comes first (its own request, when every provider refused it
 * the same way; a wait, when somebody asked for one), else the last thing that went wrong.
 */
function summary(errors: readonly GatewayError[], attempts: readonly AttemptReport[], late: boolean): GatewayError {
  const last = errors.at(-1);
  if (!last)
    return new GatewayError('timeout', 'The deadline passed before any provider could be asked.', { attempts });
  const waits = errors.flatMap((error) => error.details.retryAfterMs ?? []);
  const told = errors.find((error) => error.code === 'provider_rate_limited' || error.code === 'provider_overloaded');
  const chosen = errors.every((error) => error.code === last.code) ? last : (told ?? last);
  const message =
    attempts.length === 1
      ? chosen.message
      : `No provider could serve this call (${attempts.length} attempts${late ? ', until the deadline' : ''}). ${chosen.message}`;
  return new GatewayError(chosen.code, message, {
    ...chosen.details,
    ...(waits.length > 0 ? { retryAfterMs: Math.min(...waits) } : {}),
    attempts,
  });
}
