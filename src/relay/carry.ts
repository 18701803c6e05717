/**
 * Carries a call to its end: tries its offers in order until one answers, within one deadline, and makes one error of
 * the failures if none does.
 */
import {
  type AttemptReport,
  abortReason,
  type Call,
  completionTokens,
  GatewayError,
  type Provider,
  promptTokens,
  sleep,
} from '../core/index.ts';
import { type Candidate, type OfferSheet, type Plan, planFor } from '../offers/index.ts';
import { type AttemptFailure, type AttemptObserver, attempt, type UpstreamAnswer } from './attempt.ts';
import { attemptOrder, type RetryBudget } from './attempt-order.ts';
import { type HealthBook, isSchemaRefusal } from './health.ts';
import { withSizes } from './overflow.ts';
import { type AttemptLimits, attemptLimits, type Clock, callDeadline, type Timeouts } from './timeouts.ts';

/** One in so many prompts that nothing else counts is counted, to compare it with the provider's usage. */
const UNCOUNTED_COMPARED = 64;

export interface Relay {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly timeouts: Timeouts;
  readonly budget: RetryBudget;
  readonly health: HealthBook;
  /** HTTP requests that the platform lets one call make. It refuses any beyond, which is no provider's failure. */
  readonly subrequests: number;
  readonly clock: Clock;
}

/** How a call came to its answer. */
export interface Served {
  readonly offer: Candidate;
  readonly attempts: readonly AttemptReport[];
  /** Offers whose attempts failed and may have been billed, one entry for each such attempt. */
  readonly maybeBilled: readonly Candidate[];
}

export interface Carried extends Served, UpstreamAnswer {}

/** What one attempt may use, whatever it asks for. */
export interface AttemptTerms {
  readonly provider: Provider;
  readonly limits: AttemptLimits;
  /** When the whole call is over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** No other offer can serve the call. */
  readonly alone: boolean;
  /** Takes one more of the requests that the platform allows the call, if one is left. */
  readonly takeRequest: () => boolean;
  /** Takes one of the provider's retries, if one is left. */
  readonly takeRetry: () => boolean;
  /** Aborts when the caller has left. */
  readonly caller: AbortSignal;
  readonly clock: Clock;
}

export type Outcome<A> =
  | { readonly kind: 'answered'; readonly answer: A }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** What is carried: how an offer would serve the call, and how it is asked. */
export interface Errand<P extends Pick<Plan, 'form'> & { readonly jobs: readonly unknown[] }, A> {
  readonly timeoutMs?: number;
  plan(offer: Candidate, leftMs: number): P;
  /** @param begun when the attempt began, in milliseconds since the epoch */
  attempt(offer: Candidate, plan: P, terms: AttemptTerms, begun: number): Promise<Outcome<A>>;
}

/**
 * Tries the offers in the order of the sheet, under one deadline and one budget of attempts (see `attemptOrder`). A
 * streamed call resolves when its first content is here. Any other resolves when its answer is complete, so that
 * until then no failure reaches the caller.
 */
export async function carry(call: Call, sheet: OfferSheet, caller: AbortSignal, relay: Relay): Promise<Carried> {
  const { answer, ...served } = await carryErrand<Plan, UpstreamAnswer>(
    {
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
      plan: (offer, leftMs) => planFor(call, offer, leftMs),
      attempt: (offer, plan, terms, begun) =>
        attempt({ ...terms, plan, whole: !call.stream, observer: observe(relay, call, offer, plan, begun) }),
    },
    sheet,
    caller,
    relay,
  );
  return { ...answer, ...served };
}

/** The same for any call: what its attempts yield is up to the errand. */
export async function carryErrand<P extends Pick<Plan, 'form'> & { readonly jobs: readonly unknown[] }, A>(
  errand: Errand<P, A>,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
): Promise<Served & { readonly answer: A }> {
  const { clock, timeouts, budget, health } = relay;
  const { deadline, hurried } = callDeadline(errand.timeoutMs, timeouts, clock.now());
  const attempts: AttemptReport[] = [];
  const errors: GatewayError[] = [];
  const maybeBilled: Candidate[] = [];
  const order = attemptOrder(sheet.eligible);
  let requestsLeft = relay.subrequests;

  for (let next = order.next(clock.now()); next.kind === 'ask'; next = order.next(clock.now())) {
    const { offer, wait, as } = next;
    if (clock.now() + wait >= deadline) {
      if (wait === 0) break;
      order.giveUp();
      continue;
    }
    if (as === 'retry' && !budget.has(offer.provider)) {
      order.giveUp();
      continue;
    }
    if (wait > 0) {
      await sleep(wait, caller, clock.after).catch(() => {
        throw abortReason(caller);
      });
    }
    if (as === 'retry' && !budget.take(offer.provider)) {
      order.giveUp();
      continue;
    }
    const provider = relay.providers.get(offer.provider);
    if (!provider)
      throw new GatewayError('internal', `The offer sheet names ${offer.provider}, which is not configured.`);

    const begun = clock.now();
    const situation = {
      leftMs: deadline - begun,
      hurried,
      othersWaiting: order.othersLeft(),
      usual: health.completionTokens(offer.model),
    };
    const plan = errand.plan(offer, situation.leftMs);
    const perJob = provider.about.requestsPerJob ?? 1;
    if (plan.jobs.length * perJob > requestsLeft) {
      order.giveUp();
      continue;
    }
    requestsLeft -= plan.jobs.length * perJob;
    if (as !== 'poll') budget.request(offer.provider);
    const terms: AttemptTerms = {
      provider,
      limits: attemptLimits(timeouts, offer, plan, situation),
      deadline,
      alone: situation.othersWaiting === 0,
      takeRequest: () => {
        requestsLeft -= perJob;
        return requestsLeft >= 0;
      },
      takeRetry: () => budget.take(offer.provider),
      caller,
      clock,
    };
    const outcome = await errand.attempt(offer, plan, terms, begun);
    if (outcome.kind === 'answered') {
      attempts.push({ provider: offer.provider, model: offer.upstream, type: 'ok', ms: clock.now() - begun });
      return { answer: outcome.answer, offer, attempts, maybeBilled };
    }
    if (caller.aborted) throw abortReason(caller);
    const { failure } = outcome;
    const error = await withSizes(failure.error, offer);
    // All requests to a server that is loading the model are one report.
    if (as === 'poll') attempts.splice(attempts.findLastIndex(isOf(offer)), 1);
    attempts.push(reportOf(offer, failure, clock.now() - begun));
    errors.push(error);
    if (failure.fault === 'upstream') health.failed(offer, error, clock.now());
    if (failure.maybeBilled) {
      // Its cost is worked out later, from the prompt's tokens.
      await offer.counter.load?.();
      maybeBilled.push(offer);
    }
    if (error.code === 'content_policy' && !offer.policyFallbacks)
      throw refusedByPolicy(error, attempts, order.othersLeft());
    const refused = isSchemaRefusal(offer, error);
    if (refused) health.schemasRefused(offer, error, clock.now());
    // The same offer in the form without the schema.
    if (refused && offer.plain) order.replaceWith(offer.plain);
    else if (error.retryable && !failure.maybeBilled) order.retryLater(error, clock);
    else order.giveUp();
  }
  throw summary(errors, attempts, deadline <= clock.now());
}

const isOf =
  (offer: Candidate) =>
  ({ provider, model }: AttemptReport): boolean =>
    provider === offer.provider && model === offer.upstream;

const reportOf = (offer: Candidate, { error, maybeBilled }: AttemptFailure, ms: number): AttemptReport => ({
  provider: offer.provider,
  model: offer.upstream,
  type: error.code,
  ...(error.details.upstreamStatus === undefined ? {} : { status: error.details.upstreamStatus }),
  message: error.details.upstreamMessage ?? error.message,
  ...(maybeBilled ? { maybe_billed: true as const } : {}),
  ms,
});

/**
 * Records one attempt in the health book: how fast the offer is, whether it breaks, and whether it counts as we do.
 */
function observe({ health, clock }: Relay, call: Call, offer: Candidate, plan: Plan, asked: number): AttemptObserver {
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
      if (plan.jobs.length === 1) health.cached(offer, usage, now);
      if (usage.source === 'provider' && plan.jobs.length === 1 && asPlanned) health.billed(offer, promptTokens(usage));
      // Only an exact count can show drift, and only of prompts that were sent as often as planned.
      if (usage.source !== 'provider' || plan.promptExactness !== 'exact' || !asPlanned) return;
      // A prompt that nothing else has counted is counted for this only now and then.
      const { samples = 0 } = health.observed(offer.provider, offer.upstream, offer.service) ?? {};
      if (offer.prompt.uncountedBound !== undefined && (plan.counter.load || samples % UNCOUNTED_COMPARED !== 1))
        return;
      health.reported(offer, promptTokens(usage), plan.promptTokens() + offer.reportsExtra * plan.jobs.length);
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

/** Another provider may have no such policy. The caller decides whether it is asked. */
function refusedByPolicy(error: GatewayError, attempts: readonly AttemptReport[], others: number): GatewayError {
  const advice =
    others > 0 ? ' Set provider.allow_policy_fallbacks to true where another provider may be asked then.' : '';
  return new GatewayError(error.code, `${error.message}${advice}`, { ...error.details, attempts });
}

/**
 * One error for many. An error that the caller can act on comes first: the one on which all providers agree, else a
 * rate limit or overload, which asks for a wait. Otherwise it is the last one.
 */
function summary(errors: readonly GatewayError[], attempts: readonly AttemptReport[], late: boolean): GatewayError {
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
