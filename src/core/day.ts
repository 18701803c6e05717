/** The day of a moment in UTC, as `2026-11-27`, by which prices and retirements are judged. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
