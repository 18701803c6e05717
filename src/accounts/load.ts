/** Reads an account from its tables when its object starts. */
import type { AttemptEnd, CallStart } from '../core/index.ts';
import { addMoney, newPurse, restorePurse, type storedPurse } from './periods.ts';
import type { Budget, KeySettings } from './protocol.ts';
import {
  countEnd,
  type EndedSlot,
  type KeyRecord,
  keyOf,
  noSums,
  putKey,
  REMEMBERED_MS,
  type State,
  type Sums,
  takeOf,
  tick,
  tickKey,
} from './state.ts';
import { FLAGS, moneyOf, type Row, readMeta, type Sql, setUp, unpacked, writeMeta } from './storage.ts';

/** Rows read at a time. */
const PAGE = 5000;
const MINUTE_MS = 60_000;

/** What the table of sums keeps. */
export interface StoredSums {
  /** The account's time at the checkpoint. */
  readonly at: number;
  readonly purse: ReturnType<typeof storedPurse>;
  readonly sums: Sums;
  /** Of the account: the last attempt that is in the sums, and how far the database is. */
  readonly seq?: number;
  readonly pushed?: number;
}

const text = (cell: unknown): string => String(cell);
const textOr = (cell: unknown): string | undefined => (cell === null ? undefined : String(cell));

/** @param name the account's, where the platform tells it: it may not when an alarm starts the object */
export function load(sql: Sql, clock: number, name?: string): State {
  setUp(sql);
  const known = readMeta(sql, 'name');
  if (known === undefined && name !== undefined) writeMeta(sql, 'name', name);
  // What this module and `forget` wrote, so its form is known.
  const own = unpacked(readMeta(sql, 'account') ?? '{}') as { readonly budget?: Budget; readonly revision?: number };
  const latest = sql.exec('SELECT MAX(MAX(reserved, COALESCE(done, 0))) AS at FROM attempts')[0]?.at;
  const now = Math.max(clock, Number(latest ?? 0));
  const state: State = {
    sql,
    name: known ?? name,
    budget: own.budget,
    budgetRevision: own.revision ?? 0,
    purse: newPurse(now),
    sums: noSums(),
    keys: new Map(),
    changed: new Set(),
    calls: new Map(),
    over: new Map(),
    sent: new Map(),
    waiting: [],
    free: [],
    slots: 0,
    seq: 0,
    pushed: 0,
    joined: false,
    names: Number(sql.exec('SELECT COUNT(*) AS n FROM idempotency')[0]?.n),
    now,
  };
  for (const row of sql.exec('SELECT * FROM keys')) loadKey(state, row);
  for (const row of sql.exec('SELECT * FROM sums')) loadSums(state, row);
  tick(state, now);
  for (const key of state.keys.values()) tickKey(state, key);
  loadAttempts(state, state.seq);
  return state;
}

function loadKey(state: State, { id, revision, secret_hash, settings, created, revoked }: Row): void {
  putKey(state, text(id), {
    secretHash: text(secret_hash),
    settings: unpacked(text(settings)) as KeySettings,
    created: Number(created),
    revision: Number(revision),
    ...(revoked === null ? {} : { revoked: Number(revoked) }),
  });
}

function loadSums(state: State, { key, sums: stored }: Row): void {
  const { at, purse, sums, seq, pushed } = unpacked(text(stored)) as StoredSums;
  if (seq !== undefined && pushed !== undefined) {
    state.seq = seq;
    state.pushed = pushed;
    state.joined = true;
  }
  const scope = key === '' ? state : keyOf(state, text(key));
  state.now = Math.max(state.now, at);
  restorePurse(scope.purse, purse);
  Object.assign(scope.sums, sums);
}

/** Adds up the attempts since the checkpoint, and finds the calls that are open and those that ended just now. */
function loadAttempts(state: State, checkpoint: number): void {
  const { sql, pushed, now } = state;
  for (const row of pages(sql, OPEN, [])) openAgain(state, keyOf(state, text(row.key)), row);
  for (const row of pages(sql, WAITING, [pushed])) {
    const one = endedSlot(row);
    state.waiting.push(one);
    if (one.seq > checkpoint) countAgain(state, row);
  }
  state.waiting.sort((a, b) => a.seq - b.seq);
  state.seq = Math.max(state.seq, state.waiting.at(-1)?.seq ?? 0);
  for (const { slot } of pages(sql, FREE, [pushed, now - REMEMBERED_MS])) {
    state.free.push({ seq: 0, slot: Number(slot), call: '', attempt: 0, done: 0 });
  }
  const recent = [...pages(sql, RECENT, [pushed, now - REMEMBERED_MS])].map(endedSlot);
  state.free.push(...recent.sort((a, b) => a.seq - b.seq));
  state.slots = Number(sql.exec('SELECT MAX(slot) AS last FROM attempts')[0]?.last ?? 0);
  for (const row of pages(sql, THIS_MINUTE, [now - 2 * MINUTE_MS])) {
    const counted = Number(row.flags) & FLAGS.counted ? 1 : 0;
    takeOf(state, keyOf(state, text(row.key)), Number(row.reserved), counted, Number(row.tokens));
  }
  const ended = [...state.waiting, ...state.free].filter(({ call }) => call !== '');
  for (const one of ended.sort((a, b) => a.done - b.done)) endedAgain(state, one);
}

/** Attempts that have not ended; those that wait to be pushed; rows that were pushed and can, or soon can, be used. */
const OPEN = 'SELECT * FROM attempts WHERE seq IS NULL';
const WAITING = 'SELECT slot, seq, done, call, attempt, key, reserved, money, cost FROM attempts WHERE seq > ?';
const FREE = `SELECT slot FROM attempts
  WHERE seq <= ? AND done <= ? AND call NOT IN (SELECT call FROM attempts WHERE seq IS NULL)`;
const RECENT = `SELECT slot, seq, done, call, attempt FROM attempts
  WHERE seq <= ? AND (done > ? OR call IN (SELECT call FROM attempts WHERE seq IS NULL))`;
const THIS_MINUTE = 'SELECT slot, key, flags, reserved, tokens FROM attempts WHERE reserved > ?';

/** Rows by their slots, so many at a time that they need not all be in memory. */
function* pages(sql: Sql, query: string, values: readonly number[]): Generator<Row> {
  for (let from = 0; ; ) {
    const rows = sql.exec(`${query} AND slot > ? ORDER BY slot LIMIT ${PAGE}`, ...values, from);
    yield* rows;
    if (rows.length < PAGE) return;
    from = Number(rows.at(-1)?.slot);
  }
}

const endedSlot = ({ seq, slot, call, attempt, done }: Row): EndedSlot => ({
  seq: Number(seq),
  slot: Number(slot),
  call: text(call),
  attempt: Number(attempt),
  done: Number(done),
});

function countAgain(state: State, row: Row): void {
  const key = keyOf(state, text(row.key));
  const end = { money: text(row.money) as AttemptEnd['money'], cost: moneyOf(row.cost) };
  state.changed.add(key);
  for (const scope of [state, key]) countEnd(scope, Number(row.reserved), end);
}

/** Gives an attempt that has ended back to its call, or remembers that its call is over. */
function endedAgain(state: State, { call: id, attempt, slot, done }: EndedSlot): void {
  const call = state.calls.get(id);
  if (call) {
    const [row] = state.sql.exec('SELECT attempt, money, cost, "end" FROM attempts WHERE slot = ?', slot);
    if (row) call.ended.set(Number(row.attempt), attemptEndOf(row));
    call.slots.push(slot);
  } else if (done + REMEMBERED_MS > state.now) {
    const { slots = [], attempts = [] } = state.over.get(id) ?? {};
    state.over.delete(id);
    state.over.set(id, { at: done, slots: [...slots, slot], attempts: [...attempts, attempt] });
  }
}

/** An attempt's end from the columns `money`, `cost` and `end`. */
export function attemptEndOf({ money, cost, end }: Row): AttemptEnd {
  const { call: _, ...rest } = JSON.parse(text(end)) as { readonly call?: unknown } & Omit<
    AttemptEnd,
    'money' | 'cost'
  >;
  const known = moneyOf(cost);
  return { ...rest, money: text(money) as AttemptEnd['money'], ...(known === undefined ? {} : { cost: known }) };
}

function openAgain(state: State, key: KeyRecord, row: Row): void {
  const id = text(row.call);
  const flags = Number(row.flags);
  let call = state.calls.get(id);
  if (call === undefined) {
    const idempotency = textOr(row.idempotency);
    const deadline = Number(row.deadline);
    const { call: start } = JSON.parse(text(row.start)) as { readonly call: CallStart };
    call = { id, start, key, deadline, idempotency, admitted: false, open: new Map(), ended: new Map(), slots: [] };
    state.calls.set(id, call);
    key.running++;
  }
  call.admitted ||= (flags & FLAGS.admitted) !== 0;
  const [attempt, reserved, held] = [Number(row.attempt), Number(row.reserved), moneyOf(row.held)];
  for (const { purse } of [state, key]) addMoney(purse, reserved, 0n, held ?? 0n);
  call.open.set(attempt, {
    slot: Number(row.slot),
    attempt,
    reserved,
    tokens: Number(row.tokens),
    held,
    budgeted: (flags & FLAGS.budgeted) !== 0,
  });
}
