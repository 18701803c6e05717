/** A row of the ledger: what is kept of one attempt at a provider. */
import {
  type AttemptEnd,
  type AttemptStart,
  type CallStart,
  type CountedPart,
  isObject,
  type MoneyOutcome,
} from '../core/index.ts';

/**
 * One attempt, flat. Its members are the columns of the table `ledger`. Times are milliseconds since the epoch, flags
 * 1 or 0. Absent is null, or the empty text for names that the rollups have in their key.
 */
export interface LedgerRow {
  /** Counts the rows of an account from 1, without gaps. */
  readonly seq: number;
  /** When the call began: hours and days of reports go by it, as prices do. */
  readonly called: number;
  readonly call: string;
  readonly attempt: number;
  readonly key: string;
  readonly dialect: string;
  readonly streamed: number;
  readonly asked: string;
  readonly model: string;
  readonly provider: string;
  readonly service: string;
  readonly upstream: string;
  readonly api: string;
  readonly requests: number;
  readonly started: number;
  readonly first: number | null;
  readonly ended: number;
  readonly outcome: string;
  readonly money: MoneyOutcome;
  /**
   * Nano-dollars as a decimal text, because JSON and the results of D1 are exact only up to 2^53 ($9 million). Stored
   * as a 64-bit integer. Null exactly where `money` is `unknown`.
   */
  readonly cost: string | null;
  readonly rule: string;
  readonly status: number | null;
  readonly finish: string | null;
  /** Who counted the tokens. Null: the usage is not known, and the five counts are 0. */
  readonly source: string | null;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  /** Hardware time that was billed. */
  readonly nanoseconds: number | null;
  readonly upstreamId: string | null;
  readonly canceled: number;
  readonly resumed: number;
  readonly undelivered: number;
  readonly overrun: number;
  readonly expired: number;
  /** JSON: `{"<family>": [prompt, completion]}`. */
  readonly counts: string | null;
}

/** Callers choose some of the names, so their length has a limit. */
const MOST_LETTERS = 256;
const short = (text: string): string => text.slice(0, MOST_LETTERS);

/** More than a billion dollars for one attempt is a mistake in a price. It would soon exceed SQLite's 64 bits. */
export const MOST_COST = 10n ** 18n;

/** More tokens than any provider serves in one call: a usage that says so is not one. Sums of many stay exact. */
const MOST_TOKENS = 1e12;

const count = (value: number | undefined): number => {
  const whole = Math.round(value ?? 0);
  return Number.isSafeInteger(whole) && whole > 0 ? whole : 0;
};
const isTokens = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS;
const flag = (value: boolean | undefined): number => (value ? 1 : 0);

/** The money of an attempt as the ledger has it: what is not known to be billed or free, and has no amount, is unknown. */
function moneyOf({ money, cost }: AttemptEnd): Pick<LedgerRow, 'money' | 'cost'> {
  if (money === 'released') return { money, cost: '0' };
  if (money === 'unknown' || cost === undefined || cost < 0n || cost > MOST_COST)
    return { money: 'unknown', cost: null };
  return { money, cost: String(cost) };
}

type RowUsage = Pick<
  LedgerRow,
  'source' | 'input' | 'cacheRead' | 'cacheWrite' | 'output' | 'reasoning' | 'nanoseconds'
>;

const NO_USAGE = { source: null, input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };

function usageOf({ usage }: AttemptEnd): RowUsage {
  const nanoseconds = usage?.seconds === undefined ? null : count(usage.seconds * 1e9);
  if (!usage) return { ...NO_USAGE, nanoseconds };
  const { source, input, cacheRead, cacheWrite, output, reasoning } = usage;
  if (![input, cacheRead, cacheWrite, output, reasoning].every(isTokens)) return { ...NO_USAGE, nanoseconds };
  return { source, input, cacheRead, cacheWrite, output, reasoning, nanoseconds };
}

/**
 * The row of a finished attempt.
 *
 * @param expired nobody settled it in time, and its cost is what was held for it
 */
export function ledgerRow(
  call: CallStart,
  start: AttemptStart,
  end: AttemptEnd,
  seq: number,
  expired = false,
): LedgerRow {
  const usage = usageOf(end);
  return {
    seq,
    called: count(call.started),
    call: short(call.call),
    attempt: start.attempt,
    key: short(call.key),
    dialect: call.dialect,
    streamed: flag(call.streamed),
    asked: short(call.asked),
    model: short(start.model),
    provider: short(start.provider),
    service: short(start.service ?? ''),
    upstream: short(start.upstream),
    api: start.api,
    requests: count(start.requests),
    started: count(start.started),
    first: end.first === undefined ? null : count(end.first),
    ended: count(end.ended),
    outcome: end.outcome,
    ...moneyOf(end),
    rule: short(end.priceRule ?? ''),
    status: end.status === undefined ? null : count(end.status),
    finish: end.finish ?? null,
    ...usage,
    upstreamId: end.upstreamId === undefined ? null : short(end.upstreamId),
    canceled: flag(end.canceled),
    resumed: flag(end.resumed),
    undelivered: flag(end.undelivered),
    overrun: flag(end.overrun),
    expired: flag(expired),
    counts: end.counts === undefined ? null : JSON.stringify(end.counts),
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** The counts of a row's prompt and completion, by family. What is no pair of counts is left out. */
export function countsOf({ counts }: LedgerRow): ReadonlyMap<string, readonly [prompt: number, completion: number]> {
  const read: unknown = counts === null ? {} : JSON.parse(counts);
  const found = new Map<string, readonly [number, number]>();
  for (const [family, pair] of Object.entries(isObject(read) ? read : {})) {
    const [prompt, completion]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    if (isCount(prompt) && isCount(completion)) found.set(family, [prompt, completion]);
  }
  return found;
}

/** What a row did cost: exactly, at most, or 1 if it is unknown. */
export function costsOf({ money, cost }: LedgerRow): Pick<CountedPart, 'cost' | 'upperBound' | 'unknown'> {
  const amount = BigInt(cost ?? 0);
  return {
    cost: money === 'settled' ? amount : 0n,
    upperBound: money === 'upper_bound' ? amount : 0n,
    unknown: money === 'unknown' ? 1 : 0,
  };
}
