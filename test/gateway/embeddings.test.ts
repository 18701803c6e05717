import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import fc from 'fast-check';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** `POST /v1/embeddings` through the real Worker, as OpenAI's own client calls it and by hand. */

const E5 = 'multilingual-e5-large-instruct';
const TITAN = 'titan-embed-text-v2';
const COHERE = 'cohere-embed-english-v3';
const OWN = 'qwen3-embedding-0.6b';

/** Two own servers of one embedding model, one of which has several lengths, and one of E5 beside Together's. */
const services = (origin: string): string =>
  JSON.stringify([
    {
      id: 'first',
      base_url: `${origin}/openai-compatible/v1`,
      models: {
        [OWN]: { upstream: 'Qwen/Qwen3-Embedding-0.6B', kind: 'embedding', family: 'qwen3', dimensions: [768, 256] },
        'my-reranker': { upstream: 'BAAI/bge-reranker-v2-m3', kind: 'rerank' },
        'my-bge': { upstream: 'BAAI/bge-m3', kind: 'embedding', dimensions: 768, context_length: 8192 },
      },
    },
    {
      id: 'second',
      base_url: `${origin}/openai-compatible/v1`,
      models: { [OWN]: { upstream: 'Qwen/Qwen3-Embedding-0.6B', kind: 'embedding', family: 'qwen3', dimensions: 768 } },
    },
  ]);

let stack: Stack;
beforeAll(async () => {
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), OPENAI_COMPATIBLE_SERVICES: services(origin) }));
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

interface Answer {
  readonly data: readonly { readonly index: number; readonly embedding: number[] }[];
  readonly model: string;
  readonly provider: string;
  readonly usage: { readonly prompt_tokens: number; readonly cost: number | null; readonly cost_exact: string | null };
  readonly chasqui?: { readonly offers: readonly { provider: string; rank: number | null }[] };
}

interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly param: string | null };
}

const embed = async (body: Record<string, unknown>, headers: Record<string, string> = {}) => {
  const response = await stack.post('/v1/embeddings', body, headers);
  return { response, status: response.status, body: (await response.json()) as Answer & Refusal };
};

const client = () => new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: KEY, maxRetries: 0 });
const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

const CORPUS = [
  'The llama carries loads over the passes of the Andes.',
  'A black hole is a region of space from which no light escapes.',
  'Sourdough bread rises slowly, because its yeast is wild.',
  'The relay runners of the Inca carried messages from post to post.',
];

describe('OpenAI’s client', () => {
  it('gets the same vectors in base64, its default, as in numbers', async () => {
    for (const model of [E5, TITAN, COHERE, OWN]) {
      const input = CORPUS.slice(0, 2);
      const usual = await client().embeddings.create({ model, input });
      const floats = await client().embeddings.create({ model, input, encoding_format: 'float' });
      expect(usual.data.map(({ index }) => index)).toEqual([0, 1]);
      for (const [at, { embedding }] of usual.data.entries()) {
        const exact = floats.data[at]?.embedding ?? [];
        expect(embedding.length, model).toBe(exact.length);
        expect(Math.max(...embedding.map((value, place) => Math.abs(value - (exact[place] ?? 9))))).toBeLessThan(1e-6);
      }
    }
  });

  it('finds the nearest text of a small corpus', async () => {
    for (const model of [E5, TITAN, COHERE, OWN]) {
      const { data } = await client().embeddings.create({ model, input: CORPUS });
      const ask = async (question: string) => {
        const asked = await client().embeddings.create({ model, input: question });
        const near = data.map(({ embedding }) => cosine(embedding, asked.data[0]?.embedding ?? []));
        return near.indexOf(Math.max(...near));
      };
      expect(await ask('Who carried the messages of the Inca?'), model).toBe(3);
      expect(await ask('Does light escape a black hole?'), model).toBe(1);
      expect(await ask('Why does sourdough rise so slowly?'), model).toBe(2);
    }
  });

  it('gets vectors of the length it asks for, where the model has several', async () => {
    const short = await client().embeddings.create({ model: TITAN, input: 'Cusco', dimensions: 256 });
    expect(short.data[0]?.embedding).toHaveLength(256);
    const own = await client().embeddings.create({ model: OWN, input: 'Cusco', dimensions: 256 });
    expect(own.data[0]?.embedding).toHaveLength(256);
    // The usual length may be asked for by name, whether the wire has the field or not.
    const usual = await client().embeddings.create({ model: E5, input: 'Cusco', dimensions: 1024 });
    expect(usual.data[0]?.embedding).toHaveLength(1024);
  });
});

describe('what an answer says', () => {
  it('is model, provider, usage and cost, in body and headers', async () => {
    const { response, body } = await embed({ model: TITAN, input: 'The quipu keeps the accounts of the state.' });
    expect(body).toMatchObject({
      object: 'list',
      id: expect.stringMatching(/^gen-/),
      model: TITAN,
      provider: 'bedrock',
      usage: { prompt_tokens: expect.any(Number), is_byok: false, cost_details: { basis: 'provider_tokens' } },
    });
    const { prompt_tokens: tokens, cost_exact: cost } = body.usage;
    // $0.02 for a million tokens.
    expect(cost).toBe((tokens * 0.00000002).toFixed(9).replace(/0+$/, ''));
    expect(response.headers.get('x-chasqui-cost')).toBe(cost);
    expect(response.headers.get('x-chasqui-provider')).toBe('bedrock');
  });

  it('counts what a provider does not: Together’s answers have no usage', async () => {
    const { body } = await embed({ model: E5, input: CORPUS });
    expect(body.usage.prompt_tokens).toBeGreaterThan(20);
    expect(body.usage).toMatchObject({ cost_details: { basis: 'counted_tokens' } });
  });

  it('has no cost where the price is not known, and never zero', async () => {
    const { body } = await embed({ model: 'my-bge', input: 'Cusco' });
    expect(body.usage).toMatchObject({ cost: null, cost_exact: null });
  });

  it('shows the sheet with x-chasqui-debug, which is the sheet of /v1/offers', async () => {
    const { body } = await embed({ model: OWN, input: 'Cusco' }, { 'x-chasqui-debug': '1' });
    const sheet = await (await stack.post('/v1/offers', { model: OWN, input: 'Cusco' })).json();
    expect(body.chasqui?.offers.map(({ provider, rank }) => [provider, rank])).toEqual(
      (sheet as { data: { provider: string; rank: number }[] }).data.map(({ provider, rank }) => [provider, rank]),
    );
  });
});

describe('many texts', () => {
  it('come back in their order, split to what the wire takes', async () => {
    const input = Array.from({ length: 200 }, (_, at) => `number ${at} of many texts`);
    const { body } = await embed({ model: COHERE, input });
    expect(body.data.map(({ index }) => index)).toEqual(input.map((_, at) => at));
    expect((await stack.journal()).map(({ body: sent }) => (sent as { texts: string[] }).texts.length)).toEqual([
      96, 96, 8,
    ]);
    for (const at of [0, 95, 96, 191, 192, 199]) {
      const alone = await embed({ model: COHERE, input: input[at] });
      expect(body.data[at]?.embedding, `text ${at}`).toEqual(alone.body.data[0]?.embedding);
    }
  });

  it('are in order however many there are, and their bills add up', async () => {
    const alone = new Map<string, { vector: readonly number[]; tokens: number }>();
    for (const text of CORPUS) {
      const { body } = await embed({ model: TITAN, input: text, dimensions: 256 });
      alone.set(text, { vector: body.data[0]?.embedding ?? [], tokens: body.usage.prompt_tokens });
    }
    const some = fc.array(fc.constantFrom(...CORPUS), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(some, async (input) => {
        const { body } = await embed({ model: TITAN, input, dimensions: 256 });
        expect(body.data.map(({ embedding }) => embedding)).toEqual(input.map((text) => alone.get(text)?.vector));
        const tokens = input.reduce((sum, text) => sum + (alone.get(text)?.tokens ?? 0), 0);
        expect(body.usage.prompt_tokens).toBe(tokens);
        expect(Number(body.usage.cost_exact)).toBeCloseTo(tokens * 2e-8, 9);
      }),
      { numRuns: 12 },
    );
  });

  it('are refused where they are more requests than one call may make', async () => {
    const input = Array.from({ length: 60 }, (_, at) => `text ${at}`);
    const { status, body } = await embed({ model: TITAN, input });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      param: 'input',
      message: expect.stringMatching(/one text in a request.*CHASQUI_SUBREQUESTS/),
    });
    expect(await stack.journal()).toEqual([]);
  });
});

describe('a failure', () => {
  it('goes to the same model elsewhere', async () => {
    await stack.dial({ provider: 'openai-compatible', times: 1, fault: { kind: 'status', status: 503 } });
    const { response, body } = await embed({ model: OWN, input: CORPUS });
    expect(response.headers.get('x-chasqui-attempts')).toBe('2');
    expect(body.data).toHaveLength(4);
  });

  it('of one part of many fails all of them, once, and is said with what it may have cost', async () => {
    await stack.dial({ provider: 'bedrock', times: 1, fault: { kind: 'status', status: 400 } });
    const { status, body } = await embed({ model: COHERE, input: Array.from({ length: 100 }, () => 'Cusco') });
    expect(status).toBe(400);
    expect(body.data).toBeUndefined();
    expect(body.error.message).toMatch(/Bedrock/);
  });

  it('that passes is waited for where no other offer is left, and only the part that failed is asked again', async () => {
    await stack.dial({ provider: 'bedrock', times: 1, fault: { kind: 'status', status: 429 } });
    const { status, body } = await embed({ model: TITAN, input: CORPUS, dimensions: 256 });
    expect(status).toBe(200);
    expect(body.data).toHaveLength(4);
    expect(await stack.journal()).toHaveLength(5);
  });

  it('never leads to another model', async () => {
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 500 } });
    const { status } = await embed({ model: E5, input: 'Cusco' });
    expect(status).toBeGreaterThanOrEqual(500);
    expect(new Set((await stack.journal()).map(({ provider }) => provider))).toEqual(new Set(['together']));
    const { status: refused, body } = await embed({ model: E5, models: [TITAN], input: 'Cusco' });
    expect(refused).toBe(400);
    expect(body.error).toMatchObject({ param: 'models' });
  });
});

describe('token ids', () => {
  it('of the model’s own tokenizer are taken', async () => {
    const told = (await (await stack.post('/v1/tokenize', { model: OWN, input: CORPUS[0] })).json()) as {
      ids: number[];
    };
    const { body } = await embed({ model: OWN, input: told.ids });
    const text = await embed({ model: OWN, input: CORPUS[0] });
    expect(body.data[0]?.embedding).toEqual(text.body.data[0]?.embedding);
    const two = await embed({ model: OWN, input: [told.ids, told.ids] });
    expect(two.body.data).toHaveLength(2);
  });

  it('of another tokenizer, or of one that is not known here, are refused with the way out', async () => {
    for (const [model, input] of [
      [E5, [9906, 1917]],
      [TITAN, [[9906, 1917]]],
      [OWN, [200_000, 5]],
      [OWN, [72, 69, 76, 76, 79]],
    ] as const) {
      const { status, body } = await embed({ model, input });
      expect(status, model).toBe(400);
      expect(body.error, model).toMatchObject({
        param: 'input',
        message: expect.stringMatching(/check_embedding_ctx_length/),
      });
    }
    expect(await stack.journal()).toEqual([]);
  });
});

describe('a body that is wrong', () => {
  it.each<readonly [string, Record<string, unknown>, string]>([
    ['no model', { input: 'x' }, 'model'],
    ['no input', { model: E5 }, 'input'],
    ['an empty text', { model: E5, input: '' }, 'input'],
    ['no texts', { model: E5, input: [] }, 'input'],
    ['an empty text among others', { model: E5, input: ['a', ''] }, 'input[1]'],
    ['texts and ids', { model: E5, input: ['a', 1] }, 'input[1]'],
    ['too many texts', { model: E5, input: Array.from({ length: 2049 }, () => 'a') }, 'input'],
    ['an encoding that is none', { model: E5, input: 'a', encoding_format: 'hex' }, 'encoding_format'],
    ['a length that is none', { model: E5, input: 'a', dimensions: 0 }, 'dimensions'],
    ['a length that the model has not', { model: E5, input: 'a', dimensions: 256 }, 'dimensions'],
    ['a length that Titan has not', { model: TITAN, input: 'a', dimensions: 300 }, 'dimensions'],
    ['a limit of money in the wrong place', { model: E5, input: 'a', max_cost: 1 }, 'max_cost'],
    ['a model that writes text', { model: 'llama-3.3-70b-instruct', input: 'a' }, 'model'],
  ])('%s', async (_, body, param) => {
    const { status, body: answer } = await embed(body);
    expect(status).toBe(400);
    expect(answer.error.param).toBe(param);
  });

  it('is an unknown model', async () => {
    expect((await embed({ model: 'text-embedding-3-small', input: 'a' })).status).toBe(404);
  });

  it('or one that asks a model of vectors to write', async () => {
    for (const [path, body] of [
      ['/v1/chat/completions', { model: TITAN, messages: [{ role: 'user', content: 'hi' }] }],
      ['/v1/completions', { model: TITAN, prompt: 'hi' }],
    ] as const) {
      const answer = await stack.post(path, body);
      expect(answer.status, path).toBe(400);
      expect(await answer.json(), path).toMatchObject({
        error: { param: 'model', message: expect.stringMatching(/\/v1\/embeddings/) },
      });
    }
  });

  it('names what is dropped, and refuses it where the caller is strict', async () => {
    const body = { model: E5, input: 'Cusco', user: 'me', truncate: 'END' };
    const { response } = await embed(body);
    expect(response.headers.get('x-chasqui-dropped')).toBe('user, truncate');
    const { status, body: refused } = await embed(body, { 'x-chasqui-strict': '1' });
    expect(status).toBe(400);
    expect(refused.error.message).toMatch(/user, truncate/);
  });

  it('never leads to a 500', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(E5, TITAN, OWN, 'float', 'base64', 256, 1024));
    const fields = fc.record(
      { model: value, input: value, dimensions: value, encoding_format: value, user: value, provider: value },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fields, async (body) => {
        const response = await stack.post('/v1/embeddings', body);
        expect(response.status, JSON.stringify(body)).toBeLessThan(500);
        await response.arrayBuffer();
      }),
      { numRuns: 60 },
    );
  });
});

describe('money', () => {
  it('bounds a call: an offer that may cost more is left out', async () => {
    const cheap = await embed({ model: TITAN, input: 'Cusco', provider: { max_cost: '0.01' } });
    expect(cheap.status).toBe(200);
    const { status, body } = await embed({ model: TITAN, input: 'Cusco', provider: { max_cost: '0.00000001' } });
    expect([status, body.error.code]).toEqual([400, 'no_eligible_offer']);
    const unknown = await embed({ model: 'my-bge', input: 'Cusco', provider: { max_cost: '1' } });
    expect(unknown.body.error.code).toBe('no_eligible_offer');
  });
});

describe('the list of models', () => {
  it('shows them with their kind, lengths and prices', async () => {
    const { data } = (await (await stack.get('/v1/models')).json()) as { data: Record<string, unknown>[] };
    const of = (id: string) => data.find((model) => model.id === id);
    expect(of(TITAN)).toMatchObject({
      kind: 'embedding',
      dimensions: [1024, 512, 256],
      context_length: 8192,
      offers: [{ provider: 'bedrock', apis: ['embeddings'], pricing: { input_per_mtok: '0.02' } }],
    });
    expect(of(OWN)).toMatchObject({ kind: 'embedding', dimensions: [768, 256] });
  });
});

describe('docs/embeddings.md', () => {
  const page = readFileSync(new URL('../../docs/embeddings.md', import.meta.url).pathname, 'utf8');
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block);

  it('has commands that do what it says', async () => {
    const env = { ...process.env, CHASQUI_URL: stack.url, CHASQUI_KEY: KEY };
    const [embedding, ranking] = await Promise.all(
      blocks('sh').map(async (command) => {
        const { stdout } = await promisify(execFile)('bash', ['-c', command], { env });
        return JSON.parse(stdout) as Record<string, unknown>;
      }),
    );
    expect(embedding).toMatchObject({ model: TITAN, provider: 'bedrock', data: [{ index: 0 }, { index: 1 }] });
    expect(ranking).toMatchObject({ results: [{ index: 0, document: { text: 'The llama carries loads.' } }] });
  });

  it('has a configuration without mistakes', () => {
    const [CHASQUI_CONFIG = ''] = blocks('json');
    const { mistakes, services } = readConfig({ CHASQUI_CONFIG }, () => Promise.reject(new Error('offline')));
    expect(mistakes).toEqual([]);
    expect(services).toMatchObject([{ kind: 'embedding', dimensions: [1024, 512] }, { kind: 'rerank' }]);
  });
});
