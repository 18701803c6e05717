export { type Carried, carry, type Relay } from './carry.ts';
export { type Clock, systemClock } from './clock.ts';
export { type Drift, type HealthBook, healthBook } from './health.ts';
export { DEFAULT_TIMEOUTS, type Timeouts } from './limits.ts';
export { type RetryBudget, retryBudget } from './retry.ts';
