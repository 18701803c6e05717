import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, nano, startStorms } from '../budget/storm.ts';
import type { Stack } from '../support/gateway.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStorms();
});
afterAll(() => stack?.stop());

const asked = {
  model: 'tempest',
  messages: [{ role: 'user' as const, content: 'What is the sea like?' }],
  max_tokens: 16,
  provider: { only: ['cheap'] },
};

/** What the books say once nothing is under way. */
async function settled({ books }: Awaited<ReturnType<typeof makeKey>>) {
  for (;;) {
    const seen = await books();
    if (seen.pending === 0n && seen.running === 0) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const dispatched = async (): Promise<number> =>
  (await stack.journal()).filter(({ path }) => path.endsWith('/completions')).length;

describe('OpenAI’s package with an Idempotency-Key', () => {
  const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${stack.url}/v1`, apiKey, maxRetries: 8 });
  const once = { headers: { 'Idempotency-Key': 'order-66' } };

  it('waits while the first call runs, and gives up at once when it is done', async () => {
    await stack.reset();
    const key = await makeKey(stack, {});
    const client = clientOf(key.text);
    await stack.dial({ fault: { kind: 'delay', ms: 1_500 } });
    const first = client.chat.completions.create(asked, once);
    // Its first tries are told that the call is under way, and when to ask again.
    const [answer, repeat] = await Promise.all([
      first,
      client.chat.completions.create(asked, once).catch((thrown: unknown) => thrown),
    ]);
    expect(answer.choices).toHaveLength(1);
    expect(repeat).toBeInstanceOf(OpenAI.APIError);
    expect(repeat).toMatchObject({ status: 409, code: 'already_completed' });
    expect(await dispatched()).toBe(1);
    const { spent } = await settled(key);
    const { cost_exact } = answer.usage as unknown as { cost_exact: string };
    expect(spent).toBe(nano(cost_exact));
  });

  it('is not asked again and again for money that is not there', async () => {
    await stack.reset();
    const key = await makeKey(stack, { budget: { limit: '0.000001', period: 'day' } });
    const refused = await clientOf(key.text)
      .chat.completions.create(asked)
      .catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ status: 402, code: 'insufficient_budget' });
    expect(await dispatched()).toBe(0);
  });
});

describe('a caller who leaves a stream half-way', () => {
  it('pays for what had come, and for no more', async () => {
    await stack.reset();
    const key = await makeKey(stack, { budget: { limit: '1', period: 'total' } });
    const headers = { authorization: `Bearer ${key.text}` };
    const whole = await stack.post('/v1/chat/completions', { ...asked, max_tokens: 60 }, headers);
    const { usage } = (await whole.json()) as { usage: { cost_exact: string } };
    const before = (await settled(key)).spent;
    expect(before).toBe(nano(usage.cost_exact));

    await stack.dial({ fault: { kind: 'drip', ms: 100 } });
    const leaving = new AbortController();
    const answer = await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ ...asked, max_tokens: 60, stream: true }),
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    const { spent } = await settled(key);
    expect(spent).toBeGreaterThan(before);
    expect(spent - before).toBeLessThan(before);
  });
});
