/**
 * Carries a call to its end: tries its offers in order until one answers, within one deadline, and makes one error of
 * the failures if none does.
 */
import type { Admission } from '../accounts/index.ts';
import {
  type AttemptReport,
  abortReason,
  asGatewayError,
  type Call,
  GatewayError,
  type Provider,
  sleep,
} from '../core/index.ts';
import { type Candidate, type OfferSheet, type Plan, planFor } from '../offers/index.ts';
import { type AttemptFailure, attempt, type UpstreamAnswer } from './attempt.ts';
import { type AttemptBook, attemptBook } from './attempt-book.ts';
import { attemptOrder, type RetryBudget } from './attempt-order.ts';
import { type Admitted, coverage } from './cover.ts';
import { isOf, refusedByPolicy, reportOf, summary } from './failures.ts';
import { type HealthBook, isSchemaRefusal } from './health.ts';
import { observe } from './observe.ts';
import { withSizes } from './overflow.ts';
import { type AttemptLimits, attemptLimits, type Clock, callDeadline, type Timeouts } from './timeouts.ts';

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
  /** The most output tokens for each choice, where the budget does not pay for more. */
  readonly clamped?: number;
  /** The offer that would have been asked first, if the budget paid for a whole answer of it (`at_limit: cheaper`). */
  readonly insteadOf?: Candidate;
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
  /** Where the call has an account: is told how the attempt ended, unless it failed, which is known without that. */
  readonly book?: AttemptBook | undefined;
  /** Is told the signal of the attempt's requests, where they are to say to which trace they belong. */
  readonly carry?: ((signal: AbortSignal) => void) | undefined;
  /** Resolves with why the account refuses the call, if it does. */
  readonly refusal?: Promise<GatewayError | undefined> | undefined;
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
  /** Nobody is to see an answer. */
  discard?(answer: A): void;
}

/**
 * Tries the offers in the order of the sheet, under one deadline and one budget of attempts (see `attemptOrder`). A
 * streamed call resolves when its first content is here. Any other resolves when its answer is complete, so that
 * until then no failure reaches the caller.
 */
export async function carry(
  call: Call,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account?: Admission,
): Promise<Carried> {
  const { answer, ...served } = await carryErrand<Plan, UpstreamAnswer>(
    {
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
      plan: (offer, leftMs) => planFor(call, offer, leftMs),
      attempt: (offer, plan, terms, begun) =>
        attempt({
          ...terms,
          plan,
          whole: !call.stream,
          observer: observe(relay, call, offer, plan, begun, terms),
        }),
      discard: ({ events }) => {
        // A failure of what nobody reads is of no interest.
        events[Symbol.asyncIterator]()
          .return?.()
          ?.catch(() => undefined);
      },
    },
    sheet,
    caller,
    relay,
    account,
  );
  return { ...answer, ...served };
}

/** The same for any call: what its attempts yield is up to the errand. */
export async function carryErrand<P extends Pick<Plan, 'form'> & { readonly jobs: readonly unknown[] }, A>(
  errand: Errand<P, A>,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account: Admission | undefined,
): Promise<Served & { readonly answer: A }> {
  const { clock, timeouts, budget, health } = relay;
  const { deadline, hurried } = callDeadline(errand.timeoutMs, timeouts, clock.now());
  const attempts: AttemptReport[] = [];
  const errors: GatewayError[] = [];
  const maybeBilled: Candidate[] = [];
  const cover = account && coverage(account, deadline, clock.now);
  let order = attemptOrder(sheet.eligible);
  let requestsLeft = relay.subrequests;

  for (;;) {
    const next = order.next(clock.now());
    if (next.kind === 'end') {
      const shorter = cover?.shorter() ?? [];
      if (shorter.length === 0) break;
      order = attemptOrder(shorter);
      continue;
    }
    const { wait, as } = next;
    let { offer } = next;
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
    let plan = errand.plan(offer, situation.leftMs);
    const perJob = provider.about.requestsPerJob ?? 1;
    if (plan.jobs.length * perJob > requestsLeft) {
      order.giveUp();
      continue;
    }
    let book: AttemptBook | undefined;
    let carry: AttemptTerms['carry'];
    let clamped: number | undefined;
    let insteadOf: Candidate | undefined;
    if (account && cover) {
      const covering = cover.cover(offer, plan.jobs.length);
      const admitted: Admitted | undefined = covering instanceof Promise ? await covering : covering;
      if (!admitted) {
        order.passOver();
        continue;
      }
      if (admitted.offer !== offer) {
        offer = admitted.offer;
        clamped = offer.output.maxTokens;
        plan = errand.plan(offer, situation.leftMs);
      }
      insteadOf = admitted.insteadOf;
      const others = otherFamilies(offer, sheet);
      if (account.carry) carry = (signal) => account.carry?.(admitted.attempt, signal);
      book = attemptBook({ account, ...admitted, requests: plan.jobs.length, others, clock });
      if (caller.aborted) {
        const error = abortReason(caller);
        book.failed({ error, maybeBilled: false, fault: 'nobody' }, true);
        throw error;
      }
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
      book,
      carry,
      refusal: account?.refusal,
    };
    const outcome = await errand.attempt(offer, plan, terms, begun).catch((thrown: unknown) => {
      // It was sent, and we failed over what came of it.
      book?.failed({ error: asGatewayError(thrown), maybeBilled: true, fault: 'nobody' }, false);
      throw thrown;
    });
    const admitting = account?.admitted();
    if (outcome.kind === 'answered') {
      const refused = admitting instanceof Promise ? await admitting : admitting;
      if (refused) {
        errand.discard?.(outcome.answer);
        throw refused;
      }
      attempts.push({ provider: offer.provider, model: offer.upstream, type: 'ok', ms: clock.now() - begun });
      const served = { answer: outcome.answer, offer, attempts, maybeBilled };
      if (clamped === undefined && !insteadOf) return served;
      return { ...served, ...(clamped === undefined ? {} : { clamped }), ...(insteadOf ? { insteadOf } : {}) };
    }
    book?.failed(outcome.failure, isUnwanted(caller, outcome.failure));
    if (caller.aborted) throw abortReason(caller);
    if (admitting && !(admitting instanceof Promise)) throw admitting;
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
    const schemaRefused = isSchemaRefusal(offer, error);
    if (schemaRefused) health.schemasRefused(offer, error, clock.now());
    const shorter = shortenedBy(offer, error);
    if (shorter) health.outputLimited(offer, shorter.limit, clock.now());
    // The same offer in the form without the schema, or with an answer as long as it gives.
    if (schemaRefused && offer.plain) order.replaceWith(offer.plain);
    else if (shorter?.offer) order.replaceWith(shorter.offer);
    else if (error.retryable && !failure.maybeBilled) order.retryLater(error, clock);
    else order.giveUp();
  }
  throw cover?.shortage(attempts) ?? summary(errors, attempts, deadline <= clock.now());
}

/** What an offer said of its output when it refused so much, and the same offer with as much as it gives. */
function shortenedBy(offer: Candidate, { details }: GatewayError) {
  const limit = details.outputLimit;
  const { maxTokens = 0 } = offer.output;
  // A limit that was kept is none that can be met.
  if (limit === undefined || limit < 1 || limit >= maxTokens) return undefined;
  return { limit, offer: offer.shortened?.(limit) };
}

const NONE: readonly Candidate[] = [];

/** An offer of each other tokenizer family that the call's model has here. */
function otherFamilies({ model, family }: Candidate, { eligible }: OfferSheet): readonly Candidate[] {
  let others = NONE;
  for (const other of eligible) {
    if (other.model !== model || other.family === family || others.some((one) => one.family === other.family)) continue;
    others = [...others, other];
  }
  return others;
}

/** The caller left, or a vote was decided without it. */
const isUnwanted = (caller: AbortSignal, { error }: AttemptFailure): boolean =>
  caller.aborted && error.code === 'canceled';
