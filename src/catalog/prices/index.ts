export { ageDays, STALE_DAYS, stale } from './age.ts';
export { bookFrom, layered, priceFor, type Where } from './book.ts';
export { bundledBook, REPLICATE_HARDWARE } from './bundled.ts';
export { type Cost, type Costing, costOf, type Sum, shareOf, sumOf } from './cost.ts';
export { offerKey } from './key.ts';
export { type CostRange, rangeOf } from './range.ts';
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
