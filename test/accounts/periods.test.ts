import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodAround } from '../../src/accounts/periods.ts';
import type { Period } from '../../src/accounts/protocol.ts';
import { onMachine } from './machine.ts';
import { settled, settleRequest } from './requests.ts';

const text = (ms: number): string => new Date(ms).toISOString();
const around = (period: Period, at: string): string[] => periodAround(period, Date.parse(at)).map(text);

describe('a period in UTC', () => {
  it('is a day from midnight, a week from Monday, a month from its first day', () => {
    expect(around('day', '2028-02-29T23:59:59.999Z')).toEqual(['2028-02-29T00:00:00.000Z', '2028-03-01T00:00:00.000Z']);
    expect(around('week', '2027-01-03T23:59:59.999Z')).toEqual([
      '2026-12-28T00:00:00.000Z',
      '2027-01-04T00:00:00.000Z',
    ]);
    expect(around('week', '2027-01-04T00:00:00Z')).toEqual(['2027-01-04T00:00:00.000Z', '2027-01-11T00:00:00.000Z']);
    expect(around('month', '2028-02-29T12:00:00Z')).toEqual(['2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z']);
    expect(around('month', '2026-12-31T23:59:59.999Z')).toEqual([
      '2026-12-01T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
    ]);
  });

  it('holds each moment in exactly one, and the next begins where it ends', () => {
    const moments = fc.integer({ min: 0, max: Date.parse('2200-01-01') });
    fc.assert(
      fc.property(moments, fc.constantFrom<Period>('day', 'week', 'month'), (now, period) => {
        const [start, end] = periodAround(period, now);
        expect(start <= now && now < end).toBe(true);
        expect(periodAround(period, start)).toEqual([start, end]);
        expect(periodAround(period, end - 1)).toEqual([start, end]);
        expect(periodAround(period, end)[0]).toBe(end);
      }),
    );
  });
});

describe('a budget of a day', () => {
  it('is whole again after midnight, and what began before it belongs to the day before', async () => {
    await onMachine('2027-03-01T23:59:50Z', (account) => {
      account.key({ budget: { limit: 25n, period: 'day' } });
      account.reserve('a');
      account.reserve('b');
      account.settle(settleRequest('a', settled(1, 9n)));
      expect(account.reserve('c')).toMatchObject({ held: 6n });
      expect(account.reserve('d')).toMatchObject({ kind: 'refused', code: 'insufficient_budget', left: 0n });
      expect(account.keyState()).toMatchObject({ spent: 9n, pending: 16n, periodEnds: Date.parse('2027-03-02') });
      account.now += 20_000;
      expect(account.keyState()).toMatchObject({ spent: 0n, pending: 0n, periodEnds: Date.parse('2027-03-03') });
      expect(account.reserve('e')).toMatchObject({ held: 10n });
      account.settle(settleRequest('b', settled(1, 10n)));
      account.settle(settleRequest('c', settled(1, 6n)));
      expect(account.keyState()).toMatchObject({ spent: 0n, pending: 10n });
      account.restart();
      expect(account.keyState()).toMatchObject({ spent: 0n, pending: 10n });
    });
  });

  it('that becomes one of a month counts what was spent in the month', async () => {
    await onMachine('2027-03-05T12:00:00Z', (account) => {
      account.key({ budget: { limit: 100n, period: 'day' } });
      account.reserve('a');
      account.settle(settleRequest('a', settled(1, 8n)));
      account.now += 86_400_000;
      account.restart();
      expect(account.keyState()).toMatchObject({ spent: 0n });
      account.budget({ limit: 12n, period: 'month' });
      expect(account.reserve('b')).toMatchObject({ held: 4n });
      expect(account.keyState()).toMatchObject({ account: { spent: 8n, pending: 4n } });
    });
  });
});

describe('a clock that goes back', () => {
  it('gives no money back, neither in the object nor after its restart', async () => {
    await onMachine('2027-03-02T00:00:05Z', (account) => {
      account.key({ budget: { limit: 10n, period: 'day' } });
      account.reserve('a');
      account.now -= 10_000;
      expect(account.reserve('b')).toMatchObject({ kind: 'refused', code: 'insufficient_budget' });
      account.restart();
      expect(account.reserve('b')).toMatchObject({ kind: 'refused', code: 'insufficient_budget' });
    });
  });
});
