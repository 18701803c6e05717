/** The periods of budgets in UTC, and the money of the running one of each kind. */
import type { NanoDollars } from '../core/index.ts';
import type { Budget, Period, Spending } from './protocol.ts';

const DAY_MS = 86_400_000;
/** 1970-01-05 was the first Monday after the epoch. */
const FIRST_MONDAY_MS = 4 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;

/** When the period around a time begins and ends, in milliseconds since the epoch; the end is no longer part of it. */
export function periodAround(period: Period, now: number): readonly [start: number, end: number] {
  switch (period) {
    case 'day': {
      const start = Math.floor(now / DAY_MS) * DAY_MS;
      return [start, start + DAY_MS];
    }
    case 'week': {
      const start = Math.floor((now - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS;
      return [start, start + WEEK_MS];
    }
    case 'month': {
      const date = new Date(now);
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
      return [Date.UTC(year, month), Date.UTC(year, month + 1)];
    }
    case 'total':
      return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  }
}

/** What was spent and is held in one period. A reservation belongs to the period in which it was made. */
export interface PeriodMoney {
  readonly start: number;
  readonly end: number;
  posted: NanoDollars;
  pending: NanoDollars;
}

/** The running period of each kind, so that a budget can change its period and still knows what was spent in it. */
export type Purse = Record<Period, PeriodMoney>;

const PERIODS: readonly Period[] = ['day', 'week', 'month', 'total'];

const emptyPeriod = (period: Period, now: number): PeriodMoney => {
  const [start, end] = periodAround(period, now);
  return { start, end, posted: 0n, pending: 0n };
};

export const newPurse = (now: number): Purse => ({
  day: emptyPeriod('day', now),
  week: emptyPeriod('week', now),
  month: emptyPeriod('month', now),
  total: emptyPeriod('total', now),
});

/** Starts the periods anew that are over. What is held from before belongs to those, and no longer counts. */
export function roll(purse: Purse, now: number): void {
  // A day ends no later than a week or a month does.
  if (now < purse.day.end) return;
  for (const period of PERIODS) if (now >= purse[period].end) purse[period] = emptyPeriod(period, now);
}

/** Adds to the periods that were running at `reserved`. The purse must have been rolled. */
export function addMoney(purse: Purse, reserved: number, posted: NanoDollars, pending: NanoDollars): void {
  for (const period of PERIODS) {
    const money = purse[period];
    if (reserved < money.start) continue;
    money.posted += posted;
    money.pending += pending;
  }
}

/** What a budget has left; negative where it was overrun or lowered. */
export const leftOf = (purse: Purse, { limit, period }: Budget): NanoDollars =>
  limit - purse[period].posted - purse[period].pending;

export function spendingOf(purse: Purse, budget: Budget | undefined): Spending {
  const { posted, pending, end } = purse[budget?.period ?? 'total'];
  return { spent: posted, pending, ...(Number.isFinite(end) ? { periodEnds: end } : {}) };
}

/** What is kept of a purse: what is held is added up again from the attempts that are open. */
export const storedPurse = (purse: Purse): Readonly<Record<Period, readonly [start: number, posted: NanoDollars]>> => ({
  day: [purse.day.start, purse.day.posted],
  week: [purse.week.start, purse.week.posted],
  month: [purse.month.start, purse.month.posted],
  total: [0, purse.total.posted],
});

/** Puts back what was stored. */
export function restorePurse(purse: Purse, stored: ReturnType<typeof storedPurse>): void {
  for (const period of PERIODS) {
    const [start, posted] = stored[period];
    purse[period] = { ...emptyPeriod(period, start), posted };
  }
}
