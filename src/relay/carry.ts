import {
  type AttemptReport,
  abortReason,
  type Call,
  completionTokens,
  GatewayError,
  type Provider,
  promptTokens,
} from '../core/index.ts';
import { type Candidate, type OfferSheet, type Plan, planFor } from '../offers/index.ts';
import { type Answer, attempt, type Failure, type Observer } from './attempt.ts';
import { type Clock, sleep } from './clock.ts';
import type { HealthBook } from './health.ts';
import { isSchemaRefusal } from './learned.ts';
import { attemptLimits, type Timeouts } from './limits.ts';
import type { RetryBudget } from './retry.ts';
import { turnsOf } from './turns.ts';

export interface Relay {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly timeouts: Timeouts;
  readonly budget: RetryBudget;
  readonly health: HealthBook;
  /** HTTP requests that the platform lets one call make: beyond them it refuses any, which is no provider's failure. */
  readonly subrequests: number;
  readonly clock: Clock;
}

export interface Carried extends Answer {
  readonly offer: Candidate;
  readonly attempts: readonly AttemptReport[];
  /** Offers whose attempts failed and may have been billed all the same, one for each such attempt. */
  readonly maybeBilled: readonly Candidate[];
}

/**
 * Carries a call to its end: the offers in the sheet's order, each failure handing over to the next, under one deadline and
 * one budget of attempts (see `turnsOf`). A streamed call is carried when its first content is here; any other when its
 * answer is complete, so that until then no failure reaches the caller.
 */
export async function carry(call: Call, sheet: OfferSheet, caller: AbortSignal, relay: Relay): Promise<Carried> {
  const { clock, timeouts, budget, health } = relay;
  const totalMs = Math.min(call.timeoutMs ?? timeouts.totalMs, timeouts.totalMs);
  const hurried = totalMs < timeouts.totalMs;
  const deadline = clock.now() + totalMs;
  const attempts: AttemptReport[] = [];
  const errors: GatewayError[] = [];
  const maybeBilled: Candidate[] = [];
  const turns = turnsOf(sheet.eligible);
  let requestsLeft = relay.subrequests;

  for (let turn = turns.next(clock.now()); turn.kind === 'ask'; turn = turns.next(clock.now())) {
    const { offer, wait } = turn;
    if (clock.now() + wait >= deadline) {
      if (wait === 0) break;
      turns.spent();
      continue;
    }
    if (turn.as === 'retry' && !budget.has(offer.provider)) {
      turns.spent();
      continue;
    }
    if (wait > 0) {
      await sleep(clock, wait, caller).catch(() => {
        throw abortReason(caller);
      });
    }
    if (turn.as === 'retry' && !budget.take(offer.provider)) {
      turns.spent();
      continue;
    }
    const provider = relay.providers.get(offer.provider);
    if (!provider)
      throw new GatewayError('internal', `The offer sheet names ${offer.provider}, which is not configured.`);

    const begun = clock.now();
    const situation = {
      leftMs: deadline - begun,
      hurried,
      othersWaiting: turns.others(),
      usual: health.completionTokens(offer.model),
    };
    const plan = planFor(call, offer, situation.leftMs);
    const perJob = provider.about.requestsPerJob ?? 1;
    if (plan.jobs.length * perJob > requestsLeft) {
      turns.spent();
      continue;
    }
    requestsLeft -= plan.jobs.length * perJob;
    if (turn.as !== 'look') budget.request(offer.provider);
    const outcome = await attempt(
      {
        provider,
        plan,
        limits: attemptLimits(timeouts, offer, plan, situation),
        deadline,
        whole: !call.stream,
        takeRequest: () => {
          requestsLeft -= perJob;
          return requestsLeft >= 0;
        },
        alone: situation.othersWaiting === 0,
        takeRetry: () => budget.take(offer.provider),
      },
      caller,
      clock,
      observe(relay, call, offer, plan),
    );
    if (outcome.kind === 'answered') {
      attempts.push({ provider: offer.provider, model: offer.upstream, type: 'ok', ms: clock.now() - begun });
      return { ...outcome.answer, offer, attempts, maybeBilled };
    }
    if (caller.aborted) throw abortReason(caller);
    const { failure } = outcome;
    const { error } = failure;
    // One report for all the looks at a model that is being loaded.
    if (turn.as === 'look') attempts.splice(attempts.findLastIndex(isOf(offer)), 1);
    attempts.push(reportOf(offer, failure, clock.now() - begun));
    errors.push(error);
    if (failure.fault === 'upstream') health.failed(offer, error, clock.now());
    if (failure.maybeBilled) maybeBilled.push(offer);
    if (error.code === 'content_policy' && !offer.policyFallbacks)
      throw refusedByPolicy(error, attempts, turns.others());
    const refused = isSchemaRefusal(offer, error);
    if (refused) health.schemasRefused(offer, error, clock.now());
    // The same offer, as it served before it could hold an answer to a schema.
    if (refused && offer.plain) turns.instead(offer.plain);
    else if (error.retryable && !failure.maybeBilled) turns.later(error, clock);
    else turns.spent();
  }
  throw summary(errors, attempts, deadline <= clock.now());
}

const isOf =
  (offer: Candidate) =>
  ({ provider, model }: AttemptReport): boolean =>
    provider === offer.provider && model === offer.upstream;

const reportOf = (offer: Candidate, { error, maybeBilled }: Failure, ms: number): AttemptReport => ({
  provider: offer.provider,
  model: offer.upstream,
  type: error.code,
  ...(error.details.upstreamStatus === undefined ? {} : { status: error.details.upstreamStatus }),
  message: error.details.upstreamMessage ?? error.message,
  ...(maybeBilled ? { maybe_billed: true as const } : {}),
  ms,
});

/** Keeps account of one attempt: how fast the offer is, whether it breaks, and whether its tokens are ours. */
function observe({ health, clock }: Relay, call: Call, offer: Candidate, plan: Plan): Observer {
  const asked = clock.now();
  let first: number | undefined;
  let asPlanned = true;
  return {
    begun() {
      first = clock.now();
    },
    ended(usage, unreadMs) {
      const now = clock.now();
      const streamed = call.stream && first !== undefined ? { ttftMs: first - asked } : {};
      const from = call.stream ? (first ?? asked) : asked;
      const outputTokens = completionTokens(usage);
      const ms = Math.max(0, now - from - unreadMs);
      health.succeeded(offer, { ...streamed, ms, outputTokens, choices: plan.choices }, now);
      if (usage.source === 'provider' && plan.jobs.length === 1 && asPlanned) health.billed(offer, promptTokens(usage));
      // A prompt that we only estimate shows no drift, and one that was sent more often than planned shows none either.
      if (usage.source !== 'provider' || plan.promptExactness !== 'exact' || !asPlanned) return;
      health.reported(offer, promptTokens(usage), plan.promptTokens + offer.reportsExtra * plan.jobs.length);
    },
    broke(error, fault) {
      if (fault === 'upstream') health.failed(offer, error, clock.now());
    },
    ignoresN() {
      asPlanned = false;
      health.ignoredN(offer);
    },
  };
}

/** Another provider may have no such policy: whether it is asked is the caller's decision. */
function refusedByPolicy(error: GatewayError, attempts: readonly AttemptReport[], others: number): GatewayError {
  const advice =
    others > 0 ? ' Set provider.allow_policy_fallbacks to true where another provider may be asked then.' : '';
  return new GatewayError(error.code, `${error.message}${advice}`, { ...error.details, attempts });
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
