import type { GatewayError } from '../core/index.ts';
import type { Candidate } from '../offers/index.ts';
import type { Clock } from './clock.ts';

/** Tries at one offer, the first included. */
export const MAX_TRIES_PER_OFFER = 3;
/** Upstream attempts of one call, over all its offers. */
export const MAX_ATTEMPTS = 6;
/** Longest wait for one retry, whatever `Retry-After` says: a caller is better served by its own 429 then. */
export const MAX_WAIT_MS = 30_000;
/** Longest wait for the same model before another model is asked. */
export const QUICK_WAIT_MS = 3_000;
/** Retries of one model's offers before another model is asked. */
const QUICK_RETRIES = 2;

const BASE_MS = 250;
const CAP_MS = 8_000;

/** Pauses between two looks at a model that its server says it is loading; a look costs nobody anything. */
const LOADING_MS = 1_000;
const LOADING_CAP_MS = 5_000;
/** Longest time that is waited for a model to be loaded, from the first time on that its server said so. */
const LOADING_PATIENCE_MS = 120_000;

/** How an offer stands in a call. */
type Standing =
  | { readonly kind: 'fresh' }
  /** `told`: milliseconds that it asked to be left alone for. */
  | { readonly kind: 'waiting'; readonly tries: number; readonly told: number; readonly readyAt: number }
  /** Its server said that it is loading the model: when for the first time, and how often. */
  | { readonly kind: 'loading'; readonly since: number; readonly looks: number; readonly readyAt: number }
  | { readonly kind: 'spent' };

interface Place {
  offer: Candidate;
  /** Which model of the call, in the order in which they are tried. */
  readonly run: number;
  standing: Standing;
}

/** The next thing to do for a call. */
export type Turn =
  | {
      readonly kind: 'ask';
      readonly offer: Candidate;
      /** Milliseconds to wait before. */
      readonly wait: number;
      /** What it costs beside an attempt: nothing the first time, a retry of the provider's budget, or a look. */
      readonly as: 'first' | 'retry' | 'look';
    }
  | { readonly kind: 'end' };

export interface Turns {
  next(now: number): Turn;
  /** The offer of the last turn is not to be asked again. */
  spent(): void;
  /** The offer of the last turn is to be asked at once in another form, which nobody has tried. */
  instead(offer: Candidate): void;
  /** It failed in a way that may pass. */
  later(error: GatewayError, clock: Clock): void;
  /** Other offers than that of the last turn that may yet serve the call. */
  others(): number;
}

/** How long to wait before the same offer is asked again: full jitter, and never less than the provider asked for. */
function backoffMs(tries: number, error: GatewayError, clock: Clock): number {
  const jitter = clock.random() * Math.min(CAP_MS, BASE_MS * 2 ** tries);
  return Math.max(jitter, error.details.retryAfterMs ?? 0);
}

/**
 * The order of a call's attempts. Offers of the first model come first, each once; then what of them may succeed in a
 * moment is asked again, because another model is a last resort; then the next model's in the same way. When all have
 * been asked, what may succeed later is waited for. What keeps failing stands at the end of the sheet, and so here.
 */
export function turnsOf(eligible: readonly Candidate[]): Turns {
  let run = -1;
  let model: string | undefined;
  const places: Place[] = eligible.map((offer) => {
    if (offer.model !== model) run++;
    model = offer.model;
    return { offer, run, standing: { kind: 'fresh' } };
  });
  const runs = run + 1;
  let at = 0;
  let quick = 0;
  let asked = 0;
  let last: Place | undefined;

  const take = (place: Place, as: 'first' | 'retry' | 'look', wait: number): Turn => {
    last = place;
    if (as !== 'look') asked++;
    return { kind: 'ask', offer: place.offer, wait, as };
  };

  /**
   * The place among these that is to be asked again next, of those that can be soon enough: by what is left of a wait that
   * they asked for, then by their tries. Jitter decides when and not who, so that the same failures make the same calls.
   */
  function soonest(among: readonly Place[], now: number, within: number): { place: Place; wait: number } | undefined {
    let best: { place: Place; wait: number; rank: readonly [number, number] } | undefined;
    for (const place of among) {
      const { standing } = place;
      if (standing.kind !== 'waiting' && standing.kind !== 'loading') continue;
      if (standing.kind === 'waiting' && asked >= MAX_ATTEMPTS) continue;
      const wait = Math.max(0, standing.readyAt - now);
      const rank =
        standing.kind === 'waiting' ? ([standing.told && wait, standing.tries] as const) : ([wait, 0] as const);
      if (wait > within) continue;
      if (!best || rank[0] < best.rank[0] || (rank[0] === best.rank[0] && rank[1] < best.rank[1])) {
        best = { place, wait, rank };
      }
    }
    return best;
  }
  const again = ({ place, wait }: { place: Place; wait: number }): Turn =>
    take(place, place.standing.kind === 'loading' ? 'look' : 'retry', wait);

  return {
    next(now) {
      for (; at < runs; at++, quick = 0) {
        const here = places.filter((place) => place.run === at);
        const fresh = asked < MAX_ATTEMPTS ? here.find(({ standing }) => standing.kind === 'fresh') : undefined;
        if (fresh) return take(fresh, 'first', 0);
        const later = runs - 1 - at;
        // Of the last model it is no hurry; and every model shall have one attempt.
        if (later === 0 || quick >= QUICK_RETRIES || asked + later >= MAX_ATTEMPTS) continue;
        const retry = soonest(
          here.filter(({ standing }) => standing.kind === 'waiting'),
          now,
          QUICK_WAIT_MS,
        );
        if (!retry) continue;
        quick++;
        return again(retry);
      }
      const retry = soonest(places, now, MAX_WAIT_MS);
      return retry ? again(retry) : { kind: 'end' };
    },
    spent() {
      if (last) last.standing = { kind: 'spent' };
    },
    instead(offer) {
      if (!last) return;
      last.offer = offer;
      last.standing = { kind: 'fresh' };
      at = Math.min(at, last.run);
    },
    later(error, clock) {
      if (!last) return;
      const { standing } = last;
      const now = clock.now();
      if (error.details.loading) {
        const { since, looks } = standing.kind === 'loading' ? standing : { since: now, looks: 0 };
        const pause = Math.min(LOADING_CAP_MS, LOADING_MS * 2 ** looks) * (0.5 + clock.random() / 2);
        const readyAt = now + Math.max(pause, error.details.retryAfterMs ?? 0);
        last.standing =
          readyAt - since > LOADING_PATIENCE_MS
            ? { kind: 'spent' }
            : { kind: 'loading', since, looks: looks + 1, readyAt };
        return;
      }
      const tries = standing.kind === 'waiting' ? standing.tries + 1 : 1;
      last.standing =
        tries >= MAX_TRIES_PER_OFFER
          ? { kind: 'spent' }
          : {
              kind: 'waiting',
              tries,
              told: error.details.retryAfterMs ?? 0,
              readyAt: now + backoffMs(tries - 1, error, clock),
            };
    },
    others: () =>
      places.filter(
        (place) =>
          place !== last &&
          place.standing.kind !== 'spent' &&
          (asked < MAX_ATTEMPTS || place.standing.kind === 'loading'),
      ).length,
  };
}
