import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { anyscaleService, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

/**
 * What the relay does about failures, seen from outside: by what the providers were asked, and by what the caller is told.
 * Counted, not timed.
 */
let stack: Stack;
let impatient: Stack;
/** Long enough for any answer of the emulator on a busy machine. */
const IMPATIENT = JSON.stringify({ connect_ms: 6000, first_token_ms: 6000, idle_ms: 6000 });
beforeAll(async () => {
  stack = await startStack((origin) => ({
    ...sandboxEnv(origin),
    ANYSCALE_SERVICES: anyscaleService(`${origin}/anyscale/v1`, { 'my-own': 'my-own-model' }),
  }));
  impatient = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_TIMEOUTS: IMPATIENT }));
});
afterAll(async () => {
  await stack.stop();
  await impatient.stop();
});
afterEach(async () => {
  await stack.reset();
  await impatient.reset();
});

const MODEL = {
  bedrock: 'llama-3-8b-instruct',
  replicate: 'llama-3-8b-instruct',
  anyscale: 'llama-3-8b-instruct',
  together: 'llama-3.3-70b-instruct',
} as const;
type Id = keyof typeof MODEL;
const IDS = Object.keys(MODEL) as Id[];
const NEXT: Record<Id, Id> = { bedrock: 'anyscale', replicate: 'bedrock', anyscale: 'replicate', together: 'bedrock' };

const messages = [{ role: 'user', content: 'What is the capital of the California?' }];

interface Told {
  readonly choices: { message: { content: string } }[];
  readonly usage: { cost_details: { failed_attempts?: { count: number } }; prompt_tokens: number };
  readonly chasqui: { attempts: { provider: string; type: string; maybe_billed?: true }[] };
}

/** Requests for generation that arrived at a provider. */
const asked = async (provider: string, of = stack) =>
  (await of.journal()).filter(
    (entry) => entry.provider === provider && entry.method === 'POST' && !/cancel$/.test(entry.path),
  );

const post = (body: Record<string, unknown>, to = stack) =>
  to.post('/v1/chat/completions', { messages, max_tokens: 50, ...body }, { 'x-chasqui-debug': '1' });

describe.each(IDS)('%s', (first) => {
  const pair = { order: [first, NEXT[first]], only: [first, NEXT[first]] };
  const model = first === 'together' || NEXT[first] === 'together' ? 'llama-3.3-70b-instruct' : MODEL[first];

  it.each([
    ['says nothing', { kind: 'hang' }],
    ['breaks off its answer', first === 'replicate' ? { kind: 'error', after: 2 } : { kind: 'cut', bytes: 60 }],
  ])('that %s may have billed: it stands in the receipt', async (_what, fault) => {
    await impatient.dial({ provider: first, times: 0, fault });
    const answer = (await (await post({ model, provider: pair }, impatient)).json()) as Told;
    expect(answer.chasqui.attempts.map(({ provider, maybe_billed }) => [provider, maybe_billed])).toEqual([
      [first, true],
      [NEXT[first], undefined],
    ]);
    expect(answer.usage.cost_details.failed_attempts).toMatchObject({ count: 1 });
    expect(await asked(first, impatient)).toHaveLength(1);
  });

  it('that refuses has not: nothing stands there', async () => {
    await stack.dial({ provider: first, times: 0, fault: { kind: 'status', status: 429 } });
    const answer = (await (await post({ model, provider: pair })).json()) as Told;
    expect(answer.chasqui.attempts).toHaveLength(2);
    expect(answer.usage.cost_details).not.toHaveProperty('failed_attempts');
  });

  it('that fails once is asked again before another model is', async () => {
    await stack.dial({
      provider: first,
      times: 1,
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    });
    const response = await post({
      models: [MODEL[first], 'mixtral-8x7b-instruct-v0.1'],
      provider: { order: [first], only: [first, 'bedrock'] },
    });
    const answer = (await response.json()) as Told;
    expect(response.headers.get('x-chasqui-model'), JSON.stringify(answer)).toBe(MODEL[first]);
    // Another offer of the same weights serves at once; where there is none, the same one does, a moment later.
    expect(answer.chasqui.attempts[0]).toMatchObject({ provider: first, type: 'provider_rate_limited' });
  });
});

describe('a provider that says nothing and is alone', () => {
  it('is asked once, streamed or not', async () => {
    // All wait for the same timer together.
    await impatient.dial({ times: 0, fault: { kind: 'hang' } });
    const calls = IDS.flatMap((id) => [true, false].map((stream) => ({ id, stream })));
    await Promise.all(
      calls.map(async ({ id, stream }) => {
        const response = await post({ model: MODEL[id], provider: { only: [id] }, stream }, impatient);
        expect(response.status).toBe(504);
        expect(await response.json()).toMatchObject({
          error: { code: 'timeout', metadata: { attempts: [{ provider: id, maybe_billed: true }] } },
        });
      }),
    );
    for (const id of IDS) expect(await asked(id, impatient)).toHaveLength(2);
  });
});

describe('a refusal by content policy', () => {
  const refusal = {
    kind: 'status',
    status: 400,
    body: {
      error: { message: 'The input was flagged.', type: 'invalid_request_error', code: 'content_policy_violation' },
    },
  };
  const provider = { order: ['anyscale', 'bedrock'], only: ['anyscale', 'bedrock'] };

  it('is not carried to another provider', async () => {
    await stack.dial({ provider: 'anyscale', times: 0, fault: refusal });
    const response = await post({ model: MODEL.anyscale, provider });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: 'content_policy', message: expect.stringContaining('provider.allow_policy_fallbacks') },
    });
    expect(await asked('bedrock')).toHaveLength(0);
  });

  it('is where the caller allows it', async () => {
    await stack.dial({ provider: 'anyscale', times: 0, fault: refusal });
    const response = await post({ model: MODEL.anyscale, provider: { ...provider, allow_policy_fallbacks: true } });
    expect(response.headers.get('x-chasqui-provider')).toBe('bedrock');
  });
});

describe('samples', () => {
  it.each(['bedrock', 'replicate'] as const)('of %s, which has no n, all come', async (provider) => {
    const response = await post({ model: MODEL[provider], provider: { only: [provider] }, n: 9 });
    const answer = (await response.json()) as Told;
    expect(answer.choices, JSON.stringify(answer)).toHaveLength(9);
    for (const { message } of answer.choices) expect(message.content).toMatch(/Sacramento/);
    expect((await asked(provider)).filter(({ path }) => !path.includes('stream'))).toHaveLength(9);
  });

  it('that cannot fit are a 400 beforehand, by the name of the field', async () => {
    const response = await post({ model: MODEL.bedrock, provider: { only: ['bedrock'] }, n: 100 });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: 'invalid_request', param: 'n', message: expect.stringContaining('CHASQUI_SUBREQUESTS') },
    });
    expect(await asked('bedrock')).toHaveLength(0);
  });

  it.each([false, true])(
    'of a server that ignores n all come, and all that is billed is told (stream: %s)',
    async (stream) => {
      await stack.dial({ provider: 'anyscale', times: 0, fault: { kind: 'ignore_n' } });
      const body = {
        model: 'llama-3-70b-instruct',
        provider: { only: ['anyscale'] },
        n: 3,
        stream,
        stream_options: stream ? { include_usage: true } : undefined,
      };
      const one = (await (await post({ ...body, n: 1, stream: false, stream_options: undefined })).json()) as Told;
      for (const requests of stream ? [3] : [3, 3]) {
        await stack.reset();
        await stack.dial({ provider: 'anyscale', times: 0, fault: { kind: 'ignore_n' } });
        const text = await (await post(body)).text();
        const read = stream ? readStream(text) : undefined;
        const texts = read ? read.text : (JSON.parse(text) as Told).choices.map(({ message }) => message.content);
        expect(texts, text).toHaveLength(3);
        for (const said of texts) expect(said).toMatch(/Sacramento/);
        const usage = read ? read.usage : (JSON.parse(text) as Told).usage;
        expect(usage).toMatchObject({ prompt_tokens: 3 * one.usage.prompt_tokens });
        expect(await asked('anyscale')).toHaveLength(requests);
      }
      const jobs = (await asked('anyscale')).map(({ body: sent }) => (sent as { n?: number }).n ?? 1);
      // Seen once, it is remembered: all are asked for one by one from the start.
      if (!stream) expect(jobs).toEqual([1, 1, 1]);
    },
  );
});

describe('an image for a text-only model of a server whose models nobody knows', () => {
  it('is the caller’s error: asked once, and nothing is held against the server', async () => {
    const fault = {
      kind: 'status',
      status: 500,
      body: {
        error: { code: 500, message: 'image input is not supported - hint: provide the mmproj', type: 'server_error' },
      },
    };
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
    await stack.dial({ provider: 'anyscale', times: 0, fault });
    for (let times = 1; times <= 5; times++) {
      const response = await post({
        model: 'my-own',
        messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, image] }],
      });
      expect(response.status).toBe(400);
      expect(await asked('anyscale')).toHaveLength(times);
    }
    const health = (await (await stack.get('/v1/health')).json()) as {
      offers: { provider_model: string; breaker: string }[];
    };
    expect(health.offers.find((offer) => offer.provider_model === 'my-own-model')?.breaker ?? 'closed').toBe('closed');
  });
});

describe('a server that loads its model', () => {
  it('is waited for', async () => {
    const body = { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } };
    await stack.dial({ provider: 'anyscale', times: 3, fault: { kind: 'status', status: 503, body } });
    const response = await post({ model: MODEL.anyscale, provider: { only: ['anyscale'] } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-attempts')).toBe('2');
    expect(await asked('anyscale')).toHaveLength(4);
  });
});

describe('a model that an upstream has delisted', () => {
  it('is tried last after five calls, also behind another model', async () => {
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 404 } });
    const body = { models: ['gpt-oss-120b', MODEL.bedrock], provider: { only: ['together', 'bedrock'] } };
    const only = { ...body, provider: { only: ['together'] } };
    for (let n = 0; n < 5; n++) await (await post({ ...only, models: ['gpt-oss-120b'] })).text();
    const sheet = (await (await stack.post('/v1/offers', { messages, ...body })).json()) as {
      data: { provider: string; model: string; breaker: string; eligible: boolean }[];
    };
    const last = sheet.data.filter(({ eligible }) => eligible).at(-1);
    expect(last).toMatchObject({ provider: 'together', model: 'gpt-oss-120b', breaker: 'open' });
    await stack.reset();
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 404 } });
    expect((await post(body)).status).toBe(200);
    expect(await asked('together')).toHaveLength(0);
  });
});
