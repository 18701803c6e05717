import { isObject } from '../../core/index.ts';
/** Where the admin's prices are kept: one versioned row of a D1 database. */

/** As much of Cloudflare's `D1Database` as is used. */
export interface Database {
  prepare(sql: string): Statement;
  /** One transaction. */
  batch(statements: Statement[]): Promise<readonly { readonly results: readonly unknown[] }[]>;
}

export interface Statement {
  bind(...values: unknown[]): Statement;
}

export const isDatabase = (value: unknown): value is Database =>
  typeof value === 'object' && value !== null && 'prepare' in value && 'batch' in value;

/** What the row says. A version is never given twice, so that a rule that names one means one price. */
export interface Stored {
  /** 0 before the first. */
  readonly version: number;
  /** When it was written, RFC 3339. */
  readonly at: string;
  /** Absent where it was never set, or was taken back. */
  readonly document?: PriceDocument;
}

export interface PriceDocument {
  readonly source: string;
  readonly prices: unknown;
}

const NAME = 'catalog:prices';
/** The first use makes the table, so that a deployment needs no step for it. */
const CREATE =
  'CREATE TABLE IF NOT EXISTS config (name TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT, at TEXT NOT NULL)';
const READ = 'SELECT version, json, at FROM config WHERE name = ?1';
const FIRST = 'INSERT OR IGNORE INTO config (name, version, json, at) VALUES (?1, 0, NULL, ?2)';
/** Checked and written in one statement: of two writers that saw the same version one comes too late. */
const WRITE =
  'UPDATE config SET version = version + 1, json = ?2, at = ?3 WHERE name = ?1 AND (?4 IS NULL OR version = ?4) RETURNING version';

function storedFrom(row: unknown): Stored {
  if (!isObject(row) || typeof row.version !== 'number' || typeof row.at !== 'string') return { version: 0, at: '' };
  const { version, at, json } = row;
  const document: unknown = typeof json === 'string' ? JSON.parse(json) : undefined;
  if (!isObject(document) || typeof document.source !== 'string') return { version, at };
  return { version, at, document: { source: document.source, prices: document.prices } };
}

export async function readStored(db: Database): Promise<Stored> {
  const [, read] = await db.batch([db.prepare(CREATE), db.prepare(READ).bind(NAME)]);
  return storedFrom(read?.results[0]);
}

/**
 * Replaces the row, or empties it, and says what is there now; undefined if another version is there than was expected.
 *
 * @param expected the version that the writer saw; undefined writes over any
 */
export async function writeStored(
  db: Database,
  document: PriceDocument | undefined,
  expected: number | undefined,
  at: string,
): Promise<Stored | undefined> {
  const json = document === undefined ? null : JSON.stringify(document);
  const [, , written] = await db.batch([
    db.prepare(CREATE),
    db.prepare(FIRST).bind(NAME, at),
    db.prepare(WRITE).bind(NAME, json, at, expected ?? null),
  ]);
  const row = written?.results[0];
  if (!isObject(row) || typeof row.version !== 'number') return undefined;
  return { version: row.version, at, ...(document === undefined ? {} : { document }) };
}
