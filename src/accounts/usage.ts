/** What the ledger's sums say of a span of time, in groups. */
import type { NanoDollars } from '../core/index.ts';
import type { ReportDatabase, ReportStatement, SqlValue } from './database.ts';
import { ALL_KEYS } from './rollup.ts';

/** By what a report can be divided, and how the rollups have it. An hour and a day are their numbers since 1970. */
export const GROUPS = {
  account: 'rollup.account',
  key: 'key',
  provider: 'provider',
  model: 'model',
  dialect: 'dialect',
  outcome: 'outcome',
  day: "CASE rollup.span WHEN 'h' THEN start / 24 ELSE start END",
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
  /** As the row has it: `ok`, or the error's code. */
  readonly outcome?: string;
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
  readonly values: SqlValue[];
  readonly #parts: string[] = [];

  constructor(values: SqlValue[] = []) {
    this.values = values;
  }

  /** Conditions of another part of the same statement, with the same parameters. */
  another(): Where {
    return new Where(this.values);
  }
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

export const DAY_HOURS = 24;

/** Columns of rows and of their sums alike. */
const FILTERS = ['provider', 'model', 'dialect', 'outcome'] as const;

type Range = readonly [span: 'h' | 'd', from: number, to: number];

/** The ranges of the rollup for a span of time: whole days by the day, what is left at both ends by the hour. */
function rangesOf({ from, to }: Hours, byHour: boolean): readonly Range[] {
  const [first, last] = [Math.ceil(from / DAY_HOURS), Math.floor(to / DAY_HOURS)];
  if (byHour || first >= last) return [['h', from, to]];
  const all: readonly Range[] = [
    ['h', from, first * DAY_HOURS],
    ['d', first, last],
    ['h', last * DAY_HOURS, to],
  ];
  return all.filter(([, start, end]) => start < end);
}

/**
 * The table and the conditions that find a query's rows by the table's key alone. SQLite does not do that by itself for
 * several ranges, or for one key in every hour: these are an outer loop, each turn of which is one look-up.
 *
 * @param by what the sums are divided by: sums of all keys are not read together with those of each
 */
export function rollupsOf(
  query: LedgerFilter & Hours,
  by: readonly Group[],
): { readonly from: string; readonly where: Where } {
  const where = new Where();
  for (const name of FILTERS) where.equal(name, query[name]);
  const ranges = rangesOf(query, by.includes('hour'));
  const account = query.account === undefined ? 'ledger_cursor' : `(SELECT ${where.value(query.account)} AS account)`;
  const key = query.key ?? (by.includes('key') ? undefined : ALL_KEYS);
  where.and('rollup.account = looked.account').and('rollup.span = part.span');
  if (key === undefined)
    where
      .and('start >= part.low')
      .and('start < part.high')
      .and(`key > ${where.value(ALL_KEYS)}`);
  else where.and('start = part.low').equal('key', key);
  const parts = ranges.map(([span, start, end]) => {
    const [low, high] = [where.value(start), where.value(end)];
    return key === undefined
      ? `SELECT '${span}' AS span, ${low} AS low, ${high} AS high`
      : `SELECT '${span}' AS span, at AS low FROM (WITH RECURSIVE each(at) AS
          (SELECT ${low} UNION ALL SELECT at + 1 FROM each WHERE at + 1 < ${high}) SELECT at FROM each)`;
  });
  return { from: `${account} AS looked CROSS JOIN (${parts.join(' UNION ALL ')}) AS part CROSS JOIN rollup`, where };
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

function pageStatement(db: ReportDatabase, query: UsageQuery): ReportStatement {
  const { by, after, limit } = query;
  const names = by.map((_, at) => `g${at}`);
  const columns = by.map((group, at) => `${GROUPS[group]} AS g${at}`);
  const { from, where } = rollupsOf(query, by);
  if (after) {
    const values = after.map((value) => where.value(value)).join(', ');
    where.and(`(${by.map((group) => GROUPS[group]).join(', ')}) > (${values})`);
  }
  const most = where.value(limit + 1);
  const sql = `SELECT ${[...columns, SUMS].join(', ')} FROM ${from} WHERE ${where.sql}
    GROUP BY ${names.join(', ')} ORDER BY ${names.join(', ')} LIMIT ${most}`;
  return db.prepare(sql).bind(...where.values);
}

function totalStatement(db: ReportDatabase, query: UsageQuery): ReportStatement {
  const { from, where } = rollupsOf(query, []);
  return db.prepare(`SELECT ${SUMS} FROM ${from} WHERE ${where.sql}`).bind(...where.values);
}

export interface Usage {
  /** In the order of their values. */
  readonly groups: readonly UsageGroup[];
  /** There are more of them after these. */
  readonly more: boolean;
  /** Of all groups, on this page or not. */
  readonly total: UsageSums;
}

const added = (a: UsageSums, b: UsageSums): UsageSums => {
  const names = Object.keys(a) as (keyof UsageSums)[];
  const sum = (x: number | bigint, y: number | bigint) =>
    typeof x === 'bigint' || typeof y === 'bigint' ? BigInt(x) + BigInt(y) : x + y;
  return Object.fromEntries(names.map((name) => [name, sum(a[name], b[name])])) as unknown as UsageSums;
};

/** Runs a query of the usage. `db` must have its tables. */
export async function usage(db: ReportDatabase, query: UsageQuery): Promise<Usage> {
  const { results: rows } = await pageStatement(db, query).all();
  const more = rows.length > query.limit;
  const groups = rows.slice(0, query.limit).map((row) => ({
    group: query.by.map((_, at) => groupValue(row[`g${at}`])),
    ...sumsFrom(row),
  }));
  // All groups are here, so that adding them up is faster than reading the table again.
  if (!more && !query.after) return { groups, more, total: groups.reduce<UsageSums>(added, sumsFrom({})) };
  return { groups, more, total: sumsFrom((await totalStatement(db, query).first()) ?? {}) };
}

const groupValue = (value: unknown): string | number => (typeof value === 'number' ? value : String(value));

/** Accounts whose rows the database has, the one that pushed last first. */
export async function knownAccounts(db: ReportDatabase, most: number): Promise<readonly string[]> {
  const { results } = await db.prepare('SELECT account FROM ledger_cursor ORDER BY at DESC LIMIT ?1').bind(most).all();
  return results.map(({ account }) => String(account));
}

/** Those of them that pushed rows after `since`, in milliseconds since the epoch. */
export async function activeAccounts(db: ReportDatabase, since: number, most: number): Promise<readonly string[]> {
  const { results } = await db
    .prepare('SELECT account FROM ledger_cursor WHERE at > ?1 ORDER BY at DESC LIMIT ?2')
    .bind(since, most)
    .all();
  return results.map(({ account }) => String(account));
}
