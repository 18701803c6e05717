/**
 * What traffic would have cost at other offers. Tokens of one day at one offer are added up first; then each part of
 * their price is rounded once, half up, to a nano-dollar (see `costOf`). What was served by the provider in question
 * counts as recorded, as long as the prices of its day are meant.
 */
import {
  costOf,
  estimateCost,
  offerKey,
  type PriceBook,
  type Priced,
  type PriceRow,
  priceFor,
  shareOf,
} from '../catalog/index.ts';
import {
  asGatewayError,
  type CountedPart,
  completionTokens,
  type NanoDollars,
  type Traffic,
  type TrafficPart,
} from '../core/index.ts';
import { type ModelOffer, offersOf } from './model-offers.ts';
import type { World } from './types.ts';

/** By which prices, and by which day's offers: those of each day, or today's. */
export type PriceDay = { readonly kind: 'then' } | { readonly kind: 'today'; readonly day: string };

/** What attempts did cost: exactly, at most, and how many of them are unknown. */
export type Recorded = Pick<CountedPart, 'cost' | 'upperBound' | 'unknown'>;

/** Attempts that could not be repriced. */
export interface Unpriced {
  readonly provider: string;
  readonly model: string;
  readonly attempts: number;
  readonly reason: string;
}

export interface Repriced {
  /** Attempts with a price, what they come to, and what they did cost. */
  readonly attempts: number;
  readonly cost: NanoDollars;
  readonly was: Recorded;
  /** Part of the cost is a share of a price by time. */
  readonly estimate: boolean;
  readonly unpriced: readonly Unpriced[];
}

const NOTHING: Recorded = { cost: 0n, upperBound: 0n, unknown: 0 };

export const addRecorded = (a: Recorded, b: Recorded): Recorded => ({
  cost: a.cost + b.cost,
  upperBound: a.upperBound + b.upperBound,
  unknown: a.unknown + b.unknown,
});

export const NONE_REPRICED: Repriced = { attempts: 0, cost: 0n, was: NOTHING, estimate: false, unpriced: [] };

export const addRepriced = (a: Repriced, b: Repriced): Repriced => ({
  attempts: a.attempts + b.attempts,
  cost: a.cost + b.cost,
  was: addRecorded(a.was, b.was),
  estimate: a.estimate || b.estimate,
  unpriced: [...a.unpriced, ...b.unpriced],
});

const recordedOf = ({ money, cost, attempts }: TrafficPart): Recorded => ({
  cost: money === 'settled' ? cost : 0n,
  upperBound: money === 'upper_bound' ? cost : 0n,
  unknown: money === 'unknown' ? attempts : 0,
});

export const attemptsOf = ({ parts }: Traffic): number => parts.reduce((sum, { attempts }) => sum + attempts, 0);

/** What traffic did cost. */
export const recorded = ({ parts }: Traffic): Recorded => parts.map(recordedOf).reduce(addRecorded, NOTHING);

/** What of an offer decides its price. */
type Served = Pick<ModelOffer, 'about' | 'provider' | 'service' | 'upstream'>;

const isOwn = ({ about, provider, service, upstream }: Served, traffic: Traffic): boolean =>
  provider === traffic.provider &&
  (service ?? '') === traffic.service &&
  offerKey(about, upstream, service) === offerKey(about, traffic.upstream, service);

/** What a day's traffic comes to at one offer. */
export interface RepricedOffer {
  readonly provider: string;
  readonly service?: string;
  readonly upstream: string;
  readonly at: Repriced;
  /** The price of the offer. Absent: not known. */
  readonly row?: PriceRow;
}

/** Reprices by one price book. Prices and offers of a day are looked up once. */
export interface Repricer {
  /** The offers of the traffic's model that could be used on the day, and why each of the others could not. */
  offers(traffic: Traffic): { readonly usable: readonly ModelOffer[]; readonly others: readonly Unpriced[] };
  at(offer: ModelOffer, traffic: Traffic): Repriced;
  /** Whether the traffic was served by this offer. */
  isOwn(offer: ModelOffer, traffic: Traffic): boolean;
  /** At a provider: as recorded where it was served there, else at its offer that costs least. */
  atProvider(provider: string, traffic: Traffic): Repriced;
  /** What can be had for the traffic: where it was served, as recorded if the prices of its day are meant, and elsewhere. */
  candidates(traffic: Traffic): readonly RepricedOffer[];
  /** At the offer that a policy takes: of the first provider of `order` that has a price for it, or else of all. */
  chosen(traffic: Traffic, policy: Policy): Repriced;
}

export interface Policy {
  readonly order: readonly string[];
  readonly exclude: readonly string[];
  /** Which of several offers. */
  readonly take: 'cheapest' | 'most_expensive';
}

export function repricer(world: World, book: PriceBook, prices: PriceDay): Repricer {
  const priced = new Map<string, Priced>();
  const found = new Map<Traffic, readonly RepricedOffer[]>();
  const dayOf = (traffic: Traffic): string => (prices.kind === 'then' ? traffic.day : prices.day);

  function priceOf({ about, provider, service, upstream }: Served, day: string): Priced {
    const name = JSON.stringify([day, provider, service, upstream]);
    const known = priced.get(name);
    if (known) return known;
    const found = priceFor(book, about, upstream, day, {
      ...(service === undefined ? {} : { service }),
      ...(about.usesRegion ? { region: world.region ?? '' } : {}),
    });
    priced.set(name, found);
    return found;
  }

  const offers: Repricer['offers'] = (traffic) => {
    const attempts = attemptsOf(traffic);
    const { model } = traffic;
    let all: readonly ModelOffer[];
    try {
      all = offersOf(model, world, dayOf(traffic), true).offers;
    } catch (thrown) {
      const reason = asGatewayError(thrown).message;
      return { usable: [], others: [{ provider: traffic.provider, model, attempts, reason }] };
    }
    const others = all.flatMap(({ provider, ended, outOfRegion }) => {
      const reason = (ended ?? outOfRegion)?.message;
      return reason === undefined ? [] : [{ provider, model, attempts, reason }];
    });
    return { usable: all.filter(({ ended, outOfRegion }) => !ended && !outOfRegion), others };
  };

  /** Where it was served: what was billed then, or what the same usage is billed now. */
  function own(part: TrafficPart, offer: Served, { model, day }: Traffic): Repriced {
    const was = recordedOf(part);
    const { attempts, money } = part;
    const known = (cost: NanoDollars, estimate = false): Repriced => ({ attempts, cost, was, estimate, unpriced: [] });
    if (money === 'released') return known(0n);
    if (prices.kind === 'then' && money !== 'unknown') return known(part.cost);
    const row = priceOf(offer, prices.kind === 'then' ? day : prices.day);
    const cost = row.known ? costOf(row.row, part.usage) : row;
    if (cost.known) return known(cost.total, cost.estimate);
    const { provider } = offer;
    return { ...NONE_REPRICED, unpriced: [{ provider, model, attempts, reason: cost.reason }] };
  }

  const ownAt = (offer: Served, traffic: Traffic): Repriced =>
    traffic.parts.map((part) => own(part, offer, traffic)).reduce(addRepriced, NONE_REPRICED);

  const at: Repricer['at'] = (offer, traffic) => {
    if (isOwn(offer, traffic)) return ownAt(offer, traffic);
    const { provider, family } = offer;
    const { model } = traffic;
    const attempts = attemptsOf(traffic);
    const without = (count: number, reason: string): readonly Unpriced[] =>
      count > 0 ? [{ provider, model, attempts: count, reason }] : [];
    const row = priceOf(offer, dayOf(traffic));
    if (!row.known) return { ...NONE_REPRICED, unpriced: without(attempts, row.reason) };
    const counts = traffic.counted.get(family);
    const uncounted = without(
      attempts - (counts?.attempts ?? 0),
      `Their tokens were not counted as the family ${family} has them, so what they would cost there is not known.`,
    );
    if (!counts) return { ...NONE_REPRICED, unpriced: uncounted };
    const { prompt, completion } = counts;
    const range = estimateCost(row.row, prompt, completion, completion, completion);
    if (!range) {
      return {
        ...NONE_REPRICED,
        unpriced: without(attempts, `${provider} bills ${offer.upstream} by time, and tokens_per_second is not set.`),
      };
    }
    const estimate = row.row.price.kind !== 'token';
    const { cost, upperBound, unknown } = counts;
    const was = { cost, upperBound, unknown };
    return { attempts: counts.attempts, cost: range.expected, was, estimate, unpriced: uncounted };
  };

  /** Where traffic was served, whether or not the offer is still there. */
  const served = ({ provider, service, upstream }: Traffic): Served => ({
    about: world.registry.of(provider),
    provider,
    upstream,
    ...(service === '' ? {} : { service }),
  });

  function candidate(offer: Served, traffic: Traffic, at: Repriced): RepricedOffer {
    const { provider, service, upstream } = offer;
    const price = priceOf(offer, dayOf(traffic));
    return {
      ...{ provider, upstream, at },
      ...(service === undefined ? {} : { service }),
      ...(price.known ? { row: price.row } : {}),
    };
  }

  function candidates(traffic: Traffic): readonly RepricedOffer[] {
    const known = found.get(traffic);
    if (known) return known;
    const { usable } = offers(traffic);
    const keep = prices.kind === 'then';
    const made: readonly RepricedOffer[] = [
      ...(keep ? [candidate(served(traffic), traffic, ownAt(served(traffic), traffic))] : []),
      ...usable
        .filter((offer) => !keep || offer.provider !== traffic.provider)
        .map((offer) => candidate(offer, traffic, at(offer, traffic))),
    ];
    found.set(traffic, made);
    return made;
  }

  return {
    offers,
    at,
    isOwn,
    candidates,
    atProvider(provider, traffic) {
      const there = best(candidates(traffic).filter((one) => one.provider === provider));
      if (there) return there;
      const { model } = traffic;
      const why = offers(traffic).others.find((one) => one.provider === provider);
      const reason = why?.reason ?? `${provider} does not offer ${model}.`;
      return { ...NONE_REPRICED, unpriced: [{ provider, model, attempts: attemptsOf(traffic), reason }] };
    },
    chosen(traffic, { order, exclude, take }) {
      const allowed = candidates(traffic).filter(({ provider }) => !exclude.includes(provider));
      const whole = allowed.filter(({ at: { unpriced } }) => unpriced.length === 0);
      const first = order.find((one) => whole.some(({ provider }) => provider === one));
      const from = first === undefined ? whole : whole.filter(({ provider }) => provider === first);
      const found = best(from, take) ?? best(allowed, take);
      if (found && found.attempts > 0) return found;
      const { provider, model } = traffic;
      const reason = `No offer of ${model} that the policy allows has a known price.`;
      return { ...NONE_REPRICED, unpriced: [{ provider, model, attempts: attemptsOf(traffic), reason }] };
    },
  };
}

/** The one that prices most attempts, and of those the one that costs least, or most. */
const best = (all: readonly RepricedOffer[], take: Policy['take'] = 'cheapest'): Repriced | undefined =>
  all
    .map(({ at }) => at)
    .reduce<Repriced | undefined>((chosen, one) => {
      if (!chosen || one.attempts > chosen.attempts) return one;
      const better = take === 'cheapest' ? one.cost < chosen.cost : one.cost > chosen.cost;
      return one.attempts === chosen.attempts && better ? one : chosen;
    }, undefined);

/**
 * What traffic would have taken on hardware of one's own that is paid by the hour and writes so many tokens a second.
 */
export function onOwnHardware(traffic: readonly Traffic[], perHour: NanoDollars, tokensPerSecond: number) {
  const tokens = traffic
    .flatMap(({ parts }) => parts.map(({ usage }) => completionTokens(usage)))
    .reduce((sum, one) => sum + one, 0);
  return { cost: shareOf(perHour, 3600n, tokens, tokensPerSecond), hours: tokens / tokensPerSecond / 3600 };
}
