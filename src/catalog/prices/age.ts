import type { PriceRow } from './types.ts';

const DAY_MS = 86_400_000;

/** Older than this, and a list price may have moved on without anybody noticing: it did at Together in 2026. */
export const STALE_DAYS = 30;

/** Whole days since a price was last read at its source. */
export const ageDays = ({ checkedAt }: PriceRow, today: string): number =>
  Math.max(0, Math.round((Date.parse(today) - Date.parse(checkedAt)) / DAY_MS));

export const stale = (row: PriceRow, today: string): boolean => ageDays(row, today) > STALE_DAYS;
