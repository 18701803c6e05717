import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHATS, PROMPTS, type Turn } from '../guide/prompts.ts';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

/** The models of a server that counts, and of one that is the same and does not. */
const MODELS = {
  'llama-2-70b-chat': 'meta-llama/Llama-2-70b-chat-hf',
  'codellama-34b-instruct': 'codellama/CodeLlama-34b-Instruct-hf',
  'llama-3-8b-instruct': 'meta-llama/Meta-Llama-3-8B-Instruct',
  'llama-3.3-70b-instruct': 'meta-llama/Llama-3.3-70B-Instruct',
  'mixtral-8x7b-instruct-v0.1': 'mistralai/Mixtral-8x7B-Instruct-v0.1',
};

/** A model that only its servers can count for. */
const UNKNOWN = { 'my-granite': { upstream: 'my-org/my-granite-8b' } };

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let body = '';
  for await (const piece of request) body += piece;
  return JSON.parse(body);
}

/** Stands before a server and keeps its usage to itself. */
async function silent(target: () => string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { stream_options: _asked, ...body } = await bodyOf(request);
    const answer = await fetch(`${target()}${request.url}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sandbox-anyscale-token' },
      body: JSON.stringify(body),
    });
    const type = answer.headers.get('content-type') ?? '';
    response.writeHead(answer.status, { 'content-type': type });
    const text = await answer.text();
    if (!type.includes('json')) return response.end(text);
    const { usage: _told, ...rest } = JSON.parse(text);
    return response.end(JSON.stringify(rest));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

let stack: Stack;
let proxy: Server;
beforeAll(async () => {
  let sandbox = '';
  proxy = await silent(() => `${sandbox}/anyscale`);
  const models = Object.fromEntries(Object.entries(MODELS).map(([name, upstream]) => [name, { upstream }]));
  const service = (id: string, base_url: string) => ({ id, base_url, token: 'sandbox-anyscale-token', models });
  stack = await startStack((origin) => {
    sandbox = origin;
    const { port } = proxy.address() as AddressInfo;
    return {
      ...sandboxEnv(origin),
      OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
        service('counting', `${origin}/anyscale/v1`),
        service('silent', `http://127.0.0.1:${port}/v1`),
        { ...service('vllm', `${origin}/openai-compatible/v1`), models: UNKNOWN },
        { ...service('ray', `${origin}/anyscale/v1`), models: UNKNOWN },
      ]),
    };
  });
});
afterAll(async () => {
  proxy.close();
  await stack.stop();
});

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly exactness: string;
}

async function usageOf(call: Readonly<Record<string, unknown>>): Promise<Usage> {
  const path = 'prompt' in call ? '/v1/completions' : '/v1/chat/completions';
  const answer = await stack.post(path, call);
  const text = await answer.text();
  const usage: unknown = call.stream ? readStream(text).usage : JSON.parse(text).usage;
  if (typeof usage !== 'object' || usage === null) throw new Error(text);
  return usage as Usage;
}

const repeat: readonly Turn[] = [{ role: 'user', content: 'repeat: Ñandú 命运 🦙🦙, and 1,234 more…' }];

const CALLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'a chat': { messages: CHATS.favouriteColor, max_tokens: 200 },
  'a few shots': { messages: CHATS.okay, max_tokens: 200 },
  'three samples': { messages: CHATS.average, n: 3, max_tokens: 200 },
  'other scripts': { messages: repeat, max_tokens: 200 },
  'a completion': { prompt: PROMPTS.mozart, max_tokens: 400 },
  'a list of prompts': { prompt: [PROMPTS.sky, PROMPTS.haiku], n: 2, max_tokens: 200 },
  'an answer cut by its limit': { messages: repeat, max_tokens: 5 },
};

describe('usage by the provider and by us', () => {
  const cases = Object.keys(MODELS).flatMap((model) =>
    Object.keys(CALLS).flatMap((name) => [false, true].map((stream) => ({ model, name, stream }))),
  );

  it.each(cases)('is the same: $model, $name (stream: $stream)', async ({ model, name, stream }) => {
    const call = {
      model,
      seed: 1,
      ...CALLS[name],
      ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
    };
    const theirs = await usageOf({ ...call, provider: { only: ['counting'] } });
    const ours = await usageOf({ ...call, provider: { only: ['silent'] } });
    expect([theirs.exactness, ours.exactness]).toEqual(['provider', 'exact']);
    const { prompt_tokens, completion_tokens } = theirs;
    expect(ours).toMatchObject({ prompt_tokens, completion_tokens });
  });
});

describe('what only the server can count', () => {
  const tools = [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather in a city, now or on a day of the next week.',
        parameters: { type: 'object', properties: { city: { type: 'string' }, day: { type: 'string' } } },
      },
    },
  ];
  const asked = { role: 'user', content: 'What is the weather in Lima?' };
  const called = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Lima"}' } }],
  };
  const told = { role: 'tool', tool_call_id: 'call_1', content: '{"sky":"clear"}' };
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const counted = async (id: string, body: object) => {
    const answer = await stack.post('/v1/count_tokens', { model: `${id}/my-granite`, ...body });
    return (await answer.json()) as { tokens: number; exactness: string; error_bound?: number };
  };

  it.each([
    ['a chat', { messages: [asked] }],
    ['a chat with tools', { messages: [asked], tools }],
    ['earlier tool calls and their results', { messages: [asked, called, told], tools }],
  ])('is told by vLLM as it bills it: %s', async (_what, body) => {
    const { prompt_tokens } = await usageOf({ model: 'vllm/my-granite', max_tokens: 5, ...body });
    expect(await counted('vllm', body)).toMatchObject({ tokens: prompt_tokens, exactness: 'provider' });
  });

  it.each([
    ['an image', 'vllm', { messages: [{ ...asked, content: [{ type: 'text', text: 'What is this?' }, image] }] }],
    ['tools that are not to be used', 'vllm', { messages: [asked], tools, tool_choice: 'none' }],
    ['any chat', 'ray', { messages: [asked], tools }],
  ])('is an estimate that says so where the server cannot be told all of it: %s at %s', async (_what, id, body) => {
    const { exactness, error_bound: bound } = await counted(id, body);
    expect(exactness).toBe('estimate');
    expect(bound).toBeGreaterThan(0);
  });

  it('is told of raw prompts by Ray Serve, too', async () => {
    const { prompt_tokens } = await usageOf({ model: 'ray/my-granite', max_tokens: 5, prompt: PROMPTS.sky });
    expect(await counted('ray', { prompt: PROMPTS.sky })).toMatchObject({
      tokens: prompt_tokens,
      exactness: 'provider',
    });
  });

  it('is tokenized there, too', async () => {
    const answer = await stack.post('/v1/tokenize', { model: 'vllm/my-granite', input: 'Hello there.' });
    expect(await answer.json()).toMatchObject({ exactness: 'provider', pieces: null, ids: expect.any(Array) });
  });
});
