/** Reads an account from its tables when its object starts. */
import type { AttemptEnd, CallStart } from '../core/index.ts';
import { take } from './minute.ts';
import { addMoney, newPurse, restorePurse, type storedPurse } from './periods.ts';
import type { Budget, KeySettings } from './protocol.ts';
import {
  countEnd,
  type KeyRecord,
  keyOf,
  noSums,
  putKey,
  REMEMBERED_MS,
  type State,
  type Sums,
  tick,
  tickKey,
} from './state.ts';
import { FLAGS, moneyOf, type Row, readMeta, type Sql, setUp, unpacked, writeMeta } from './storage.ts';

/** Rows read at a time. */
const PAGE = 5000;

/** What the table of sums keeps. */
export interface StoredSums {
  /** The account's time at the checkpoint. */
  readonly at: number;
  readonly purse: ReturnType<typeof storedPurse>;
  readonly sums: Sums;
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
    waiting: [],
    free: [],
    slots: 0,
    seq: Number(readMeta(sql, 'checkpoint') ?? 0),
    pushed: Number(readMeta(sql, 'pushed') ?? 0),
    joined: readMeta(sql, 'joined') !== undefined,
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
  const { at, purse, sums } = unpacked(text(stored)) as StoredSums;
  const scope = key === '' ? state : keyOf(state, text(key));
  state.now = Math.max(state.now, at);
  restorePurse(scope.purse, purse);
  Object.assign(scope.sums, sums);
}

/** Adds up the attempts since the checkpoint, and finds the calls that are open. */
function loadAttempts(state: State, checkpoint: number): void {
  const ended: { readonly call: string; readonly slot: number; readonly done: number }[] = [];
  for (let from = 0; ; ) {
    const rows = state.sql.exec(PAGE_OF_ROWS, from, PAGE);
    for (const row of rows) {
      loadAttempt(state, row, checkpoint);
      if (row.seq !== null) ended.push({ call: text(row.call), slot: Number(row.slot), done: Number(row.done) });
    }
    from = Number(rows.at(-1)?.slot ?? from);
    if (rows.length < PAGE) break;
  }
  state.waiting.sort((a, b) => a.seq - b.seq);
  state.free.sort((a, b) => a.seq - b.seq);
  ended.sort((a, b) => a.done - b.done);
  for (const { call: id, slot, done } of ended) {
    const call = state.calls.get(id);
    if (call) {
      const [row] = state.sql.exec('SELECT attempt, money, cost, "end" FROM attempts WHERE slot = ?', slot);
      if (row) call.ended.set(Number(row.attempt), attemptEndOf(row));
      call.slots.push(slot);
    } else if (done + REMEMBERED_MS > state.now) {
      const slots = [...(state.over.get(id)?.slots ?? []), slot];
      state.over.delete(id);
      state.over.set(id, { at: done, slots });
    }
  }
}

const PAGE_OF_ROWS = `SELECT slot, call, attempt, key, reserved, deadline, tokens, held, flags, idempotency, seq, done,
    money, cost, CASE WHEN seq IS NULL THEN start END AS start
  FROM attempts WHERE slot > ? ORDER BY slot LIMIT ?`;

/** An attempt's end from the columns `money`, `cost` and `end`. */
export function attemptEndOf({ money, cost, end }: Row): AttemptEnd {
  const { call: _, ...rest } = JSON.parse(text(end)) as { readonly call?: unknown } & Omit<
    AttemptEnd,
    'money' | 'cost'
  >;
  const known = moneyOf(cost);
  return { ...rest, money: text(money) as AttemptEnd['money'], ...(known === undefined ? {} : { cost: known }) };
}

function loadAttempt(state: State, row: Row, checkpoint: number): void {
  const key = keyOf(state, text(row.key));
  const [slot, seq, reserved] = [Number(row.slot), Number(row.seq), Number(row.reserved)];
  const [tokens, flags, held] = [Number(row.tokens), Number(row.flags), moneyOf(row.held)];
  state.slots = Math.max(state.slots, slot);
  take(key.minute, reserved, flags & FLAGS.counted ? 1 : 0, tokens);
  if (row.seq === null) {
    openAgain(state, key, row);
    addMoney(state.purse, reserved, 0n, held ?? 0n);
    addMoney(key.purse, reserved, 0n, held ?? 0n);
    return;
  }
  (seq > state.pushed ? state.waiting : state.free).push({
    seq,
    slot,
    call: text(row.call),
    done: Number(row.done),
  });
  if (seq <= checkpoint) return;
  state.seq = Math.max(state.seq, seq);
  state.changed.add(key);
  const end = { money: text(row.money) as AttemptEnd['money'], cost: moneyOf(row.cost) };
  for (const scope of [state, key]) countEnd(scope, reserved, end);
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
  const attempt = Number(row.attempt);
  call.open.set(attempt, {
    slot: Number(row.slot),
    attempt,
    reserved: Number(row.reserved),
    tokens: Number(row.tokens),
    held: moneyOf(row.held),
    budgeted: (flags & FLAGS.budgeted) !== 0,
  });
}
