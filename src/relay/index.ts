export { type RetryBudget, retryBudget } from './attempt-order.ts';
export { type Carried, carry, type Relay } from './carry.ts';
export { type Drift, type HealthBook, healthBook } from './health.ts';
export { type Clock, DEFAULT_TIMEOUTS, systemClock, type Timeouts } from './timeouts.ts';
export { type CarriedVote, carryVote, type VoteResult } from './vote.ts';
