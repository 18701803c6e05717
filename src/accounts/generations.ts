/** Rows of the ledger themselves: pages of them, the newest first, and those of one call. */
import type { ReportDatabase, ReportStatement } from './database.ts';
import { LEDGER_COLUMNS } from './ledger.ts';
import type { LedgerRow } from './ledger-row.ts';
import { ALL_KEYS } from './rollup.ts';
import { DAY_HOURS, type LedgerFilter, ofAccount, rollupsOf, Where } from './usage.ts';

/** A row with the account that it belongs to. */
export interface AccountRow extends LedgerRow {
  readonly account: string;
}

export interface PageQuery extends LedgerFilter {
  /** When the call began, in milliseconds since the epoch: from the first to before the last. */
  readonly from: number;
  readonly to: number;
  /** The row after which the page begins. */
  readonly after?: readonly [called: number, account: string, seq: number];
  readonly limit: number;
}

const COLUMNS = ['account', ...LEDGER_COLUMNS]
  .map((column) => (column === 'cost' ? 'CAST(cost AS TEXT) AS cost' : column))
  .join(', ');

/** The statements above select exactly the columns of a row. */
const rowFrom = (row: Readonly<Record<string, unknown>>): AccountRow => row as unknown as AccountRow;

const FILTERS = ['key', 'provider', 'model', 'dialect', 'outcome'] as const;

function filtered(where: Where, query: PageQuery): Where {
  for (const name of FILTERS) where.equal(name, query[name]);
  return where;
}

/** Rows of a span of time, in the order of the table or of the key's index. */
function pageStatement(db: ReportDatabase, query: PageQuery, { from, to }: Span): ReportStatement {
  const { account, key, after, limit } = query;
  const where = new Where();
  // Without a key the index of keys is of no use, and the table itself is in the right order: `+` hides the column.
  if (account !== undefined) where.equal(key === undefined ? '+account' : 'account', account);
  filtered(where, query);
  where.and(`called >= ${where.value(from)}`).and(`called < ${where.value(to)}`);
  if (after) where.and(`(called, account, seq) < (${after.map((value) => where.value(value)).join(', ')})`);
  const sql = `SELECT ${COLUMNS} FROM ledger WHERE ${where.sql}
    ORDER BY called DESC, account DESC, seq DESC LIMIT ${where.value(limit + 1)}`;
  return db.prepare(sql).bind(...where.values);
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const HOUR_MS = 3_600_000;

/** The newest hours that have rows of a query, in the newest days that have some, and how many. */
function hoursStatement(db: ReportDatabase, query: PageQuery, { from, to }: Span): ReportStatement {
  const { account, key = ALL_KEYS, limit } = query;
  const [first, last] = [Math.floor(from / HOUR_MS), Math.floor((to - 1) / HOUR_MS)];
  const whole = { from: Math.floor(first / DAY_HOURS) * DAY_HOURS, to: (Math.floor(last / DAY_HOURS) + 1) * DAY_HOURS };
  const { from: rollups, where } = rollupsOf({ ...query, ...whole }, []);
  const most = where.value(limit + 2);
  const days = `SELECT start AS day FROM ${rollups} WHERE ${where.sql} GROUP BY day ORDER BY day DESC LIMIT ${most}`;
  const hours = filtered(where.another(), { ...query, key })
    .and("span = 'h'")
    .and('start = day * 24 + hour');
  hours.and(`start >= ${hours.value(first)}`).and(`start <= ${hours.value(last)}`);
  ofAccount(hours, account);
  const sql = `SELECT start, SUM(attempts) AS attempts FROM (${days}) CROSS JOIN
      (WITH RECURSIVE each(hour) AS (SELECT 0 UNION ALL SELECT hour + 1 FROM each WHERE hour < 23) SELECT hour FROM each)
      CROSS JOIN rollup WHERE ${hours.sql} GROUP BY start ORDER BY start DESC LIMIT ${most}`;
  return db.prepare(sql).bind(...hours.values);
}

/**
 * The newest hours that have enough rows for a page, by the sums of hours: what a filter leaves may be rare, and the
 * table is not read where there is nothing. Hours in a row are one span.
 */
async function spansWithRows(db: ReportDatabase, query: PageQuery): Promise<readonly Span[]> {
  const { from, after, limit } = query;
  const to = after ? Math.min(query.to, after[0] + 1) : query.to;
  const { results } = await hoursStatement(db, query, { from, to }).all();
  const spans: Span[] = [];
  let rows = 0;
  for (const [at, { start, attempts }] of results.entries()) {
    const hour = { from: Number(start) * HOUR_MS, to: (Number(start) + 1) * HOUR_MS };
    const last = spans.at(-1);
    if (last?.from === hour.to) spans[spans.length - 1] = { from: hour.from, to: last.to };
    else spans.push(hour);
    // The newest hour may have been read in part.
    if (at > 0) rows += Number(attempts);
    if (rows > limit) break;
  }
  return spans.map((span) => ({ from: Math.max(from, span.from), to: Math.min(to, span.to) }));
}

/** A page of rows, the newest calls first. `db` must have its tables. */
export async function ledgerPage(
  db: ReportDatabase,
  query: PageQuery,
): Promise<{ readonly rows: readonly AccountRow[]; readonly more: boolean }> {
  const { account, key, provider, model, dialect, outcome, limit } = query;
  const rare = [provider, model, dialect, outcome, key === undefined ? account : undefined].some(
    (one) => one !== undefined,
  );
  const spans = rare ? await spansWithRows(db, query) : [query];
  if (spans.length === 0) return { rows: [], more: false };
  const results = await db.batch(spans.map((span) => pageStatement(db, query, span)));
  const rows = results.flatMap((result) => result.results.map(rowFrom));
  return { rows: rows.slice(0, limit), more: rows.length > limit };
}

/** The rows of a call that the database has, in the order of its attempts. */
export async function rowsOfCall(
  db: ReportDatabase,
  call: string,
  { account, key }: LedgerFilter,
): Promise<readonly AccountRow[]> {
  const where = new Where().equal('call', call).equal('+account', account).equal('+key', key);
  const sql = `SELECT ${COLUMNS} FROM ledger WHERE ${where.sql} ORDER BY attempt, seq`;
  return (
    await db
      .prepare(sql)
      .bind(...where.values)
      .all()
  ).results.map(rowFrom);
}
