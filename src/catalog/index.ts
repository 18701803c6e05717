export { bedrockId } from './bedrock.ts';
export { CATALOG_DATE, models, priceSources } from './data.ts';
export { findModel, type Match, type Pin } from './find.ts';
export { type Parameter, truncates, WIRES, type WireName, wireOf } from './parameters.ts';
export * from './prices/index.ts';
export { type ReasoningBack, reasoningBack } from './reasoning.ts';
export { hasServedOffer, isServed } from './status.ts';
export { nearestOf } from './suggest.ts';
export type {
  Capabilities,
  CatalogModel,
  CatalogOffer,
  CatalogProvider,
  ListPrice,
  ModelKind,
  OfferFeatures,
  OfferState,
  OfferStatus,
  Source,
  Upstream,
  Version,
} from './types.ts';
export { upstreamId } from './upstream.ts';
