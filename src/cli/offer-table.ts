import { type Column, table, wrapped } from './table.ts';
import type { Offer } from './wire.ts';

const UNKNOWN = '?';
const number = (value: number): string => value.toLocaleString('en-US');
const orEmpty = (value: number | null | undefined): string => (value == null ? '' : number(value));

/** Cheapest first, what nobody knows the cost of last; what costs the same as the gateway has it. */
export const cheapestFirst = (offers: readonly Offer[]): Offer[] =>
  offers.filter(({ eligible }) => eligible).sort((a, b) => costOf(a) - costOf(b) || (a.rank ?? 0) - (b.rank ?? 0));

// Not infinite, or two of them would differ by no number.
const costOf = ({ cost }: Offer): number => (cost ? Number(cost.expected) : Number.MAX_VALUE);

/** Amounts of one column with as many decimals each, so that the points stand below one another. Exact. */
function aligned(amounts: readonly (string | null | undefined)[]): (amount: string) => string {
  const places = Math.max(2, ...amounts.map((amount) => amount?.split('.')[1]?.length ?? 0));
  return (amount) => {
    const [whole = '', decimals = ''] = amount.split('.');
    return `${whole}.${decimals.padEnd(places, '0')}`;
  };
}

const tokens = ({ prompt_tokens: count, exactness }: Offer): string =>
  count === null ? '' : `${exactness === 'estimate' ? '~' : ''}${number(count)}`;

function columnsFor(offers: readonly Offer[]): readonly Column<Offer>[] {
  const costs = offers.map(({ cost }) => cost);
  const dollars = aligned(costs.flatMap((cost) => (cost ? [cost.expected, cost.max] : [])));
  const rates = aligned(offers.flatMap(({ price }) => [price?.input_per_mtok, price?.output_per_mtok]));
  const rate = (amount: string | undefined): string => (amount === undefined ? '' : rates(amount));
  return [
    { head: 'asked', right: true, cell: ({ rank }) => orEmpty(rank) },
    { head: 'provider', cell: ({ provider }) => provider },
    { head: 'model there', cell: (offer) => offer.provider_model, gives: true },
    { head: 'prompt', right: true, cell: tokens },
    { head: 'context', right: true, cell: (offer) => orEmpty(offer.context_length) },
    { head: 'expected $', right: true, cell: ({ cost }) => (cost ? dollars(cost.expected) : UNKNOWN) },
    { head: 'at most $', right: true, cell: ({ cost }) => (cost?.max ? dollars(cost.max) : UNKNOWN) },
    { head: '$/M in', right: true, cell: ({ price }) => rate(price?.input_per_mtok) },
    { head: '$/M out', right: true, cell: ({ price }) => rate(price?.output_per_mtok) },
    { head: 'first ms', right: true, cell: ({ latency }) => orEmpty(latency?.ttft_ms) },
    { head: 'tok/s', right: true, cell: ({ latency }) => orEmpty(latency?.tokens_per_second) },
  ];
}

/** What is paid by time has no price for a million tokens. */
function timeRate({ price }: Offer): string[] {
  const { usd_per_second: second, usd_per_hour: hour, tokens_per_second: speed } = price ?? {};
  if (second === undefined && hour === undefined) return [];
  const per = hour === undefined ? `$${second} a second` : `$${hour} an hour`;
  return [`Paid by time: ${per}${speed === undefined ? '' : `, at ${speed} tokens a second`}.`];
}

/** What there is to say of an offer besides its figures. */
function notesOn(offer: Offer): string {
  const { drops, neutralised, price, why, unpriced, route, breaker } = offer;
  return [
    ...(route === undefined ? [] : [`By the route ${route}.`]),
    ...why,
    ...(breaker === null || breaker === 'closed' ? [] : [`Its breaker is ${breaker}.`]),
    ...(unpriced === undefined ? [] : [unpriced]),
    ...(drops.length > 0 ? [`Does without ${drops.join(', ')}.`] : []),
    ...(neutralised.length > 0 ? [`Template syntax is made plain text in ${neutralised.join(', ')}.`] : []),
    ...timeRate(offer),
    ...(price?.stale ? [`Its price was read ${price.age_days ?? 'many'} days ago.`] : []),
  ].join(' ');
}

/** A sheet as people read it: the offers cheapest first, what is left out and why, and a note on each. */
export function offerTable(offers: readonly Offer[], width: number): string {
  const eligible = cheapestFirst(offers);
  const excluded = offers.filter((offer) => !offer.eligible);
  const lines = eligible.length > 0 ? table(columnsFor(eligible), eligible, width) : ['No offer can serve this.'];
  const notes = eligible.flatMap((offer) => {
    const note = notesOn(offer);
    return note === '' ? [] : wrapped(`${orEmpty(offer.rank).padStart(5)}  `, note, width);
  });
  if (notes.length > 0) lines.push('', ...notes);
  if (excluded.length > 0) lines.push('', 'Left out:', ...excluded.flatMap((offer) => leftOut(offer, width)));
  return lines.join('\n');
}

const leftOut = ({ provider, provider_model: model, reason }: Offer, width: number): string[] =>
  wrapped(`       ${provider}  ${model}: `, reason?.message ?? '', width, 9);
