import { runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { pushRows } from '../../src/accounts/ledger.ts';
import { forget, type pushAll, rowsAfter } from '../../src/accounts/push.ts';
import { plan } from './commands.ts';
import { emptied } from './machine.ts';
import { newAccount } from './support.ts';
import { attempt } from './trial.ts';

/** What not to do: forgets what was sent, not what the database says that it has. */
const careless: typeof pushAll = async (run, db, account) => {
  const rows = run((state) => rowsAfter(state, state.pushed));
  try {
    await pushRows(db, account, rows);
  } finally {
    run((state) => forget(state, rows.at(-1)?.seq ?? 0));
  }
};

describe('an account beside a model that only adds up', () => {
  const { stub } = newAccount();

  it('keeps its promises whatever comes, is repeated, dies or fails in between', async () => {
    await runInDurableObject(stub, async (_, { storage }) => {
      const property = fc.asyncProperty(plan, async (one) => {
        const sql = emptied(storage);
        await attempt(sql, sql, one);
      });
      await fc.assert(property, { numRuns: inject('accountRuns') });
    });
  }, 3_600_000);

  it('notices a push that forgets rows which the database never got', async () => {
    await runInDurableObject(stub, async (_, { storage }) => {
      const property = fc.asyncProperty(plan, async (one) => {
        const sql = emptied(storage);
        await attempt(sql, sql, one, careless);
      });
      expect(await fc.check(property, { numRuns: 1000, endOnFailure: true })).toMatchObject({ failed: true });
    });
  });
});
