import { byCodeUnits, type Call, formatDollars, type Prompt, type Routing, type Sort, textOf } from '../core/index.ts';
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

function percent(share: number): string {
  if (share > 0.99 && share < 1) return 'more than 99 %';
  return share < 0.01 ? 'less than 1 %' : `${Math.round(share * 100)} %`;
}

/**
 * Says of offers that were drawn what that means where they stand now: whether other offers, of this model or of another one,
 * are asked before them.
 */
export function toldDraws(offers: readonly Candidate[]): Candidate[] {
  let first = true;
  let before: Candidate | undefined;
  return offers.map((offer) => {
    first &&= offer.drawn !== undefined && (before === undefined || before.model === offer.model);
    before = offer;
    if (offer.drawn === undefined) return offer;
    const share = percent(offer.drawn);
    const why = first
      ? `Drawn by the inverse square of cost: ${share} of such calls ask it first.`
      : `Drawn by the inverse square of cost: of calls that come this far, ${share} ask it next.`;
    return { ...offer, why: [...offer.why, why] };
  });
}

const takesPart = (offer: Candidate): boolean =>
  offer.standing === 'served' && costOf(offer) !== undefined && !isOpen(offer);

/** Seen to be slower than the caller prefers. It is not held against an offer that nobody has seen it serve yet. */
function isSlow({ observed }: Candidate, { preferredMinThroughput, preferredMaxLatencyMs }: Routing): boolean {
  const speed = observed?.tokensPerSecond;
  const delay = observed?.ttftMs;
  return (
    (preferredMinThroughput !== undefined && speed !== undefined && speed < preferredMinThroughput) ||
    (preferredMaxLatencyMs !== undefined && delay !== undefined && delay > preferredMaxLatencyMs)
  );
}

/** Offers are drawn among their like: what loses something or is slow comes after what does not, whatever it costs. */
const takesPartWith =
  (first: Candidate, routing: Routing) =>
  (offer: Candidate): boolean =>
    takesPart(offer) && offer.loses === first.loses && isSlow(offer, routing) === isSlow(first, routing);

/** Which of the offers that may be asked first is: one that a draw decides. The others follow by price. */
function balance(sorted: Candidate[], routing: Routing, draw: number): Candidate[] {
  const from = sorted.findIndex(takesPart);
  if (from < 0) return sorted;
  const [head] = sorted.slice(from, from + 1);
  const like = head ? takesPartWith(head, routing) : takesPart;
  const end = sorted.findIndex((offer, index) => index > from && !like(offer));
  const lot = sorted.slice(from, end < 0 ? sorted.length : end);
  if (lot.length < 2) return sorted;
  const chances = chancesOf(lot);
  const told = lot.map((offer, index) => ({ ...offer, drawn: chances[index] ?? 0 }));
  const chosen = told.splice(drawn(chances, draw), 1);
  return [...sorted.slice(0, from), ...chosen, ...told, ...sorted.slice(from + lot.length)];
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

/**
 * The order in which offers of one model are tried. The caller's `order` comes first. Of the rest, what loses something that
 * the caller set comes after what loses nothing, and what was seen slower than the caller prefers after what was not, whatever
 * the `sort`. Without `sort` they are then: one's own services, then
 * what is known to be served, then what may not be; each by expected cost, an unknown one last. The first of those with a
 * known price is drawn by the inverse square of it, unless the caller orders or sorts. What has failed again and again is
 * tried last, except where the caller's `order` names it.
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
    orderBy(({ loses }) => Number(loses)),
    orderBy((offer) => Number(isSlow(offer, routing))),
    ...(sort ? SORTS[sort] : DEFAULT),
    byName,
  ];
  const lossless = offers.some(({ loses }) => !loses);
  const sorted = offers
    .map((offer) => reasoned(offer, place(offer) < order.length, sort, lossless, isSlow(offer, routing)))
    .sort(compareBy(compares));
  return sort || order.length > 0 ? sorted : balance(sorted, routing, draw);
}

const lossOf = ({ drops }: Candidate, after: boolean): string =>
  `It loses ${drops.join(', ')}${after ? ', so it comes after offers that lose nothing' : ''}.`;

/** Hosted services that are configured as one's own are paid for what they do. */
const standsAs = ({ standing, priced }: Candidate): string | undefined =>
  standing === 'own' && priced.known && priced.row.price.kind === 'token'
    ? 'A service of your own, paid by the token.'
    : STANDS[standing];

function reasoned(
  offer: Candidate,
  ordered: boolean,
  sort: Sort | undefined,
  lossless: boolean,
  slow: boolean,
): Candidate {
  const stands = standsAs(offer);
  const why = [
    ...offer.why,
    ...(ordered ? ['provider.order names it.'] : []),
    ...(isOpen(offer) && !ordered ? ['It has failed again and again, so it is tried last for a while.'] : []),
    ...(offer.loses ? [lossOf(offer, !ordered && lossless)] : []),
    ...(slow ? ['It has been slower than provider prefers.'] : []),
    ...(sort ? [SORTED_BY[sort](offer)] : []),
    ...(stands === undefined ? [] : [stands]),
    ...(!sort && offer.cost === undefined ? ['What it costs is not known beforehand.'] : []),
  ];
  return { ...offer, why };
}

/** Milliseconds for which equal calls go the same way. */
const WINDOW_MS = 60_000;
/** Characters of a call that are looked at: enough to tell calls apart, and bounded. */
const SAMPLE = 2048;

const textOfPrompt = (prompt: Prompt = ''): string =>
  typeof prompt === 'string' ? prompt : prompt.slice(-SAMPLE).join(' ');

const sampleOf = (call: Call): string => {
  const last = call.kind === 'chat' ? textOf(call.messages.at(-1)?.content ?? '') : textOfPrompt(call.prompts[0]);
  return last.length > SAMPLE ? last.slice(-SAMPLE) : last;
};

/** FNV-1a, and a mixing step so that the high bits depend on all of the text. */
export function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state ^= state >>> 16;
  state = Math.imul(state, 0x7feb352d);
  state ^= state >>> 15;
  return Math.imul(state, 0x846ca68b) >>> 0;
}

/**
 * A number in [0, 1) that spreads calls over providers, and is no chance: the same call in the same minute draws the same,
 * so that a sheet shows what the next call will do. A session draws once for all its calls.
 */
export function drawFor(call: Call, now: number): number {
  const { session, models } = call;
  const name = models.join(' ');
  const seed = session === undefined ? `${Math.floor(now / WINDOW_MS)}|${sampleOf(call)}` : `session ${session}`;
  return hash(`${name}|${seed}`) / 2 ** 32;
}
