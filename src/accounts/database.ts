/**
 * The database that prices and reports are kept in: Cloudflare's D1, or on plain workerd, which has no D1, the Durable
 * Object `Books` with the same statements. Whoever uses it cannot tell which one it is.
 */
import { isObject } from '../core/index.ts';

export type SqlValue = number | string | boolean | null;

/** The part of Cloudflare's `D1Database` that the gateway uses. */
export interface ReportDatabase {
  prepare(sql: string): ReportStatement;
  /** One transaction: if a statement fails, none of them has happened. */
  batch(statements: ReportStatement[]): Promise<ReportResult[]>;
  /** Statements without parameters, one a line, in one transaction. */
  exec(sql: string): Promise<{ readonly count: number }>;
}

export interface ReportStatement {
  /** A copy of the statement with values for `?1`, `?2` and so on. At most 100 of them. */
  bind(...values: SqlValue[]): ReportStatement;
  all(): Promise<ReportResult>;
  run(): Promise<ReportResult>;
  /** The first row, or null if there is none. */
  first(): Promise<Readonly<Record<string, unknown>> | null>;
}

export interface ReportResult {
  readonly results: readonly Readonly<Record<string, unknown>>[];
  /** `changes`: rows inserted, updated or deleted by the statement. */
  readonly meta: { readonly changes: number };
}

/** A statement on its way to `Books`. */
export interface BoundStatement {
  readonly sql: string;
  readonly values: readonly (number | string | null)[];
}

/** What `Books` answers. A failure is a value: the runtime would log an exception of an object as uncaught. */
export type BooksAnswer =
  | { readonly results: ReportResult[]; readonly failed?: never }
  | { readonly failed: string; readonly results?: never };

/** A Durable Object namespace of `Books`: the part that is used. */
export interface BooksNamespace {
  getByName(name: string): { run(statements: readonly BoundStatement[]): Promise<BooksAnswer> };
}

/** There is one database in a deployment. */
const NAME = 'books';

/** Like D1: a boolean is stored as 1 or 0, and anything that SQLite cannot hold is refused. */
function bound(value: unknown, at: number): number | string | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' || value === null || Number.isFinite(value)) return value as number | string | null;
  throw new TypeError(
    `Value ${at + 1} of a statement is ${typeof value}: only text, finite numbers, booleans and null are stored.`,
  );
}

/** Gives `Books` the interface of D1. Every call is one call of the object. */
export function booksAsD1(namespace: BooksNamespace): ReportDatabase {
  async function run(statements: readonly BoundStatement[]): Promise<ReportResult[]> {
    const { results, failed } = await namespace.getByName(NAME).run(statements);
    if (failed !== undefined) throw new Error(`Books: ${failed}`);
    return results;
  }
  const bounds = new WeakMap<ReportStatement, BoundStatement>();

  function statement(one: BoundStatement): ReportStatement {
    const only = async (): Promise<ReportResult> => {
      const [result] = await run([one]);
      return result ?? { results: [], meta: { changes: 0 } };
    };
    const made: ReportStatement = {
      bind: (...values) => statement({ sql: one.sql, values: values.map(bound) }),
      all: only,
      run: only,
      first: async () => (await only()).results[0] ?? null,
    };
    bounds.set(made, one);
    return made;
  }

  return {
    prepare: (sql) => statement({ sql, values: [] }),
    batch: (statements) =>
      run(
        statements.map((one) => {
          const known = bounds.get(one);
          if (known === undefined) throw new TypeError('A batch takes only statements that this database prepared.');
          return known;
        }),
      ),
    async exec(sql) {
      const lines = sql.split('\n').filter((line) => line.trim() !== '');
      await run(lines.map((line) => ({ sql: line, values: [] })));
      return { count: lines.length };
    },
  };
}

const isD1 = (value: unknown): value is ReportDatabase =>
  isObject(value) && typeof value.prepare === 'function' && typeof value.batch === 'function';

const isBooks = (value: unknown): value is BooksNamespace => isObject(value) && typeof value.getByName === 'function';

/** The database of this deployment: `DB` if a D1 database is bound, else `BOOKS` if that object is. */
export function databaseOf(env: Readonly<Record<string, unknown>>): ReportDatabase | undefined {
  if (isD1(env.DB)) return env.DB;
  return isBooks(env.BOOKS) ? booksAsD1(env.BOOKS) : undefined;
}
