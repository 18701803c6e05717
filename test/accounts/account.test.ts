import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { type ConfirmReply, databaseOf } from '../../src/accounts/index.ts';
import { VOUCHED_MS } from '../../src/accounts/terms.ts';
import { attemptStart, newKey, released, reserveRequest, settled, settleRequest } from './requests.ts';
import { newAccount } from './support.ts';

/** All calls at once, and how many were let in. */
const heldOf = (replies: readonly { readonly kind: string }[]): number =>
  replies.filter(({ kind }) => kind === 'held').length;

describe('a budget in an account’s object', () => {
  it('lets in exactly as many calls as it pays for, of very many at once', async () => {
    const { account } = newAccount();
    await account.createKey(newKey({ budget: { limit: 500n, period: 'day' } }));
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => account.reserve(reserveRequest(`call-${i}`))),
    );
    expect(heldOf(replies)).toBe(50);
    const refused = replies.find(({ kind }) => kind === 'refused');
    expect(refused).toMatchObject({ kind: 'refused', code: 'insufficient_budget', left: 0n });
    expect(refused).not.toHaveProperty('retryAfterMs');
    expect(await account.keyState('k1')).toMatchObject({ spent: 0n, pending: 500n, running: 50 });
    await Promise.all(
      replies.map((reply, i) =>
        reply.kind === 'held' ? account.settle(settleRequest(`call-${i}`, settled(1, 4n))) : undefined,
      ),
    );
    expect(await account.keyState('k1')).toMatchObject({ spent: 200n, pending: 0n, running: 0 });
  });

  it('gives the last call what is left, and a later one nothing', async () => {
    const { account } = newAccount();
    await account.createKey(newKey({ budget: { limit: 14n, period: 'total' } }));
    expect(await account.reserve(reserveRequest('a'))).toMatchObject({ kind: 'held', held: 10n });
    expect(await account.reserve(reserveRequest('b'))).toMatchObject({ kind: 'held', held: 4n });
    expect(await account.reserve(reserveRequest('c'))).toMatchObject({ kind: 'refused', code: 'insufficient_budget' });
    await account.settle(settleRequest('b', settled(1, 3n)));
    expect(await account.reserve(reserveRequest('c'))).toMatchObject({ kind: 'held', held: 1n });
  });

  it('holds for a fallback what the failed attempt gave back', async () => {
    const { account } = newAccount();
    await account.createKey(newKey({ budget: { limit: 12n, period: 'total' } }));
    await account.reserve(reserveRequest('a'));
    const request = { call: 'a', ended: [released(1)], attempt: attemptStart(2), tokens: 10 };
    const cover = { most: 20n, least: 2n };
    expect(await account.extend({ ...request, cover })).toEqual({ kind: 'held', held: 12n });
    expect(await account.extend({ ...request, cover })).toEqual({ kind: 'held', held: 12n });
    expect(await account.keyState('k1')).toMatchObject({ spent: 0n, pending: 12n });
    expect(await account.settle(settleRequest('a', settled(2, 11n)))).toBe(true);
    expect(await account.settle(settleRequest('a', settled(2, 11n)))).toBe(false);
    expect(await account.keyState('k1')).toMatchObject({ spent: 11n, pending: 0n });
  });
});

describe('a change of a key without limits', () => {
  const changes = {
    'is revoked': ({ account }: ReturnType<typeof newAccount>) => account.revokeKey('k1'),
    'gets a budget': ({ account }: ReturnType<typeof newAccount>) =>
      account.changeKey({ id: 'k1', revision: 1, settings: { ...KEY, budget: { limit: 1n, period: 'day' } } }),
    'shares a budget': ({ account }: ReturnType<typeof newAccount>) =>
      account.changeAccount({ budget: { limit: 1n, period: 'day' } }),
  };
  const KEY = { name: 'test', atLimit: 'clamp' } as const;

  it.each(Object.entries(changes))(
    'that %s is answered when no call goes by what was said before',
    async (_, change) => {
      const one = newAccount();
      const { account } = one;
      const { secretHash } = newKey();
      await account.createKey(newKey());
      for (const vouching of [() => account.terms('k1', secretHash), () => account.confirm('k1', secretHash, 1)]) {
        expect(await vouching()).not.toMatchObject({ kind: 'refused' });
      }
      const asked = Date.now();
      const answered = change(one);
      // Meanwhile it is refused, or told the new terms, wherever its account is asked.
      expect(await account.confirm('k1', secretHash, 1)).toSatisfy(
        (reply: ConfirmReply | undefined) => reply?.kind !== undefined,
      );
      await answered;
      expect(Date.now() - asked).toBeGreaterThanOrEqual(VOUCHED_MS - 1);
    },
  );

  it('is answered at once where the account vouched for nothing', async () => {
    const one = newAccount();
    await one.account.createKey(newKey());
    expect(await one.account.confirm('k1', 'another', 1)).toMatchObject({ code: 'authentication' });
    expect(await one.account.confirm('unknown', undefined, 1)).toMatchObject({ code: 'authentication' });
    expect(await one.account.revokeKey('k1')).toMatchObject({ terms: { id: 'k1' } });
  });
});

describe('an account whose object restarts', () => {
  it('still knows its keys, what they spent and what is held', async () => {
    const { stub, account } = newAccount();
    await account.createKey(newKey({ budget: { limit: 100n, period: 'month' }, rpm: 3 }));
    await account.reserve(reserveRequest('a'));
    await account.reserve(reserveRequest('b'));
    await account.settle(settleRequest('a', settled(1, 7n)));
    const before = await account.keyState('k1');
    await evictDurableObject(stub);
    const after = await account.keyState('k1');
    expect(after).toMatchObject({ spent: 7n, pending: 10n, running: 1, terms: { revision: 1 } });
    expect({ ...after, limits: [] }).toEqual({ ...before, limits: [] });
    expect(after?.limits).toMatchObject([{ name: 'rpm', limit: 3, remaining: 1 }]);
    expect(await account.reserve(reserveRequest('b'))).toMatchObject({ kind: 'held', held: 10n });
    expect(await account.settle(settleRequest('b', settled(1, 1n)))).toBe(true);
    expect(await account.settle(settleRequest('a', settled(1, 7n)))).toBe(false);
    expect(await account.keyState('k1')).toMatchObject({ spent: 8n, pending: 0n, running: 0 });
  });

  it('ends by its alarm what nobody settles, at what was held', async () => {
    const { stub, account } = newAccount();
    await account.createKey(newKey({ budget: { limit: 100n, period: 'total' } }));
    const now = Date.now() - 119_000;
    await account.reserve(reserveRequest('late', { now }));
    await account.reserve(reserveRequest('running'));
    await evictDurableObject(stub);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await account.keyState('k1')).toMatchObject({ spent: 0n, pending: 20n });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await account.keyState('k1')).toMatchObject({ spent: 10n, pending: 10n, running: 1 });
    expect(await account.settle(settleRequest('late', settled(1, 2n)))).toBe(false);
    expect(await account.keyState('k1')).toMatchObject({ spent: 10n, pending: 10n });
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBeGreaterThan(Date.now() + 60_000);
  });
});

describe('limits by the minute', () => {
  it('let in exactly 100 of 200 requests at once at 100 a minute', async () => {
    const { account } = newAccount();
    await account.createKey(newKey({ rpm: 100 }));
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => account.reserve(reserveRequest(`call-${i}`))),
    );
    expect(heldOf(replies)).toBe(100);
    const refused = replies.find(({ kind }) => kind === 'refused');
    expect(refused).toMatchObject({ kind: 'refused', code: 'rate_limit_exceeded', limits: [{ remaining: 0 }] });
    expect(refused?.kind === 'refused' && refused.retryAfterMs).toBeGreaterThan(50_000);
  });
});

describe('the ledger of an account', () => {
  const db = databaseOf({ DB: Reflect.get(env, 'DB') });
  const pushed = async (account: string) => {
    const all = await db
      ?.prepare('SELECT seq, call, money, cost, expired FROM ledger WHERE account = ?1 ORDER BY seq')
      .bind(account)
      .all();
    return all?.results;
  };

  it('goes to the database by the alarm, in order and once, and is still known to the account', async () => {
    const { stub, account, name } = newAccount();
    await account.createKey(newKey());
    for (const call of ['a', 'b', 'c']) await account.reserve(reserveRequest(call));
    await account.settle(settleRequest('b', settled(1, 3n)));
    await account.settle(settleRequest('a', released(1)));
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const first = [
      { seq: 1, call: 'b', money: 'settled', cost: 3, expired: 0 },
      { seq: 2, call: 'a', money: 'released', cost: 0, expired: 0 },
    ];
    expect(await pushed(name)).toEqual(first);
    await evictDurableObject(stub);
    await account.settle({ ...settleRequest('c'), outcome: 'canceled' });
    expect(await account.push()).toBe(0);
    expect(await account.push()).toBe(0);
    expect(await pushed(name)).toEqual([...first, { seq: 3, call: 'c', money: 'upper_bound', cost: 10, expired: 0 }]);
    expect(await account.rowsOf('b')).toMatchObject([{ seq: 1, call: 'b', provider: 'together', cost: '3' }]);
    expect(await account.rowsOf('none')).toEqual([]);
    await evictDurableObject(stub);
    expect(await account.keyState('k1')).toMatchObject({ spent: 13n, pending: 0n });
  });
});
