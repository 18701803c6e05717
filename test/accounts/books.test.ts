import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BooksNamespace,
  booksAsD1,
  databaseOf,
  type ReportDatabase,
  type SqlValue,
} from '../../src/accounts/database.ts';

const d1: ReportDatabase = Reflect.get(env, 'DB') as D1Database;
const books = booksAsD1(Reflect.get(env, 'BOOKS') as BooksNamespace);
const both = [
  ['D1', d1],
  ['Books', books],
] as const;

/** What both answer, or that both refuse: D1 words errors differently. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch {
    return 'refused';
  }
}
const told = ({ results, meta: { changes } }: Awaited<ReturnType<ReportDatabase['batch']>>[number]) => ({
  results,
  changes,
});

async function fresh(db: ReportDatabase): Promise<void> {
  await db.batch([
    db.prepare('DROP TABLE IF EXISTS entry'),
    db.prepare('CREATE TABLE entry (id INTEGER PRIMARY KEY, name TEXT UNIQUE, amount INTEGER NOT NULL, note)'),
  ]);
}

type Step = readonly [sql: string, ...values: SqlValue[]];

const value = fc.oneof(
  fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.boolean(),
  fc.constant(null),
);
const id = fc.integer({ min: 1, max: 5 });
const name = fc.constantFrom('a', 'b', 'c');
const amount = fc.oneof(fc.integer({ min: -9, max: 9_000_000_000_000 }), fc.constant(null));

/** Statements of the kinds that a ledger needs; some break a constraint or are no SQL. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('INSERT INTO entry (id, name, amount, note) VALUES (?1, ?2, ?3, ?4)'), id, name, amount, value),
  fc.tuple(
    fc.constant(
      `INSERT INTO entry (id, name, amount, note) SELECT e.value ->> 'i', e.value ->> 'n', e.value ->> 'a', ?2
       FROM json_each(?1) e WHERE (SELECT COUNT(*) FROM entry) < 4 ON CONFLICT DO UPDATE SET amount = amount + excluded.amount`,
    ),
    fc.array(fc.record({ i: id, n: name, a: amount }), { maxLength: 3 }).map((rows) => JSON.stringify(rows)),
    value,
  ),
  fc.tuple(fc.constant('UPDATE entry SET amount = amount + ?2 WHERE name = ?1 RETURNING id, amount'), name, amount),
  fc.tuple(fc.constant('DELETE FROM entry WHERE id > ?1'), id),
  fc.tuple(fc.constant('SELECT *, typeof(note) AS kind FROM entry ORDER BY id')),
  fc.tuple(fc.constant('SELECT SUM(amount) AS total, COUNT(*) AS n, ?1 AS echo, typeof(?1) AS kind FROM entry'), value),
  fc.tuple(fc.constant('SELECT ?1 / 2 AS half, ?1 % 7 AS rest'), fc.integer()),
  fc.tuple(fc.constantFrom('SELEC 1', 'SELECT missing FROM entry')),
);

describe('Books beside D1', () => {
  it('give the same rows, changes and refusals for the same statements, one by one and in batches', async () => {
    const run = async (db: ReportDatabase, batches: readonly (readonly Step[])[]) => {
      await fresh(db);
      const seen: unknown[] = [];
      for (const batch of batches) {
        const statements = batch.map(([sql, ...values]) => db.prepare(sql).bind(...values));
        const [only] = statements;
        if (statements.length === 1 && only) {
          seen.push(await outcome(only.all().then(told)), await outcome(only.first()));
        } else seen.push(await outcome(db.batch(statements).then((results) => results.map(told))));
        seen.push((await db.prepare('SELECT * FROM entry ORDER BY id').all()).results);
      }
      return seen;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), async (batches) => {
        expect(await run(books, batches)).toEqual(await run(d1, batches));
      }),
      { numRuns: 60 },
    );
  });

  it.each(both)('%s takes back a whole batch when its last statement fails', async (_, db) => {
    await fresh(db);
    const insert = db.prepare('INSERT INTO entry (id, name, amount) VALUES (?1, ?2, ?3)');
    await insert.bind(1, 'first', 1).run();
    await expect(
      db.batch([insert.bind(2, 'second', 2), db.prepare('DELETE FROM entry WHERE id = 1'), insert.bind(2, 'third', 3)]),
    ).rejects.toThrow(/UNIQUE constraint failed: entry\.id/);
    expect((await db.prepare('SELECT id, name FROM entry').all()).results).toEqual([{ id: 1, name: 'first' }]);
  });

  it.each(both)('%s runs the lines of exec, or none of them', async (_, db) => {
    await fresh(db);
    expect(
      await db.exec("INSERT INTO entry VALUES (1, 'a', 1, NULL)\nINSERT INTO entry VALUES (2, 'b', 2, NULL)\n"),
    ).toMatchObject({
      count: 2,
    });
    await expect(db.exec('DELETE FROM entry\nDELETE FROM missing')).rejects.toThrow(/no such table/);
    expect(await db.prepare('SELECT COUNT(*) AS n FROM entry').first()).toEqual({ n: 2 });
  });

  it.each(both)('%s has null for the first row of none, and refuses what SQLite cannot hold', async (_, db) => {
    await fresh(db);
    const select = db.prepare('SELECT * FROM entry WHERE note = ?1');
    expect(await select.bind('x').first()).toBeNull();
    for (const odd of [undefined, 1n, { a: 1 }, Symbol('s')]) {
      await expect((async () => Reflect.apply(select.bind, select, [odd]).all())()).rejects.toThrow();
    }
    await expect(db.batch([])).rejects.toThrow();
  });

  it.each(both)('%s loses no update to callers at the same time', async (_, db) => {
    await fresh(db);
    await db.prepare("INSERT INTO entry VALUES (1, 'a', 0, NULL)").run();
    const add = db.prepare('UPDATE entry SET amount = amount + ?1 WHERE id = 1 AND amount < 20');
    const changed = await Promise.all(Array.from({ length: 40 }, () => add.bind(1).run()));
    expect(changed.reduce((sum, { meta }) => sum + meta.changes, 0)).toBe(20);
    expect(await db.prepare('SELECT amount FROM entry').first()).toEqual({ amount: 20 });
  });
});

describe('the database of a deployment', () => {
  it('is D1 where it is bound, else Books, else none', async () => {
    const BOOKS: unknown = Reflect.get(env, 'BOOKS');
    await fresh(d1);
    await fresh(books);
    await books.prepare("INSERT INTO entry VALUES (1, 'books', 1, NULL)").run();
    const names = async (of: Record<string, unknown>) => databaseOf(of)?.prepare('SELECT name FROM entry').first();
    expect(await names({ DB: d1, BOOKS })).toBeNull();
    expect(await names({ BOOKS })).toEqual({ name: 'books' });
    expect(databaseOf({})).toBeUndefined();
    expect(databaseOf({ DB: 'text', BOOKS: { fetch: () => undefined } })).toBeUndefined();
  });
});
