/** Questions asked of JSON nobody has checked. */

export { isObject, type JsonObject } from '../../src/core/index.ts';

/** A string with something in it; empty counts as absent, as many servers write it. */
export const filled = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A count: a whole number that is not negative. */
export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
