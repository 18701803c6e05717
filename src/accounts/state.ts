/**
 * An account in memory: its keys, what each has spent and holds, its open calls, and the attempts that wait to be
 * pushed. All of it is read from the tables when an object starts; afterwards a call reads nothing but its own row.
 */
import type { AttemptEnd, CallStart, NanoDollars } from '../core/index.ts';
import { advance, type MinuteUse, newMinute, take } from './minute.ts';
import { addMoney, newPurse, type Purse, roll } from './periods.ts';
import type { Budget, CallOutcome, KeySettings, KeyTerms, SentAttempt } from './protocol.ts';
import type { Sql } from './storage.ts';

/** How long a call's id is remembered once it is over, so that a late repeat of it is not taken for a new call. */
export const REMEMBERED_MS = 120_000;

/** Sums over all attempts that have ended. */
export interface Sums {
  attempts: number;
  /** Money known exactly, and money that is the most it can be. */
  settled: NanoDollars;
  upperBound: NanoDollars;
  /** Attempts that may have been billed, without a known bound. */
  unknown: number;
}

/** A key as the table of keys has it. */
export interface StoredKey {
  readonly secretHash: string;
  readonly settings: KeySettings;
  readonly created: number;
  readonly revoked?: number;
  /** Counts the key's own changes from 1. */
  readonly revision: number;
}

export interface KeyRecord {
  readonly id: string;
  /** Undefined: the built-in keys, and keys of attempts which the table of keys does not know. */
  stored: StoredKey | undefined;
  terms: KeyTerms;
  readonly purse: Purse;
  readonly sums: Sums;
  /** Absent until its first call. */
  minute?: MinuteUse;
  /** Calls that are not over. */
  running: number;
  /** Until when Workers may go by what they were told of it, in milliseconds since the epoch. Absent: none was. */
  vouched?: number;
}

export interface OpenAttempt {
  readonly slot: number;
  readonly attempt: number;
  readonly reserved: number;
  readonly tokens: number;
  /** Absent: it has no known bound. */
  held: NanoDollars | undefined;
  /** What it holds is held from a budget. */
  readonly budgeted: boolean;
}

export interface OpenCall {
  readonly id: string;
  readonly start: CallStart;
  readonly key: KeyRecord;
  readonly deadline: number;
  readonly idempotency: string | undefined;
  /** False: it was sent before the account refused it. */
  admitted: boolean;
  readonly open: Map<number, OpenAttempt>;
  readonly ended: Map<number, AttemptEnd>;
  /** Rows of the attempts that have ended. */
  readonly slots: number[];
}

/** A call that is over: since when, its attempts, and where their rows are. */
export interface OverCall {
  readonly at: number;
  readonly attempts: readonly number[];
  readonly slots: readonly number[];
}

/** How a call ended for its caller. */
export type CallEnd = Omit<CallOutcome, 'attempts'>;

/** An attempt that has ended, and where its row is. */
export interface EndedSlot {
  readonly seq: number;
  readonly slot: number;
  readonly call: string;
  readonly attempt: number;
  readonly done: number;
}

export interface State {
  readonly sql: Sql;
  /** The account's. */
  readonly name: string | undefined;
  budget: Budget | undefined;
  /** Counts the times at which the account got or lost its budget. */
  budgetRevision: number;
  readonly purse: Purse;
  readonly sums: Sums;
  readonly keys: Map<string, KeyRecord>;
  /** Keys whose sums have changed since the checkpoint. */
  readonly changed: Set<KeyRecord>;
  readonly calls: Map<string, OpenCall>;
  /** Calls that are over, by their id, the oldest first. */
  readonly over: Map<string, OverCall>;
  /** Calls that run though nothing is held for them, by their id, as far as Workers have told. Not stored. */
  readonly sent: Map<string, SentAttempt>;
  /** Attempts to push, by seq. */
  waiting: EndedSlot[];
  /** Attempts that were pushed: their rows can be used again. The oldest first. */
  free: EndedSlot[];
  slots: number;
  /** Of the attempt that ended last. They have no gaps. */
  seq: number;
  /** Up to here the database has the attempts. */
  pushed: number;
  /** The numbers of the rows go on from those that the database had when this account first pushed. */
  joined: boolean;
  /** Idempotency keys that are kept. */
  names: number;
  /** The latest time that was seen. Clocks of two machines may differ; here time never goes back. */
  now: number;
}

export const noSums = (): Sums => ({ attempts: 0, settled: 0n, upperBound: 0n, unknown: 0 });

/** What a key may do, by its settings and its account's budget. */
export function termsOf(
  { budget, budgetRevision }: Pick<State, 'budget' | 'budgetRevision'>,
  id: string,
  stored: StoredKey | undefined,
): KeyTerms {
  const { settings, revision } = stored ?? { settings: { name: id, atLimit: 'clamp' as const }, revision: 0 };
  const budgeted = settings.budget !== undefined || budget !== undefined;
  const { rpm, tpm, concurrency } = settings;
  const limited = budgeted || rpm !== undefined || tpm !== undefined || concurrency !== undefined;
  return { ...settings, id, revision: revision + budgetRevision, budgeted, limited };
}

/** Puts a key in, or changes it. */
export function putKey(state: State, id: string, stored: StoredKey | undefined): KeyRecord {
  const terms = termsOf(state, id, stored);
  const known = state.keys.get(id);
  if (known) {
    known.stored = stored;
    known.terms = terms;
    return known;
  }
  const purse = newPurse(state.now);
  const record: KeyRecord = { id, stored, terms, purse, sums: noSums(), running: 0 };
  state.keys.set(id, record);
  return record;
}

/** The key of an attempt. One that is in no table is a built-in one, or one that the account does not know. */
export const keyOf = (state: State, id: string): KeyRecord => state.keys.get(id) ?? putKey(state, id, undefined);

/** All keys' terms anew, after the account's budget came or went. */
export function renewTerms(state: State): void {
  for (const key of state.keys.values()) key.terms = termsOf(state, key.id, key.stored);
}

/** Adds an attempt that has ended to what its key or account has spent. */
export function countEnd(
  { purse, sums }: Pick<KeyRecord, 'purse' | 'sums'>,
  reserved: number,
  { money, cost }: { readonly money: AttemptEnd['money']; readonly cost: bigint | undefined },
): void {
  const spent = cost ?? 0n;
  addMoney(purse, reserved, spent, 0n);
  sums.attempts++;
  if (money === 'settled') sums.settled += spent;
  else if (money === 'upper_bound') sums.upperBound += spent;
  else if (money === 'unknown') sums.unknown++;
}

/** Brings the account to a time: no earlier than the last one. */
export function tick(state: State, clock: number): number {
  state.now = Math.max(state.now, clock);
  roll(state.purse, state.now);
  for (const [call, { at }] of state.over) {
    if (at + REMEMBERED_MS > state.now) break;
    state.over.delete(call);
  }
  return state.now;
}

/** Counts a key's requests and tokens in the second of `at`. */
export function takeOf(state: State, key: KeyRecord, at: number, requests: number, tokens: number): void {
  key.minute ??= newMinute(state.now);
  take(key.minute, at, requests, tokens);
}

/** Brings a key to the account's time. */
export function tickKey(state: State, key: KeyRecord): void {
  roll(key.purse, state.now);
  if (key.minute) advance(key.minute, state.now);
}
