import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseOf, type ReportDatabase } from '../../src/accounts/database.ts';
import { pushRows } from '../../src/accounts/ledger.ts';
import { forget, pushAll, rowsAfter, rowsOf } from '../../src/accounts/push.ts';
import { type Machine, onMachine } from './machine.ts';
import { newKey, reserveRequest, settled, settleRequest } from './requests.ts';
import { newAccount } from './support.ts';

const NOON = '2027-01-01T12:00:00Z';
const d1 = databaseOf({ DB: Reflect.get(env, 'DB') }) as ReportDatabase;

const inBooks = async (account: string) => {
  const { results } = await d1
    .prepare('SELECT seq, call FROM ledger WHERE account = ?1 ORDER BY seq')
    .bind(account)
    .all();
  return results.map(({ seq, call }) => `${seq} ${call}`);
};
function call(account: Machine, id: string): void {
  account.reserve(id);
  account.settle(settleRequest(id, settled(1, 2n)));
}
const push = (account: Machine, name: string) => pushAll((step) => step(account.state), d1, name);

let names = 0;
const newName = () => `push-${++names}`;

describe('rows on their way to the report database', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('go again from the archive where the database was set back', async () => {
    const name = newName();
    await onMachine(NOON, async (account) => {
      account.key();
      for (const id of ['a', 'b', 'c', 'd']) {
        call(account, id);
        await push(account, name);
      }
      await d1.batch([
        d1.prepare('DELETE FROM ledger WHERE account = ?1 AND seq > 1').bind(name),
        d1.prepare('UPDATE ledger_cursor SET seq = 1 WHERE account = ?1').bind(name),
      ]);
      call(account, 'e');
      await push(account, name);
      expect(await inBooks(name)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e']);
      account.sql.exec('DELETE FROM archive WHERE first = 3');
      expect(() => rowsAfter(account.state, 2)).toThrow(/lacks the rows after 2/);
      expect(() => forget(account.state, 9)).toThrow(/has 9 rows .* made 5/);
    });
  });

  it('go on with the numbers of a database that knows the account from before', async () => {
    const name = newName();
    const once = async (id: string) => {
      await onMachine(NOON, async (account) => {
        account.key();
        call(account, id);
        call(account, `${id}2`);
        await push(account, name);
        account.restart();
        call(account, `${id}3`);
        await push(account, name);
        expect(account.keyState()).toMatchObject({ spent: 6n });
        expect(rowsOf(account.state, id)).toHaveLength(1);
      });
    };
    await once('a');
    await once('b');
    expect(await inBooks(name)).toEqual(['1 a', '2 a2', '3 a3', '4 b', '5 b2', '6 b3']);
  });

  it('are used again for other attempts, but not while their call is open or remembered', async () => {
    const name = newName();
    await onMachine(NOON, async (account) => {
      account.key();
      for (let at = 0; at < 5; at++) call(account, `first-${at}`);
      await push(account, name);
      call(account, 'second');
      account.now += 121_000;
      for (let at = 0; at < 5; at++) call(account, `third-${at}`);
      expect(account.sql.exec('SELECT COUNT(*) AS n FROM attempts')).toEqual([{ n: 6 }]);
      await push(account, name);
      account.restart();
      expect(rowsOf(account.state, 'first-0')).toEqual([]);
      expect(rowsOf(account.state, 'third-4')).toMatchObject([{ call: 'third-4', seq: 11 }]);
      expect(await inBooks(name)).toHaveLength(11);
      expect(account.keyState()).toMatchObject({ spent: 22n });
    });
  });

  it('arrive after a failing database recovers, by alarms that the object sets itself', async () => {
    const { name, stub, account } = newAccount();
    await account.createKey(newKey());
    await account.reserve(reserveRequest('a'));
    await account.settle(settleRequest('a', settled(1, 2n)));
    await runInDurableObject(stub, async (object, { storage }) => {
      const db = (Reflect.get(object, 'env') as { DB: D1Database }).DB;
      const failing = vi.spyOn(db, 'batch').mockRejectedValue(new Error('D1_ERROR: overloaded'));
      const told = vi.spyOn(console, 'error').mockReturnValue();
      for (let failed = 1; failed <= 8; failed++) {
        await storage.deleteAlarm();
        await object.alarm();
        const next = (await storage.getAlarm()) ?? 0;
        expect(next - Date.now()).toBeGreaterThan(2 ** failed * 1000);
        expect(next - Date.now()).toBeLessThanOrEqual(300_000);
      }
      expect(told).toHaveBeenCalledTimes(8);
      failing.mockRestore();
    });
    expect(await inBooks(name)).toEqual([]);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await inBooks(name)).toEqual(['1 a']);
    expect(await account.totals()).toMatchObject({
      seq: 1,
      pushed: 1,
      attempts: 1,
      settled: 2n,
      keys: { k1: { settled: 2n } },
    });
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBeNull();
  });

  it('are read by the database as by the account', async () => {
    const { name, account } = newAccount();
    await account.createKey(newKey());
    for (let at = 0; at < 20; at++) {
      await account.reserve(reserveRequest(`c${at}`));
      const end = settled(1, BigInt(at));
      await account.settle(settleRequest(`c${at}`, at % 3 === 0 ? { ...end, money: 'upper_bound' } : end));
    }
    expect(await account.push()).toBe(0);
    const { settled: exact, upperBound, attempts } = await account.totals();
    const sums = await d1
      .prepare(
        `SELECT COUNT(*) AS n, SUM(CASE money WHEN 'settled' THEN cost END) AS exact,
          SUM(CASE money WHEN 'upper_bound' THEN cost END) AS most FROM ledger WHERE account = ?1`,
      )
      .bind(name)
      .first();
    expect(sums).toEqual({ n: attempts, exact: Number(exact), most: Number(upperBound) });
    expect(await pushRows(d1, name, [])).toBe(20);
  });
});
