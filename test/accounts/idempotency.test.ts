import { describe, expect, it } from 'vitest';
import { forgetNames } from '../../src/accounts/idempotency.ts';
import { onMachine } from './machine.ts';
import { attemptStart, released, settled, settleRequest } from './requests.ts';

const NOON = '2027-01-01T12:00:00Z';
const named = (key: string, fingerprint = 'body') => ({ idempotency: { key, fingerprint } });

describe('an idempotency key', () => {
  it('lets one call in, says for how long it runs, and then what it came to, also after a restart', async () => {
    await onMachine(NOON, (account) => {
      account.key({ budget: { limit: 1000n, period: 'total' } });
      expect(account.reserve('a', named('n'))).toMatchObject({ kind: 'held' });
      expect(account.reserve('a', named('n'))).toMatchObject({ kind: 'held' });
      const running = { kind: 'repeated', state: 'running', call: 'a' };
      expect(account.reserve('b', named('n'))).toEqual({ ...running, retryAfterMs: 1000 });
      account.now += 7000;
      expect(account.reserve('b', named('n'))).toEqual({ ...running, retryAfterMs: 7000 });
      account.now += 48_000;
      account.restart();
      expect(account.reserve('b', named('n'))).toEqual({ ...running, retryAfterMs: 5000 });
      const [first, second] = [released(1), settled(2, 7n, { priceRule: 'n:12' })];
      account.extend({
        call: 'a',
        ended: [first],
        attempt: attemptStart(2),
        cover: { most: 9n, least: 1n },
        tokens: 1,
      });
      account.settle(settleRequest('a', second));
      const done = account.reserve('b', named('n'));
      const attempts = [{ ...first, cost: 0n }, second];
      expect(done).toEqual({
        kind: 'repeated',
        state: 'done',
        call: 'a',
        came: { outcome: 'ok', status: 200, endedAt: expect.any(Number), attempts },
      });
      account.restart();
      expect(account.reserve('b', named('n'))).toEqual(done);
      expect(account.reserve('b', named('n', 'another body'))).toEqual({ kind: 'repeated', state: 'other_body' });
      expect(account.keyState()).toMatchObject({ spent: 7n, pending: 0n });
    });
  });

  it('is free again after a call that was certainly not billed, and not after one that may have been', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      account.reserve('a', named('n'));
      account.settle(settleRequest('a', released(1)));
      expect(account.reserve('b', named('n'))).toMatchObject({ kind: 'held' });
      account.settle({ ...settleRequest('b'), outcome: 'timeout', status: 504 });
      expect(account.reserve('c', named('n'))).toMatchObject({
        kind: 'repeated',
        state: 'done',
        came: { outcome: 'timeout', status: 504, attempts: [{ money: 'upper_bound', cost: 10n }] },
      });
    });
  });

  it('is not free after a call that nobody settled', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      account.reserve('a', named('n'));
      account.now += 121_000;
      expect(account.expire()).toBe(1);
      expect(account.reserve('b', named('n'))).toMatchObject({
        state: 'done',
        call: 'a',
        came: { outcome: 'timeout' },
      });
    });
  });

  it('is each caller’s own, has a longest length, and is kept for a day', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      account.key({}, 'k2');
      account.reserve('a', named('n'));
      account.settle(settleRequest('a', settled(1, 1n)));
      expect(account.reserve('b', { ...named('n'), key: 'k2' })).toMatchObject({ kind: 'held' });
      expect(account.reserve('c', named('x'.repeat(255)))).toMatchObject({ kind: 'held' });
      expect(account.reserve('d', named('x'.repeat(256)))).toMatchObject({ kind: 'refused' });
      account.now += 86_399_999;
      expect(account.reserve('e', named('n'))).toMatchObject({ kind: 'repeated', state: 'done' });
      account.now += 1;
      expect(account.reserve('e', named('n'))).toMatchObject({ kind: 'held' });
      forgetNames(account.state);
      expect(account.state.names).toBe(1);
    });
  });

  it('is not taken by a call that was refused', async () => {
    await onMachine(NOON, (account) => {
      account.key({ budget: { limit: 0n, period: 'total' } });
      expect(account.reserve('a', named('n'))).toMatchObject({ kind: 'refused', code: 'insufficient_budget' });
      expect(account.state.names).toBe(0);
    });
  });
});
