/** Offers: which models at which providers can serve a call, in which order, and at what cost. */
export { DEFAULT_SUBREQUESTS, offerName } from './assess.ts';
export { cacheReadOf } from './cost.ts';
export { tokensBeyond } from './counting.ts';
export {
  BILLS_KEPT,
  type Bill,
  type Breaker,
  type Correction,
  correctionFrom,
  type Health,
  type Observed,
  type PromptKind,
  promptKind,
  UNSEEN,
} from './health.ts';
export { withinOutput } from './output.ts';
export {
  type Alternative,
  alternativesTo,
  mostForSample,
  planFor,
  promptsSaved,
  type Receipt,
  receiptOf,
  sumReceipts,
} from './plan.ts';
export { reasoningFamilyOf } from './reasoning.ts';
export {
  addRecorded,
  addRepriced,
  attemptsOf,
  NONE_REPRICED,
  onOwnHardware,
  type Policy,
  type PriceDay,
  type Recorded,
  type Repriced,
  type RepricedOffer,
  type Repricer,
  recorded,
  repricer,
  type Unpriced,
} from './reprice.ts';
export {
  familyMistake,
  modelOf,
  modelsNamed,
  type NamedModel,
  type ResolvedCall,
  resolve,
  servicesNamed,
} from './resolve.ts';
export { embeddingJobs, rerankJob } from './retrieval.ts';
export { isPattern, readRoutes, routeName } from './routes.ts';
export { liveServices, type Services, serviceIndex } from './services.ts';
export {
  countCall,
  layOut,
  type ModelCount,
  type Moment,
  offerSheet,
  uncountedSheet,
  worthProviderCount,
} from './sheet.ts';
export type {
  CallCost,
  Candidate,
  Exclusion,
  ExclusionCode,
  OfferSheet,
  OutputLimit,
  Plan,
  PromptSize,
  Route,
  Routes,
  TextCounter,
  World,
} from './types.ts';
