/**
 * The ledger in the report database: one row for each attempt that reached a provider, and sums of rows for reports.
 * It holds no text of a prompt or an answer. An account's rows come in their order and exactly once, whatever is
 * repeated, because the account's cursor is kept in the same database and moves in the same transaction.
 */
import type { ReportDatabase } from './database.ts';
import type { LedgerRow } from './ledger-row.ts';
import { distrustTables, ledgerTables } from './ledger-schema.ts';
import { ROLLUPS, type Rollup, rollUp } from './rollup.ts';

/** The columns of the table besides the account. */
export const LEDGER_COLUMNS = [
  ...['seq', 'called', 'call', 'attempt', 'key', 'dialect', 'streamed', 'asked', 'model', 'provider', 'service'],
  ...['upstream', 'api', 'requests', 'started', 'first', 'ended', 'outcome', 'money', 'cost', 'rule', 'status'],
  ...['finish', 'source', 'input', 'cacheRead', 'cacheWrite', 'output', 'reasoning', 'nanoseconds', 'upstreamId'],
  ...['canceled', 'resumed', 'undelivered', 'overrun', 'expired', 'counts'],
] as const satisfies readonly (keyof LedgerRow)[];

/** Amounts that can exceed what JSON has exactly are text there. */
const AS_TEXT: ReadonlySet<string> = new Set(['cost', 'upperBound', 'nanoseconds']);

const fromJson = (column: string): string =>
  AS_TEXT.has(column) ? `CAST(value ->> '${column}' AS INTEGER)` : `value ->> '${column}'`;

/** ?1 rows as JSON, ?2 the account, ?3 where its cursor must be. Without it nothing is inserted. */
function insertFromJson(table: string, columns: readonly string[], conflict = ''): string {
  return `INSERT INTO ${table} (account, ${columns.join(', ')})
    SELECT ?2, ${columns.map(fromJson).join(', ')} FROM json_each(?1)
    WHERE (SELECT seq FROM ledger_cursor WHERE account = ?2) = ?3 ${conflict}`;
}

const INSERT_ROWS = insertFromJson('ledger', LEDGER_COLUMNS);
const addTo = ({ table, key, sums }: Rollup): string =>
  insertFromJson(
    table,
    [...key, ...sums],
    `ON CONFLICT DO UPDATE SET ${sums.map((one) => `${one} = ${one} + excluded.${one}`).join(', ')}`,
  );

/** Rows of one batch. Its JSON stays far below the 2 MB of a parameter. */
export const MOST_ROWS = 500;

/**
 * Writes an account's rows and adds them to the rollups, in one transaction and only if the database has all rows
 * before them and none of them. Returns how far the database is afterwards: rows up to there are safe, and the next
 * row to send is the one after it, whether that is more or less than was sent. At most `MOST_ROWS` of the rows are
 * written; without rows it only reads. Rejects if the database fails, which says nothing about what was written.
 */
export async function pushRows(db: ReportDatabase, account: string, rows: readonly LedgerRow[]): Promise<number> {
  const batch = rows.slice(0, MOST_ROWS);
  const [head] = batch;
  if (batch.some(({ seq }, at) => seq !== (head?.seq ?? 0) + at))
    throw new RangeError('Rows of the ledger have a gap.');
  try {
    await ledgerTables(db);
    const write = head ? writes(db, account, batch, head.seq - 1) : [];
    const results = await db.batch([
      db.prepare('INSERT OR IGNORE INTO ledger_cursor (account, seq, at) VALUES (?1, 0, 0)').bind(account),
      ...write,
      db.prepare('SELECT seq FROM ledger_cursor WHERE account = ?1').bind(account),
    ]);
    return Number(results.at(-1)?.results[0]?.seq);
  } catch (thrown) {
    distrustTables(db);
    throw thrown;
  }
}

function writes(db: ReportDatabase, account: string, rows: readonly LedgerRow[], from: number) {
  const guarded = (sql: string, values: readonly unknown[]) =>
    db.prepare(sql).bind(JSON.stringify(values), account, from);
  return [
    guarded(INSERT_ROWS, rows),
    ...ROLLUPS.map((rollup) => guarded(addTo(rollup), rollUp(rows, rollup))),
    db
      .prepare('UPDATE ledger_cursor SET seq = ?3, at = ?4 WHERE account = ?1 AND seq = ?2')
      .bind(account, from, from + rows.length, Date.now()),
  ];
}
