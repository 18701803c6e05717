/** Offers: which models at which providers can serve a call, in which order, and at what cost. */
export { DEFAULT_SUBREQUESTS, offerName } from './assess.ts';
export { withinOutput } from './cost.ts';
export { countCall, type ModelCount } from './count.ts';
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
export { planFor } from './plan.ts';
export { reasoningFamilyOf } from './reasoning.ts';
export { type Alternative, alternativesTo, type Receipt, receiptOf } from './receipt.ts';
export { familyMistake, modelsNamed, type NamedModel, type ResolvedCall, resolve, servicesNamed } from './resolve.ts';
export { readRoutes } from './routes.ts';
export { liveServices, type Services, serviceIndex } from './services.ts';
export { layOut, type Moment, needsExactCount, offerSheet, worthProviderCount } from './sheet.ts';
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
