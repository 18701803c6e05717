/**
 * Takes down calls that nobody reserved for: those of keys without limits, of which the account hears when they are
 * over, many at a time. All of them are one statement.
 */
import type { AttemptEnd, CallRecord, CallStart } from '../core/index.ts';
import { cut, decided, nextSlot, startText, tokensUsed } from './attempts.ts';
import type { Told } from './protocol.ts';
import { settle } from './settle.ts';
import { countEnd, type KeyRecord, keyOf, type State, takeOf, tick, tickKey } from './state.ts';
import { FLAGS, moneyCell } from './storage.ts';

const COLUMNS = [
  ...['slot', 'seq', 'done', 'reserved', 'deadline', 'tokens', 'flags', 'attempt', 'key', 'call', 'money', 'cost'],
  ...['start', 'end'],
] as const;

const RECORD = `INSERT OR REPLACE INTO attempts (${COLUMNS.map((name) => `"${name}"`).join(', ')})
  SELECT ${COLUMNS.map((_, at) => `value ->> ${at}`).join(', ')} FROM json_each(?)`;

type Row = readonly (string | number | null)[];

/** What the account knows already of a call's attempts. */
function knows({ calls, over }: State, { call }: CallStart, attempt: number): boolean {
  const open = calls.get(call);
  return open ? open.open.has(attempt) || open.ended.has(attempt) : over.get(call)?.attempts.includes(attempt) === true;
}

/**
 * Takes down what is told, once: whatever the account knows already changes nothing. It knows a call for
 * `REMEMBERED_MS`, and nobody may tell of it again later.
 */
export function takeDown(state: State, told: readonly Told[], clock: number): void {
  const now = tick(state, clock);
  const rows: Row[] = [];
  // First what has transactions of its own: the numbers of the rows below must be the last ones.
  for (const { settle: request } of told) if (request) settle(state, request, clock);
  for (const { call } of told) {
    if (!call) continue;
    const key = keyOf(state, call.start.key);
    tickKey(state, key);
    state.sent.delete(call.start.call);
    for (const one of call.attempts) {
      if (!knows(state, call.start, one.start.attempt)) rows.push(row(state, key, call, one, now));
    }
  }
  if (rows.length > 0) state.sql.exec(RECORD, JSON.stringify(rows));
}

/** Counts an attempt as one that has ended. Returns its row. */
function row(
  state: State,
  key: KeyRecord,
  { start: call, outcome, status, ended: endedAt }: CallRecord,
  { start, end }: CallRecord['attempts'][number],
  now: number,
): Row {
  const { money, cost } = decided(end, undefined);
  const { money: _, cost: __, ...rest } = end;
  const kept = { ...rest, call: { outcome, status, endedAt } } satisfies Partial<AttemptEnd> & { call: unknown };
  if (kept.upstreamId !== undefined) kept.upstreamId = cut(kept.upstreamId);
  // A Worker's clock may be ahead.
  const reserved = Math.min(now, Math.max(0, Math.round(start.started)) || now);
  const counted = start.attempt === 1;
  const tokens = tokensUsed(end, money, 0);
  const slot = nextSlot(state);
  const seq = ++state.seq;
  state.waiting.push({ seq, slot, call: call.call, attempt: start.attempt, done: now });
  const over = state.over.get(call.call);
  const open = state.calls.get(call.call);
  if (open) {
    open.slots.push(slot);
    open.ended.set(start.attempt, { ...rest, money, ...(cost === undefined ? {} : { cost }) });
  } else {
    state.over.delete(call.call);
    state.over.set(call.call, {
      at: now,
      slots: [...(over?.slots ?? []), slot],
      attempts: [...(over?.attempts ?? []), start.attempt],
    });
  }
  takeOf(state, key, reserved, counted ? 1 : 0, tokens);
  for (const scope of [state, key]) countEnd(scope, reserved, { money, cost });
  state.changed.add(key);
  const flags = FLAGS.admitted | (counted ? FLAGS.counted : 0);
  return [
    slot,
    seq,
    now,
    reserved,
    now,
    tokens,
    flags,
    start.attempt,
    key.id,
    call.call,
    money,
    moneyCell(cost),
    startText(call, start),
    JSON.stringify(kept),
  ];
}
