import { describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { readStream } from '../support/sse.ts';

/** Any run can be played again: `CHAOS_SEED=7 CHAOS_CALLS=2000 npm run soak`. */
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const CALLS = Number(process.env.CHAOS_CALLS ?? 120);
const ANSWER = 'The capital of California is Sacramento.';
const PROVIDERS = ['bedrock', 'replicate', 'anyscale'];

/** The providers in the order in which call number `at` asks them. */
const orderOf = (at: number): string[] => PROVIDERS.map((_, n) => PROVIDERS[(at + n) % PROVIDERS.length] ?? '');
const nameOf = (at: number): string => `Call ${at} of seed ${SEED}.`;

type End = 'complete' | 'broken' | 'refused';

async function call(stack: Stack, at: number): Promise<End> {
  const stream = at % 2 === 0;
  const response = await stack.post('/v1/chat/completions', {
    model: 'llama-3-8b-instruct',
    messages: [
      // What a request says decides about its faults, so each call says something of its own.
      { role: 'system', content: nameOf(at) },
      { role: 'user', content: 'What is the capital of the California?' },
    ],
    stream,
    provider: { order: orderOf(at) },
  });
  const text = await response.text();
  const where = `seed ${SEED}, call ${at}: ${text}`;
  if (response.status !== 200) {
    assertOpenAi('ErrorResponse', JSON.parse(text));
    expect(JSON.parse(text).error.metadata.attempts.length, where).toBeGreaterThan(1);
    return 'refused';
  }
  if (!stream) {
    expect(JSON.parse(text).choices[0], where).toMatchObject({ message: { content: ANSWER }, finish_reason: 'stop' });
    return 'complete';
  }
  const read = readStream(text);
  // A stream says all of it and that it is done, or less of it and one typed error.
  if (read.done) {
    expect(read, where).toMatchObject({ text: [ANSWER], finish: ['stop'], error: undefined });
    return 'complete';
  }
  expect(read.chunks.at(-1)?.error?.code, where).toBeDefined();
  expect(ANSWER.startsWith(read.text[0] ?? ''), where).toBe(true);
  return 'broken';
}

/**
 * Calls `0..count` in so many lanes side by side: how each ended, by its number, and what its requests met. A gateway of
 * its own, because what one has learnt of its providers (their retry budgets) decides about later calls.
 */
async function run(count: number, lanes: number) {
  const stack = await startStack();
  try {
    return { ends: await endsOf(stack, count, lanes), met: await faultsOf(stack, count) };
  } finally {
    await stack.stop();
  }
}

async function endsOf(stack: Stack, count: number, lanes: number): Promise<End[]> {
  for (const [at, provider] of PROVIDERS.entries()) {
    await stack.dial({ provider, times: 0, fault: { kind: 'random', seed: SEED + at, rate: 0.5 } });
  }
  const ends: End[] = [];
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let at = lane; at < count; at += lanes) ends[at] = await call(stack, at);
    }),
  );
  return ends;
}

/** What each request of a run met: by call and provider, in the order in which that call asked that provider. */
async function faultsOf(stack: Stack, count: number): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const journal = await stack.journal();
  const met: Record<string, unknown[]> = {};
  for (let at = 0; at < count; at++) {
    for (const { provider, body, faults } of journal) {
      if (!JSON.stringify(body).includes(nameOf(at))) continue;
      const key = `call ${at} at ${provider}`;
      met[key] = [...(met[key] ?? []), faults ?? 'none'];
    }
  }
  return met;
}

describe(`${CALLS} calls while every second request to a provider fails in some way`, () => {
  it('each end in the whole answer or in one typed error', { timeout: 120_000 + CALLS * 2000 }, async () => {
    const { ends } = await run(CALLS, 6);
    expect(ends.filter((end) => end)).toHaveLength(CALLS);
    // Three providers and half the requests failing: most calls must get through all the same.
    expect(ends.filter((end) => end === 'complete').length).toBeGreaterThan(CALLS * 0.7);
  });

  it('are the same again when the seed is, whatever order they arrive in', async () => {
    const count = 24;
    const first = await run(count, 6);
    expect(Object.keys(first.met).length).toBeGreaterThanOrEqual(count);
    expect(new Set(first.ends).size).toBeGreaterThan(1);
    const again = await run(count, 1);
    // Whether a call is asked once more can depend on how long its failure took; what it meets then does not.
    for (const [key, met] of Object.entries(first.met)) {
      const common = Math.min(met.length, again.met[key]?.length ?? 0);
      expect(again.met[key]?.slice(0, common), key).toEqual(met.slice(0, common));
    }
    const compared = Object.keys(first.met).filter((key) => again.met[key]);
    expect(compared.length).toBeGreaterThanOrEqual(count);
  });
});
