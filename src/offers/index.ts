export { planFor } from './plan.ts';
export { offerSheet, type World } from './sheet.ts';
export type { Candidate, Exclusion, ExclusionCode, OfferSheet, Plan } from './types.ts';
