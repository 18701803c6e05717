/**
 * The tables of an account and the few statements over them. The state machine needs no more of SQLite than `Sql`, so
 * that its tests run it over any SQLite.
 *
 * Money is stored as decimal text and added up in `bigint`s, never by SQL: an object reads SQLite's integers as
 * JavaScript numbers, which are exact only up to 2^53 nano-dollars, that is 9 million dollars.
 *
 * No table has an index beside its key, because each would cost a further row written for every write.
 */
import type { NanoDollars } from '../core/index.ts';

export type Cell = string | number | null;
export type Row = Readonly<Record<string, unknown>>;

export interface Sql {
  exec(query: string, ...values: Cell[]): readonly Row[];
  /** Runs `work`. If it throws, nothing of it has happened. Not nested. */
  transaction<T>(work: () => T): T;
}

/** Statements that lead from each version of the schema to the next. Only ever add to the end. */
const VERSIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE keys (
      id TEXT PRIMARY KEY, revision INTEGER NOT NULL, secret_hash TEXT NOT NULL, settings TEXT NOT NULL,
      created INTEGER NOT NULL, revoked INTEGER
    ) WITHOUT ROWID`,
    // One row an attempt. A row whose attempt has been pushed is used again for another one: see `push.ts`. What a
    // restart reads of all rows comes first, so that it does not read the long texts.
    `CREATE TABLE attempts (
      slot INTEGER PRIMARY KEY, seq INTEGER, done INTEGER, reserved INTEGER NOT NULL, deadline INTEGER NOT NULL,
      tokens INTEGER NOT NULL, flags INTEGER NOT NULL, attempt INTEGER NOT NULL, key TEXT NOT NULL, call TEXT NOT NULL,
      held TEXT, money TEXT, cost TEXT, idempotency TEXT, start TEXT NOT NULL, "end" TEXT
    )`,
    // Sums of all attempts up to a checkpoint, by key. The account's own have the empty name, and say where that is.
    'CREATE TABLE sums (key TEXT PRIMARY KEY, sums TEXT NOT NULL) WITHOUT ROWID',
    `CREATE TABLE idempotency (
      key TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL, call TEXT NOT NULL, at INTEGER NOT NULL,
      came TEXT, PRIMARY KEY (key, name)
    ) WITHOUT ROWID`,
    // Attempts that were pushed, kept for a while: one row a batch.
    'CREATE TABLE archive (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at INTEGER NOT NULL, rows TEXT NOT NULL)',
  ],
];

/** Makes the tables, or brings those of an older version up to date. Costs one read where there is nothing to do. */
export function setUp(sql: Sql): void {
  sql.exec('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
  const version = Number(readMeta(sql, 'schema') ?? 0);
  if (version > VERSIONS.length) {
    throw new Error(`This account's tables have version ${version}, and this Worker knows up to ${VERSIONS.length}.`);
  }
  if (version === VERSIONS.length) return;
  sql.transaction(() => {
    for (const statements of VERSIONS.slice(version)) for (const one of statements) sql.exec(one);
    writeMeta(sql, 'schema', String(VERSIONS.length));
  });
}

type Meta = 'schema' | 'name' | 'account';

export const readMeta = (sql: Sql, name: Meta): string | undefined => {
  const value = sql.exec('SELECT value FROM meta WHERE name = ?', name)[0]?.value;
  return value === undefined ? undefined : String(value);
};

export function writeMeta(sql: Sql, name: Meta, value: string): void {
  sql.exec('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', name, value);
}

/** Bits of `attempts.flags`. */
export const FLAGS = {
  /** It opened its call, and counts as a request of its minute. */
  counted: 1,
  /** What it holds is held from a budget. */
  budgeted: 2,
  /** Nobody settled it in time. */
  expired: 4,
  /** Its call was let in. Without this it was sent before the account refused it. */
  admitted: 8,
} as const;

/** Text of money for a cell, and back. */
export const moneyCell = (amount: NanoDollars | undefined): string | null =>
  amount === undefined ? null : `${amount}`;
export const moneyOf = (cell: unknown): NanoDollars | undefined =>
  cell === null || cell === undefined ? undefined : BigInt(String(cell));

const BIGINT = 'n:';
const BIGINT_TEXT = /^n:-?\d+$/;
const TEXT = 's:';
const MARKED = /^[ns]:/;

/** JSON with a `bigint` as `"n:…"`. Text that begins like that, or with `s:`, has `s:` before it. */
export const packed = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return `${BIGINT}${member}`;
    return typeof member === 'string' && MARKED.test(member) ? `${TEXT}${member}` : member;
  });

export const unpacked = (text: string): unknown =>
  JSON.parse(text, (_, member: unknown) => {
    if (typeof member !== 'string') return member;
    if (BIGINT_TEXT.test(member)) return BigInt(member.slice(BIGINT.length));
    return member.startsWith(TEXT) ? member.slice(TEXT.length) : member;
  });
