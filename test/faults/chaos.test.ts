import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { readStream } from '../support/sse.ts';

/** Any run can be played again: `CHAOS_SEED=7 CHAOS_CALLS=2000 npm run soak`. */
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const CALLS = Number(process.env.CHAOS_CALLS ?? 120);
const ANSWER = 'The capital of California is Sacramento.';
const PROVIDERS = ['bedrock', 'replicate', 'anyscale'];

let stack: Stack;
beforeAll(async () => {
  const quick = JSON.stringify({ connect_ms: 2000, first_token_ms: 2000, idle_ms: 1000 });
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_TIMEOUTS: quick }));
  for (const [at, provider] of PROVIDERS.entries()) {
    await stack.dial({ provider, times: 0, fault: { kind: 'random', seed: SEED + at, rate: 0.5 } });
  }
});
afterAll(() => stack.stop());

async function call(at: number): Promise<'complete' | 'broken' | 'refused'> {
  const stream = at % 2 === 0;
  const response = await stack.post('/v1/chat/completions', {
    model: 'llama-3-8b-instruct',
    messages: [{ role: 'user', content: 'What is the capital of the California?' }],
    stream,
    provider: { order: [PROVIDERS[at % PROVIDERS.length]] },
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

describe(`${CALLS} calls while every second request to a provider fails in some way`, () => {
  it('each end in the whole answer or in one typed error', { timeout: CALLS * 1000 }, async () => {
    const ends = { complete: 0, broken: 0, refused: 0 };
    const LANES = 6;
    await Promise.all(
      Array.from({ length: LANES }, async (_, lane) => {
        for (let at = lane; at < CALLS; at += LANES) ends[await call(at)]++;
      }),
    );
    expect(ends.complete + ends.broken + ends.refused).toBe(CALLS);
    // Three providers and half the requests failing: most calls must get through all the same.
    expect(ends.complete).toBeGreaterThan(CALLS * 0.7);
  });
});
