/**
 * What the Worker and an `Account` object say to each other. Plain data that crosses an RPC; money is a `bigint` of
 * nano-dollars. The object decides on keys, budgets and limits, in one transaction each time.
 */
import type { AttemptEnd, AttemptStart, CallRecord, CallStart, MarkerMode, NanoDollars } from '../core/index.ts';
import type { LedgerRow } from './ledger-row.ts';

/** A window of UTC: a day from 00:00, a week from Monday 00:00, a month from its first day, or for ever. */
export type Period = 'day' | 'week' | 'month' | 'total';

export interface Budget {
  readonly limit: NanoDollars;
  readonly period: Period;
}

/** What an admin decides about a key. */
export interface KeySettings {
  readonly name: string;
  readonly budget?: Budget;
  /** Requests and tokens a minute; calls at the same time. */
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrency?: number;
  /** Names in the form of the catalogue and of the configuration. Absent: all of them. */
  readonly models?: readonly string[];
  readonly providers?: readonly string[];
  readonly markers?: MarkerMode;
  /** At the limit of the budget: cut the answer's length (the default), or prefer offers that fit what is left. */
  readonly atLimit: 'clamp' | 'cheaper';
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a key may do. Immutable: a change makes a new one with the next revision. */
export interface KeyTerms extends KeySettings {
  readonly id: string;
  /** Grows with each change, so that a Worker which remembers old terms is told. */
  readonly revision: number;
  /** It, or its account, has a budget: costs must have a known bound. */
  readonly budgeted: boolean;
  /** It has a budget or any limit: calls wait for the object's answer before they are sent. */
  readonly limited: boolean;
}

/** Money of the running period of a budget; of all time where there is no budget. */
export interface Spending {
  /** What calls have cost, with upper bounds where the cost is not known exactly. */
  readonly spent: NanoDollars;
  /** What is held for calls that are not over. */
  readonly pending: NanoDollars;
  /** When the period ends, in milliseconds since the epoch. Absent: never. */
  readonly periodEnds?: number;
}

/** A key and its state, without its secret. */
export interface KeyState extends Spending {
  readonly terms: KeyTerms;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly revokedAt?: number;
  /** Calls that are not over. */
  readonly running: number;
  readonly limits: readonly LimitState[];
  /** The budget of the account, if it has one. */
  readonly account?: Spending & { readonly budget: Budget };
}

export interface NewKey {
  /** Ids sort by the time at which they were made. */
  readonly id: string;
  /** SHA-256 of the secret, in hex. */
  readonly secretHash: string;
  readonly settings: KeySettings;
}

export interface KeyChange {
  readonly id: string;
  /** The revision that the change was made from. */
  readonly revision: number;
  /** All settings as they are to be. */
  readonly settings: KeySettings;
}

export interface KeyQuery {
  /** Ids below this one: the next page. */
  readonly before?: string;
  readonly limit: number;
  /** Also those that were revoked. */
  readonly revoked: boolean;
}

export interface AccountState extends Spending {
  readonly budget?: Budget;
  /** Keys that are neither revoked nor expired. */
  readonly keys: number;
}

/** Sums of all time: of an account, or of one of its keys. */
export interface AttemptTotals {
  /** Attempts that have ended: each has its row in the ledger. */
  readonly attempts: number;
  /** Money known exactly, and money that is the most it can be. */
  readonly settled: NanoDollars;
  readonly upperBound: NanoDollars;
  /** Attempts that may have been billed, with no known bound. */
  readonly unknown: number;
  /** What is held for calls that are not over, and how many of them there are. */
  readonly pending: NanoDollars;
  readonly running: number;
}

/** What an account says of itself, to be compared with the report database. */
export interface AccountTotals extends AttemptTotals {
  /** Rows of the ledger up to here are in the database. */
  readonly pushed: number;
  /** The last row of the ledger. */
  readonly seq: number;
  /** By the key's id, of those that have had a call. */
  readonly keys: Readonly<Record<string, AttemptTotals>>;
}

/** What an attempt needs to be covered. */
export interface Cover {
  /** The most the attempt can cost with the output that was asked for. */
  readonly most: NanoDollars;
  /** The most it can cost with the shortest answer. Less than this buys nothing. */
  readonly least: NanoDollars;
}

export interface ReserveRequest {
  readonly start: CallStart;
  /** SHA-256 of the key's secret, in hex. Absent for `local` and `admin`, which have none. */
  readonly secretHash?: string;
  /** The revision of the terms by which the Worker chose its offers. Absent: it knows none. */
  readonly revision?: number;
  /** The first attempt. */
  readonly attempt: AttemptStart;
  /** Absent: the first offer has no known price. */
  readonly cover?: Cover;
  /** The most tokens the attempt can use, prompt and answer, for limits by the minute. */
  readonly tokens: number;
  /** When the call is over at the latest, in milliseconds since the epoch. Later the reservation expires. */
  readonly deadline: number;
  /** The attempt is on its way already (a key without limits), so it has its row even if the call is refused. */
  readonly sent?: true;
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
}

/** What is left of the limits by the minute, for headers. */
export interface LimitState {
  readonly name: 'rpm' | 'tpm';
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until all of it is there again. */
  readonly resetMs: number;
}

/** What a call came to, for a repeat of it. No text. */
export interface CallOutcome {
  readonly outcome: string;
  readonly status: number;
  readonly endedAt: number;
  readonly attempts: readonly AttemptEnd[];
}

export type RefusalCode = 'authentication' | 'permission_denied' | 'insufficient_budget' | 'rate_limit_exceeded';

export type ReserveReply =
  /** `held` is less than `cover.most` where the budget has no more. Absent: there is no budget to hold it from. */
  | {
      readonly kind: 'held';
      readonly held?: NanoDollars;
      readonly limits: readonly LimitState[];
      readonly terms?: KeyTerms;
    }
  /** The Worker does not know the key's current terms. Nothing is held; ask again by these. */
  | { readonly kind: 'stale'; readonly terms: KeyTerms }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly message: string;
      /** Milliseconds after which it can succeed. Absent: a repeat is pointless. */
      readonly retryAfterMs?: number;
      /** With `insufficient_budget`: what is left, so that the Worker can choose an offer which that pays for. */
      readonly left?: NanoDollars;
      readonly limits: readonly LimitState[];
    }
  /** The idempotency key was used before. */
  | { readonly kind: 'repeated'; readonly state: 'running'; readonly call: string; readonly retryAfterMs: number }
  | { readonly kind: 'repeated'; readonly state: 'done'; readonly call: string; readonly came?: CallOutcome }
  | { readonly kind: 'repeated'; readonly state: 'other_body' };

export interface ExtendRequest {
  readonly call: string;
  /** Attempts that have ended since, whose holds are settled in the same transaction. */
  readonly ended: readonly AttemptEnd[];
  readonly attempt: AttemptStart;
  readonly cover?: Cover;
  /**
   * An attempt of this call that has not ended, and whose hold pays for this one too: the first sample of a vote holds
   * what all samples can cost. As much of `cover.most` as it has is moved over; only the rest is held anew.
   */
  readonly from?: number;
  readonly tokens: number;
  /** As in `ReserveRequest`. */
  readonly sent?: true;
}

export type ExtendReply =
  | { readonly kind: 'held'; readonly held?: NanoDollars }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly message: string;
      readonly left?: NanoDollars;
    };

export interface SettleRequest {
  readonly call: string;
  readonly ended: readonly AttemptEnd[];
  /** How the call ended for its caller: `ok`, or the error's code. */
  readonly outcome: string;
  readonly status: number;
  readonly endedAt: number;
}

export interface FollowQuery {
  /** The last row that the watcher has. Absent: it begins now. */
  readonly after?: number;
  /** A caller's key: it sees its own calls. Absent: all of the account. */
  readonly key?: { readonly id: string; readonly secretHash: string };
}

/** An attempt that has not ended. */
export interface RunningAttempt {
  readonly call: CallStart;
  readonly attempt: AttemptStart;
}

/** The same of a call that nothing is held for. It is over at `deadline`, in milliseconds since the epoch. */
export interface SentAttempt extends RunningAttempt {
  readonly deadline: number;
}

/** What a watcher of an account has missed since its last look. */
export interface Followed {
  readonly rows: readonly LedgerRow[];
  /** Of the last row that was looked at: the next look begins after it. */
  readonly seq: number;
  /** There are more rows after these. */
  readonly more: boolean;
  /** Rows are left out, which the report database has. */
  readonly gap: boolean;
  /** Calls that are not over, and at most 50 of their attempts. */
  readonly running: number;
  readonly attempts: readonly RunningAttempt[];
}

/** What an account is told of a call that is over: to settle it, or, where nothing was reserved, to take it down. */
export type Told =
  | { readonly settle: SettleRequest; readonly call?: never }
  | { readonly call: CallRecord; readonly settle?: never };

/** Why a call of a key may not go on by the terms that a Worker remembers. */
export type ConfirmReply = Extract<ReserveReply, { kind: 'stale' | 'refused' }>;

/** An `Account` object, as the Worker calls it. Every method may be repeated after a lost reply. */
export interface AccountRpc {
  /**
   * Stores a key. The same key again changes nothing, and another key under its id is refused with undefined. `full`:
   * the account has as many keys as it may have, those that were revoked included.
   */
  createKey(key: NewKey): Promise<KeyState | 'full' | undefined>;
  /** Undefined: there is no such key, or it was revoked. `stale`: another change came in between. */
  changeKey(change: KeyChange): Promise<KeyState | 'stale' | undefined>;
  /** From now on the key is refused. Its row stays, because the ledger names it. Undefined: there is no such key. */
  revokeKey(id: string): Promise<KeyState | undefined>;
  keyState(id: string): Promise<KeyState | undefined>;
  /** The newest keys first: at most `limit`, and whether there are more. */
  listKeys(query: KeyQuery): Promise<{ readonly keys: readonly KeyState[]; readonly more: boolean }>;
  accountState(): Promise<AccountState>;
  totals(): Promise<AccountTotals>;
  /** Sets the budget of the account, or removes it. Raises the revision of every key if `budgeted` changes. */
  changeAccount(change: { readonly budget: Budget | undefined }): Promise<AccountState>;

  /**
   * Asked before a key is tried at the page's sign-in, and told afterwards if it was wrong.
   *
   * @returns milliseconds until this address may try again; 0: now
   */
  signIn(address: string, failed: boolean): Promise<number>;

  /** The terms of a key, before its first call in an isolate. Undefined: it was never made, was revoked, or expired. */
  terms(key: string, secretHash: string): Promise<KeyTerms | undefined>;
  /**
   * Whether calls of a key may go by the terms of a revision: for `VOUCHED_MS` from now, as long as it is a key without
   * limits. A change of the key is not answered before that time is over. Undefined: yes.
   *
   * @param secretHash absent for `local` and `admin`
   * @param running for those who watch
   */
  confirm(
    key: string,
    secretHash: string | undefined,
    revision: number,
    running?: readonly SentAttempt[],
  ): Promise<ConfirmReply | undefined>;
  /** @param told of other calls, first */
  reserve(request: ReserveRequest, told?: readonly Told[]): Promise<ReserveReply>;
  extend(request: ExtendRequest): Promise<ExtendReply>;
  /** False where the call had been settled before, or had expired. */
  settle(request: SettleRequest): Promise<boolean>;
  /** Takes down what has become of calls. A call must not be told of again two minutes later. */
  tell(told: readonly Told[], running?: readonly SentAttempt[]): Promise<void>;

  /**
   * Pushes attempts that have ended to the report database now, as the alarm does later. Returns how many are left
   * that the database does not have. Rejects if the database fails.
   */
  push(): Promise<number>;
  /** The attempts of a call that have ended and are still remembered here, whether pushed or not. */
  rowsOf(call: string): Promise<readonly LedgerRow[]>;
  /** What has happened since a watcher's last look. Undefined: its key was revoked or has expired. */
  follow(query: FollowQuery): Promise<Followed | undefined>;
}

/** `env.ACCOUNT`: the object of each account, by the account's name. */
export interface Accounts {
  getByName(account: string): AccountRpc;
}
