export { countCall, type ModelCount } from './count.ts';
export { planFor } from './plan.ts';
export { type Asked, layOut, offerSheet, resolve } from './sheet.ts';
export { modelNamed } from './source.ts';
export type {
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
