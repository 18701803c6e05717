import type { CatalogModel, CatalogOffer } from './types.ts';

/** Whether an offer may still be tried on a day (`2026-11-22`): it has not ended, nor passed the end announced for it. */
export const isServed = ({ status }: CatalogOffer, today: string): boolean =>
  status.state !== 'retired' && (status.date === undefined || today <= status.date);

/** Whether any offer of a model may still be tried on a day. */
export const hasServedOffer = (model: CatalogModel, today: string): boolean =>
  model.offers.some((offer) => isServed(offer, today));
