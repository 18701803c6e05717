import { runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, inject, it } from 'vitest';
import type { Sql } from '../../src/accounts/storage.ts';
import { plan } from './commands.ts';
import { newAccount } from './support.ts';
import { attempt } from './trial.ts';

/** SQLite of an object, with its tables taken away. */
function emptied(storage: DurableObjectStorage): Sql {
  const exec: Sql['exec'] = (query, ...values) => storage.sql.exec(query, ...values).toArray();
  const tables = exec(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  );
  for (const { name } of tables) exec(`DROP TABLE "${name}"`);
  return { exec, transaction: (work) => storage.transactionSync(work) };
}

describe('an account beside a model that only adds up', () => {
  it('keeps its promises whatever comes, is repeated, dies or fails in between', async () => {
    const { stub } = newAccount();
    await runInDurableObject(stub, async (_, { storage }) => {
      await fc.assert(
        fc.asyncProperty(plan, async (one) => {
          const sql = emptied(storage);
          await attempt(sql, sql, one);
        }),
        { numRuns: inject('accountRuns') },
      );
    });
  }, 3_600_000);
});
