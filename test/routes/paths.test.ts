import { describe, expect, it } from 'vitest';
import { completionOf, errorOf, gateway, hi, MODEL } from './support.ts';

const ask = gateway(async () => Response.json(completionOf('Hello')));

describe('a base URL that is not quite right', () => {
  it.each([
    '/chat/completions',
    '/v1/chat/completions/',
    '//v1/chat/completions',
    '/v1//chat/completions',
    '/v1/v1/chat/completions',
    '/v1/v1/v1//chat/completions//',
    '/api/v1/chat/completions',
    '/api/v1/v1/chat/completions/',
  ])('works where it is plain what was meant: %s', async (path) => {
    const answer = await ask('POST', path, hi);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
  });

  it.each(['/models', '/v1/models/', '/api/v1/models', '/v1/v1/models', '//models'])(
    'for lists, too: %s',
    async (path) => {
      expect(await (await ask('GET', path)).json()).toMatchObject({ object: 'list' });
    },
  );

  it('is no way past the key', async () => {
    for (const path of ['/chat/completions', '/api/v1/chat/completions', '//v1//models', '/v1/v1/prices'])
      expect((await ask('POST', path, hi, { authorization: 'Bearer wrong' })).status, path).toBe(401);
  });
});

describe('a URL where nothing is', () => {
  it.each([
    ['POST', '/openai/v1/chat/completions', /Did you mean POST \/v1\/chat\/completions\?/],
    ['POST', '/openai/deployments/x/chat/completions', /Did you mean POST \/v1\/chat\/completions\?/],
    ['POST', '/v1/chat/completion', /Did you mean POST \/v1\/chat\/completions\?/],
    ['POST', '/v1/completion', /Did you mean POST \/v1\/completions\?/],
    ['GET', '/v1/model', /Did you mean GET \/v1\/models\?/],
    ['POST', '/v1/count-tokens', /Did you mean POST \/v1\/count_tokens\?/],
    ['POST', '/v1beta/models/gemini:generateContent', /Did you mean POST \/v1\/chat\/completions\?/],
    ['GET', '/v1', /README/],
    ['GET', '/nothing', /README/],
    ['POST', '/api/chat', /Ollama's API.*POST \/v1\/chat\/completions/],
    ['GET', '/api/tags', /Ollama's API/],
    ['POST', '/model/meta.llama3-8b-instruct-v1:0/converse', /Bedrock's API/],
  ])('says what to ask instead, and is not_found: %s %s', async (method, path, message) => {
    const error = await errorOf(await ask(method, path, method === 'POST' ? hi : null));
    expect(error).toMatchObject({ status: 404, code: 'not_found', type: 'invalid_request_error', param: null });
    expect(error.message).toMatch(message);
    expect(error.message).toContain('http://gateway.example/v1');
  });

  it('that is asked by another method says which it takes', async () => {
    for (const [method, path, takes, allow] of [
      ['GET', '/v1/chat/completions', 'POST', 'POST, OPTIONS'],
      ['POST', '/v1/models', 'GET', 'GET, HEAD, OPTIONS'],
      ['POST', '/v1/prices', 'GET, PUT, DELETE', 'GET, HEAD, PUT, DELETE, OPTIONS'],
      ['DELETE', '/v1/health', 'GET', 'GET, HEAD, OPTIONS'],
      ['POST', '/openapi.json', 'GET', 'GET, HEAD, OPTIONS'],
      ['POST', '/docs', 'GET', 'GET, HEAD, OPTIONS'],
      ['POST', '/', 'GET', 'GET, HEAD, OPTIONS'],
      ['PUT', '/session', 'GET, POST, DELETE', 'GET, HEAD, POST, DELETE, OPTIONS'],
      ['PUT', '/v1/models/x', 'GET', 'GET, HEAD, OPTIONS'],
      ['POST', '/v1/usage', 'GET', 'GET, HEAD, OPTIONS'],
      ['POST', '/metrics', 'GET', 'GET, HEAD, OPTIONS'],
      ['PUT', '/v1/keys/a', 'GET, PATCH, DELETE', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ] as const) {
      const answer = await ask(method, path);
      expect([answer.status, answer.headers.get('allow')], path).toEqual([405, allow]);
      expect((await errorOf(answer)).message).toContain(takes);
    }
  });
});

describe('a client of Replicate’s', () => {
  it.each([
    ['POST', '/v1/predictions'],
    ['GET', '/v1/predictions/abc'],
    ['POST', '/v1/models/meta/llama-2-70b-chat/predictions'],
    ['GET', '/v1/models/meta/llama-2-70b-chat/versions'],
    ['GET', '/v1/models/meta/llama-2-70b-chat/versions/abc'],
    ['GET', '/v1/collections/language-models'],
    ['GET', '/v1/account'],
  ])('is told so in the form it reads: %s %s', async (method, path) => {
    const answer = await ask(method, path, method === 'POST' ? {} : null);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      title: 'Not Found',
      status: 404,
      detail: expect.stringMatching(/Replicate's API.*POST \/v1\/chat\/completions/),
      error: { code: 'not_found' },
    });
  });

  it('is not given our models as if they were its own', async () => {
    const agent = { 'user-agent': 'replicate-javascript/1.4.0' };
    for (const path of ['/v1/models', '/v1/models/meta/llama-2-70b-chat']) {
      expect(await errorOf(await ask('GET', path, null, agent))).toMatchObject({ status: 404, code: 'not_found' });
      expect((await ask('GET', path)).status).toBe(200);
    }
  });
});

describe('GET /v1/models?available=1', () => {
  interface Listed {
    data: { id: string; offers?: { provider: string; configured: boolean }[] }[];
  }
  const listed = async (path: string, settings: Record<string, unknown> = {}) =>
    (await (await gateway(async () => Response.json({}), settings)('GET', path)).json<Listed>()).data;
  const bedrock = {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIA0000000000000000',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
  const routes = {
    CHASQUI_ROUTES: JSON.stringify({
      here: MODEL,
      there: 'llama-3.3-70b-instruct',
      pinned: 'together/llama-3.3-70b-instruct',
      either: { models: ['together/llama-3.3-70b-instruct', MODEL] },
    }),
  };

  it('is what this deployment serves now, and no more', async () => {
    const all = await listed('/v1/models');
    const own = await listed('/v1/models?available=1');
    expect(own.map(({ id }) => id)).toEqual([MODEL]);
    expect(all.length).toBeGreaterThan(50);
    expect(await listed('/v1/models?available=0')).toEqual(all);
  });

  it('has the offers that can be had in this region, from who has credentials', async () => {
    const here = await listed('/v1/models?available=true', bedrock);
    expect(here.length).toBeGreaterThan(1);
    for (const { id, offers } of here.filter((one) => one.id !== MODEL)) {
      expect(
        offers?.map(({ provider }) => provider),
        id,
      ).toEqual(['bedrock']);
      expect(offers?.every(({ configured }) => configured)).toBe(true);
    }
    const us = await listed('/v1/models?available=1', { ...bedrock, AWS_REGION: 'us-west-2' });
    const ids = new Set(here.map(({ id }) => id));
    expect(us.filter(({ id }) => !ids.has(id))).not.toEqual([]);
  });

  it('has the names of one’s own that come to something', async () => {
    const names = async (more: object) =>
      (await listed('/v1/models?available=1', { ...routes, ...more })).map(({ id }) => id).slice(0, 4);
    expect(await names({})).toEqual(['here', 'either', MODEL]);
    expect(await names({ TOGETHER_API_KEY: 'key-of-together' })).toEqual(['here', 'there', 'pinned', 'either']);
  });

  it('names a value that it does not know', async () => {
    const error = await errorOf(await ask('GET', '/v1/models?available=maybe'));
    expect(error).toMatchObject({ status: 400, param: 'available' });
  });
});
