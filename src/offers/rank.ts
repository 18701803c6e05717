import { parseDollars, type Routing } from '../core/index.ts';
import type { OfferSource } from './source.ts';
import type { Candidate } from './types.ts';

export interface Ranked {
  readonly candidate: Candidate;
  readonly source: OfferSource;
}

/** A token in and a token out, by list price; null is unknown. */
function priceOf(source: OfferSource): bigint | null {
  if (source.kind === 'service') {
    const { price } = source.offer;
    return price.known ? price.inputPerMtok + price.outputPerMtok : null;
  }
  const { price } = source.offer;
  return price ? parseDollars(price.inputPerMtok) + parseDollars(price.outputPerMtok) : null;
}

function comparePrices(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}

/** 0 for a service of one's own, which costs the same whether it is used or not; 2 where nobody knows that it is served. */
const tier = (source: OfferSource): number =>
  source.kind === 'service' ? 0 : source.offer.status.state === 'unknown' ? 2 : 1;

/**
 * The order in which offers of one model are tried: the caller's `order` first, then services of one's own, then by list
 * price (an unknown price last, an offer that may not be served after those), then by name.
 */
export function rank(offers: readonly Ranked[], routing: Routing): Candidate[] {
  const order = routing.order ?? [];
  const place = ({ candidate }: Ranked) => {
    const at = order.indexOf(candidate.provider);
    return at < 0 ? order.length : at;
  };
  return offers
    .map((ranked) => ({ ...ranked, price: priceOf(ranked.source) }))
    .sort(
      (a, b) =>
        place(a) - place(b) ||
        tier(a.source) - tier(b.source) ||
        comparePrices(a.price, b.price) ||
        a.candidate.provider.localeCompare(b.candidate.provider),
    )
    .map(({ candidate }) => candidate);
}
