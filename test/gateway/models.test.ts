import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isServed, models } from '../../src/catalog/index.ts';
import { dayOf } from '../../src/core/index.ts';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { upstreamId } from '../support/providers.ts';

let stack: Stack;
beforeAll(async () => {
  const routes = { 'claude-*': 'together/llama-3.3-70b-instruct', 'gpt-*': { models: ['together/gpt-oss-120b'] } };
  stack = await startStack((origin) => ({
    ...sandboxEnv(origin),
    AWS_REGION: 'us-east-1',
    CHASQUI_ROUTES: JSON.stringify(routes),
  }));
});
afterAll(() => stack.stop());

const post = async (path: string, body: unknown) => {
  const response = await stack.post(path, body);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
};

/** Together lists it at zero dollars, which is no price. */
const UNPRICED = ['ternary-bonsai-27b'];

/** Replicate takes raw prompts only: Granite's template is not here, and gpt-oss's answers would hold marks. Completions work. */
const RAW_ONLY = ['granite-3.3-8b-instruct', 'gpt-oss-120b', 'gpt-oss-20b'];

/** Every chat model and provider of the catalogue that may be asked today, in this region. */
const served = models()
  // Replicate takes raw prompts only for Code Llama, and bills it by the second of a hardware that the operator has to name.
  .filter(({ id, kind }) => kind === 'chat' && !id.startsWith('codellama-'))
  .flatMap((model) =>
    model.offers
      .filter((offer) => isServed(offer, dayOf(Date.now())) && offer.status.state !== 'unknown')
      .filter((offer) => 'id' in upstreamId(offer, 'us-east-1'))
      .map((offer) => ({ model: model.id, name: model.openrouter[0] ?? model.id, provider: offer.provider })),
  );

describe('every model of the catalogue', () => {
  it.each(['bedrock', 'together', 'replicate'] as const)(
    'answers at %s, by the name that OpenRouter gives it',
    async (provider) => {
      const own = served.filter((one) => one.provider === provider);
      expect(own.length).toBeGreaterThan(8);
      for (const { model, name } of own) {
        const { status, json } = await post('/v1/chat/completions', {
          model: name,
          messages: [{ role: 'user', content: 'Reply with exactly OK' }],
          max_tokens: 20,
          provider: { only: [provider] },
        });
        if (provider === 'replicate' && RAW_ONLY.includes(model)) {
          expect(json, model).toMatchObject({ error: { message: expect.stringContaining('takes raw prompts only') } });
          continue;
        }
        expect(status, `${model} at ${provider}: ${JSON.stringify(json)}`).toBe(200);
        const { cost } = json.usage as { cost: number | null };
        expect(cost === null, `${model} at ${provider}: ${cost}`).toBe(UNPRICED.includes(model));
      }
    },
  );

  it('has a price at each of them, but for those of which none is known', async () => {
    const priced = new Map<string, boolean>();
    for (const { model } of served) {
      const { offers } = (await (await stack.get(`/v1/models/${model}`)).json()) as {
        offers: { provider: string; provider_model: string; status: string; pricing: unknown }[];
      };
      for (const offer of offers) {
        const known = served.some((one) => one.model === model && one.provider === offer.provider);
        if (known && offer.status !== 'retired') priced.set(`${model} ${offer.provider_model}`, offer.pricing !== null);
      }
    }
    const unpriced = [...priced].filter(([, known]) => !known).map(([name]) => name.split(' ')[0]);
    expect(unpriced).toEqual(UNPRICED);
  });
});

describe('a pattern of names', () => {
  const anthropic = { 'anthropic-version': '2023-06-01' };

  it('is listed as what can be asked for, but not to Codex, which asks for names', async () => {
    const { data } = (await (await stack.get('/v1/models')).json()) as { data: Record<string, unknown>[] };
    expect(data.slice(0, 2)).toMatchObject([
      { id: 'claude-*', kind: 'alias', pattern: true, models: ['together/llama-3.3-70b-instruct'] },
      { id: 'gpt-*', kind: 'route', pattern: true },
    ]);
    const page = (await (await stack.get('/v1/models?limit=1', anthropic)).json()) as object;
    expect(page).toMatchObject({ data: [{ id: 'claude-*' }], has_more: true });
    const codex = (await (await stack.get('/v1/models?client_version=0.171.0')).json()) as { models: object[] };
    expect(codex.models).not.toContainEqual(expect.objectContaining({ slug: 'gpt-*' }));
    const one = await stack.get('/v1/models/claude-opus-5', anthropic);
    expect(await one.json()).toMatchObject({ type: 'model', id: 'claude-opus-5' });
  });

  it.each([
    ['/v1/messages', 'claude-sonnet-4-5-20250929', 'llama-3.3-70b-instruct'],
    ['/v1/messages', 'claude-*', 'llama-3.3-70b-instruct'],
    ['/v1/chat/completions', 'gpt-4o-mini:floor', 'gpt-oss-120b'],
    ['/v1/count_tokens', 'gpt-4.1', 'gpt-oss-120b'],
  ])('serves what a client asks %s for: %s', async (path, name, model) => {
    const { status, json } = await post(path, {
      model: name,
      max_tokens: 20,
      messages: [{ role: 'user', content: 'Reply with exactly OK' }],
    });
    expect(status, JSON.stringify(json)).toBe(200);
    expect(json.model).toBe(model);
  });
});

describe('a model whose tokens we can only estimate', () => {
  it('is counted as its provider was seen to bill it, after a few answers', async () => {
    const ask = (text: string) => ({
      model: 'minimax-m2.7',
      messages: [{ role: 'user', content: text }],
      max_tokens: 16,
      provider: { only: ['together'] },
    });
    const count = async (text: string) => {
      const { json } = await post('/v1/count_tokens', ask(text));
      return json as { tokens: number; exactness: string; error_bound: number };
    };
    const question = (n: number) => `What is ${n} plus ${n}? ${'Please think about it. '.repeat(n)}`;
    const before = await count(question(4));
    expect(before).toMatchObject({ exactness: 'estimate', error_bound: 0.5 });
    for (const n of [1, 2, 4, 6, 8]) expect((await post('/v1/chat/completions', ask(question(n)))).status).toBe(200);
    const after = await count(question(5));
    const { json } = await post('/v1/chat/completions', ask(question(5)));
    const { prompt_tokens: billed } = json.usage as { prompt_tokens: number };
    expect(after.exactness).toBe('estimate');
    expect(after.error_bound).toBeLessThan(0.2);
    expect(Math.abs(after.tokens / billed - 1)).toBeLessThanOrEqual(after.error_bound);
    const { token_estimates: learned } = (await (await stack.get('/v1/health')).json()) as { token_estimates: unknown };
    expect(learned).toContainEqual(
      expect.objectContaining({
        provider: 'together',
        provider_model: 'MiniMaxAI/MiniMax-M2.7',
        tools: false,
        bills: expect.any(Number),
        scale: expect.any(Number),
      }),
    );
  });
});
