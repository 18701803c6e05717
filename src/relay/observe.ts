/** What one attempt teaches: how fast its offer is, whether it breaks, whether it counts as we do, and what it cost. */
import { type Call, completionTokens, promptTokens } from '../core/index.ts';
import type { Candidate, Plan } from '../offers/index.ts';
import type { AttemptObserver } from './attempt.ts';
import type { AttemptBook } from './attempt-book.ts';
import type { HealthBook } from './health.ts';
import type { Clock } from './timeouts.ts';

/** One in so many prompts that nothing else counts is counted, to compare it with the provider's usage. */
const UNCOUNTED_COMPARED = 64;

/**
 * Records one attempt in the health book: how fast the offer is, whether it breaks, and whether it counts as we do.
 */
export function observe(
  { health, clock }: { readonly health: HealthBook; readonly clock: Clock },
  call: Call,
  offer: Candidate,
  plan: Plan,
  asked: number,
  { book, caller }: { readonly book?: AttemptBook | undefined; readonly caller: AbortSignal },
): AttemptObserver {
  let first: number | undefined;
  let asPlanned = true;
  return {
    begun() {
      first = clock.now();
      book?.begun();
    },
    ended(usage, unreadMs, facts) {
      const now = clock.now();
      book?.complete(usage, facts);
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
    stopped(error, count, facts) {
      book?.stopped(error, count(), facts, caller.aborted || error.code === 'canceled');
    },
    ignoresN() {
      asPlanned = false;
      health.ignoredN(offer);
    },
  };
}
