/**
 * Traffic with keys that have budgets, a report database that fails, and workerd killed with SIGKILL again and again.
 * Afterwards each request that reached a provider must have exactly one row in the ledger, at its cost, and the object,
 * the database and the API must agree. The emulator of the providers runs in a process that is not killed, and counts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fraction } from '../sandbox/random.ts';
import { sandboxEnv, startSandbox } from '../support/gateway.ts';
import { ACCOUNTS, type Call, type Judged, judge, MOST_TOKENS, PRICES, type Seen } from './judge.ts';
import { type Life, type LifeOptions, onWorkerd } from './life.ts';

const MODEL = 'tempest';
/** Which wire of the emulator a provider of ours is. */
const WIRES: Readonly<Record<string, string>> = { anyscale: 'cheap', 'openai-compatible': 'dear' };
/** Longer than any call, with its grace. */
const AHEAD_MS = 3_600_000;
/** Ends what hangs. */
const START_MS = 60_000;
const SIDE_BY_SIDE = 24;
/** A life does not end before so many calls have begun, and the database has failed so often, however slow the machine. */
const LEAST_CALLS = 12;
const LEAST_FAILURES = 2;
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
  /** Where it runs: on plain workerd unless told. */
  readonly runtime?: (options: LifeOptions) => Promise<Life>;
}

export interface CrashVerdict extends Judged {
  readonly seed: number;
  readonly kills: number;
  readonly calls: number;
  /** Calls that were open when the gateway was killed. */
  readonly cut: number;
  readonly failuresBeforeCommit: number;
  readonly failuresAfterCommit: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const service = (id: string, url: string) => ({
  id,
  base_url: url,
  token: 'sandbox-anyscale-token',
  models: { [MODEL]: { upstream: 'meta-llama/Meta-Llama-3-8B-Instruct', family: 'llama-3' } },
  price: { input_per_mtok: String(Number(PRICES[id]) / 1000), output_per_mtok: String(Number(PRICES[id]) / 1000) },
});

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

export async function crash({
  seed,
  kills,
  lifeMs,
  rate,
  config = 'test/crash/wrangler.toml',
  runtime = onWorkerd,
}: CrashOptions): Promise<CrashVerdict> {
  let drawn = 0;
  const random = (): number => fraction(seed, drawn++);
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
    runtime({
      config,
      state,
      variables: {
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
    });

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
      const failed = failures.before;
      const early = () => started.length < LEAST_CALLS || failures.before - failed < LEAST_FAILURES;
      for (let waited = 0; early() && made < MOST_CALLS && waited < START_MS; waited += 20) await pause(20);
      const ms = lifeMs[0] + random() * (lifeMs[1] - lifeMs[0]);
      // Killed in any case while calls are open.
      for (let waited = 0; waited < ms && made < MOST_CALLS; waited += 20) await pause(20);
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
    await life?.kill();
    await sandbox.stop();
    await rm(state, { recursive: true, force: true });
  }
}
