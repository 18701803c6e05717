/**
 * Traffic with keys that have budgets, a report database that fails, and workerd killed with SIGKILL again and again.
 * Afterwards each request that reached a provider must have exactly one row in the ledger, at its cost, and the object,
 * the database and the API must agree. The emulator of the providers runs in a process that is not killed, and counts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, bundle } from '../../src/cli/serve/bundle.ts';
import { type RunningWorkerd, runWorkerd } from '../../src/cli/serve/workerd.ts';
import { nano } from '../budget/storm.ts';
import { fraction } from '../sandbox/random.ts';
import { KEY, sandboxEnv, startSandbox } from '../support/gateway.ts';

const MODEL = 'tempest';
const MOST_TOKENS = 24;
/** Nano-dollars a token; and which wire of the emulator a provider of ours is. */
const PRICES: Readonly<Record<string, bigint>> = { cheap: 1_000n, dear: 10_000n };
const WIRES: Readonly<Record<string, string>> = { anyscale: 'cheap', 'openai-compatible': 'dear' };
const ACCOUNTS = ['crash-a', 'crash-b', 'crash-c'];
/** Longer than any call, with its grace. */
const AHEAD_MS = 3_600_000;
/** Ends what hangs. */
const START_MS = 60_000;
const SIDE_BY_SIDE = 24;
/** A life does not end before so many calls have begun, however slow the machine. */
const LEAST_CALLS = 12;
/** The emulator remembers 500 requests, and a call may be several. */
const MOST_CALLS = 180;

export interface CrashOptions {
  readonly seed: number;
  readonly kills: number;
  /** Milliseconds from the first calls of a life until it is killed: at least and at most. */
  readonly lifeMs: readonly [number, number];
  /** Share of the database's batches that fail. */
  readonly rate: number;
  /** The Worker, if it is another than the one of this folder. */
  readonly config?: string;
}

export interface CrashVerdict {
  readonly seed: number;
  readonly kills: number;
  readonly calls: number;
  /** Calls that were open when the gateway was killed. */
  readonly cut: number;
  /** Requests that the emulator counted. */
  readonly upstream: number;
  readonly rows: number;
  readonly settled: number;
  /** Rows at their upper bound, because nobody told the object of their end. */
  readonly expired: number;
  /** Those of them that were never sent. */
  readonly unsent: number;
  readonly failuresBeforeCommit: number;
  readonly failuresAfterCommit: number;
  readonly broken: readonly string[];
}

interface Call {
  readonly mark: string;
  readonly account: string;
  readonly keyId: string;
  readonly key: string;
  /** What the caller was told that it cost, if the answer came to its end. */
  told?: string;
  outcome?: 'answered' | 'cut' | 'left';
}

interface Seen {
  readonly provider: string;
  readonly promptTokens: number | undefined;
}

type Line = Readonly<Record<string, string | number | boolean | null>>;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const service = (id: string, url: string) => ({
  id,
  base_url: url,
  token: 'sandbox-anyscale-token',
  models: { [MODEL]: { upstream: 'meta-llama/Meta-Llama-3-8B-Instruct', family: 'llama-3' } },
  price: { input_per_mtok: String(Number(PRICES[id]) / 1000), output_per_mtok: String(Number(PRICES[id]) / 1000) },
});

/** The gateway in a process of its own, with the data of those before it. */
async function live(
  built: Bundle,
  state: string,
  variables: Readonly<Record<string, string>>,
  log: (text: string) => void,
) {
  const workerd: RunningWorkerd = await runWorkerd({
    services: [{ name: 'gateway', bundle: built, bindings: variables, address: '127.0.0.1:0' }],
    state,
    log,
  });
  const url = `http://127.0.0.1:${workerd.ports.get('gateway')}`;
  const admin = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' } });
  return {
    url,
    async json(path: string, body?: unknown): Promise<Line & Readonly<Record<string, unknown>>> {
      const answer = await admin(path, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path} is answered with ${answer.status}: ${text.slice(0, 300)}`);
      return JSON.parse(text);
    },
    async kill() {
      process.kill(workerd.pid, 'SIGKILL');
      await workerd.exited;
      await workerd.stop();
    },
    stop: () => workerd.stop(),
  };
}

type Life = Awaited<ReturnType<typeof live>>;

/** Every third call streams; some fall back from a provider that fails, some are slow, some lose their caller. */
async function make({ url }: Life, call: Call, at: number): Promise<void> {
  const stream = at % 3 === 0;
  const words = [...(at % 4 === 1 ? ['fall back'] : []), ...(at % 5 === 2 ? ['slowly'] : []), `mark ${call.mark}`];
  const leaving = new AbortController();
  const leaves = at % 11 === 7;
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${call.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: MODEL,
        messages: [{ role: 'user', content: `What is the sea like, ${words.join(', ')}?` }],
        max_tokens: MOST_TOKENS,
        stream,
        ...(stream ? { stream_options: { include_usage: true } } : {}),
      }),
      signal: leaving.signal,
    });
    if (leaves) setTimeout(() => leaving.abort(), 30 + (at % 5) * 60);
    const text = await answer.text();
    const costs = [...text.matchAll(/"cost_exact":"([\d.]+)"/g)].map(([, cost]) => cost ?? '');
    const complete = answer.status === 200 && (!stream || text.trimEnd().endsWith('[DONE]'));
    const told = costs.at(-1);
    if (complete && told !== undefined) call.told = told;
    call.outcome = 'answered';
  } catch {
    // The gateway was killed, or this caller left.
    call.outcome = leaving.signal.aborted ? 'left' : 'cut';
  }
}

export async function crash({ seed, kills, lifeMs, rate, config }: CrashOptions): Promise<CrashVerdict> {
  let drawn = 0;
  const random = (): number => fraction(seed, drawn++);
  const built = await bundle({ config: config ?? 'test/crash/wrangler.toml' });
  const state = await mkdtemp(join(tmpdir(), 'chasqui-crash-'));
  const sandbox = await startSandbox();
  const dial = (path: string, init: RequestInit = {}) => fetch(`${sandbox.url}/sandbox/${path}`, init);
  for (const rule of [
    { provider: 'anyscale', text: 'fall back', fault: { kind: 'status', status: 503 } },
    { text: 'slowly', fault: { kind: 'drip', ms: 30 } },
  ]) {
    await dial('faults', { method: 'POST', body: JSON.stringify({ ...rule, times: 0 }) });
  }
  const failures = { before: 0, after: 0 };
  const log = (text: string): void => {
    for (const [, when] of text.matchAll(/crash-fault: (before|after)/g)) failures[when as 'before' | 'after']++;
  };
  const start = (life: number, more: Readonly<Record<string, string>> = {}) =>
    live(
      built,
      state,
      {
        ...sandboxEnv(sandbox.url),
        OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
          service('cheap', `${sandbox.url}/anyscale/v1`),
          service('dear', `${sandbox.url}/openai-compatible/v1`),
        ]),
        CRASH_SEED: String(seed * 1000 + life),
        CRASH_RATE: String(rate),
        ...more,
      },
      log,
    );

  const calls: Call[] = [];
  const seen = new Map<string, Seen[]>();
  /** Takes what the emulator has counted since the last look. */
  async function count(): Promise<void> {
    const { data } = (await (await dial('requests')).json()) as {
      data: { method: string; path: string; provider: string; body: unknown; promptTokens?: number }[];
    };
    await dial('requests', { method: 'DELETE' });
    if (data.length >= 500) throw new Error('The emulator has forgotten some requests: make fewer calls.');
    for (const { method, provider, body, promptTokens } of data) {
      const mark = /mark (\d+)/.exec(JSON.stringify(body))?.[1];
      if (method !== 'POST' || mark === undefined) continue;
      seen.set(mark, [...(seen.get(mark) ?? []), { provider: WIRES[provider] ?? provider, promptTokens }]);
    }
  }

  let life: Life | undefined;
  try {
    for (let kill = 0; kill < kills; kill++) {
      life = await start(kill);
      const running = life;
      let over = false;
      let made = 0;
      /** One after the other, each with a key of its own: so it is known which rows are whose. */
      const caller = async (): Promise<void> => {
        while (!over && made < MOST_CALLS) {
          const at = calls.length + made++;
          const account = ACCOUNTS[at % ACCOUNTS.length] ?? '';
          const asked = { name: 'crash', account, budget: { limit: '1', period: 'total' } };
          // A key that was made when the gateway was killed is never used.
          const key = await running.json('/v1/keys', asked).catch(() => undefined);
          if (!key || over) return;
          const call: Call = {
            mark: String(1_000_000 + at + kill * 10_000),
            account,
            keyId: String(key.id),
            key: String(key.key),
          };
          started.push(call);
          await make(running, call, at);
        }
      };
      const started: Call[] = [];
      /** A report pushes what waits, beside the alarm. */
      const reporter = async (): Promise<void> => {
        for (let at = 0; !over; at++) {
          await running.json(`/v1/usage?account=${ACCOUNTS[at % ACCOUNTS.length]}`).catch(() => undefined);
          await pause(40);
        }
      };
      const working = [reporter(), ...Array.from({ length: SIDE_BY_SIDE }, caller)];
      for (let waited = 0; started.length < LEAST_CALLS && waited < START_MS; waited += 20) await pause(20);
      await pause(lifeMs[0] + random() * (lifeMs[1] - lifeMs[0]));
      over = true;
      await running.kill();
      life = undefined;
      await Promise.all(working);
      calls.push(...started);
      // What was on its way arrives.
      await pause(200);
      await count();
    }
    // The last life: the database works, and the clock is so far ahead that every open call has expired.
    life = await start(kills, { CRASH_RATE: '0', CRASH_AHEAD_MS: String(AHEAD_MS) });
    const judged = await judge(life, calls, seen);
    return {
      seed,
      kills,
      calls: calls.length,
      cut: calls.filter(({ outcome }) => outcome === 'cut').length,
      ...judged,
      failuresBeforeCommit: failures.before,
      failuresAfterCommit: failures.after,
    };
  } finally {
    await life?.stop();
    await sandbox.stop();
    await rm(state, { recursive: true, force: true });
  }
}

type Judged = Pick<CrashVerdict, 'upstream' | 'rows' | 'settled' | 'expired' | 'unsent' | 'broken'>;

async function judge(life: Life, calls: readonly Call[], seen: ReadonlyMap<string, readonly Seen[]>): Promise<Judged> {
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
