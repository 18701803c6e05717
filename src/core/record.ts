/**
 * What became of a call, without any of its text: one record for each attempt that was sent to a provider. The ledger
 * keeps it, traces and reports are made from it.
 */
import type { ErrorCode } from './errors.ts';
import type { FinishReason, Usage } from './event.ts';
import type { NanoDollars } from './values.ts';

/**
 * How the money of an attempt ended: billed as `cost` says; perhaps billed, and `cost` is the most it can be; certainly
 * not billed; or perhaps billed, with no known bound or price.
 */
export type MoneyOutcome = 'settled' | 'upper_bound' | 'released' | 'unknown';

/** How that is told to people. */
export const BILLING: Readonly<Record<MoneyOutcome, string>> = {
  settled: 'exact',
  upper_bound: 'upper_bound',
  released: 'not_billed',
  unknown: 'unknown',
};

/** The API by which a caller sent the call. */
export type DialectName = 'chat' | 'completions' | 'messages' | 'responses' | 'embeddings' | 'rerank';

/** One attempt before it is sent: what is known of it. */
export interface AttemptStart {
  /** Counts the attempts of the call from 1. */
  readonly attempt: number;
  /** The model as the catalogue or a service names it. */
  readonly model: string;
  readonly provider: string;
  readonly service?: string;
  /** The provider's own id of the model. */
  readonly upstream: string;
  readonly api: string;
  /** Upstream requests the attempt consists of. */
  readonly requests: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
}

/** What became of an attempt. */
export interface AttemptEnd {
  readonly attempt: number;
  readonly outcome: 'ok' | ErrorCode;
  readonly money: MoneyOutcome;
  /** What it cost, or may have cost at most. Absent: unknown. */
  readonly cost?: NanoDollars;
  /** The id of the price rule that the cost comes from. */
  readonly priceRule?: string;
  /** The first content, and the end, in milliseconds since the epoch. */
  readonly first?: number;
  readonly ended: number;
  /** HTTP status the provider answered. */
  readonly status?: number;
  readonly finish?: FinishReason;
  readonly usage?: Usage;
  readonly upstreamId?: string;
  /** The caller left, or nobody wanted the rest. */
  readonly canceled?: true;
  /** It went on with an answer that another attempt began. */
  readonly resumed?: true;
  /** It was billed, but the caller got none, or not all of it. */
  readonly undelivered?: true;
  /** It cost more than was held for it. */
  readonly overrun?: true;
  /**
   * Tokens of prompt and completion as each `Family` of the model's offers has them (its tokenizer and template), for
   * repricing. Of the family that served the call they are those of the usage, without what the API adds to every
   * prompt; the others are counted once the answer has left, where that is little work. Absent without a usage.
   */
  readonly counts?: Readonly<Record<string, readonly [prompt: number, completion: number]>>;
}

/** A call, whatever its attempts did. */
export interface CallStart {
  /** The generation's id: `gen-…`. */
  readonly call: string;
  /** The account and the key that pay for it. `local` and `admin` are the keys of nobody else. */
  readonly account: string;
  readonly key: string;
  readonly dialect: DialectName;
  readonly streamed: boolean;
  /** The first model the caller named, as written. */
  readonly asked: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
}

/** A finished call: what ledger, traces and reports are told of it. */
export interface CallRecord {
  readonly start: CallStart;
  /** Attempts that were sent, in their order. */
  readonly attempts: readonly { readonly start: AttemptStart; readonly end: AttemptEnd }[];
  /** How it ended for its caller. */
  readonly outcome: 'ok' | ErrorCode;
  readonly status: number;
  /** Milliseconds since the epoch. */
  readonly ended: number;
}

/** Attempts whose money ended in the same way, added up. */
export interface TrafficPart {
  readonly money: MoneyOutcome;
  readonly attempts: number;
  readonly cost: NanoDollars;
  /** As the provider bills it. */
  readonly usage: Usage;
}

/** Those attempts whose prompt and completion were counted as one family of models has them. */
export interface CountedPart {
  readonly attempts: number;
  readonly prompt: number;
  readonly completion: number;
  /** What they did cost: exactly, at most, and how many of them are unknown. */
  readonly cost: NanoDollars;
  readonly upperBound: NanoDollars;
  readonly unknown: number;
}

/** A day's attempts with known tokens of one model at one offer. */
export interface Traffic {
  /** As `2026-11-28`. */
  readonly day: string;
  readonly model: string;
  readonly provider: string;
  /** Empty unless the provider has several services. */
  readonly service: string;
  readonly upstream: string;
  readonly parts: readonly TrafficPart[];
  /** By family. */
  readonly counted: ReadonlyMap<string, CountedPart>;
}
