import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureAnyscale, configureOpenAiCompatible } from '../../providers/anyscale/index.ts';
import { configureProviders } from '../../providers/index.ts';
import type { Fetch, Provider } from '../../src/core/index.ts';
import { collect } from '../support/collect.ts';
import { calm, chatJob, promptJob, sse, streamOf } from './support/openai-jobs.ts';

const FINISHED = sse([{ choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }] }]);
const service = (over: Record<string, unknown> = {}) => ({
  id: 'mine',
  base_url: 'https://mine.example/v1',
  token: 'secret-token',
  models: { 'llama-3.3-70b-instruct': { upstream: 'my-llama', family: 'llama-3', context_length: 131072 } },
  ...over,
});
const never: Fetch = () => Promise.reject(new Error('no call was to be made'));
const mistakesOf = (services: unknown) => configureAnyscale({ ANYSCALE_SERVICES: services }, never).mistakes;

function anyscale(services: unknown, fetch: Fetch): Provider {
  const { providers, mistakes } = configureAnyscale({ ANYSCALE_SERVICES: services }, fetch);
  expect(mistakes).toEqual([]);
  const [provider] = providers;
  if (!provider) throw new Error('not configured');
  return provider;
}

function recorder(answer: () => Response | Promise<Response> = () => streamOf(FINISHED)) {
  const seen: { url: string; init: RequestInit | undefined; headers: Headers }[] = [];
  const fetch: Fetch = async (input, init) => {
    seen.push({ url: String(input), init, headers: new Headers(init?.headers) });
    return answer();
  };
  return { seen, fetch };
}

describe('a call to an Anyscale service', () => {
  it('goes to the service that the job names, with its token', async () => {
    const { seen, fetch } = recorder();
    const provider = anyscale([service(), service({ id: 'other', base_url: 'https://other.example/route/' })], fetch);
    await provider.generate(chatJob({ service: 'other' }), calm());
    await provider.generate(promptJob({ service: 'mine' }), calm());
    expect(seen.map(({ url }) => url)).toEqual([
      'https://other.example/route/v1/chat/completions',
      'https://mine.example/v1/completions',
    ]);
    expect(seen[0]?.headers.get('authorization')).toBe('Bearer secret-token');
    expect(JSON.parse(String(seen[1]?.init?.body))).toEqual({
      model: 'some/model',
      prompt: 'Once upon',
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('carries no authorization where the service has no token', async () => {
    const { seen, fetch } = recorder();
    const { token: _, ...open } = service();
    await anyscale([open], fetch).generate(chatJob(), calm());
    expect(seen[0]?.headers.has('authorization')).toBe(false);
  });

  it('never follows a redirect with the token', async () => {
    const { seen, fetch } = recorder(
      () => new Response(null, { status: 302, headers: { location: 'https://x.example' } }),
    );
    await expect(anyscale([service()], fetch).generate(chatJob(), calm())).rejects.toMatchObject({
      code: 'provider_error',
    });
    expect(seen[0]?.init?.redirect).toBe('manual');
    expect(seen).toHaveLength(1);
  });

  it('to a service nobody configured fails without a call', async () => {
    const provider = anyscale([service(), service({ id: 'other' })], never);
    await expect(provider.generate(chatJob({ service: 'third' }), calm())).rejects.toMatchObject({ code: 'internal' });
  });

  it('that nobody answers never quotes why', async () => {
    const { fetch } = recorder(() => Promise.reject(new TypeError('getaddrinfo ENOTFOUND mine.example')));
    const failure = anyscale([service()], fetch).generate(chatJob(), calm());
    await expect(failure).rejects.toMatchObject({ code: 'provider_unavailable', details: { provider: 'anyscale' } });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('mine.example') });
  });

  it('is aborted when the caller leaves, before the answer and during it', async () => {
    const waiting: Fetch = (_input, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      });
    const before = new AbortController();
    const failure = anyscale([service()], waiting).generate(chatJob(), before.signal);
    before.abort();
    await expect(failure).rejects.toMatchObject({ code: 'canceled' });

    let canceled = false;
    const body = new ReadableStream<Uint8Array>({
      cancel: () => {
        canceled = true;
      },
    });
    const { fetch } = recorder(() => new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    const during = new AbortController();
    const generation = await anyscale([service()], fetch).generate(chatJob(), during.signal);
    setTimeout(() => during.abort(), 10);
    expect((await collect(generation.events)).error).toMatchObject({ code: 'canceled' });
    expect(canceled).toBe(true);
  });
});

describe('ANYSCALE_SERVICES', () => {
  it.each([undefined, '', '  ', '[]', []])('that is %j configures nothing', (value) => {
    expect(configureAnyscale({ ANYSCALE_SERVICES: value }, never)).toEqual({ providers: [], offers: [], mistakes: [] });
  });

  it.each([
    ['a string', JSON.stringify],
    ['a value', (value: unknown) => value],
  ])('as %s makes an offer of each model', (_how, form) => {
    const price = { input_per_mtok: '0.66', output_per_mtok: '1' };
    const configured = configureAnyscale({ ANYSCALE_SERVICES: form([service({ price })]) }, never);
    expect(configured.mistakes).toEqual([]);
    expect(configured.providers.map(({ id }) => id)).toEqual(['anyscale']);
    expect(configured.offers).toEqual([
      {
        provider: 'anyscale',
        service: 'mine',
        model: 'llama-3.3-70b-instruct',
        upstream: 'my-llama',
        family: 'llama-3',
        contextLength: 131072,
        price: { known: true, inputPerMtok: 660_000_000n, outputPerMtok: 1_000_000_000n },
      },
    ]);
  });

  it('without a price has an unknown one', () => {
    const configured = configureAnyscale({ ANYSCALE_SERVICES: [service({})] }, never);
    expect(configured.mistakes).toEqual([]);
    expect(configured.offers[0]?.price).toEqual({ known: false });
    expect(configured.offers[0]?.hourly).toBeUndefined();
  });

  it('with a price by the hour has that, and an unknown one by the token', () => {
    const price = { usd_per_hour: '0.95', tokens_per_second: 400 };
    const configured = configureAnyscale({ ANYSCALE_SERVICES: [service({ price })] }, never);
    expect(configured.mistakes).toEqual([]);
    expect(configured.offers[0]).toMatchObject({
      price: { known: false },
      hourly: { perHour: 950_000_000n, tokensPerSecond: 400 },
    });
  });

  it.each([
    ['https://h.example', 'https://h.example/v1'],
    ['https://h.example/', 'https://h.example/v1'],
    ['https://h.example/v1', 'https://h.example/v1'],
    ['https://h.example/v1//', 'https://h.example/v1'],
    ['http://127.0.0.1:8000/route/v1/', 'http://127.0.0.1:8000/route/v1'],
    ['https://h.example/route', 'https://h.example/route/v1'],
    ['https://h.example/v1/openai', 'https://h.example/v1/openai'],
    ['https://h.example/v1beta/openai/', 'https://h.example/v1beta/openai'],
    ['https://h.example/client/v4/accounts/a1/ai/v1', 'https://h.example/client/v4/accounts/a1/ai/v1'],
  ])('reaches %s at %s', async (base, url) => {
    const { seen, fetch } = recorder();
    await anyscale([service({ base_url: base })], fetch).generate(chatJob(), calm());
    expect(seen[0]?.url).toBe(`${url}/chat/completions`);
  });

  it('that names the shared API of old is told when it ended and where to look', () => {
    const [mistake] = mistakesOf([service({ base_url: 'https://api.endpoints.anyscale.com/v1' })]);
    expect(mistake).toMatch(/^ANYSCALE_SERVICES\[0\]\.base_url .*2024-08-01.*Query button/);
  });

  it.each<[string, unknown]>([
    ['ANYSCALE_SERVICES must', '{"token": "secret-token"'],
    ['ANYSCALE_SERVICES must', service()],
    ['ANYSCALE_SERVICES[0] must', ['secret-token']],
    ['ANYSCALE_SERVICES[0].id must', [service({ id: 'No Good' })]],
    ['ANYSCALE_SERVICES[1].id must', [service(), service()]],
    ['ANYSCALE_SERVICES[0].base_url must', [service({ base_url: undefined })]],
    ['ANYSCALE_SERVICES[0].base_url must', [service({ base_url: 'https://x:secret-token@h.example' })]],
    ['ANYSCALE_SERVICES[0].base_url must', [service({ base_url: 'https://h.example/v1/chat/completions' })]],
    ['ANYSCALE_SERVICES[0].base_url must', [service({ base_url: 'file:///etc/passwd' })]],
    ['ANYSCALE_SERVICES[0].token must', [service({ token: 'secret-token\r\nx: y' })]],
    ['ANYSCALE_SERVICES[0].token must', [service({ token: { value: 'secret-token' } })]],
    ['ANYSCALE_SERVICES[0].token names the variable GONE', [service({ token: { env: 'GONE' } })]],
    ['ANYSCALE_SERVICES[0].headers must', [service({ headers: 'secret-token' })]],
    ['ANYSCALE_SERVICES[0].headers["x y"] must', [service({ headers: { 'x y': 'secret-token' } })]],
    ['ANYSCALE_SERVICES[0].headers["x-a"] must', [service({ headers: { 'x-a': 'secret-token\r\nx: y' } })]],
    ['ANYSCALE_SERVICES[0].headers["x-a"] must', [service({ headers: { 'x-a': 7 } })]],
    ['ANYSCALE_SERVICES[0].headers["x-a"] must', [service({ headers: { 'x-a': { value: 'secret-token' } } })]],
    ['ANYSCALE_SERVICES[0].headers.Host is', [service({ headers: { Host: 'h.example' } })]],
    ['ANYSCALE_SERVICES[0].headers.Authorization cannot', [service({ headers: { Authorization: 'Basic eA==' } })]],
    ['ANYSCALE_SERVICES[0].binding names NOWHERE', [service({ binding: 'NOWHERE' })]],
    ['ANYSCALE_SERVICES[0].timeouts must', [service({ timeouts: 10 })]],
    ['ANYSCALE_SERVICES[0].timeouts.idle_ms must', [service({ timeouts: { idle_ms: 0 } })]],
    ['ANYSCALE_SERVICES[0].timeouts.idle is not known', [service({ timeouts: { idle: 10 } })]],
    ['ANYSCALE_SERVICES[0].capabilities.vision must', [service({ capabilities: { vision: 'yes' } })]],
    ['ANYSCALE_SERVICES[0].capabilities.images is not known', [service({ capabilities: { images: true } })]],
    ['ANYSCALE_SERVICES[0].models["*"].upstream cannot', [service({ models: { '*': { upstream: 'x' } } })]],
    ['ANYSCALE_SERVICES[0].models.m.price must', [service({ models: { m: { price: 1 } } })]],
    ['ANYSCALE_SERVICES[0].models must', [service({ models: {} })]],
    ['ANYSCALE_SERVICES[0].models must', [service({ models: [] })]],
    ['ANYSCALE_SERVICES[0].models must', [service({ models: ['m', 7] })]],
    ['ANYSCALE_SERVICES[0].models["a/b"] must', [service({ models: { 'a/b': 'secret-token' } })]],
    ['ANYSCALE_SERVICES[0].models.m.upstream must', [service({ models: { m: { upstream: 7 } } })]],
    ['ANYSCALE_SERVICES[0].models.m.context_length must', [service({ models: { m: { context_length: '8k' } } })]],
    ['ANYSCALE_SERVICES[0].models.m.max_output_tokens must', [service({ models: { m: { max_output_tokens: 0 } } })]],
    ['ANYSCALE_SERVICES[0].models.m.context is not known', [service({ models: { m: { context: 5 } } })]],
    ['ANYSCALE_SERVICES[0].api_key is not known', [service({ api_key: 'secret-token' })]],
    ['ANYSCALE_SERVICES[0].price must', [service({ price: '0.66' })]],
    [
      'ANYSCALE_SERVICES[0].price.input_per_mtok must',
      [service({ price: { input_per_mtok: 1, output_per_mtok: '1' } })],
    ],
    ['ANYSCALE_SERVICES[0].price.output_per_mtok must', [service({ price: { input_per_mtok: '1' } })]],
    ['ANYSCALE_SERVICES[0].price.tokens_per_second must', [service({ price: { usd_per_hour: '1' } })]],
    [
      'ANYSCALE_SERVICES[0].price.output_per_mtok is not known',
      [service({ price: { usd_per_hour: '1', tokens_per_second: 4, output_per_mtok: '1' } })],
    ],
  ])('is told where it is wrong and never what with: %s …', (begin, value) => {
    const mistakes = mistakesOf(value);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toSatisfy((mistake: string) => mistake.startsWith(begin) && mistake.endsWith('.'));
    expect(mistakes[0]).not.toMatch(/secret-token/);
  });

  it('is read or told where it is wrong, whatever it is, and nothing that may be a secret is shown', () => {
    const SECRET = 'sk-planted-0123456789abcdef';
    const value = fc.oneof(fc.constant(SECRET), fc.jsonValue(), fc.record({ env: fc.constantFrom('GONE', SECRET) }));
    const model = fc.dictionary(fc.constantFrom('upstream', 'family', 'context_length', 'price', 'timeouts'), value);
    const entry = fc.record(
      {
        id: fc.oneof(fc.constant('mine'), value),
        base_url: fc.oneof(fc.constant('https://mine.example'), fc.constant(`https://x:${SECRET}@h.example`), value),
        token: value,
        headers: fc.oneof(fc.dictionary(fc.constantFrom('x-a', 'Authorization', 'Host'), value), value),
        binding: value,
        models: fc.oneof(fc.dictionary(fc.constantFrom('m', '*'), fc.oneof(model, value)), value),
        price: value,
        timeouts: fc.oneof(fc.dictionary(fc.constantFrom('idle_ms', 'connect_ms'), value), value),
        capabilities: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.array(entry, { maxLength: 3 }), value), (services) => {
        const { mistakes, providers, offers } = configureAnyscale({ ANYSCALE_SERVICES: services }, never);
        for (const mistake of mistakes) {
          expect(mistake).toMatch(/^ANYSCALE_SERVICES.*\.$/s);
          expect(mistake).not.toContain(SECRET);
        }
        if (mistakes.length > 0) expect([providers, offers]).toEqual([[], []]);
      }),
    );
  });

  it('is told of every mistake at once, and nothing of it is used', () => {
    const configured = configureAnyscale(
      { ANYSCALE_SERVICES: [service(), { id: 'two', extra: 1, models: 5 }, 5] },
      never,
    );
    expect(configured.mistakes.map((mistake) => mistake.split(' ')[0])).toEqual([
      'ANYSCALE_SERVICES[1].extra',
      'ANYSCALE_SERVICES[1].base_url',
      'ANYSCALE_SERVICES[1].models',
      'ANYSCALE_SERVICES[2]',
    ]);
    expect(configured.providers).toEqual([]);
    expect(configured.offers).toEqual([]);
  });
});

describe('what an entry may say', () => {
  const configured = (entry: Record<string, unknown>, env: Record<string, unknown> = {}) => {
    const { seen, fetch } = recorder();
    const made = configureAnyscale({ ...env, ANYSCALE_SERVICES: [service(entry)] }, fetch);
    expect(made.mistakes).toEqual([]);
    return { ...made, seen };
  };

  it('headers of its own, which every request has', async () => {
    const { providers, seen } = configured(
      { headers: { 'CF-Access-Client-Id': 'me', 'x-team': { env: 'TEAM' } } },
      {
        TEAM: 'blue',
      },
    );
    await providers[0]?.generate(chatJob(), calm());
    await providers[0]?.countTokens?.(chatJob(), calm());
    for (const { headers } of seen) {
      expect([headers.get('cf-access-client-id'), headers.get('x-team')]).toEqual(['me', 'blue']);
      expect(headers.get('authorization')).toBe('Bearer secret-token');
    }
  });

  it('a token by the name of the variable that holds it', async () => {
    const { providers, seen } = configured({ token: { env: 'MINE_TOKEN' } }, { MINE_TOKEN: 'from-elsewhere' });
    await providers[0]?.generate(chatJob(), calm());
    expect(seen[0]?.headers.get('authorization')).toBe('Bearer from-elsewhere');
  });

  it('a binding, by which it is reached in place of the network', async () => {
    const bound = recorder();
    const { providers, seen } = configured({ binding: 'PRIVATE' }, { PRIVATE: { fetch: bound.fetch } });
    await providers[0]?.generate(chatJob(), calm());
    expect(bound.seen[0]?.url).toBe('https://mine.example/v1/chat/completions');
    expect(seen).toEqual([]);
  });

  it('timers, capabilities and a price, for all its models, and for one of them otherwise', () => {
    const { offers } = configured({
      timeouts: { first_token_ms: 90_000, idle_ms: 60_000 },
      capabilities: { vision: false },
      price: { input_per_mtok: '1', output_per_mtok: '2' },
      models: {
        plain: {},
        special: {
          timeouts: { idle_ms: 5 },
          capabilities: { vision: true, tools: false },
          price: { usd_per_hour: '1', tokens_per_second: 10 },
        },
      },
    });
    expect(offers).toEqual([
      expect.objectContaining({
        model: 'plain',
        timeouts: { firstTokenMs: 90_000, idleMs: 60_000 },
        capabilities: { vision: false },
        price: { known: true, inputPerMtok: 1_000_000_000n, outputPerMtok: 2_000_000_000n },
      }),
      expect.objectContaining({
        model: 'special',
        timeouts: { firstTokenMs: 90_000, idleMs: 5 },
        capabilities: { vision: true, tools: false },
        price: { known: false },
        hourly: { perHour: 1_000_000_000n, tokensPerSecond: 10 },
      }),
    ]);
    expect(offers[0]).not.toHaveProperty('hourly');
  });
});

describe('OPENAI_COMPATIBLE_SERVICES', () => {
  it('makes a provider of each entry, under its id', async () => {
    const { seen, fetch } = recorder();
    const configured = configureOpenAiCompatible(
      {
        OPENAI_COMPATIBLE_SERVICES: [
          service({ id: 'vllm-1' }),
          service({ id: 'vllm-2', base_url: 'https://two.example' }),
        ],
      },
      fetch,
    );
    expect(configured.mistakes).toEqual([]);
    expect(configured.providers.map(({ id }) => id)).toEqual(['vllm-1', 'vllm-2']);
    expect(configured.offers.map(({ provider, service: id }) => [provider, id])).toEqual([
      ['vllm-1', 'vllm-1'],
      ['vllm-2', 'vllm-2'],
    ]);
    await configured.providers[1]?.generate(chatJob({ service: 'vllm-2' }), calm());
    expect(seen[0]?.url).toBe('https://two.example/v1/chat/completions');
  });

  it.each(['bedrock', 'replicate', 'together', 'anyscale'])('may not take the name of %s', (id) => {
    const known = { familyMistake: () => undefined };
    const { mistakes } = configureProviders({ OPENAI_COMPATIBLE_SERVICES: [service({ id })] }, never, known);
    expect(mistakes[0]).toContain('OPENAI_COMPATIBLE_SERVICES[0].id');
  });
});
