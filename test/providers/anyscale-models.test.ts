import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureOpenAiCompatible } from '../../providers/anyscale/index.ts';
import { type Fetch, GatewayError, type ServiceOffer } from '../../src/core/index.ts';

const signal = () => new AbortController().signal;

/** The answers of a server, by path; anything else is not found. */
function server(answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const fetch: Fetch = async (input) => {
    const { pathname } = new URL(String(input));
    asked.push(pathname);
    const answer = answers[pathname];
    if (answer instanceof Response) return answer;
    return answer === undefined ? Response.json({ detail: 'Not Found' }, { status: 404 }) : Response.json(answer);
  };
  return { asked, fetch };
}

function discovery(entry: object, fetch: Fetch) {
  const { discoveries, offers, mistakes } = configureOpenAiCompatible(
    { OPENAI_COMPATIBLE_SERVICES: [{ id: 'mine', base_url: 'https://mine.example', ...entry }] },
    fetch,
  );
  expect(mistakes).toEqual([]);
  return { offers, list: () => discoveries?.[0]?.list(signal()) ?? Promise.reject(new Error('it is not to be asked')) };
}

const listing = (...data: unknown[]) => ({ object: 'list', data });

/** What stays of an offer when what every one of them has is taken away. */
const told = (offers: readonly ServiceOffer[]) =>
  offers.map(({ provider: _, service: __, price: ___, model, upstream, ...rest }) => {
    expect(upstream).toBe(model);
    return { model, ...rest };
  });

describe('the models that a server lists', () => {
  // As the servers document or send it.
  it.each<[string, Record<string, unknown>, object[]]>([
    [
      'vLLM',
      {
        '/v1/models': listing({
          id: 'my-llama',
          object: 'model',
          owned_by: 'vllm',
          root: 'meta-llama/Llama-3.1-8B-Instruct',
          parent: null,
          max_model_len: 32768,
          permission: [],
        }),
      },
      [{ model: 'my-llama', weights: 'meta-llama/Llama-3.1-8B-Instruct', contextLength: 32768 }],
    ],
    [
      'llama.cpp, by its slots',
      {
        '/v1/models': {
          models: [{ name: 'smollm2' }],
          ...listing({
            id: 'smollm2',
            object: 'model',
            owned_by: 'llamacpp',
            architecture: { input_modalities: ['text'] },
            meta: { n_ctx: 512, n_ctx_train: 8192 },
          }),
        },
        '/props': {
          default_generation_settings: { n_ctx: 512 },
          modalities: { vision: false },
          chat_template_caps: { supports_tools: false },
        },
      },
      [{ model: 'smollm2', contextLength: 512, capabilities: { vision: false, tools: false } }],
    ],
    [
      'an older llama.cpp, which tells the context in /props only',
      {
        '/v1/models': listing({ id: 'old', owned_by: 'llamacpp', meta: { n_ctx_train: 131072 } }),
        '/props': { default_generation_settings: { n_ctx: 4096 }, modalities: { vision: true } },
      },
      [{ model: 'old', contextLength: 4096, capabilities: { vision: true } }],
    ],
    [
      'Ray Serve',
      {
        '/v1/models': listing({
          id: 'my-qwen',
          owned_by: 'organization-owner',
          metadata: { model_id: 'my-qwen', input_modality: 'text', max_request_context_length: 16384 },
        }),
      },
      [{ model: 'my-qwen', contextLength: 16384 }],
    ],
    [
      'text-generation-inference',
      {
        '/v1/models': listing({ id: 'org/model', object: 'model', created: 0, owned_by: 'org/model' }),
        '/info': { model_id: 'org/model', max_input_tokens: 4095, max_total_tokens: 4096, version: '3.3.6' },
      },
      [{ model: 'org/model', contextLength: 4096 }],
    ],
    ['Ollama', { '/v1/models': listing({ id: 'llama3.2:3b', owned_by: 'library' }) }, [{ model: 'llama3.2:3b' }]],
    [
      'Groq',
      { '/v1/models': listing({ id: 'openai/gpt-oss-20b', context_window: 131072, max_completion_tokens: 65536 }) },
      [{ model: 'openai/gpt-oss-20b', contextLength: 131072, maxOutput: 65536 }],
    ],
    [
      'Fireworks',
      {
        '/v1/models': listing({
          id: 'accounts/fireworks/models/x',
          context_length: 4096,
          supports_image_input: false,
          supports_tools: true,
        }),
      },
      [{ model: 'accounts/fireworks/models/x', contextLength: 4096, capabilities: { vision: false, tools: true } }],
    ],
    [
      'OpenRouter’s form',
      {
        '/v1/models': listing({
          id: 'a/b',
          context_length: 8192,
          architecture: { input_modalities: ['text', 'image'] },
        }),
      },
      [{ model: 'a/b', contextLength: 8192, capabilities: { vision: true } }],
    ],
    [
      'nonsense among the entries',
      { '/v1/models': listing(null, 'x', { id: 7 }, { id: '' }, { id: 'good', max_model_len: '8k' }, { id: 'good' }) },
      [{ model: 'good' }],
    ],
  ])('%s', async (_name, answers, offers) => {
    expect(told(await discovery({}, server(answers).fetch).list())).toEqual(offers);
  });

  it('are not asked for where the configuration names all', () => {
    const { offers, list } = discovery({ models: { m: {} } }, server({}).fetch);
    expect(offers.map(({ model }) => model)).toEqual(['m']);
    return expect(list()).rejects.toThrow(/not to be asked/);
  });

  it('are not asked for either where it is a list of names', () => {
    const { offers } = discovery({ models: ['m', 'n'] }, server({}).fetch);
    expect(offers.map(({ model, upstream }) => [model, upstream])).toEqual([
      ['m', 'm'],
      ['n', 'n'],
    ]);
  });

  it('stand behind those of the configuration, which keep what they say', async () => {
    const entry = {
      price: { input_per_mtok: '1', output_per_mtok: '1' },
      models: { mine: { upstream: 'b', context_length: 1000 }, c: {}, '*': { family: 'chatml', max_output_tokens: 9 } },
    };
    const { fetch } = server({
      '/v1/models': listing(
        { id: 'a', max_model_len: 1 },
        { id: 'b', max_model_len: 2 },
        { id: 'c', max_model_len: 3 },
      ),
    });
    const offers = await discovery(entry, fetch).list();
    expect(
      offers.map(({ model, upstream, contextLength, family, maxOutput }) => [
        model,
        upstream,
        contextLength,
        family,
        maxOutput,
      ]),
    ).toEqual([
      ['mine', 'b', 1000, undefined, undefined],
      ['c', 'c', 3, undefined, undefined],
      ['a', 'a', 1, 'chatml', 9],
    ]);
    expect(offers.every(({ price }) => price.known)).toBe(true);
  });

  it.each<[string, Response, object]>([
    [
      'is still loading',
      Response.json({ error: { message: 'Loading model', type: 'unavailable_error', code: 503 } }, { status: 503 }),
      { status: 503, details: { upstreamMessage: 'Loading model' } },
    ],
    ['wants a key', Response.json({ error: 'Unauthorized' }, { status: 401 }), { code: 'provider_auth' }],
    ['is something else', new Response('<html>hello</html>'), { code: 'provider_error' }],
  ])('cannot be had of a server that %s', (_why, answer, error) =>
    expect(discovery({}, server({ '/v1/models': answer }).fetch).list()).rejects.toMatchObject(error),
  );

  it('cannot be had of one that is not there', () =>
    expect(
      discovery({}, () => Promise.reject(new TypeError('connect ECONNREFUSED 10.0.0.7'))).list(),
    ).rejects.toMatchObject({
      code: 'provider_unavailable',
      message: expect.not.stringContaining('10.0.0.7'),
    }));

  it('are offers that can be used, or an error that says so, whatever the server sends', async () => {
    const entry = fc.record(
      {
        id: fc.oneof(fc.string(), fc.jsonValue()),
        owned_by: fc.constantFrom('llamacpp', 'vllm', null),
        root: fc.jsonValue(),
        max_model_len: fc.jsonValue(),
        meta: fc.oneof(fc.record({ n_ctx: fc.jsonValue() }), fc.jsonValue()),
        architecture: fc.jsonValue(),
        supports_tools: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const bodies = fc.oneof(fc.record({ data: fc.array(entry, { maxLength: 3 }) }), fc.array(entry), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(bodies, fc.jsonValue(), async (body, props) => {
        const { fetch } = server({ '/v1/models': body, '/props': props });
        const listed = await discovery({}, fetch)
          .list()
          .catch((thrown: unknown) => thrown);
        if (!Array.isArray(listed)) {
          expect(listed).toBeInstanceOf(GatewayError);
          return;
        }
        expect(new Set(listed.map(({ upstream }) => upstream)).size).toBe(listed.length);
        for (const { model, contextLength, weights, capabilities } of listed as ServiceOffer[]) {
          expect(model).not.toBe('');
          if (contextLength !== undefined) expect(Number.isSafeInteger(contextLength) && contextLength > 0).toBe(true);
          if (weights !== undefined) expect(typeof weights).toBe('string');
          for (const can of Object.values(capabilities ?? {})) expect(typeof can).toBe('boolean');
        }
      }),
    );
  });
});
