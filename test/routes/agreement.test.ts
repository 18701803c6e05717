import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDollars } from '../../src/core/index.ts';
import { newKey, reserveRequest, settleRequest } from '../accounts/requests.ts';
import { attempted } from '../accounts/rows.ts';
import { newAccount } from '../accounts/support.ts';
import { db } from './ledger-support.ts';
import { gateway } from './support.ts';

const ask = gateway(async () => new Response(), { DB: db, ACCOUNT: Reflect.get(env, 'ACCOUNT') });
const report = async (path: string): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> => {
  const answer = await ask('GET', path);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json();
};

describe('what the database, the account and the reports say of the same calls', () => {
  it('is the same to the nano-dollar, for any ends of any attempts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(attempted, { minLength: 1, maxLength: 12 }), async (all) => {
        const { name, account } = newAccount();
        await account.createKey(newKey());
        const ends = all.map(({ end: { attempt: _, ...end } }) => ({ ...end, attempt: 1 }));
        for (const [at, end] of ends.entries()) {
          const request = reserveRequest(`${name}-${at}`, { cover: undefined, key: 'k1' });
          expect(await account.reserve(request)).toMatchObject({ kind: 'held' });
          expect(await account.settle(settleRequest(`${name}-${at}`, end))).toBe(true);
        }
        const { total, pending } = await report(`/v1/usage?account=${name}`);
        expect(pending).toBe(0);
        expect(total).toMatchObject({ calls: all.length, requests: all.length });
        const { spent } = await account.accountState();
        const stored = await db
          .prepare(
            `SELECT CAST(SUM(CASE money WHEN 'settled' THEN cost ELSE 0 END) AS TEXT) AS exact,
              CAST(SUM(CASE money WHEN 'upper_bound' THEN cost ELSE 0 END) AS TEXT) AS most,
              SUM(money = 'unknown') AS unknown FROM ledger WHERE account = ?1`,
          )
          .bind(name)
          .first();
        const [exact, most] = [BigInt(String(stored?.exact)), BigInt(String(stored?.most))];
        expect(exact + most).toBe(spent);
        expect(total).toMatchObject({
          cost: formatDollars(exact),
          cost_upper_bound: formatDollars(most),
          unknown_cost: stored?.unknown,
        });
        const { actual } = await report(`/v1/whatif?account=${name}`);
        expect(actual).toMatchObject({ cost: formatDollars(exact), cost_upper_bound: formatDollars(most) });
        const single = await Promise.all(all.map((_, at) => report(`/v1/generations/${name}-${at}?account=${name}`)));

        expect(single.reduce((sum, { cost }) => sum + nano(String(cost)), 0n)).toBe(exact);
      }),
      { numRuns: 15 },
    );
  });
});

function nano(text: string): bigint {
  const [whole = '0', decimals = ''] = text.split('.');
  return BigInt(whole + decimals.padEnd(9, '0'));
}
