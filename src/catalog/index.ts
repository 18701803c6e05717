export { CATALOG_DATE, models, priceSources } from './data.ts';
export { findModel, type ModelMatch, nearestOf, type Pin } from './find.ts';
export { bookFrom, layered, type PriceTerms, priceFor } from './prices/book.ts';
export { bundledBook, listedFor, REPLICATE_HARDWARE } from './prices/bundled.ts';
export {
  type Cost,
  type CostEstimate,
  type Costing,
  type CostSum,
  costOf,
  estimateCost,
  shareOf,
  sumOf,
} from './prices/cost.ts';
export { type Database, isDatabase, livePrices, type PriceDocument, type Prices } from './prices/live.ts';
export { overrideRows, type PriceOverride, readOverrides } from './prices/overrides.ts';
export { type OpenService, type PriceableOffers, priceableOffers, serviceRows } from './prices/services.ts';
export {
  ALWAYS,
  ageDays,
  LAYERS,
  type Layer,
  offerKey,
  type PriceBook,
  type Priced,
  type PriceRow,
  type Rate,
  rateJson,
  STALE_DAYS,
  serviceKey,
  stale,
  TIERS,
  type Tier,
} from './prices/types.ts';
export { type ReasoningBack, reasoningBack } from './reasoning.ts';
export {
  type Capabilities,
  type CatalogModel,
  type CatalogOffer,
  hasServedOffer,
  isServed,
  type ListPrice,
  type ModelKind,
  type OfferFeatures,
  type OfferState,
  type OfferStatus,
  type Source,
  type Version,
} from './types.ts';
