import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { readStream } from '../support/sse.ts';
import { serveWorkers } from '../support/workerd.ts';

const ROUTES = {
  'gpt-4o-mini': 'llama-3.3-70b-instruct',
  'text-davinci': 'llama-2-70b',
  'cheap-chat': {
    models: ['gpt-oss-120b', 'llama-3.3-70b-instruct'],
    provider: { sort: 'price', ignore: ['anyscale'] },
  },
  'llama-2-7b-chat': 'llama-2-70b-chat',
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_ROUTES: JSON.stringify(ROUTES) }));
});
afterAll(() => stack.stop());

const messages = [{ role: 'user', content: 'What color is the sky?' }];
const DEBUG = { 'x-chasqui-debug': '1' };

type Json = Record<string, unknown>;
async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await stack.post(path, body, headers);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
}
const rows = (body: Json) => body.data as Json[];

describe('a configured name', () => {
  it('answers a chat with the model that served, and debug says by which name', async () => {
    const { status, headers, body } = await post('/v1/chat/completions', { model: 'gpt-4o-mini', messages }, DEBUG);
    expect(status).toBe(200);
    assertOpenAi('CreateChatCompletionResponse', body);
    expect(headers.get('x-chasqui-model')).toBe('llama-3.3-70b-instruct');
    expect(body).toMatchObject({ model: 'llama-3.3-70b-instruct', chasqui: { route: 'gpt-4o-mini' } });
  });

  it('streams, and falls to the next model of its route', async () => {
    await stack.dial({ provider: 'bedrock', model: 'gpt-oss', times: 9, fault: { kind: 'status', status: 500 } });
    await stack.dial({ provider: 'together', model: 'gpt-oss', times: 9, fault: { kind: 'status', status: 500 } });
    try {
      const response = await stack.post('/v1/chat/completions', { model: 'cheap-chat', messages, stream: true });
      expect(response.headers.get('x-chasqui-provider')).not.toBe('anyscale');
      expect(response.headers.get('x-chasqui-model')).toBe('llama-3.3-70b-instruct');
      expect(readStream(await response.text())).toMatchObject({ done: true, finish: ['stop'] });
    } finally {
      await stack.reset();
    }
  });

  it('completes raw prompts', async () => {
    const { body } = await post('/v1/completions', { model: 'text-davinci', prompt: 'The sky is' });
    expect(body).toMatchObject({ object: 'text_completion', model: 'llama-2-70b' });
  });

  it('stands within models too', async () => {
    const { body } = await post('/v1/offers', { models: ['llama-2-70b-chat', 'cheap-chat'], messages });
    const eligible = rows(body).filter((row) => row.eligible);
    expect([...new Set(eligible.map(({ model }) => model))]).toEqual([
      'llama-2-70b-chat',
      'gpt-oss-120b',
      'llama-3.3-70b-instruct',
    ]);
    for (const row of eligible) {
      if (row.model === 'llama-2-70b-chat') expect(row).not.toHaveProperty('route');
      else expect(row).toMatchObject({ route: 'cheap-chat', provider: expect.not.stringMatching(/anyscale/) });
    }
  });

  it('is overridden by the body, field by field', async () => {
    const provider = { ignore: ['bedrock'] };
    const { body } = await post('/v1/offers', { model: 'cheap-chat', messages, provider });
    const providers = rows(body).flatMap((row) => (row.eligible ? [row.provider] : []));
    expect(providers).toContain('anyscale');
    expect(providers).not.toContain('bedrock');
  });

  it('wins over a model of the catalogue', async () => {
    const { body } = await post('/v1/chat/completions', { model: 'llama-2-7b-chat', messages });
    expect(body.model).toBe('llama-2-70b-chat');
  });

  it('is counted and tokenized as what it stands for', async () => {
    const direct = await post('/v1/count_tokens', { model: 'llama-3.3-70b-instruct', messages });
    expect((await post('/v1/count_tokens', { model: 'gpt-4o-mini', messages })).body).toMatchObject({
      model: 'llama-3.3-70b-instruct',
      tokens: direct.body.tokens,
    });
    const both = await post('/v1/count_tokens', { model: 'cheap-chat', messages });
    expect(rows(both.body).map(({ model }) => model)).toEqual(['gpt-oss-120b', 'llama-3.3-70b-instruct']);
    const text = await post('/v1/count_tokens', { model: 'cheap-chat', input: 'Hello' });
    expect(rows(text.body).map(({ model }) => model)).toEqual(['gpt-oss-120b', 'llama-3.3-70b-instruct']);
    const input = 'Our destiny';
    const [named, plain] = await Promise.all(
      ['gpt-4o-mini', 'llama-3.3-70b-instruct'].map((model) => post('/v1/tokenize', { model, input })),
    );
    expect(named?.body.ids).toEqual(plain?.body.ids);
  });
});

describe('GET /v1/models', () => {
  it('lists configured names as models, in place of those they win over', async () => {
    const body = (await (await stack.get('/v1/models')).json()) as Json;
    assertOpenAi('ListModelsResponse', body);
    expect(rows(body).slice(0, 4)).toMatchObject([
      { id: 'gpt-4o-mini', owned_by: 'you', kind: 'alias', models: ['llama-3.3-70b-instruct'] },
      { id: 'text-davinci', kind: 'alias' },
      { id: 'cheap-chat', kind: 'route', models: ROUTES['cheap-chat'].models, provider: ROUTES['cheap-chat'].provider },
      { id: 'llama-2-7b-chat', kind: 'alias' },
    ]);
    expect(rows(body).filter(({ id }) => id === 'llama-2-7b-chat')).toHaveLength(1);
  });

  it('shows one by its name', async () => {
    const body = await (await stack.get('/v1/models/cheap-chat')).json();
    assertOpenAi('Model', body);
    expect(body).toMatchObject({ id: 'cheap-chat', kind: 'route' });
  });
});

describe('a deployment with a mistake in its routes', () => {
  it('serves nothing, and says what is wrong', async () => {
    const served = await serveWorkers([
      {
        name: 'gateway',
        config: 'wrangler.toml',
        bindings: { CHASQUI_ROUTES: '{"a": "b", "b": "a", "c": "nothing"}' },
      },
    ]);
    try {
      const answer = await fetch(`${served.urls.gateway}/healthz`);
      expect(answer.status).toBe(500);
      const text = await answer.text();
      expect(text).toContain('CHASQUI_ROUTES.a comes back to itself: a → b → a.');
      expect(text).toContain('CHASQUI_ROUTES.c names \\"nothing\\", which is not known here.');
    } finally {
      await served.stop();
    }
  });
});
