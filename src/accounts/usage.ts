/** What the ledger's sums say of a span of time, in groups. */
import type { NanoDollars } from '../core/index.ts';
import type { ReportDatabase, ReportStatement, SqlValue } from './database.ts';

/** By what a report can be divided, and how the rollups have it. An hour and a day are their numbers since 1970. */
export const GROUPS = {
  account: 'account',
  key: 'key',
  provider: 'provider',
  model: 'model',
  dialect: 'dialect',
  day: "CASE span WHEN 'h' THEN start / 24 ELSE start END",
  hour: 'start',
} as const;
export type Group = keyof typeof GROUPS;

/** Whose rows are meant, and which of them. */
export interface LedgerFilter {
  /** Absent: every account that the database knows. */
  readonly account?: string;
  readonly key?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly dialect?: string;
}

/** Hours since 1970, from the first to before the last. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

export interface UsageQuery extends LedgerFilter, Hours {
  readonly by: readonly Group[];
  /** The group after which a page begins. */
  readonly after?: readonly (string | number)[];
  readonly limit: number;
}

/** The sums of a group. Its money is in nano-dollars. */
export interface UsageSums {
  /** Attempts at providers, and how many of them began a call. */
  readonly attempts: number;
  readonly calls: number;
  readonly errors: number;
  readonly canceled: number;
  readonly undelivered: number;
  readonly expired: number;
  /** Attempts whose tokens are not known. */
  readonly unmetered: number;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  /** What is known exactly; the most that attempts may have cost besides; attempts of which neither is known. */
  readonly cost: NanoDollars;
  readonly upperBound: NanoDollars;
  readonly unknown: number;
  readonly durationMs: number;
  readonly firstMs: number;
  readonly firsts: number;
}

export interface UsageGroup extends UsageSums {
  /** The value of each of the query's groups. */
  readonly group: readonly (string | number)[];
}

/** Amounts leave SQLite as text: JavaScript has whole numbers only up to 2^53. */
const SUMS = `SUM(attempts) AS attempts, SUM(calls) AS calls,
  SUM(CASE WHEN outcome = 'ok' THEN 0 ELSE attempts END) AS errors, SUM(canceled) AS canceled,
  SUM(undelivered) AS undelivered, SUM(expired) AS expired, SUM(CASE metered WHEN 1 THEN 0 ELSE attempts END) AS unmetered,
  SUM(input) AS input, SUM(cacheRead) AS cacheRead, SUM(cacheWrite) AS cacheWrite, SUM(output) AS output,
  SUM(reasoning) AS reasoning, CAST(SUM(CASE money WHEN 'settled' THEN cost ELSE 0 END) AS TEXT) AS cost,
  CAST(SUM(CASE money WHEN 'upper_bound' THEN cost ELSE 0 END) AS TEXT) AS upperBound,
  SUM(CASE money WHEN 'unknown' THEN attempts ELSE 0 END) AS unknown, SUM(durationMs) AS durationMs,
  SUM(firstMs) AS firstMs, SUM(firsts) AS firsts`;

/** Conditions of a statement, and the values of their parameters. */
export class Where {
  readonly values: SqlValue[] = [];
  readonly #parts: string[] = [];

  /** A parameter of the statement with this value. */
  value(value: SqlValue): string {
    this.values.push(value);
    return `?${this.values.length}`;
  }
  and(condition: string): this {
    this.#parts.push(condition);
    return this;
  }
  equal(column: string, value: SqlValue | undefined): this {
    return value === undefined ? this : this.and(`${column} = ${this.value(value)}`);
  }
  get sql(): string {
    return this.#parts.length === 0 ? '1' : this.#parts.join(' AND ');
  }
}

/** The accounts of a filter. All of them one by one, so that each one's range of the table is found by its key. */
export function ofAccount(where: Where, account: string | undefined): Where {
  return account === undefined
    ? where.and('account IN (SELECT account FROM ledger_cursor)')
    : where.equal('account', account);
}

const DAY_HOURS = 24;

/** Rows of the rollup for a span of time: whole days by the day, what is left at both ends by the hour. */
function spans(where: Where, { from, to }: Hours, byHour: boolean): Where {
  const range = (span: string, start: number, end: number): string =>
    `(span = '${span}' AND start >= ${where.value(start)} AND start < ${where.value(end)})`;
  const [first, last] = [Math.ceil(from / DAY_HOURS), Math.floor(to / DAY_HOURS)];
  if (byHour || first >= last) return where.and(range('h', from, to));
  const parts = [
    ...(from < first * DAY_HOURS ? [range('h', from, first * DAY_HOURS)] : []),
    range('d', first, last),
    ...(last * DAY_HOURS < to ? [range('h', last * DAY_HOURS, to)] : []),
  ];
  return where.and(`(${parts.join(' OR ')})`);
}

function matching(query: LedgerFilter & Hours, byHour: boolean): Where {
  const where = spans(ofAccount(new Where(), query.account), query, byHour);
  for (const name of ['key', 'provider', 'model', 'dialect'] as const) where.equal(name, query[name]);
  return where;
}

const text = (value: unknown): string => String(value ?? 0);

function sumsFrom(row: Readonly<Record<string, unknown>>): UsageSums {
  const count = (name: keyof UsageSums): number => Number(row[name] ?? 0);
  return {
    attempts: count('attempts'),
    calls: count('calls'),
    errors: count('errors'),
    canceled: count('canceled'),
    undelivered: count('undelivered'),
    expired: count('expired'),
    unmetered: count('unmetered'),
    input: count('input'),
    cacheRead: count('cacheRead'),
    cacheWrite: count('cacheWrite'),
    output: count('output'),
    reasoning: count('reasoning'),
    cost: BigInt(text(row.cost)),
    upperBound: BigInt(text(row.upperBound)),
    unknown: count('unknown'),
    durationMs: count('durationMs'),
    firstMs: count('firstMs'),
    firsts: count('firsts'),
  };
}

/** A page of groups in the order of their values, one more than asked for if there are more; and the sum of them all. */
export function usageStatements(db: ReportDatabase, query: UsageQuery): readonly [ReportStatement, ReportStatement] {
  const { by, after, limit } = query;
  const names = by.map((_, at) => `g${at}`);
  const columns = by.map((group, at) => `${GROUPS[group]} AS g${at}`);
  const byHour = by.includes('hour');
  const where = matching(query, byHour);
  if (after) {
    const values = after.map((value) => where.value(value)).join(', ');
    where.and(`(${by.map((group) => GROUPS[group]).join(', ')}) > (${values})`);
  }
  const most = where.value(limit + 1);
  const page = `SELECT ${[...columns, SUMS].join(', ')} FROM rollup WHERE ${where.sql}
    GROUP BY ${names.join(', ')} ORDER BY ${names.join(', ')} LIMIT ${most}`;
  const all = matching(query, false);
  return [
    db.prepare(page).bind(...where.values),
    db.prepare(`SELECT ${SUMS} FROM rollup WHERE ${all.sql}`).bind(...all.values),
  ];
}

/** Runs a query of the usage. `db` must have its tables. */
export async function usage(
  db: ReportDatabase,
  query: UsageQuery,
): Promise<{ readonly groups: readonly UsageGroup[]; readonly more: boolean; readonly total: UsageSums }> {
  const [page, total] = await db.batch([...usageStatements(db, query)]);
  const rows = page?.results ?? [];
  const groups = rows.slice(0, query.limit).map((row) => ({
    group: query.by.map((_, at) => groupValue(row[`g${at}`])),
    ...sumsFrom(row),
  }));
  return { groups, more: rows.length > query.limit, total: sumsFrom(total?.results[0] ?? {}) };
}

const groupValue = (value: unknown): string | number => (typeof value === 'number' ? value : String(value));

/** Accounts whose rows the database has, the one that pushed last first. */
export async function knownAccounts(db: ReportDatabase, most: number): Promise<readonly string[]> {
  const { results } = await db.prepare('SELECT account FROM ledger_cursor ORDER BY at DESC LIMIT ?1').bind(most).all();
  return results.map(({ account }) => String(account));
}
