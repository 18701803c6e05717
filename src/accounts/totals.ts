/** The ledger's sums of all time, for metrics. */
import type { MoneyOutcome, NanoDollars } from '../core/index.ts';
import type { ReportDatabase } from './database.ts';
import { type LedgerFilter, ofAccount, Where } from './usage.ts';

export interface LedgerTotal {
  readonly account: string;
  readonly provider: string;
  readonly model: string;
  readonly dialect: string;
  /** `ok`, or an error's code. */
  readonly outcome: string;
  readonly money: MoneyOutcome;
  readonly attempts: number;
  readonly calls: number;
  readonly cost: NanoDollars;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  readonly canceled: number;
  readonly undelivered: number;
  readonly expired: number;
}

/** Attempts whose duration, or time to the first content (`first`), falls into a bucket; see `LATENCY_BUCKETS`. */
export interface LatencyTotal {
  readonly provider: string;
  readonly model: string;
  readonly kind: 'duration' | 'first';
  readonly bucket: number;
  readonly attempts: number;
  readonly ms: number;
}

export interface LedgerTotals {
  readonly totals: readonly LedgerTotal[];
  readonly latency: readonly LatencyTotal[];
  /** When each account pushed last, in milliseconds since the epoch. */
  readonly pushed: readonly { readonly account: string; readonly at: number }[];
}

const COUNTS = [
  ...['attempts', 'calls', 'input', 'cacheRead', 'cacheWrite', 'output', 'reasoning'],
  ...['canceled', 'undelivered', 'expired'],
].map((name) => `SUM(${name}) AS ${name}`);

const NAMES = 'account, provider, model, dialect, outcome, money';

/** The statements select exactly the members of these types, but for the amount, which is text. */
type Selected<T> = readonly (Omit<T, 'cost'> & { readonly cost: string })[];

/** Reads everything. `db` must have its tables. */
export async function ledgerTotals(db: ReportDatabase): Promise<LedgerTotals> {
  const [totals, latency, pushed] = await db.batch([
    db.prepare(
      `SELECT ${NAMES}, ${COUNTS.join(', ')}, CAST(SUM(cost) AS TEXT) AS cost FROM rollup
      WHERE account IN (SELECT account FROM ledger_cursor) AND span = 't' AND start = 0
      GROUP BY ${NAMES} ORDER BY ${NAMES}`,
    ),
    db.prepare(
      `SELECT provider, model, kind, bucket, SUM(attempts) AS attempts, SUM(ms) AS ms FROM latency
      GROUP BY provider, model, kind, bucket ORDER BY kind, provider, model, bucket`,
    ),
    db.prepare('SELECT account, at FROM ledger_cursor WHERE seq > 0 ORDER BY account'),
  ]);
  const read = (totals?.results ?? []) as unknown as Selected<LedgerTotal>;
  return {
    totals: read.map((row) => ({ ...row, cost: BigInt(row.cost) })),
    latency: (latency?.results ?? []) as unknown as LedgerTotals['latency'],
    pushed: (pushed?.results ?? []) as unknown as LedgerTotals['pushed'],
  };
}

/** The histograms of offers, of all time: by whole accounts, as they are kept. `db` must have its tables. */
export async function latencyOf(
  db: ReportDatabase,
  { account, provider, model }: Pick<LedgerFilter, 'account' | 'provider' | 'model'>,
): Promise<readonly LatencyTotal[]> {
  const where = ofAccount(new Where(), account).equal('provider', provider).equal('model', model);
  const { results } = await db
    .prepare(
      `SELECT provider, model, kind, bucket, SUM(attempts) AS attempts, SUM(ms) AS ms FROM latency
      WHERE ${where.sql} GROUP BY provider, model, kind, bucket ORDER BY provider, model, kind, bucket`,
    )
    .bind(...where.values)
    .all();
  return results as unknown as readonly LatencyTotal[];
}
