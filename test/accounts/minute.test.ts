import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, minuteRefusal, minuteState, newMinute, take } from '../../src/accounts/minute.ts';
import { onMachine } from './machine.ts';
import { settled, settleRequest } from './requests.ts';

const START = Date.parse('2027-01-01T00:00:00.500Z');
const MINUTE = 60_000;

const asks = fc.array(fc.record({ wait: fc.nat({ max: 9000 }), tokens: fc.integer({ min: 1, max: 40 }) }), {
  maxLength: 120,
});

describe('limits by the minute', () => {
  it('hold in any 60 seconds, and what they say to wait is enough and not much too long', () => {
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 10, max: 300 }), (all, rpm, tpm) => {
        const use = newMinute(START);
        const let_in: { at: number; tokens: number }[] = [];
        let now = START;
        for (const { wait, tokens } of all) {
          now += wait;
          advance(use, now);
          const refused = minuteRefusal(use, { rpm, tpm }, tokens, now);
          if (!refused) {
            take(use, now, 1, tokens);
            let_in.push({ at: now, tokens });
          } else if (refused.retryAfterMs === undefined) {
            expect(tokens).toBeGreaterThan(tpm);
          } else {
            const later = structuredClone(use);
            advance(later, now + refused.retryAfterMs);
            const again = minuteRefusal(later, { rpm, tpm }, tokens, now + refused.retryAfterMs);
            // The other limit may still be in the way.
            expect(again?.name).not.toBe(refused.name);
            expect(refused.retryAfterMs).toBeLessThanOrEqual(MINUTE + 1000);
          }
          for (const { remaining, resetMs } of minuteState(use, { rpm, tpm }, now)) {
            expect(remaining).toBeGreaterThanOrEqual(0);
            const later = structuredClone(use);
            advance(later, now + resetMs);
            expect([later.requestSum, later.tokenSum]).toEqual([0, 0]);
          }
        }
        for (const { at } of let_in) {
          const within = let_in.filter((one) => one.at >= at && one.at < at + MINUTE);
          expect(within.length).toBeLessThanOrEqual(rpm);
          expect(within.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(tpm);
        }
      }),
    );
  });

  it('count the tokens that a call used, once that is known', async () => {
    await onMachine('2027-01-01T00:00:00Z', (account) => {
      account.key({ tpm: 250 });
      expect(account.reserve('a', { tokens: 200 })).toMatchObject({ kind: 'held', limits: [{ remaining: 50 }] });
      const refused = account.reserve('b', { tokens: 100 });
      expect(refused).toMatchObject({ kind: 'refused', code: 'rate_limit_exceeded', retryAfterMs: 61_000 });
      const usage = { input: 20, cacheRead: 5, cacheWrite: 0, output: 10, reasoning: 15, source: 'provider' as const };
      account.settle(settleRequest('a', settled(1, 1n, { usage })));
      expect(account.reserve('b', { tokens: 100 })).toMatchObject({ kind: 'held', limits: [{ remaining: 100 }] });
      account.restart();
      expect(account.keyState()?.limits).toEqual([{ name: 'tpm', limit: 250, remaining: 100, resetMs: 61_000 }]);
      const never = account.reserve('c', { tokens: 251 });
      expect(never).toMatchObject({ kind: 'refused', code: 'rate_limit_exceeded' });
      expect(never).not.toHaveProperty('retryAfterMs');
    });
  });

  it('let in as many calls at the same time as a key may have', async () => {
    await onMachine('2027-01-01T00:00:00Z', (account) => {
      account.key({ concurrency: 2 });
      expect(account.reserve('a')).toMatchObject({ kind: 'held' });
      expect(account.reserve('b')).toMatchObject({ kind: 'held' });
      const refused = { kind: 'refused', code: 'rate_limit_exceeded', retryAfterMs: 1000 };
      expect(account.reserve('c')).toMatchObject(refused);
      account.restart();
      expect(account.reserve('c')).toMatchObject(refused);
      account.settle(settleRequest('a', settled(1, 1n)));
      expect(account.reserve('c')).toMatchObject({ kind: 'held' });
      account.now += 121_000;
      account.expire();
      expect(account.keyState()).toMatchObject({ running: 0 });
    });
  });
});
