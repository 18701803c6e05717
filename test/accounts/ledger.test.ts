import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BooksNamespace, booksAsD1, type ReportDatabase } from '../../src/accounts/database.ts';
import { MOST_ROWS, pushRows } from '../../src/accounts/ledger.ts';
import { type LedgerRow, ledgerRow } from '../../src/accounts/ledger-row.ts';
import { migrate } from '../../src/accounts/ledger-schema.ts';
import { type Attempted, attempted, DAY, MIDNIGHT, rowsOf } from './rows.ts';

const d1: ReportDatabase = Reflect.get(env, 'DB') as D1Database;
const books = booksAsD1(Reflect.get(env, 'BOOKS') as BooksNamespace);
const both = [
  ['D1', d1],
  ['Books', books],
] as const;

let accounts = 0;
/** Tests share a database, so each has accounts of its own. */
const newAccount = (): string => `ledger-${++accounts}-${crypto.randomUUID().slice(0, 8)}`;

/** Everything that the tables have about an account, in one order. Amounts as text. */
async function tablesOf(db: ReportDatabase, account: string) {
  const read = async (table: string, amounts: string) => {
    const sql = `SELECT *, ${amounts} FROM ${table} WHERE account = ?1`;
    const { results } = await db.prepare(sql).bind(account).all();
    return results.map(({ account: _, ...row }) => JSON.stringify(row)).sort();
  };
  return {
    ledger: await read('ledger', 'CAST(cost AS TEXT) AS amount, typeof(cost) AS kind'),
    rollup: await read('rollup', 'CAST(cost AS TEXT) AS amount, CAST(nanoseconds AS TEXT) AS time'),
    counted: await read('counted', 'CAST(cost AS TEXT) AS amount, CAST(upperBound AS TEXT) AS most'),
    latency: await read('latency', '1'),
  };
}

describe.each(both)('the ledger in %s', (_, db) => {
  it('has each row once and the same sums, however rows are divided, repeated and disturbed', async () => {
    /** What an attempt to push meets: the sender's wrong idea of the cursor, a failure, or a lost reply. */
    const step = fc.record({
      size: fc.integer({ min: 1, max: 7 }),
      back: fc.integer({ min: 0, max: 4 }),
      ahead: fc.integer({ min: 0, max: 1 }),
      fault: fc.constantFrom('none', 'none', 'before', 'after', 'twice'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(attempted, { maxLength: 25 }),
        fc.array(step, { maxLength: 20 }),
        async (all, steps) => {
          const rows = rowsOf(all);
          const [plain, disturbed] = [newAccount(), newAccount()];
          expect(await pushRows(db, plain, rows)).toBe(rows.length);
          let cursor = 0;
          for (const { size, back, ahead, fault } of steps) {
            const from = Math.max(0, cursor - back + ahead);
            const part = rows.slice(from, from + size);
            if (fault === 'before') {
              await expect(pushRows(failing(db), disturbed, part)).rejects.toThrow('D1 is down');
              continue;
            }
            const answers = await Promise.all(
              Array.from({ length: fault === 'twice' ? 2 : 1 }, () => pushRows(db, disturbed, part)),
            );
            // A lost reply: the sender goes on from what it knew.
            if (fault !== 'after') cursor = Math.max(...answers);
          }
          while (cursor < rows.length) cursor = await pushRows(db, disturbed, rows.slice(cursor, cursor + 4));
          expect(await pushRows(db, disturbed, [])).toBe(rows.length);
          expect(await tablesOf(db, disturbed)).toEqual(await tablesOf(db, plain));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('adds rows up exactly, beyond what a double holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(attempted, { maxLength: 30 }), async (all) => {
        const account = newAccount();
        const rows = rowsOf(all);
        await pushRows(db, account, rows);
        for (const [span, keys] of [
          ['h', "key <> ''"],
          ['h', "key = ''"],
          ['d', "key <> ''"],
          ['d', "key = ''"],
          ['t', '1'],
        ] as const) {
          const sums = await db
            .prepare(
              `SELECT money, CAST(SUM(cost) AS TEXT) AS cost, SUM(attempts) AS attempts, SUM(input + cacheRead + cacheWrite) AS
              prompt, SUM(output) AS output, SUM(attempts * metered) AS metered
              FROM rollup WHERE account = ?1 AND span = ?2 AND ${keys} GROUP BY money`,
            )
            .bind(account, span)
            .all();
          expect(new Map(sums.results.map((sum) => [sum.money, sum]))).toEqual(sumsOf(rows));
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** The sums of rows by how their money ended, computed here. */
function sumsOf(rows: readonly LedgerRow[]) {
  const byMoney = Map.groupBy(rows, ({ money }) => money);
  const total = (own: readonly LedgerRow[], of: (row: LedgerRow) => number) =>
    own.reduce((sum, row) => sum + of(row), 0);
  return new Map(
    [...byMoney].map(([money, own]) => [
      money,
      {
        money,
        cost: String(own.reduce((sum, { cost }) => sum + BigInt(cost ?? '0'), 0n)),
        attempts: own.length,
        prompt: total(own, ({ input, cacheRead, cacheWrite }) => input + cacheRead + cacheWrite),
        output: total(own, ({ output }) => output),
        metered: own.filter(({ source }) => source !== null).length,
      },
    ]),
  );
}

/** A database that fails before it does anything. */
const failing = (db: ReportDatabase): ReportDatabase => ({
  ...db,
  prepare: (sql) => db.prepare(sql),
  exec: (sql) => db.exec(sql),
  batch: () => Promise.reject(new Error('D1 is down')),
});

const some: Attempted = {
  call: {
    call: 'gen-1',
    account: 'a',
    key: 'k',
    dialect: 'chat',
    streamed: false,
    asked: 'llama',
    started: MIDNIGHT + DAY - 1,
  },
  start: {
    attempt: 1,
    model: 'llama-3-8b-instruct',
    provider: 'bedrock',
    upstream: 'u',
    api: 'chat',
    requests: 1,
    started: MIDNIGHT + DAY,
  },
  end: { attempt: 1, outcome: 'ok', money: 'settled', cost: 5n, ended: MIDNIGHT + DAY + 30 },
  expired: false,
};
const rowWith = (end: Partial<Attempted['end']>, seq = 1): LedgerRow =>
  ledgerRow(some.call, some.start, { ...some.end, ...end }, seq);

describe('a row of the ledger', () => {
  it('has a cost exactly where its money is known', () => {
    expect(rowWith({})).toMatchObject({ money: 'settled', cost: '5' });
    expect(rowWith({ money: 'upper_bound' })).toMatchObject({ money: 'upper_bound', cost: '5' });
    expect(rowWith({ money: 'released' })).toMatchObject({ money: 'released', cost: '0' });
    expect(rowWith({ money: 'unknown' })).toMatchObject({ money: 'unknown', cost: null });
    const { cost: __, ...costless } = some.end;
    expect(ledgerRow(some.call, some.start, costless, 1)).toMatchObject({ money: 'unknown', cost: null });
    expect(rowWith({ cost: 10n ** 19n })).toMatchObject({ money: 'unknown', cost: null });
  });

  it('does not take an impossible usage for one', () => {
    const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0, source: 'provider' } as const;
    expect(rowWith({ usage })).toMatchObject({ source: 'provider', input: 1, output: 2 });
    for (const output of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER]) {
      expect(rowWith({ usage: { ...usage, output } })).toMatchObject({ source: null, input: 0, output: 0 });
    }
  });
});

describe('pushing rows', () => {
  it('belongs to the day on which the call began', async () => {
    const account = newAccount();
    await pushRows(d1, account, [rowWith({})]);
    const days = await d1
      .prepare("SELECT start FROM rollup WHERE account = ?1 AND span = 'd' AND key = ''")
      .bind(account)
      .all();
    expect(days.results).toEqual([{ start: MIDNIGHT / DAY }]);
  });

  it('refuses rows with a gap, and writes at most so many at once', async () => {
    const account = newAccount();
    await expect(pushRows(d1, account, [rowWith({}, 1), rowWith({}, 3)])).rejects.toThrow(/gap/);
    const rows = Array.from({ length: MOST_ROWS + 1 }, (_, at) => rowWith({}, at + 1));
    expect(await pushRows(d1, account, rows)).toBe(MOST_ROWS);
    expect(await pushRows(d1, account, rows.slice(MOST_ROWS))).toBe(MOST_ROWS + 1);
  });

  it('keeps what SQL could take for its own as it is', async () => {
    const account = `x'); DROP TABLE ledger; --${newAccount()}`;
    const call = { ...some.call, key: "'; DELETE FROM rollup; --", asked: '"\u0000\ud800 é' };
    await pushRows(d1, account, [ledgerRow(call, some.start, some.end, 1)]);
    const read = await d1.prepare('SELECT key FROM ledger WHERE account = ?1').bind(account).first();
    expect(read).toEqual({ key: call.key });
  });
});

describe('the tables', () => {
  it('are made once by many first users at the same time, step by step', async () => {
    const table = `step_${crypto.randomUUID().replaceAll('-', '')}`;
    const start = Number((await d1.prepare('SELECT version FROM ledger_version').first())?.version);
    const done = Array.from({ length: start }, () => []);
    const steps = [
      ...done,
      [`CREATE TABLE ${table} (a INTEGER)`],
      [`ALTER TABLE ${table} ADD COLUMN b INTEGER`, `INSERT INTO ${table} VALUES (1, 2)`],
    ];
    try {
      await Promise.all(Array.from({ length: 8 }, () => migrate(d1, steps)));
      expect((await d1.prepare(`SELECT * FROM ${table}`).all()).results).toEqual([{ a: 1, b: 2 }]);
      // A Worker of an older version goes on with the newer tables.
      await migrate(d1, done);
      expect(await pushRows(d1, newAccount(), [rowWith({})])).toBe(1);
      await expect(migrate(d1, [...steps, ['CREATE NONSENSE']])).rejects.toThrow(/NONSENSE/);
    } finally {
      await d1.batch([
        d1.prepare('UPDATE ledger_version SET version = ?1').bind(start),
        d1.prepare(`DROP TABLE ${table}`),
      ]);
    }
  });
});
