export { BILLS_KEPT, correctionFrom } from './bills.ts';
export { offerName } from './consider.ts';
export { type Alternative, alternativesTo, type Receipt, receiptOf } from './cost.ts';
export { countCall, type ModelCount } from './count.ts';
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
export { DEFAULT_SUBREQUESTS, planFor } from './plan.ts';
export { type Asked, familyMistake, modelsNamed, type NamedModel, resolve, servicesNamed } from './resolve.ts';
export { readRoutes } from './routes.ts';
export { liveServices, type Services, serviceIndex } from './services.ts';
export { layOut, type Moment, offerSheet, worthAsking } from './sheet.ts';
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
