import { byCodeUnits, formatDollars, type Routing, type Sort } from '../core/index.ts';
import type { Candidate, Standing } from './types.ts';

const STANDINGS: readonly Standing[] = ['own', 'served', 'unproven'];

type Compare = (a: Candidate, b: Candidate) => number;

const orderBy =
  (key: (offer: Candidate) => number): Compare =>
  (a, b) =>
    key(a) - key(b);

/** Ascending; what is unknown last. */
const unknownLast =
  <T extends bigint | number>(key: (offer: Candidate) => T | undefined): Compare =>
  (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return left < right ? -1 : Number(left > right);
  };

const byStanding = orderBy(({ standing }) => STANDINGS.indexOf(standing));
const byName: Compare = (a, b) => byCodeUnits(a.provider, b.provider) || byCodeUnits(a.upstream, b.upstream);
const costOf = ({ cost }: Candidate) => cost?.expected;
const byCost = unknownLast(costOf);
const byKnownCost = orderBy((offer) => Number(costOf(offer) === undefined));
/** What keeps failing comes after everything else, also after other models, except where the caller's `order` names it. */
export const isTriedLast = (offer: Candidate, { order }: Routing): boolean =>
  isOpen(offer) && order?.includes(offer.provider) !== true;

const isOpen = ({ breaker }: Candidate): boolean => breaker === 'open';

/** What each `sort` compares, the first that differs deciding. */
const SORTS: Readonly<Record<Sort, readonly Compare[]>> = {
  price: [byKnownCost, orderBy(({ standing }) => Number(standing === 'unproven')), byCost],
  latency: [byUnproven, unknownLast(({ observed }) => observed?.ttftMs), byCost],
  throughput: [byUnproven, unknownLast(({ observed }) => negative(observed?.tokensPerSecond)), byCost],
};
const DEFAULT: readonly Compare[] = [byStanding, byCost];

function byUnproven(a: Candidate, b: Candidate): number {
  return Number(a.standing === 'unproven') - Number(b.standing === 'unproven');
}
const negative = (value: number | undefined): number | undefined => (value === undefined ? undefined : -value);

function compareBy(compares: readonly Compare[]): Compare {
  return (a, b) => {
    for (const compare of compares) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

/** Chances of being the first, by the inverse square of what the call is expected to cost. */
function chancesOf(offers: readonly Candidate[]): readonly number[] {
  const cheapest = Math.max(1, Math.min(...offers.map((offer) => Number(costOf(offer)))));
  // In shares of the cheapest, so that nothing overflows and what is free counts as next to free.
  const weights = offers.map((offer) => (cheapest / Math.max(1, Number(costOf(offer)))) ** 2);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function drawn(chances: readonly number[], draw: number): number {
  let left = draw;
  for (const [index, chance] of chances.entries()) {
    if (left < chance) return index;
    left -= chance;
  }
  return 0;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const takesPart = (offer: Candidate): boolean =>
  offer.standing === 'served' && costOf(offer) !== undefined && !isOpen(offer);

/** Which of the offers that may be asked first is: one that a draw decides. The others follow by price. */
function balance(sorted: Candidate[], draw: number): Candidate[] {
  const from = sorted.findIndex(takesPart);
  if (from < 0) return sorted;
  const end = sorted.findIndex((offer, index) => index > from && !takesPart(offer));
  const lot = sorted.slice(from, end < 0 ? sorted.length : end);
  if (lot.length < 2) return sorted;
  const chances = chancesOf(lot);
  const told = lot.map((offer, index) =>
    because(offer, `Drawn by the inverse square of cost: ${percent(chances[index] ?? 0)} of calls ask it first.`),
  );
  const chosen = told.splice(drawn(chances, draw), 1);
  return [...sorted.slice(0, from), ...chosen, ...told, ...sorted.slice(from + lot.length)];
}

const because = (offer: Candidate, why: string): Candidate => ({ ...offer, why: [...offer.why, why] });

const SORTED_BY: Readonly<Record<Sort, (offer: Candidate) => string>> = {
  price: ({ cost }) =>
    cost ? `Expected to cost $${formatDollars(cost.expected)}.` : 'Its cost is not known, so it comes last.',
  latency: ({ observed }) =>
    observed?.ttftMs === undefined
      ? 'Its time to the first token has not been seen yet.'
      : `First token after ${Math.round(observed.ttftMs)} ms.`,
  throughput: ({ observed }) =>
    observed?.tokensPerSecond === undefined
      ? 'Its speed has not been seen yet.'
      : `${Math.round(observed.tokensPerSecond)} tokens a second.`,
};

const STANDS: Readonly<Record<Standing, string | undefined>> = {
  own: 'A service of your own, which costs the same whether used or not.',
  served: undefined,
  unproven: 'Nobody knows whether it is still served, so it comes after those that are.',
};

/**
 * The order in which offers of one model are tried. The caller's `order` comes first. Without `sort` the rest are: one's own
 * services, then what is known to be served, then what may not be; each by expected cost, an unknown one last. The
 * first of those with a known price is drawn by the inverse square of it, unless the caller orders or sorts. What has
 * failed again and again is tried last, except where the caller's `order` names it.
 */
export function rank(
  offers: readonly Candidate[],
  routing: Routing,
  sort: Sort | undefined,
  draw: number,
): Candidate[] {
  const order = routing.order ?? [];
  const place = ({ provider }: Candidate): number => {
    const at = order.indexOf(provider);
    return at < 0 ? order.length : at;
  };
  const compares = [
    orderBy(place),
    orderBy((offer) => Number(isTriedLast(offer, routing))),
    ...(sort ? SORTS[sort] : DEFAULT),
    byName,
  ];
  const sorted = offers.map((offer) => reasoned(offer, place(offer) < order.length, sort)).sort(compareBy(compares));
  return sort || order.length > 0 ? sorted : balance(sorted, draw);
}

function reasoned(offer: Candidate, ordered: boolean, sort: Sort | undefined): Candidate {
  const stands = STANDS[offer.standing];
  const why = [
    ...(ordered ? ['provider.order names it.'] : []),
    ...(isOpen(offer) && !ordered ? ['It has failed again and again, so it is tried last for a while.'] : []),
    ...(sort ? [SORTED_BY[sort](offer)] : []),
    ...(stands === undefined ? [] : [stands]),
    ...(!sort && offer.cost === undefined ? ['What it costs is not known beforehand.'] : []),
  ];
  return { ...offer, why };
}
