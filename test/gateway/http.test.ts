import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENCODINGS } from '../support/encodings.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { serveWorkers } from '../support/workerd.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const hi = { model: 'llama-3-8b-instruct', messages: [{ role: 'user', content: 'Hi' }] };

async function errorOf(response: Response) {
  const body = (await response.json()) as {
    error: { code: string; message: string; param: string | null; type: string };
  };
  assertOpenAi('ErrorResponse', body);
  expect(response.headers.get('x-request-id')).toBeTruthy();
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return { status: response.status, ...body.error };
}

describe('a request that is wrong', () => {
  it.each<[string, string, unknown, number, string, string | null]>([
    ['broken JSON', '/v1/chat/completions', '{"model": "x",', 400, 'invalid_request', null],
    ['an empty body', '/v1/chat/completions', '', 400, 'invalid_request', null],
    ['a list', '/v1/completions', [], 400, 'invalid_request', null],
    [
      'an unknown model',
      '/v1/chat/completions',
      { ...hi, model: 'llama-3-8b-instuct' },
      404,
      'model_not_found',
      'model',
    ],
    [
      'a retired model',
      '/v1/chat/completions',
      { ...hi, model: 'llama-3.2-1b-instruct' },
      404,
      'model_not_found',
      'model',
    ],
    ['a wrong type', '/v1/chat/completions', { ...hi, temperature: 'hot' }, 400, 'invalid_request', 'temperature'],
    [
      'a base model that should chat',
      '/v1/chat/completions',
      { ...hi, model: 'llama-2-70b' },
      400,
      'no_eligible_offer',
      null,
    ],
    ['a vote without its samples', '/v1/chat/completions', { ...hi, vote: {} }, 400, 'invalid_request', 'vote.samples'],
  ])('%s: one clear error', async (_what, path, body, status, code, param) => {
    expect(await errorOf(await stack.post(path, body))).toMatchObject({ status, code, param });
  });

  it('a body over the limit is a 413, declared or not', async () => {
    const huge = 'x'.repeat(26_000_000);
    expect(await errorOf(await stack.post('/v1/completions', { model: 'm', prompt: huge }))).toMatchObject({
      status: 413,
    });
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 26; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(1_000_000)));
        controller.close();
      },
    });
    const chunked = await fetch(`${stack.url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(await errorOf(chunked)).toMatchObject({ status: 413 });
  });

  it('an unknown route is a 404, a wrong method a 405', async () => {
    expect(await errorOf(await stack.get('/v1/nothing'))).toMatchObject({ status: 404, code: 'not_found' });
    const wrong = await stack.get('/v1/chat/completions');
    expect(wrong.headers.get('allow')).toBe('POST, OPTIONS');
    expect(await errorOf(wrong)).toMatchObject({ status: 405 });
  });

  it('an impossible deadline header is named', async () => {
    expect(
      await errorOf(await stack.post('/v1/chat/completions', hi, { 'x-chasqui-timeout-ms': 'soon' })),
    ).toMatchObject({
      status: 400,
      param: 'x-chasqui-timeout-ms',
    });
  });
});

describe('keys', () => {
  it('are asked for, by either header', async () => {
    const ask = (headers: Record<string, string>) => fetch(`${stack.url}/v1/models`, { headers });
    expect(await errorOf(await ask({}))).toMatchObject({ status: 401, code: 'authentication' });
    expect(await errorOf(await ask({ authorization: 'Bearer wrong' }))).toMatchObject({ status: 401 });
    expect(await errorOf(await ask({ authorization: `Bearer ${KEY}x` }))).toMatchObject({ status: 401 });
    expect((await ask({ authorization: `Bearer ${KEY}` })).status).toBe(200);
    expect((await ask({ 'x-api-key': KEY })).status).toBe(200);
  });

  it('are not asked for by /healthz', async () => {
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200);
  });
});

describe('GET /v1/models', () => {
  it('lists every model that is served, with its offers, in OpenAI’s form', async () => {
    const body = (await (await stack.get('/v1/models')).json()) as {
      data: { id: string; offers: { provider: string; configured: boolean }[] }[];
    };
    assertOpenAi('ListModelsResponse', body);
    const model = body.data.find(({ id }) => id === 'llama-3-8b-instruct');
    expect(model?.offers.filter((offer) => offer.configured).map((offer) => offer.provider)).toEqual(
      expect.arrayContaining(['anyscale', 'bedrock', 'replicate']),
    );
    for (const { id, offers } of body.data) expect(offers, id).not.toEqual([]);
  });

  it('finds one by any of its names, slashes and colons included', async () => {
    for (const name of [
      'llama-2-70b-chat',
      'meta/llama-2-70b-chat',
      'meta.llama3-8b-instruct-v1:0',
      'meta-llama%2FLlama-3.3-70B-Instruct',
    ]) {
      const response = await stack.get(`/v1/models/${name}`);
      expect(response.status, name).toBe(200);
      assertOpenAi('Model', await response.json());
    }
    expect(await errorOf(await stack.get('/v1/models/nothing'))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });
});

describe('GET /v1/health', () => {
  it('says which providers have credentials', async () => {
    expect(await (await stack.get('/v1/health')).json()).toMatchObject({
      status: 'ok',
      sandbox: false,
      providers: ['bedrock', 'replicate', 'together', 'anyscale'].map((id) => ({ id, configured: true })),
    });
  });
});

describe('GET /v1/health?probe=1', () => {
  const probed = async (of: Stack) => {
    const body = (await (await of.get('/v1/health?probe=1')).json()) as {
      status: string;
      providers: { id: string; probe: { ok: boolean; fault: string | null; message: string }[] }[];
    };
    return { status: body.status, faults: body.providers.map(({ id, probe }) => [id, probe[0]?.ok, probe[0]?.fault]) };
  };

  it('finds every provider well, and makes none of them generate', async () => {
    await stack.reset();
    const { faults } = await probed(stack);
    for (const [id, ok, fault] of faults)
      expect([id, ok, [null, 'models'].includes(fault as null)]).toEqual([id, true, true]);
    for (const { path, method } of await stack.journal()) expect(`${method} ${path}`).toMatch(/^GET |\/converse$/);
  });

  it('says whose credentials are wrong', async () => {
    const wrong = await startStack((origin) => ({
      ...sandboxEnv(origin),
      AWS_SECRET_ACCESS_KEY: 'not-the-secret-of-the-sandbox',
      REPLICATE_API_TOKEN: 'r8_not_the_one',
      TOGETHER_API_KEY: 'not-the-key-of-the-sandbox',
    }));
    try {
      expect(await probed(wrong)).toEqual({
        status: 'degraded',
        faults: [
          ['bedrock', false, 'key'],
          ['replicate', false, 'key'],
          ['together', false, 'key'],
          // The sandbox does not list the base models that it serves.
          ['anyscale', true, 'models'],
        ],
      });
    } finally {
      await wrong.stop();
    }
  });
});

describe('answers', () => {
  it('name what was dropped, and the debug header shows the attempts and what was left out', async () => {
    const response = await stack.post(
      '/v1/chat/completions',
      { ...hi, seed: 1, guided_json: {}, provider: { only: ['bedrock'] } },
      { 'x-chasqui-debug': '1', 'x-request-id': 'my-own-id' },
    );
    expect(response.headers.get('x-chasqui-dropped')).toBe('seed, guided_json');
    expect(response.headers.get('x-request-id')).toBe('my-own-id');
    expect(response.headers.get('server-timing')).toMatch(/parse;dur=.*upstream;dur=/);
    expect(await response.json()).toMatchObject({
      chasqui: {
        attempts: [{ provider: 'bedrock', type: 'ok' }],
        offers: expect.arrayContaining([expect.objectContaining({ rank: 1 })]),
      },
    });
  });

  it('survive parameter names that no header could hold', async () => {
    const odd = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x${i}\r\nset-cookie: ü😀,`, i]));
    const response = await stack.post('/v1/chat/completions', { ...hi, ...odd, provider: { only: ['bedrock'] } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toMatch(/^x0\?\?set-cookie: .* and 30 more$/);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it('exclude rather than drop when strict', async () => {
    const response = await stack.post(
      '/v1/chat/completions',
      { ...hi, seed: 1, provider: { only: ['bedrock'] } },
      { 'x-chasqui-strict': '1' },
    );
    expect(await errorOf(response)).toMatchObject({ status: 400, code: 'no_eligible_offer' });
  });

  it('can be read from another origin', async () => {
    const preflight = await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(preflight.ok).toBe(true);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    const answer = await stack.post('/v1/chat/completions', hi, { origin: 'https://app.example' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('a deployment', () => {
  const serve = async (bindings: Record<string, string>) => {
    const served = await serveWorkers([{ name: 'gateway', config: 'wrangler.toml', bindings }]);
    return { url: served.urls.gateway ?? '', logs: () => served.logs(), stop: () => served.stop() };
  };

  it('with nothing set refuses everything but /healthz, and says what to set', async () => {
    const bare = await serve({});
    try {
      expect((await fetch(`${bare.url}/healthz`)).status).toBe(200);
      const error = await errorOf(await fetch(`${bare.url}/v1/models`, { headers: { authorization: 'Bearer x' } }));
      expect(error).toMatchObject({
        status: 401,
        code: 'authentication',
        message: expect.stringContaining('CHASQUI_ADMIN_KEY'),
      });
    } finally {
      await bare.stop();
    }
  });

  it('with mistakes names all of them at once, and no value', async () => {
    const wrong = await serve({
      CHASQUI_ADMIN_KEY: KEY,
      AWS_ACCESS_KEY_ID: 'AKIACANARYCANARY0000',
      TOGETHER_API_KEY: 'canary-together',
      TOGETHER_BASE_URL: 'ftp://canary',
      ANYSCALE_SERVICES:
        '[{"id": "old", "base_url": "https://api.endpoints.anyscale.com/v1", "token": "canary-token", "models": {}}]',
      CHASQUI_TIMEOUTS: '{"idle": 5}',
    });
    try {
      const error = await errorOf(
        await fetch(`${wrong.url}/v1/models`, { headers: { authorization: `Bearer ${KEY}` } }),
      );
      expect(error.status).toBe(500);
      for (const name of ['AWS_SECRET_ACCESS_KEY', 'TOGETHER_BASE_URL', 'ANYSCALE_SERVICES', 'CHASQUI_TIMEOUTS'])
        expect(error.message).toContain(name);
      expect(error.message + wrong.logs()).not.toMatch(/canary/i);
      expect(wrong.logs()).toContain('TOGETHER_BASE_URL');
    } finally {
      await wrong.stop();
    }
  });
});

describe('secrets', () => {
  it('reach no answer, no header and no log, whatever fails', async () => {
    // Each value is unlike anything else, so that a trace of it anywhere is a leak.
    const canaries = {
      CHASQUI_ADMIN_KEY: 'canary-admin-5f1d',
      AWS_ACCESS_KEY_ID: 'AKIACANARY5F1D000000',
      AWS_SECRET_ACCESS_KEY: 'canary-aws-secret-5f1d',
      REPLICATE_API_TOKEN: 'r8_canary5f1d',
      TOGETHER_API_KEY: 'canary-together-5f1d',
    };
    const leaky = await startStack((origin) => ({
      ...sandboxEnv(origin),
      ...canaries,
      ANYSCALE_SERVICES: JSON.stringify([
        {
          id: 'a',
          base_url: `${origin}/anyscale/v1`,
          token: 'canary-anyscale-5f1d',
          models: { 'llama-3-8b-instruct': { upstream: 'meta-llama/x' } },
        },
      ]),
    }));
    try {
      const auth = { authorization: `Bearer ${canaries.CHASQUI_ADMIN_KEY}` };
      let seen = '';
      const note = async (response: Response) => {
        seen += JSON.stringify([...response.headers]) + (await response.text());
      };
      // All credentials are wrong, so every provider refuses; then each answers with what it was sent.
      for (const provider of ['bedrock', 'replicate', 'anyscale', 'together']) {
        const model = provider === 'together' ? 'llama-3.3-70b-instruct' : 'llama-3-8b-instruct';
        for (const stream of [false, true]) {
          const body = { model, messages: hi.messages, stream, provider: { only: [provider] } };
          await note(await leaky.post('/v1/chat/completions', body, { ...auth, 'x-chasqui-debug': '1' }));
          const echo = `Bearer ${canaries.TOGETHER_API_KEY} r8_canary5f1d AKIACANARY5F1D000000 https://u:p@host/x?token=canary-query`;
          await leaky.dial({
            provider,
            times: 1,
            fault: { kind: 'status', status: 500, body: { error: { message: echo }, message: echo, detail: echo } },
          });
          await note(await leaky.post('/v1/chat/completions', body, { ...auth, 'x-chasqui-debug': '1' }));
        }
      }
      for (const path of ['/v1/models', '/v1/health', '/nothing']) await note(await leaky.get(path, auth));
      await note(await leaky.get('/v1/models', { authorization: 'Bearer canary-guess-5f1d' }));
      expect(seen).toContain('provider_auth');
      expect(seen).not.toMatch(/canary|5f1d/i);
      expect(leaky.logs()).not.toMatch(/canary|5f1d/i);
    } finally {
      await leaky.stop();
    }
  });

  it('that an upstream says back, anywhere and in any encoding, reach no answer, no header and no log', async () => {
    const own = {
      CHASQUI_ADMIN_KEY: 'who.runs.this:5f1d?.admin',
      // Nothing is asked with it: it is of the deployment all the same.
      AWS_SESSION_TOKEN_OF_ANOTHER: 'Plain.Session.Token.Of.No.Known.Shape',
    };
    const SECRETS: Readonly<Record<string, string>> = {
      ...own,
      AWS_ACCESS_KEY_ID: 'AKIASANDBOXSANDBOX00',
      AWS_SECRET_ACCESS_KEY: 'sandbox-secret-access-key',
      REPLICATE_API_TOKEN: 'r8_sandbox',
      TOGETHER_API_KEY: 'sandbox-together-key',
      'ANYSCALE_SERVICES[0].token': 'sandbox-anyscale-token',
    };
    const auth = { authorization: `Bearer ${own.CHASQUI_ADMIN_KEY}`, 'x-chasqui-debug': '1' };
    const echoing = await startStack((origin) => ({ ...sandboxEnv(origin), ...own }));
    const words = 'The security token included in the request is invalid';
    const faults: Readonly<Record<string, (text: string) => unknown>> = {
      'in a message': (text) => {
        const message = `${words} ${text} (end)`;
        return { kind: 'status', status: 400, body: { error: { message }, message, detail: message } };
      },
      'in a code and a field': (text) => {
        const error = { message: words, type: text, code: text, param: text };
        return { kind: 'status', status: 500, body: { error, ...error, __type: text, title: text, id: text } };
      },
      'in headers': (text) => {
        const names = ['x-request-id', 'cf-ray', 'x-amzn-requestid', 'x-amzn-errortype', 'retry-after'];
        const headers = Object.fromEntries(names.map((name) => [name, text.replace(/[^\x21-\x7e]/g, '')]));
        return { kind: 'status', status: 429, headers, body: { message: words, error: { message: words } } };
      },
      'in a page': (text) => ({ kind: 'status', status: 502, body: `<html><h1>${words}</h1><p>${text}</p></html>` }),
      'under a 200': (text) => ({ kind: 'error', message: `${words} ${text}`, name: 'InternalServerError' }),
      'in mid-stream': (text) => ({ kind: 'error', after: 2, message: `${words} ${text}`, name: text }),
    };
    const one = (of: Readonly<Record<string, unknown>>) => fc.constantFrom(...Object.keys(of));
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('bedrock', 'replicate', 'anyscale', 'together'),
          one(SECRETS),
          one(ENCODINGS),
          one(faults),
          fc.boolean(),
          async (provider, name, encoding, place, stream) => {
            const secret = SECRETS[name] ?? '';
            const planted = ENCODINGS[encoding]?.(secret) ?? secret;
            await echoing.dial({ provider, times: 0, fault: faults[place]?.(planted) });
            const model = provider === 'together' ? 'llama-3.3-70b-instruct' : 'llama-3-8b-instruct';
            const body = { model, messages: hi.messages, stream, provider: { only: [provider] } };
            const answer = await echoing.post('/v1/chat/completions', body, {
              ...auth,
              'x-chasqui-timeout-ms': '4000',
            });
            const said = JSON.stringify([...answer.headers]) + (await answer.text());
            await echoing.reset();
            for (const trace of [secret.toLowerCase(), planted.toLowerCase(), JSON.stringify(planted).toLowerCase()])
              expect(said.toLowerCase(), `${name}, ${place}, ${encoding}, ${provider}`).not.toContain(trace);
          },
        ),
        { numRuns: 150 },
      );
      for (const secret of Object.values(SECRETS)) expect(echoing.logs()).not.toContain(secret);
    } finally {
      await echoing.stop();
    }
  });

  it('are the only words that an upstream’s message loses', async () => {
    await stack.dial({
      provider: 'together',
      times: 1,
      fault: {
        kind: 'status',
        status: 400,
        body: { error: { message: 'The security token sandbox-together-key is over the maximum token limit.' } },
      },
    });
    const body = { model: 'together/llama-3.3-70b-instruct', messages: hi.messages };
    expect(await errorOf(await stack.post('/v1/chat/completions', body))).toMatchObject({
      message: expect.stringContaining('The security token [redacted] is over the maximum token limit.'),
    });
  });
});

describe('a mistake is told in the words of the API that was called', () => {
  const MESSAGES = { model: 'llama-3.3-70b-instruct', max_tokens: 4, messages: [{ role: 'user', content: 'x' }] };

  it.each([
    ['/v1/messages', { ...MESSAGES, user: 'me' }, 'user'],
    ['/v1/messages', { ...MESSAGES, metadata: { user_id: 'me' }, provider: { only: ['bedrock'] } }, 'metadata.user_id'],
    ['/v1/responses', { model: MESSAGES.model, input: 'x', max_output_tokens: 4, max_tokens: 4 }, 'max_tokens'],
  ])('%s names a field that is not known there as it came', async (path, body, name) => {
    expect((await stack.post(path, body)).headers.get('x-chasqui-dropped')).toBe(name);
  });

  it.each(['/v1/messages/batches', '/v1/responses/resp_1', '/v1/responses/resp_1/cancel'])(
    '%s, which is not here, leads to the route of that API',
    async (path) => {
      const answer = await stack.post(path, {});
      expect(answer.status).toBe(404);
      const { error } = (await answer.json()) as { error: { message: string } };
      expect(error.message).toContain(`POST ${path.split('/').slice(0, 3).join('/')}`);
      expect(error.message).not.toContain('chat/completions');
      expect(error.message.endsWith('/v1')).toBe(!path.startsWith('/v1/messages'));
    },
  );
});
