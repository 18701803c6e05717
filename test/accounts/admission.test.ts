import { describe, expect, it } from 'vitest';
import { MOST_KEYS } from '../../src/accounts/key-book.ts';
import { load } from '../../src/accounts/load.ts';
import { MOST_OPEN } from '../../src/accounts/reserve.ts';
import { setUp, writeMeta } from '../../src/accounts/storage.ts';
import { onMachine } from './machine.ts';
import { attemptStart, HASH, newKey, released, settled, settleRequest } from './requests.ts';

const NOON = '2027-01-01T12:00:00Z';

describe('a key', () => {
  it('is refused by a wrong secret, once revoked, and from the moment at which it expires', async () => {
    await onMachine(NOON, (account) => {
      const refused = (message: RegExp) => ({
        kind: 'refused',
        code: 'authentication',
        message: expect.stringMatching(message),
      });
      account.key({ expiresAt: account.now + 1000 });
      expect(account.reserve('a', { secretHash: 'b'.repeat(64) })).toMatchObject(refused(/secret .* wrong/));
      expect(account.reserve('a', { key: 'k9' })).toMatchObject(refused(/not known/));
      expect(account.reserve('a')).toMatchObject({ kind: 'held' });
      account.now += 1000;
      expect(account.reserve('b')).toMatchObject(refused(/expired on 2027-01-01T12:00:01/));
      expect(account.state.keys.has('k9')).toBe(false);
    });
  });

  it('that is refused in the middle of a call gets no further attempt, and the one under way counts', async () => {
    await onMachine(NOON, (account) => {
      account.key({ expiresAt: account.now + 1000, budget: { limit: 100n, period: 'total' } });
      account.reserve('a');
      account.now += 1000;
      const ended = [{ ...released(1), money: 'upper_bound' as const, cost: 6n }];
      const request = { call: 'a', ended, attempt: attemptStart(2), cover: { most: 10n, least: 1n }, tokens: 1 };
      expect(account.extend(request)).toMatchObject({ kind: 'refused', code: 'authentication' });
      expect(account.keyState()).toMatchObject({ spent: 6n, pending: 0n, running: 1 });
      expect(account.settle(settleRequest('a'))).toBe(true);
    });
  });

  it('has newer terms when its account gets a budget, and a Worker that goes by older ones is told', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      expect(account.keyState()?.terms).toMatchObject({ revision: 1, budgeted: false, limited: false });
      account.budget({ limit: 5n, period: 'total' });
      const terms = { revision: 2, budgeted: true, limited: true };
      expect(account.reserve('a', { revision: 1 })).toMatchObject({ kind: 'stale', terms });
      expect(account.reserve('a', { key: 'admin', revision: 0 })).toMatchObject({
        kind: 'stale',
        terms: { id: 'admin' },
      });
      expect(account.reserve('a', { key: 'admin', revision: 1 })).toMatchObject({ kind: 'held', held: 5n });
      expect(account.reserve('b', { revision: 2 })).toMatchObject({ kind: 'refused', left: 0n });
    });
  });

  it('with a budget is let in only by offers with a known price', async () => {
    await onMachine(NOON, (account) => {
      account.key({ budget: { limit: 5n, period: 'total' } });
      expect(account.reserve('a', { cover: undefined })).toMatchObject({
        kind: 'refused',
        code: 'insufficient_budget',
        message: expect.stringMatching(/no known price/),
      });
    });
  });
});

describe('a call that was sent before it was let in', () => {
  it('has its row though it is refused, and may be let in by another attempt', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      account.budget({ limit: 30n, period: 'total' });
      expect(account.reserve('a', { revision: 1, sent: true })).toMatchObject({ kind: 'stale' });
      expect(account.keyState()).toMatchObject({ pending: 10n, running: 1, terms: { revision: 2 } });
      expect(account.reserve('a', { attempt: attemptStart(2) })).toMatchObject({ kind: 'held', held: 10n });
      expect(account.keyState()).toMatchObject({ pending: 20n, running: 1 });
      expect(account.settle(settleRequest('a', settled(1, 3n), settled(2, 8n)))).toBe(true);
      expect(account.keyState()).toMatchObject({ spent: 11n, pending: 0n, running: 0 });
    });
  });

  it('of a revoked key is on record, and costs its account', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      expect(account.reserve('a', { secretHash: 'b'.repeat(64), sent: true })).toMatchObject({ kind: 'refused' });
      account.now += 121_000;
      account.expire();
      expect(account.keyState()).toMatchObject({ spent: 10n, pending: 0n });
      expect(account.state.waiting).toHaveLength(1);
    });
  });
});

describe('money', () => {
  it('above what was held is recorded as it is, marked, and stops the next call', async () => {
    await onMachine(NOON, (account) => {
      account.key({ budget: { limit: 15n, period: 'total' } });
      account.reserve('a');
      account.settle(settleRequest('a', settled(1, 17n)));
      expect(account.keyState()).toMatchObject({ spent: 17n, pending: 0n });
      const [row] = account.sql.exec('SELECT "end" AS told, cost FROM attempts');
      expect(row?.cost).toBe('17');
      expect(JSON.parse(String(row?.told))).toMatchObject({ overrun: true });
      expect(account.reserve('b')).toMatchObject({ kind: 'refused', left: 0n });
    });
  });

  it('is exact beyond what a number holds', async () => {
    await onMachine(NOON, (account) => {
      const large = 2n ** 53n + 1n;
      account.key({ budget: { limit: 3n * large, period: 'total' } });
      account.reserve('a', { cover: { most: large, least: 1n } });
      account.reserve('b', { cover: { most: large, least: 1n } });
      account.settle(settleRequest('a', settled(1, large)));
      account.restart();
      expect(account.keyState()).toMatchObject({
        spent: large,
        pending: large,
        terms: { budget: { limit: 3n * large } },
      });
    });
  });

  it('of all samples of a vote is held by the first, and given to each', async () => {
    await onMachine(NOON, (account) => {
      account.key({ budget: { limit: 30n, period: 'total' } });
      account.reserve('a', { cover: { most: 30n, least: 3n } });
      const sample = (attempt: number) => ({
        call: 'a',
        ended: [],
        attempt: attemptStart(attempt),
        cover: { most: 10n, least: 1n },
        from: 1,
        tokens: 1,
      });
      expect(account.extend(sample(2))).toEqual({ kind: 'held', held: 10n });
      expect(account.extend(sample(3))).toEqual({ kind: 'held', held: 10n });
      expect(account.extend(sample(3))).toEqual({ kind: 'held', held: 10n });
      expect(account.keyState()).toMatchObject({ pending: 30n });
      account.restart();
      expect(account.keyState()).toMatchObject({ pending: 30n });
      account.settle(settleRequest('a', settled(1, 4n), settled(2, 5n), released(3)));
      expect(account.keyState()).toMatchObject({ spent: 9n, pending: 0n });
    });
  });
});

describe('an account', () => {
  it('has a limit for its keys, for their settings, and for calls that are not over', async () => {
    await onMachine(NOON, (account) => {
      for (let made = 0; made < MOST_KEYS; made++) expect(account.key({}, `k${made}`)).toBeTypeOf('object');
      expect(account.key({}, 'one more')).toBe('full');
      expect(account.key({}, 'k7')).toBeTypeOf('object');
      for (let made = 0; made < MOST_OPEN; made++) account.reserve(`c${made}`);
      expect(account.reserve('last')).toMatchObject({
        kind: 'refused',
        code: 'rate_limit_exceeded',
        retryAfterMs: 1000,
      });
    });
  });

  it('refuses settings beyond any sense, and knows nothing of them', async () => {
    await onMachine(NOON, (account) => {
      expect(() => account.key({ metadata: { note: 'x'.repeat(65_536) } })).toThrow(RangeError);
      account.restart();
      expect(account.keyState()).toBeUndefined();
    });
  });

  it('takes names with SQL in them for names', async () => {
    await onMachine(NOON, (account) => {
      const name = "x'); DROP TABLE keys; --";
      account.key({ name, metadata: { "'": 'n:5' } }, name);
      account.restart();
      expect(account.keyState(name)?.terms).toMatchObject({ id: name, name, metadata: { "'": 'n:5' } });
      account.reserve(name, { key: name });
      expect(account.keyState(name)).toMatchObject({ running: 1 });
    });
  });

  it('makes its tables once, and refuses those of a newer Worker', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      setUp(account.sql);
      account.restart();
      expect(account.keyState()?.terms).toMatchObject({ id: newKey().id, name: 'test' });
      expect(account.state.keys.get('k1')?.stored?.secretHash).toBe(HASH);
      writeMeta(account.sql, 'schema', '999');
      expect(() => load(account.sql, account.now)).toThrow(/version 999/);
    });
  });
});
