/**
 * The way of ended attempts from an account into the report database. An attempt's row is used again only once the
 * database says that it has it, whatever was sent: what was sent may be lost, and what failed may have arrived.
 * For a while the account keeps pushed rows in its archive, in case the database is set back to an earlier state.
 */
import type { AttemptStart, CallStart } from '../core/index.ts';
import type { ReportDatabase } from './database.ts';
import { MOST_ROWS, pushRows } from './ledger.ts';
import { type LedgerRow, ledgerRow } from './ledger-row.ts';
import type { StoredSums } from './load.ts';
import { attemptEndOf } from './load.ts';
import { storedPurse } from './periods.ts';
import type { EndedSlot, KeyRecord, State } from './state.ts';
import { FLAGS, packed, type Row } from './storage.ts';

const ARCHIVED_MS = 7 * 86_400_000;
const MOST_ARCHIVED = 100_000;
/** Batches of the archive that are dropped at a time, so that a push never takes long. */
const DROPPED = 8;

/** Rows that can be used again and are kept. More are deleted: only a backlog makes them. */
const MOST_FREE = 20_000;

const COLUMNS = 'slot, seq, flags, start, money, cost, "end"';

function ledgerRowOf(row: Row): LedgerRow {
  const { call, attempt } = JSON.parse(String(row.start)) as {
    readonly call: CallStart;
    readonly attempt: AttemptStart;
  };
  return ledgerRow(call, attempt, attemptEndOf(row), Number(row.seq), (Number(row.flags) & FLAGS.expired) !== 0);
}

function rowsIn(state: State, slots: readonly number[]): LedgerRow[] {
  const list = JSON.stringify(slots);
  const found = state.sql.exec(
    `SELECT ${COLUMNS} FROM attempts WHERE slot IN (SELECT value FROM json_each(?)) AND seq IS NOT NULL ORDER BY seq`,
    list,
  );
  return found.map(ledgerRowOf);
}

/** The ended attempts of a call whose rows are still here. */
export function rowsOf(state: State, call: string): readonly LedgerRow[] {
  const remembered = state.calls.get(call)?.slots ?? state.over.get(call)?.slots;
  if (remembered) return rowsIn(state, remembered).filter((row) => row.call === call);
  // A backlog may hold calls that are no longer remembered.
  if (state.waiting.length === 0) return [];
  return state.sql
    .exec(`SELECT ${COLUMNS} FROM attempts WHERE call = ? AND seq > ? ORDER BY seq`, call, state.pushed)
    .map(ledgerRowOf);
}

/** The rows after `cursor`, at most one batch of them. Throws if they are gone. */
export function rowsAfter(state: State, cursor: number): readonly LedgerRow[] {
  if (cursor >= state.pushed) {
    const from = cursor - state.pushed;
    return rowsIn(
      state,
      state.waiting.slice(from, from + MOST_ROWS).map(({ slot }) => slot),
    );
  }
  const [batch] = state.sql.exec('SELECT rows FROM archive WHERE first <= ? ORDER BY first DESC LIMIT 1', cursor + 1);
  const rows = batch ? (JSON.parse(String(batch.rows)) as readonly LedgerRow[]).filter(({ seq }) => seq > cursor) : [];
  if (rows[0]?.seq !== cursor + 1) {
    throw new Error(`The database lacks the rows after ${cursor} of this account, which keeps them no longer.`);
  }
  return rows;
}

/**
 * Takes over the numbering of a database that has rows of this account from before its object was made. Only before
 * the first push: afterwards the numbers are this object's own.
 */
export function join(state: State, cursor: number): void {
  if (state.joined) return;
  state.waiting = state.waiting.map((one) => ({ ...one, seq: one.seq + cursor }));
  state.seq += cursor;
  state.joined = true;
  state.sql.transaction(() => {
    if (cursor > 0) state.sql.exec('UPDATE attempts SET seq = seq + ? WHERE seq IS NOT NULL', cursor);
    checkpoint(state, cursor);
  });
}

/** Rows up to `cursor` are in the database: moves them to the archive, and writes down the sums. */
export function forget(state: State, cursor: number): void {
  if (cursor > state.seq) {
    throw new Error(`The database has ${cursor} rows of this account, which has made ${state.seq}.`);
  }
  const count = cursor - state.pushed;
  if (count <= 0) return;
  const pushed = state.waiting.slice(0, count);
  state.sql.transaction(() => {
    for (let at = 0; at < pushed.length; at += MOST_ROWS) archive(state, pushed.slice(at, at + MOST_ROWS));
    state.sql.exec(
      `DELETE FROM archive WHERE first IN (SELECT first FROM archive ORDER BY first LIMIT ${DROPPED})
        AND (at < ? OR last <= ?)`,
      state.now - ARCHIVED_MS,
      cursor - MOST_ARCHIVED,
    );
    checkpoint(state, cursor);
    dropFree(state, pushed);
  });
  state.waiting.splice(0, count);
}

function archive(state: State, batch: readonly EndedSlot[]): void {
  const rows = rowsIn(
    state,
    batch.map(({ slot }) => slot),
  );
  const [first, last] = [batch[0], batch.at(-1)];
  if (!first || !last) return;
  state.sql.exec('INSERT INTO archive VALUES (?, ?, ?, ?)', first.seq, last.seq, state.now, JSON.stringify(rows));
}

/** Writes down how far the database is, and the sums, which from then on do not depend on the rows. */
function checkpoint(state: State, cursor: number): void {
  state.pushed = cursor;
  const write = (name: string, { purse, sums }: Pick<KeyRecord, 'purse' | 'sums'>) => {
    const own = name === '' ? { seq: state.seq, pushed: cursor } : {};
    const stored: StoredSums = { at: state.now, purse: storedPurse(purse), sums, ...own };
    state.sql.exec(
      'INSERT INTO sums VALUES (?, ?) ON CONFLICT DO UPDATE SET sums = excluded.sums',
      name,
      packed(stored),
    );
  };
  write('', state);
  for (const key of state.changed) write(key.id, key);
  state.changed.clear();
}

/** The rows of pushed attempts are for others now; what is more than any usual load needs is deleted. */
function dropFree(state: State, pushed: readonly EndedSlot[]): void {
  for (const one of pushed) {
    if (state.free.length < MOST_FREE || state.calls.has(one.call)) state.free.push(one);
    else state.sql.exec('DELETE FROM attempts WHERE slot = ?', one.slot);
  }
}

/**
 * Sends what waits, batch after batch, until the database has all that there was at the beginning: what ends meanwhile
 * goes with the next push, in a larger batch. Rejects if the database fails; what it took before that is safe, and the
 * rest stays.
 *
 * @param run one step on the account's state, which may be another one after each wait
 */
export async function pushAll(
  run: <T>(step: (state: State) => T) => T,
  db: ReportDatabase,
  account: string,
): Promise<void> {
  if (!run(({ joined }) => joined)) {
    const known = await pushRows(db, account, []);
    run((state) => join(state, known));
  }
  const goal = run(({ seq }) => seq);
  let cursor = run(({ pushed }) => pushed);
  while (cursor < goal) {
    const from = cursor;
    const rows = run((state) => rowsAfter(state, from));
    cursor = await pushRows(db, account, rows);
    run((state) => forget(state, cursor));
    if (cursor === from) throw new Error('The database took none of the rows and moved no cursor.');
  }
}
