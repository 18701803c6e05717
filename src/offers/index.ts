export { BILLS_KEPT, correctionFrom } from './bills.ts';
export { offerName } from './consider.ts';
export { countCall, type ModelCount } from './count.ts';
export { familyMistake } from './families.ts';
export {
  type Bill,
  type Breaker,
  type Correction,
  type Health,
  type Observed,
  type PromptKind,
  promptKind,
  UNSEEN,
} from './health.ts';
export { liveServices, type Services } from './live-services.ts';
export { DEFAULT_SUBREQUESTS, planFor } from './plan.ts';
export { readRoutes } from './read-routes.ts';
export { type Alternative, alternativesTo, type Receipt, receiptOf } from './receipt.ts';
export type { Route, Routes } from './route.ts';
export { serviceIndex } from './service-index.ts';
export { type Asked, layOut, type Moment, offerSheet, resolve, worthAsking } from './sheet.ts';
export { modelsNamed, type NamedModel, servicesNamed } from './source.ts';
export type {
  CallCost,
  Candidate,
  Exclusion,
  ExclusionCode,
  OfferSheet,
  OutputLimit,
  Plan,
  PromptSize,
  TextCounter,
  World,
} from './types.ts';
