export { ageDays, STALE_DAYS, stale } from './age.ts';
export { bookFrom, layered, type PriceTerms, priceFor } from './book.ts';
export { bundledBook, listedFor, REPLICATE_HARDWARE } from './bundled.ts';
export { type Cost, type Costing, costOf, type Sum, shareOf, sumOf } from './cost.ts';
export { type Database, isDatabase, type PriceDocument } from './document.ts';
export { rateJson } from './figures.ts';
export { offerKey } from './key.ts';
export { type KnownOffers, knownOffers, type OpenService } from './known.ts';
export { livePrices, type Prices } from './live.ts';
export { overrideRows, type PriceOverride, readOverrides } from './override.ts';
export { type CostRange, rangeOf } from './range.ts';
export { serviceRows } from './services.ts';
export {
  ALWAYS,
  LAYERS,
  type Layer,
  type PriceBook,
  type Priced,
  type PriceRow,
  type Rate,
  TIERS,
  type Tier,
} from './types.ts';
