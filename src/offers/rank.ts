import { byCodeUnits, type Call, formatDollars, type RetrievalCall, type Routing, type Sort } from '../core/index.ts';
import { keptBy } from './affinity.ts';
import type { AssessedOffer } from './candidate.ts';
import { cacheReadOf } from './cost.ts';
import { grouped } from './output.ts';
import type { Candidate, Standing } from './types.ts';

/**
 * The order in which offers are tried. The choice is deterministic: a conversation keeps its offer (affinity.ts), and a
 * sheet shows what the next call will do.
 */

const STANDINGS: readonly Standing[] = ['own', 'served', 'unproven'];

type Compare = (a: Candidate, b: Candidate) => number;

const orderBy =
  (key: (offer: Candidate) => number): Compare =>
  (a, b) =>
    key(a) - key(b);

/** Ascending, with unknown values last. */
const unknownLast =
  <T extends bigint | number>(key: (offer: Candidate) => T | undefined): Compare =>
  (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return left < right ? -1 : Number(left > right);
  };

const negative = (value: number | undefined): number | undefined => (value === undefined ? undefined : -value);
const expectedCost = ({ cost }: Candidate) => cost?.expected;

const byStanding = orderBy(({ standing }) => STANDINGS.indexOf(standing));
const byUnproven = orderBy(({ standing }) => Number(standing === 'unproven'));
const byCost = unknownLast(expectedCost);
const byKnownCost = orderBy((offer) => Number(expectedCost(offer) === undefined));
const byLoss = orderBy(({ loses }) => Number(loses));
const byName: Compare = (a, b) => byCodeUnits(a.provider, b.provider) || byCodeUnits(a.upstream, b.upstream);

/** What each `sort` compares. The first difference decides. */
const SORTS: Readonly<Record<Sort, readonly Compare[]>> = {
  price: [byKnownCost, byUnproven, byCost],
  latency: [byUnproven, unknownLast(({ observed }) => observed?.ttftMs), byCost],
  throughput: [byUnproven, unknownLast(({ observed }) => negative(observed?.tokensPerSecond)), byCost],
};
const DEFAULT_SORT: readonly Compare[] = [byStanding, byCost];

const isOpen = ({ breaker }: Candidate): boolean => breaker === 'open';

/** An offer that keeps failing comes after all others, also of other models, unless the caller's `order` names it. */
export const isTriedLast = (offer: Candidate, { order }: Routing): boolean =>
  isOpen(offer) && order?.includes(offer.provider) !== true;

/** Seen to be slower than the caller prefers. An offer that has not been seen yet is not slow. */
function isSlow({ observed }: Candidate, { preferredMinThroughput, preferredMaxLatencyMs }: Routing): boolean {
  const speed = observed?.tokensPerSecond;
  const delay = observed?.ttftMs;
  return (
    (preferredMinThroughput !== undefined && speed !== undefined && speed < preferredMinThroughput) ||
    (preferredMaxLatencyMs !== undefined && delay !== undefined && delay > preferredMaxLatencyMs)
  );
}

/**
 * Sorts the offers of one model. The caller's `order` comes first. Then, whatever the `sort`, offers that lose
 * something the caller set come after those that lose nothing, and slow ones after the others. Without `sort`,
 * configured services come first, then models known to be served, then the others, each group by expected cost with
 * unknown costs last; and one of the served ones is chosen to be first (see `balanced`). An offer that keeps failing
 * comes last, unless `order` names it.
 *
 * @param affinity stands for the call's conversation; asked for only where one of several offers is chosen by it
 */
export function rank(
  offers: readonly AssessedOffer[],
  routing: Routing,
  affinity: () => number,
): readonly AssessedOffer[] {
  const { sort, order = [] } = routing;
  const place = ({ provider }: Candidate): number => {
    const at = order.indexOf(provider);
    return at < 0 ? order.length : at;
  };
  const [only, ...others] = offers;
  const lossless = offers.some(({ loses }) => !loses);
  for (const offer of offers) {
    offer.explain(() => reasonsFor(offer, place(offer) < order.length, sort, lossless, isSlow(offer, routing)));
  }
  if (only === undefined || others.length === 0) return offers;
  const compares = [
    orderBy(place),
    orderBy((offer) => Number(isTriedLast(offer, routing))),
    byLoss,
    orderBy((offer) => Number(isSlow(offer, routing))),
    ...(sort ? SORTS[sort] : DEFAULT_SORT),
    byName,
  ];
  const sorted = offers.toSorted((a, b) => {
    for (const compare of compares) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  });
  return sort || order.length > 0 ? sorted : balanced(sorted, routing, affinity);
}

const takesPart = (offer: Candidate): boolean =>
  offer.standing === 'served' && !isOpen(offer) && expectedCost(offer) !== undefined;

/**
 * Chooses which of several served offers is tried first: the one that the conversation keeps, and over many
 * conversations each in proportion to 1 / cost². The others follow by cost. Only like offers are chosen from: one that
 * loses something or is slow stays after those that are not, whatever it costs.
 */
function balanced(
  sorted: readonly AssessedOffer[],
  routing: Routing,
  affinity: () => number,
): readonly AssessedOffer[] {
  const from = sorted.findIndex(takesPart);
  const head = sorted[from];
  if (!head) return sorted;
  const isLike = (offer: Candidate): boolean =>
    takesPart(offer) && offer.loses === head.loses && isSlow(offer, routing) === isSlow(head, routing);
  const end = sorted.findIndex((offer, index) => index > from && !isLike(offer));
  const group = sorted.slice(from, end < 0 ? sorted.length : end);
  if (group.length < 2) return sorted;
  const probabilities = probabilitiesOf(group);
  for (const [index, offer] of group.entries()) offer.drawn = probabilities[index] ?? 0;
  const chosen = group.splice(keptBy(affinity(), group, probabilities), 1);
  for (const offer of chosen) offer.kept = true;
  return [...sorted.slice(0, from), ...chosen, ...group, ...sorted.slice(from + group.length + 1)];
}

/** Probability of being tried first: proportional to 1 / cost². */
function probabilitiesOf(offers: readonly Candidate[]): readonly number[] {
  const cheapest = Math.max(1, Math.min(...offers.map((offer) => Number(expectedCost(offer)))));
  // Relative to the cheapest, so that nothing overflows. A free offer counts as almost free.
  const weights = offers.map((offer) => (cheapest / Math.max(1, Number(expectedCost(offer)))) ** 2);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

// Reasons, in words. They are only made when somebody reads them.

function percent(share: number): string {
  if (share > 0.99 && share < 1) return 'more than 99 %';
  return share < 0.01 ? 'less than 1 %' : `${Math.round(share * 100)} %`;
}

/**
 * Explains the draws, once it is known where drawn offers stand in the whole sheet: whether others, of this model or of
 * another one, are tried before them.
 */
export function explainDraws(offers: readonly AssessedOffer[], call: Call | RetrievalCall): void {
  // A raw prompt without a session is no conversation.
  const keeps = call.kind === 'chat' || (call.kind === 'completion' && call.session !== undefined);
  let first = true;
  let before: Candidate | undefined;
  for (const offer of offers) {
    first &&= offer.drawn !== undefined && (before === undefined || before.model === offer.model);
    before = offer;
    const { drawn, kept } = offer;
    if (drawn === undefined) continue;
    const when = first ? 'first' : 'next, if those before it fail';
    offer.explain(() => [
      `Probability of being tried ${when}: ${percent(drawn)}, proportional to 1 / cost².`,
      ...(kept && keeps ? ['This conversation keeps it, so that its beginning stays in the provider’s cache.'] : []),
    ]);
  }
}

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

/** Hosted services may be configured like self-hosted ones, and are paid by the token. */
const standsAs = ({ standing, priced }: Candidate): string | undefined =>
  standing === 'own' && priced.known && priced.row.price.kind === 'token'
    ? 'A service of your own, paid by the token.'
    : STANDS[standing];

const lossOf = ({ drops }: Candidate, after: boolean): string =>
  `It loses ${drops.join(', ')}${after ? ', so it comes after offers that lose nothing' : ''}.`;

/** Says that the conversation was served here before, where that makes it cheaper. */
function warmthOf({ cost, priced }: Candidate): readonly string[] {
  const rate = cacheReadOf(priced);
  if (cost?.cached === undefined || rate === undefined) return [];
  const tokens = `${grouped(cost.cached)} tokens of its prompt`;
  return [
    `It has just served this conversation, so ${tokens} are expected to come from its cache, at $${formatDollars(rate)} a million.`,
  ];
}

function reasonsFor(
  offer: Candidate,
  ordered: boolean,
  sort: Sort | undefined,
  lossless: boolean,
  slow: boolean,
): readonly string[] {
  const stands = standsAs(offer);
  return [
    ...(ordered ? ['provider.order names it.'] : []),
    ...(isOpen(offer) && !ordered ? ['It has failed again and again, so it is tried last for a while.'] : []),
    ...(offer.loses ? [lossOf(offer, !ordered && lossless)] : []),
    ...(slow ? ['It has been slower than provider prefers.'] : []),
    ...(sort ? [SORTED_BY[sort](offer)] : []),
    ...(stands === undefined ? [] : [stands]),
    ...(!sort && offer.cost === undefined ? ['What it costs is not known beforehand.'] : []),
    ...warmthOf(offer),
  ];
}
