/**
 * What the Worker and an `Account` object say to each other. Plain data that crosses an RPC; money is a `bigint` of
 * nano-dollars. The object decides on keys, budgets and limits, in one transaction each time.
 */
import type { AttemptEnd, AttemptStart, CallStart, NanoDollars } from '../core/index.ts';

/** A window of UTC: a day from 00:00, a week from Monday 00:00, a month from its first day, or for ever. */
export type Period = 'day' | 'week' | 'month' | 'total';

export interface Budget {
  readonly limit: NanoDollars;
  readonly period: Period;
}

/** What a key may do. Immutable: a change makes a new one with the next revision. */
export interface KeyTerms {
  readonly id: string;
  /** Grows with each change, so that a Worker which remembers old terms is told. */
  readonly revision: number;
  readonly name: string;
  readonly budget?: Budget;
  /** Requests and tokens a minute; calls at the same time. */
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrency?: number;
  readonly models?: readonly string[];
  readonly providers?: readonly string[];
  readonly markers?: 'text' | 'parse';
  /** At the limit of the budget: cut the answer's length (the default), or prefer offers that fit what is left. */
  readonly atLimit: 'clamp' | 'cheaper';
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** It, or its account, has a budget: costs must have a known bound. */
  readonly budgeted: boolean;
  /** It has a budget or any limit: calls wait for the object's answer before they are sent. */
  readonly limited: boolean;
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
      readonly limits: readonly LimitState[];
    }
  /** The idempotency key was used before. */
  | { readonly kind: 'repeated'; readonly state: 'running'; readonly call: string; readonly retryAfterMs: number }
  | { readonly kind: 'repeated'; readonly state: 'done'; readonly call: string }
  | { readonly kind: 'repeated'; readonly state: 'other_body' };

export interface ExtendRequest {
  readonly call: string;
  /** Attempts that have ended since, whose holds are settled in the same transaction. */
  readonly ended: readonly AttemptEnd[];
  readonly attempt: AttemptStart;
  readonly cover?: Cover;
  readonly tokens: number;
}

export type ExtendReply =
  | { readonly kind: 'held'; readonly held?: NanoDollars }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

export interface SettleRequest {
  readonly call: string;
  readonly ended: readonly AttemptEnd[];
  /** How the call ended for its caller: `ok`, or the error's code. */
  readonly outcome: string;
  readonly status: number;
  readonly endedAt: number;
}

/** An `Account` object, as the Worker calls it. Every method may be repeated after a lost reply. */
export interface AccountRpc {
  /** The terms of a key, before its first call in an isolate. Undefined: it was never made, was revoked, or expired. */
  terms(key: string, secretHash: string): Promise<KeyTerms | undefined>;
  reserve(request: ReserveRequest): Promise<ReserveReply>;
  extend(request: ExtendRequest): Promise<ExtendReply>;
  /** False where the call had been settled before, or had expired. */
  settle(request: SettleRequest): Promise<boolean>;
}
