import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** A server whose template says more than its caller: a prompt of a few words is 40 tokens. */
const BILLED = 40;
let counts = true;
let asked: string[] = [];

async function startServer(): Promise<Server> {
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    const path = request.url ?? '';
    asked.push(path);
    const say = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (path === '/tokenize' && counts) return say(200, { count: BILLED, max_model_len: 4096, tokens: [] });
    if (path !== '/v1/chat/completions') return say(404, { detail: 'Not Found' });
    return say(200, {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'smol',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: BILLED, completion_tokens: 2, total_tokens: BILLED + 2 },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

let server: Server;
let stack: Stack;
beforeAll(async () => {
  server = await startServer();
  const { port } = server.address() as AddressInfo;
  const price = { input_per_mtok: '1', output_per_mtok: '2' };
  const service = (id: string) => ({
    id,
    base_url: `http://127.0.0.1:${port}/v1`,
    models: { [`model-of-${id}`]: { upstream: 'smol' } },
    price,
  });
  stack = await startStack((origin) => ({
    ...sandboxEnv(origin),
    OPENAI_COMPATIBLE_SERVICES: JSON.stringify([service('counting'), service('learning')]),
  }));
});
afterAll(async () => {
  await stack.stop();
  server.close();
});
beforeEach(() => {
  asked = [];
});

const MAX_COST = '0.00015';
const call = (model: string, max_cost?: string) => ({
  model,
  messages: [{ role: 'user', content: 'Say hello in one word.' }],
  max_tokens: 8,
  ...(max_cost === undefined ? {} : { provider: { max_cost } }),
});

async function ask(body: object) {
  const response = await stack.post('/v1/chat/completions', body);
  const json = (await response.json()) as { usage?: { cost: number }; error?: { code: string; message: string } };
  return { status: response.status, cost: json.usage?.cost, message: json.error?.message ?? '' };
}

async function maxOf(body: object): Promise<number> {
  const { data } = (await (await stack.post('/v1/offers', body)).json()) as {
    data: { cost: { max: string } | null }[];
  };
  return Number(data[0]?.cost?.max ?? Number.NaN);
}

describe('max_cost at a server whose template nobody here knows', () => {
  it('holds: the maximum in the sheet is no less than what is billed', async () => {
    const body = call('model-of-learning');
    const max = await maxOf(body);
    const { cost = Number.NaN } = await ask(body);
    expect(cost).toBeCloseTo((BILLED * 1 + 2 * 2) / 1e6, 12);
    expect(cost).toBeLessThanOrEqual(max);
    // The estimate alone would have said that the call cannot come to so much.
    expect(cost).toBeGreaterThan(0.00002);
  });

  it('asks the server to count, where that decides, and calls it then', async () => {
    counts = true;
    expect(await ask(call('model-of-counting', MAX_COST))).toMatchObject({ status: 200, cost: 0.000044 });
    expect(asked).toEqual(['/tokenize', '/v1/chat/completions']);
    const refused = await ask(call('model-of-counting', '0.00005'));
    expect([refused.status, refused.message]).toEqual([400, expect.stringContaining('may come to $0.000056')]);
  });

  it('does not ask where nobody sets a bound, or one that holds in any case', async () => {
    await ask(call('model-of-counting'));
    await ask(call('model-of-counting', '1'));
    expect(asked).toEqual(['/v1/chat/completions', '/v1/chat/completions']);
  });

  it('refuses where the server does not count and has billed nothing yet; what it bills makes the bound tighter', async () => {
    counts = false;
    const fresh = { ...call('model-of-learning', MAX_COST), tools: [{ type: 'function', function: { name: 'f' } }] };
    const refused = await ask(fresh);
    expect([refused.status, refused.message]).toEqual([
      400,
      expect.stringContaining('within provider.max_cost of $0.00015'),
    ]);
    expect(asked.filter((path) => path.includes('completions') && !path.includes('input_tokens'))).toEqual([]);
    // Without tools it was seen to bill 40 for a whole prompt.
    expect((await ask(call('model-of-learning', MAX_COST))).status).toBe(200);
  });
});
