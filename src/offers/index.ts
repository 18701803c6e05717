export { planFor } from './plan.ts';
export { offerSheet } from './sheet.ts';
export type { Candidate, Exclusion, ExclusionCode, OfferSheet, Plan, World } from './types.ts';
