/** The rows of attempts: one is written when the attempt is covered, and once more when it ends. */
import type { AttemptEnd, AttemptStart, CallStart, MoneyOutcome, NanoDollars } from '../core/index.ts';
import { completionTokens, promptTokens } from '../core/index.ts';
import { MOST_COST } from './ledger-row.ts';
import { addMoney } from './periods.ts';
import {
  type CallEnd,
  countEnd,
  type OpenAttempt,
  type OpenCall,
  REMEMBERED_MS,
  type State,
  takeOf,
  tickKey,
} from './state.ts';
import { FLAGS, moneyCell } from './storage.ts';

/** What callers and providers chose the length of is cut to this in a row. */
const LONGEST = 256;
export const cut = (value: string): string => (value.length > LONGEST ? value.slice(0, LONGEST) : value);

export interface NewAttempt {
  readonly start: CallStart;
  readonly attempt: AttemptStart;
  readonly held: NanoDollars | undefined;
  readonly budgeted: boolean;
  readonly tokens: number;
  /** It opens its call. */
  readonly counted: boolean;
}

/** A row whose attempt was pushed and whose call is over and not remembered any more; else a new one. */
export function nextSlot(state: State): number {
  const [oldest] = state.free;
  if (oldest === undefined || oldest.done + REMEMBERED_MS > state.now) return ++state.slots;
  state.free.shift();
  if (!state.calls.has(oldest.call)) return oldest.slot;
  state.free.push(oldest);
  return ++state.slots;
}

/** What is known of an attempt when it begins, as its row keeps it. */
export const startText = (call: CallStart, attempt: AttemptStart): string =>
  JSON.stringify({ call: { ...call, asked: cut(call.asked) }, attempt });

/** Writes the row of an attempt, and holds its money. */
export function openAttempt(state: State, call: OpenCall, one: NewAttempt): void {
  const { start, attempt, held, budgeted, tokens, counted } = one;
  const slots = state.slots;
  const slot = nextSlot(state);
  const flags = (counted ? FLAGS.counted : 0) | (budgeted ? FLAGS.budgeted : 0) | (call.admitted ? FLAGS.admitted : 0);
  const values = [
    call.id,
    attempt.attempt,
    call.key.id,
    state.now,
    call.deadline,
    tokens,
    moneyCell(held),
    flags,
    call.idempotency ?? null,
    startText(start, attempt),
  ];
  state.sql.exec(slot > slots ? INSERT : REUSE, ...values, slot);
  call.open.set(attempt.attempt, { slot, attempt: attempt.attempt, reserved: state.now, tokens, held, budgeted });
  takeOf(state, call.key, state.now, counted ? 1 : 0, tokens);
  hold(state, call, state.now, held ?? 0n);
}

const INSERT = `INSERT INTO attempts (call, attempt, key, reserved, deadline, tokens, held, flags, idempotency, start, slot)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const REUSE = `UPDATE attempts SET call = ?, attempt = ?, key = ?, reserved = ?, deadline = ?, tokens = ?, held = ?,
  flags = ?, idempotency = ?, start = ?, seq = NULL, done = NULL, money = NULL, cost = NULL, "end" = NULL WHERE slot = ?`;
const END =
  'UPDATE attempts SET tokens = ?, flags = flags | ?, seq = ?, done = ?, money = ?, cost = ?, "end" = ? WHERE slot = ?';

/** Holds more money for an attempt, or less where the amount is negative. */
function hold(state: State, { key }: OpenCall, reserved: number, amount: NanoDollars): void {
  addMoney(state.purse, reserved, 0n, amount);
  addMoney(key.purse, reserved, 0n, amount);
}

const ADMIT = 'UPDATE attempts SET held = ?, flags = ? WHERE slot = ?';

/** Lets in an attempt that has its row already, because it was sent before the account was asked. */
export function admitAttempt(
  state: State,
  call: OpenCall,
  attempt: OpenAttempt,
  held: NanoDollars | undefined,
  budgeted: boolean,
): void {
  const flags = FLAGS.admitted | FLAGS.counted | (budgeted ? FLAGS.budgeted : 0);
  state.sql.exec(ADMIT, moneyCell(held), flags, attempt.slot);
  hold(state, call, attempt.reserved, (held ?? 0n) - (attempt.held ?? 0n));
  call.open.set(attempt.attempt, { ...attempt, held, budgeted });
  takeOf(state, call.key, attempt.reserved, 1, 0);
}

/** Moves money that one attempt holds over to another of the same call. */
export function moveHold(state: State, call: OpenCall, from: OpenAttempt, amount: NanoDollars): void {
  if (amount === 0n || from.held === undefined) return;
  from.held -= amount;
  state.sql.exec('UPDATE attempts SET held = ? WHERE slot = ?', moneyCell(from.held), from.slot);
  hold(state, call, from.reserved, -amount);
}

/** The ledger takes no other amounts. */
const isAmount = (cost: NanoDollars): boolean => cost >= 0n && cost <= MOST_COST;

/** An end with its money decided: what may have been billed and has no cost is taken at what was held for it. */
export function decided(
  end: AttemptEnd,
  held: NanoDollars | undefined,
): { money: MoneyOutcome; cost: NanoDollars | undefined } {
  if (end.money === 'released') return { money: 'released', cost: 0n };
  if (end.cost !== undefined && isAmount(end.cost))
    return { money: end.money === 'unknown' ? 'upper_bound' : end.money, cost: end.cost };
  return held === undefined ? { money: 'unknown', cost: undefined } : { money: 'upper_bound', cost: held };
}

/** The tokens an attempt used, for the limit by the minute: without a report, those it could use at most. */
export function tokensUsed({ usage }: AttemptEnd, money: MoneyOutcome, most: number): number {
  if (usage) return promptTokens(usage) + completionTokens(usage);
  return money === 'released' ? 0 : most;
}

/** Ends an attempt: its row gets its number in the ledger, and its money is spent or free again. */
export function endAttempt(
  state: State,
  call: OpenCall,
  attempt: OpenAttempt,
  end: AttemptEnd,
  { expired, over }: { readonly expired?: true; readonly over?: CallEnd } = {},
): void {
  const { key } = call;
  tickKey(state, key);
  const { money, cost } = decided(end, attempt.held);
  const overrun = attempt.held !== undefined && cost !== undefined && cost > attempt.held;
  const { money: _, cost: __, ...rest } = end;
  const kept = { ...rest, ...(overrun ? { overrun } : {}), ...(over ? { call: over } : {}) };
  if (kept.upstreamId !== undefined) kept.upstreamId = cut(kept.upstreamId);
  const tokens = tokensUsed(end, money, attempt.tokens);
  const seq = state.seq + 1;
  const flags = expired ? FLAGS.expired : 0;
  state.sql.exec(END, tokens, flags, seq, state.now, money, moneyCell(cost), JSON.stringify(kept), attempt.slot);
  state.seq = seq;
  state.waiting.push({ seq, slot: attempt.slot, call: call.id, attempt: attempt.attempt, done: state.now });
  call.open.delete(attempt.attempt);
  call.slots.push(attempt.slot);
  const { call: ___, ...known } = kept;
  call.ended.set(attempt.attempt, { ...known, money, ...(cost === undefined ? {} : { cost }) });
  takeOf(state, key, attempt.reserved, 0, tokens - attempt.tokens);
  hold(state, call, attempt.reserved, -(attempt.held ?? 0n));
  for (const scope of [state, key]) countEnd(scope, attempt.reserved, { money, cost });
  state.changed.add(key);
}

/** Ends those that have not ended yet. */
export function endAttempts(state: State, call: OpenCall, ended: readonly AttemptEnd[], over?: CallEnd): void {
  for (const end of ended) {
    const attempt = call.open.get(end.attempt);
    if (attempt) endAttempt(state, call, attempt, end, over ? { over } : {});
  }
}
