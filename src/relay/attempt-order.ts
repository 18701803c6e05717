/** Which offer of a call is tried next, when and how often, and each provider's budget of retries. */
import type { GatewayError } from '../core/index.ts';
import type { Candidate } from '../offers/index.ts';
import type { Clock } from './timeouts.ts';

/** Tries at one offer, the first included. */
const MAX_TRIES_PER_OFFER = 3;
/** Upstream attempts of one call, over all its offers. */
const MAX_ATTEMPTS = 6;
/** Longest wait for one retry, whatever `Retry-After` says. Beyond it the caller is better served by a 429. */
const MAX_WAIT_MS = 30_000;
/** Longest wait for the same model before another model is asked. */
const QUICK_WAIT_MS = 3_000;
/** Retries of one model's offers before another model is asked. */
const QUICK_RETRIES = 2;

const BASE_MS = 250;
const CAP_MS = 8_000;

/** Pauses between two requests to a server that says it is loading the model. Such a request is never billed. */
const LOADING_MS = 1_000;
const LOADING_CAP_MS = 5_000;
/** The longest that we wait for a model to be loaded, from the first time that its server said so. */
const LOADING_PATIENCE_MS = 120_000;

/** The state of one offer in a call. */
type OfferState =
  | { readonly kind: 'fresh' }
  /** `told`: the wait that its `Retry-After` asked for, in milliseconds. */
  | { readonly kind: 'waiting'; readonly tries: number; readonly told: number; readonly readyAt: number }
  /** Its server is loading the model: when it first said so, and how often we have asked since. */
  | { readonly kind: 'loading'; readonly since: number; readonly polls: number; readonly readyAt: number }
  | { readonly kind: 'spent' };

interface Entry {
  offer: Candidate;
  /** The position of its model among the call's models, which are tried in order. */
  readonly run: number;
  state: OfferState;
}

/** The next thing to do for a call. */
export type NextAttempt =
  | {
      readonly kind: 'ask';
      readonly offer: Candidate;
      /** Milliseconds to wait before. */
      readonly wait: number;
      /** `retry` takes one of the provider's retries. `poll` asks a server again that was loading the model. */
      readonly as: 'first' | 'retry' | 'poll';
    }
  | { readonly kind: 'end' };

/** Each method but `next` and `othersLeft` is about the offer that `next` gave last. */
export interface AttemptOrder {
  next(now: number): NextAttempt;
  /** Do not ask this offer again. */
  giveUp(): void;
  /** It was not asked, and is not to be. */
  passOver(): void;
  /** Ask it again at once in another form. */
  replaceWith(offer: Candidate): void;
  /** It failed in a way that may pass: ask it again later. */
  retryLater(error: GatewayError, clock: Clock): void;
  /** Other offers that may still serve the call. */
  othersLeft(): number;
}

/** The wait before a retry: exponential backoff with full jitter, and never less than `Retry-After`. */
function backoffMs(tries: number, error: GatewayError, clock: Clock): number {
  const jitter = clock.random() * Math.min(CAP_MS, BASE_MS * 2 ** tries);
  return Math.max(jitter, error.details.retryAfterMs ?? 0);
}

/**
 * The order of a call's attempts. First each offer of the first model, once. Then those of them that may succeed in a
 * moment are retried, because another model is a last resort. Then the next model's offers in the same way. When all
 * were asked, what may succeed later is waited for. Offers with an open breaker are last in the sheet, and so here.
 */
export function attemptOrder(eligible: readonly Candidate[]): AttemptOrder {
  let run = -1;
  let model: string | undefined;
  const entries: Entry[] = eligible.map((offer) => {
    if (offer.model !== model) run++;
    model = offer.model;
    return { offer, run, state: { kind: 'fresh' } };
  });
  const runs = run + 1;
  let at = 0;
  let quick = 0;
  let asked = 0;
  let last: Entry | undefined;

  const take = (entry: Entry, as: 'first' | 'retry' | 'poll', wait: number): NextAttempt => {
    last = entry;
    if (as !== 'poll') asked++;
    return { kind: 'ask', offer: entry.offer, wait, as };
  };

  /**
   * The entry to retry next, of those that are ready within `within` milliseconds: the one with the least of its
   * `Retry-After` left, then the one with the fewest tries. Jitter decides when and not which, so that the same
   * failures lead to the same attempts.
   */
  function soonest(among: readonly Entry[], now: number, within: number): { entry: Entry; wait: number } | undefined {
    let best: { entry: Entry; wait: number; rank: readonly [number, number] } | undefined;
    for (const entry of among) {
      const { state } = entry;
      if (state.kind !== 'waiting' && state.kind !== 'loading') continue;
      if (state.kind === 'waiting' && asked >= MAX_ATTEMPTS) continue;
      const wait = Math.max(0, state.readyAt - now);
      const rank = state.kind === 'waiting' ? ([state.told && wait, state.tries] as const) : ([wait, 0] as const);
      if (wait > within) continue;
      if (!best || rank[0] < best.rank[0] || (rank[0] === best.rank[0] && rank[1] < best.rank[1])) {
        best = { entry, wait, rank };
      }
    }
    return best;
  }
  const again = ({ entry, wait }: { entry: Entry; wait: number }): NextAttempt =>
    take(entry, entry.state.kind === 'loading' ? 'poll' : 'retry', wait);

  return {
    next(now) {
      for (; at < runs; at++, quick = 0) {
        const here = entries.filter((entry) => entry.run === at);
        const fresh = asked < MAX_ATTEMPTS ? here.find(({ state }) => state.kind === 'fresh') : undefined;
        if (fresh) return take(fresh, 'first', 0);
        const modelsLeft = runs - 1 - at;
        // After the last model there is no hurry. Before it, one attempt is kept for each later model.
        if (modelsLeft === 0 || quick >= QUICK_RETRIES || asked + modelsLeft >= MAX_ATTEMPTS) continue;
        const retry = soonest(
          here.filter(({ state }) => state.kind === 'waiting'),
          now,
          QUICK_WAIT_MS,
        );
        if (!retry) continue;
        quick++;
        return again(retry);
      }
      const retry = soonest(entries, now, MAX_WAIT_MS);
      return retry ? again(retry) : { kind: 'end' };
    },
    passOver() {
      if (!last) return;
      if (last.state.kind !== 'loading') asked--;
      last.state = { kind: 'spent' };
    },
    giveUp() {
      if (last) last.state = { kind: 'spent' };
    },
    replaceWith(offer) {
      if (!last) return;
      last.offer = offer;
      last.state = { kind: 'fresh' };
      at = Math.min(at, last.run);
    },
    retryLater(error, clock) {
      if (!last) return;
      const { state } = last;
      const now = clock.now();
      if (error.details.loading) {
        const { since, polls } = state.kind === 'loading' ? state : { since: now, polls: 0 };
        const pause = Math.min(LOADING_CAP_MS, LOADING_MS * 2 ** polls) * (0.5 + clock.random() / 2);
        const readyAt = now + Math.max(pause, error.details.retryAfterMs ?? 0);
        last.state =
          readyAt - since > LOADING_PATIENCE_MS
            ? { kind: 'spent' }
            : { kind: 'loading', since, polls: polls + 1, readyAt };
        return;
      }
      const tries = state.kind === 'waiting' ? state.tries + 1 : 1;
      last.state =
        tries >= MAX_TRIES_PER_OFFER
          ? { kind: 'spent' }
          : {
              kind: 'waiting',
              tries,
              told: error.details.retryAfterMs ?? 0,
              readyAt: now + backoffMs(tries - 1, error, clock),
            };
    },
    othersLeft: () =>
      entries.filter(
        (entry) =>
          entry !== last && entry.state.kind !== 'spent' && (asked < MAX_ATTEMPTS || entry.state.kind === 'loading'),
      ).length,
  };
}

/**
 * Retries are at most a tenth of a provider's requests, so that an outage is not amplified: a token bucket that each
 * request fills by 0.1 and each retry empties by 1. It starts full, so that a quiet deployment can retry too.
 */
export interface RetryBudget {
  request(provider: string): void;
  /** Whether a retry is left: if not, there is no point in waiting for one. */
  has(provider: string): boolean;
  /** Takes one retry if one is left. Call it when the retry is made, not when it is planned. */
  take(provider: string): boolean;
}

const FULL = 10;
const PER_REQUEST = 0.1;

export function retryBudget(): RetryBudget {
  const left = new Map<string, number>();
  return {
    request(provider) {
      left.set(provider, Math.min(FULL, (left.get(provider) ?? FULL) + PER_REQUEST));
    },
    has: (provider) => (left.get(provider) ?? FULL) >= 1,
    take(provider) {
      const tokens = left.get(provider) ?? FULL;
      if (tokens < 1) return false;
      left.set(provider, tokens - 1);
      return true;
    },
  };
}
