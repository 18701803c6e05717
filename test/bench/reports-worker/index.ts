import { env, waitUntil } from 'cloudflare:workers';
import { databaseOf, type LedgerRow, ledgerRow, pushRows } from '../../../src/accounts/index.ts';
import { createApp } from '../../../src/app.ts';
import type { DialectName, ErrorCode } from '../../../src/core/index.ts';

export { Books } from '../../../src/accounts/books.ts';

const settings = env as unknown as Readonly<Record<string, unknown>>;
const app = createApp(settings, (input, init) => fetch(input, init), waitUntil);

/** Days of traffic, up to today. */
const DAYS = 30;
const KEYS = 20;
const DAY_MS = 86_400_000;

/** What is served where: the model, its family, the provider, its id there, and dollars for a million tokens. */
const OFFERS = [
  ['gpt-oss-120b', 'gpt-oss', 'together', 'openai/gpt-oss-120b', 0.15, 0.6],
  ['gpt-oss-120b', 'gpt-oss', 'bedrock', 'openai.gpt-oss-120b-1:0', 0.15, 0.6],
  ['gpt-oss-120b', 'gpt-oss', 'replicate', 'openai/gpt-oss-120b', 0.18, 0.72],
  ['llama-3.3-70b-instruct', 'llama-3.3', 'together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', 1.04, 1.04],
  ['llama-3.3-70b-instruct', 'llama-3.3', 'bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', 0.72, 0.72],
  ['llama-3-8b-instruct', 'llama-3', 'bedrock', 'meta.llama3-8b-instruct-v1:0', 0.3, 0.6],
  ['llama-3-8b-instruct', 'llama-3', 'replicate', 'meta/meta-llama-3-8b-instruct', 0.05, 0.25],
  ['gpt-oss-20b', 'gpt-oss', 'together', 'openai/gpt-oss-20b', 0.05, 0.2],
  ['gpt-oss-20b', 'gpt-oss', 'bedrock', 'openai.gpt-oss-20b-1:0', 0.07, 0.3],
  ['llama-3.1-8b-instruct', 'llama-3.1', 'bedrock', 'us.meta.llama3-1-8b-instruct-v1:0', 0.22, 0.22],
] as const;
const DIALECTS: readonly DialectName[] = ['chat', 'messages', 'responses', 'completions'];
const ERRORS: readonly ErrorCode[] = ['timeout', 'provider_rate_limited', 'provider_overloaded', 'stream_interrupted'];

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The first of `count` is chosen most, the second half as often, and so on, as real traffic is. */
const skewed = (next: () => number, count: number): number => Math.floor(count ** next()) - 1;

function rowAt(seq: number, of: number, now: number): LedgerRow {
  const next = random(seq);
  const started = now - DAYS * DAY_MS + Math.floor((DAYS * DAY_MS * (seq - next())) / of);
  const [model, family, provider, upstream, input, output] = OFFERS[skewed(next, OFFERS.length)] ?? OFFERS[0];
  const [prompt, completion] = [20 + skewed(next, 8_000), 1 + skewed(next, 900)];
  const failed = next() < 0.03;
  const billed = { input: prompt, cacheRead: 0, cacheWrite: 0, output: completion, reasoning: 0 };
  const cost = BigInt(Math.round(prompt * input * 1000) + Math.round(completion * output * 1000));
  const rare = seq % Math.ceil(of / 7) === 5;
  return ledgerRow(
    {
      call: `gen-${seq}`,
      account: '',
      key: `key-${skewed(next, KEYS)}`,
      dialect: DIALECTS[skewed(next, DIALECTS.length)] ?? 'chat',
      streamed: next() < 0.6,
      asked: model,
      started,
    },
    { attempt: failed ? 1 : 1 + Number(next() < 0.03), model, provider, upstream, api: 'chat', requests: 1, started },
    failed
      ? {
          attempt: 1,
          outcome: rare ? 'content_policy' : (ERRORS[skewed(next, ERRORS.length)] ?? 'timeout'),
          money: next() < 0.5 ? 'released' : 'upper_bound',
          cost,
          ended: started + 900,
        }
      : {
          attempt: 1,
          outcome: rare ? 'content_policy' : 'ok',
          money: 'settled',
          cost,
          priceRule: `${provider}/${upstream}@2025-12-22`,
          first: started + 80 + skewed(next, 2_000),
          ended: started + 300 + skewed(next, 30_000),
          status: 200,
          finish: 'stop',
          usage: { ...billed, source: 'provider' },
          counts: { [family]: [prompt, completion] },
        },
    seq,
  );
}

/** `POST /fill?from=&to=&of=&now=`: pushes these rows of the account `main`, in batches, as an account does. */
async function fill(url: URL): Promise<Response> {
  const [from = 0, to = 0, of = 0, now = 0] = ['from', 'to', 'of', 'now'].map((name) =>
    Number(url.searchParams.get(name)),
  );
  const db = databaseOf(settings);
  if (!db) return new Response('There is no database.', { status: 500 });
  let cursor = from;
  while (cursor < to) {
    const size = Math.min(500, to - cursor);
    cursor = await pushRows(
      db,
      'main',
      Array.from({ length: size }, (_, at) => rowAt(cursor + at + 1, of, now)),
    );
  }
  return new Response(String(cursor));
}

export default {
  fetch: (request: Request): Response | Promise<Response> => {
    const url = new URL(request.url);
    return url.pathname === '/fill' ? fill(url) : app.fetch(request);
  },
};
