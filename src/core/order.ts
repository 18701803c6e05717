/**
 * Orders by code units, the same on every machine. `localeCompare` does not, and loads a collation at its first use:
 * 14 ms of a cold start.
 */
export const byCodeUnits = (a: string, b: string): number => Number(a > b) - Number(a < b);
