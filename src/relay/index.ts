export { type RetryBudget, retryBudget } from './attempt-order.ts';
export { type Carried, carry, type Relay, type Served } from './carry.ts';
export { type Drift, type HealthBook, healthBook } from './health.ts';
export { type CarriedEmbeddings, type CarriedRanking, carryEmbeddings, carryRanking } from './retrieval.ts';
export { type Clock, DEFAULT_TIMEOUTS, systemClock, type Timeouts } from './timeouts.ts';
export { type CarriedVote, carryVote, type VoteResult } from './vote.ts';
