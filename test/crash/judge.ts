/** Whether the ledger holds what the emulator has counted and callers were told, and whether all who keep it agree. */
import { nano } from '../budget/storm.ts';
import type { Life, Line } from './life.ts';

/** The limit of every call. */
export const MOST_TOKENS = 24;
/** Nano-dollars a token, by provider. */
export const PRICES: Readonly<Record<string, bigint>> = { cheap: 1_000n, dear: 10_000n };
export const ACCOUNTS = ['crash-a', 'crash-b', 'crash-c'];

/** A call, made with a key of its own: so it is known which rows are whose. */
export interface Call {
  /** A number in its prompt. */
  readonly mark: string;
  readonly account: string;
  readonly keyId: string;
  readonly key: string;
  /** What the caller was told that it cost, if the answer came to its end. */
  told?: string;
  outcome?: 'answered' | 'cut' | 'left';
}

/** A request that the emulator got. */
export interface Seen {
  readonly provider: string;
  /** What it bills. */
  readonly promptTokens: number | undefined;
}

export interface Judged {
  /** Requests that the emulator counted. */
  readonly upstream: number;
  readonly rows: number;
  readonly settled: number;
  /** Rows at their upper bound, because nobody told the object of their end. */
  readonly expired: number;
  /** Those of them that were never sent. */
  readonly unsent: number;
  /** What is wrong, in sentences. */
  readonly broken: readonly string[];
}

/** Looks at the gateway's last life, in which every open call has expired and the database works. */
export async function judge(
  life: Life,
  calls: readonly Call[],
  seen: ReadonlyMap<string, readonly Seen[]>,
): Promise<Judged> {
  const broken: string[] = [];
  const rows: Line[] = [];
  for (const account of ACCOUNTS) {
    const of = await rowsOf(life, account);
    rows.push(...of);
    broken.push(...(await disagreements(life, account, of)));
  }
  const byKey = Map.groupBy(rows, (row) => String(row.key));
  let unsent = 0;
  for (const call of calls) {
    const found = wrongIn(call, byKey.get(call.keyId) ?? [], seen.get(call.mark) ?? []);
    broken.push(...found.wrong.map((what) => `Call ${call.mark}: ${what}`));
    unsent += found.unsent;
  }
  const known = new Set(calls.map(({ keyId }) => keyId));
  for (const key of byKey.keys()) if (!known.has(key)) broken.push(`Key ${key} made no call and has rows.`);
  return {
    upstream: [...seen.values()].reduce((sum, { length }) => sum + length, 0),
    rows: rows.length,
    settled: rows.filter(({ billing }) => billing === 'exact').length,
    expired: rows.filter(({ expired }) => expired === true).length,
    unsent,
    broken,
  };
}

/** Whether the rows of a call are what the emulator has seen of it, and what the caller was told. */
function wrongIn(call: Call, rows: readonly Line[], seen: readonly Seen[]) {
  const wrong: string[] = [];
  let unsent = 0;
  for (const provider of Object.keys(PRICES)) {
    const [sent, have] = [seen, rows].map((all) => all.filter((one) => one.provider === provider)) as [Seen[], Line[]];
    // Killed between the reservation and the request: held, never sent, and expired at what was held.
    const surplus = have.length - sent.length;
    const couldBeUnsent = have.filter(({ expired, billing }) => expired === true || billing === 'not_billed').length;
    if (surplus < 0) wrong.push(`${provider} was asked ${sent.length} times and has ${have.length} rows.`);
    else if (surplus > couldBeUnsent)
      wrong.push(`${provider} has ${have.length} rows and was asked ${sent.length} times.`);
    else unsent += surplus;
  }
  if (new Set(rows.map(({ attempt }) => attempt)).size < rows.length) wrong.push('An attempt stands twice.');
  if (new Set(rows.map(({ id }) => id)).size > 1) wrong.push('Its rows are of several calls.');
  const tokensOf = (row: Line) => BigInt(Number(row.prompt_tokens) + Number(row.completion_tokens));
  for (const row of rows) {
    const price = PRICES[String(row.provider)] ?? 0n;
    const prompt = seen.find((one) => one.provider === row.provider)?.promptTokens;
    if (row.billing === 'exact') {
      if (nano(String(row.cost)) !== tokensOf(row) * price) wrong.push(`${row.cost} for ${tokensOf(row)} tokens.`);
      if (prompt !== undefined && row.prompt_tokens !== prompt)
        wrong.push(`${row.prompt_tokens} prompt tokens, and ${prompt} were billed.`);
    } else if (row.expired === true || row.billing === 'upper_bound') {
      const most = prompt === undefined ? undefined : BigInt(prompt + MOST_TOKENS) * price;
      const held = nano(String(row.cost));
      // A bound is rounded up by a nano-dollar at most.
      if (most !== undefined && (held < most || held > most + 1n)) wrong.push(`${held} at most, and not ${most}.`);
    } else if (row.billing !== 'not_billed') wrong.push(`It ended as ${row.billing}.`);
  }
  // One that was killed before it was settled has expired, whatever the caller was told.
  if (call.told !== undefined && rows.every(({ expired }) => expired === false)) {
    const cost = rows.reduce((sum, row) => sum + (row.billing === 'exact' ? nano(String(row.cost)) : 0n), 0n);
    if (cost !== nano(call.told)) wrong.push(`The caller was told ${call.told}, and ${cost} is in the ledger.`);
  }
  return { wrong, unsent };
}

async function rowsOf(life: Life, account: string): Promise<readonly Line[]> {
  // Expires what is open, and pushes it, as alarms would. What fails is done again.
  for (let at = 0; at < 3; at++) await life.json(`/crash/ring?account=${account}`);
  const rows: Line[] = [];
  let after = '';
  for (;;) {
    const page = await life.json(`/v1/generations?account=${account}&limit=500${after}`);
    rows.push(...(page.data as unknown as Line[]));
    if (typeof page.next !== 'string') return rows;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

interface Sums {
  readonly attempts: number;
  readonly settled: string;
  readonly upperBound: string;
}

/** Where the object, the database and the API do not say the same. */
async function disagreements(life: Life, account: string, rows: readonly Line[]): Promise<readonly string[]> {
  const { totals } = (await life.json(`/crash/ring?account=${account}`)) as unknown as {
    totals: Sums & {
      readonly pending: string;
      readonly running: number;
      readonly pushed: number;
      readonly seq: number;
    };
  };
  const books = (await life.json(`/crash/books?account=${account}`)) as unknown as {
    rows: Readonly<Record<string, number | null>>;
    cursor: number;
    rolled: Readonly<Record<string, { readonly attempts: number; readonly cost: number }>>;
  };
  const { total } = (await life.json(`/v1/usage?account=${account}`)) as unknown as { total: Line };
  const sum = (billing: string) =>
    rows.filter((row) => row.billing === billing).reduce((all, { cost }) => all + nano(String(cost)), 0n);
  const rolled = (money: string) => books.rolled[money] ?? { attempts: 0, cost: 0 };
  const attempts = ['settled', 'upper_bound', 'released', 'unknown'].reduce(
    (all, one) => all + rolled(one).attempts,
    0,
  );
  const figures: Readonly<Record<string, readonly unknown[]>> = {
    attempts: [
      totals.attempts,
      totals.seq,
      totals.pushed,
      books.cursor,
      books.rows.attempts,
      books.rows.distinct_attempts,
      books.rows.last ?? 0,
      attempts,
      total.requests,
      rows.length,
    ],
    settled: [totals.settled, books.rows.settled, rolled('settled').cost, nano(String(total.cost)), sum('exact')],
    'upper bounds': [
      totals.upperBound,
      books.rows.upper_bound,
      rolled('upper_bound').cost,
      nano(String(total.cost_upper_bound)),
      sum('upper_bound'),
    ],
    'what is open': [totals.pending, totals.running, '0'],
  };
  return Object.entries(figures).flatMap(([what, said]) =>
    new Set(said.map(String)).size > 1 ? [`${account}: ${what} are ${said.join(', ')}.`] : [],
  );
}
