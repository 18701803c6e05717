import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** `POST /v1/rerank` through the real Worker, at a server of one's own. */

const MODEL = 'my-reranker';

const services = (origin: string): string =>
  JSON.stringify(
    ['first', 'second'].map((id) => ({
      id,
      base_url: `${origin}/openai-compatible/v1`,
      models: {
        [MODEL]: {
          upstream: 'BAAI/bge-reranker-v2-m3',
          kind: 'rerank',
          price: { input_per_mtok: '0.02', output_per_mtok: '0' },
        },
      },
    })),
  );

let stack: Stack;
beforeAll(async () => {
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), OPENAI_COMPATIBLE_SERVICES: services(origin) }));
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const QUERY = 'Does light escape a black hole?';
const DOCUMENTS = [
  'The llama carries loads over the passes of the Andes.',
  'A black hole is a region of space from which no light escapes.',
  'Sourdough bread rises slowly, because its yeast is wild.',
];

const rerank = async (body: Record<string, unknown>, headers: Record<string, string> = {}) => {
  const response = await stack.post('/v1/rerank', body, headers);
  return { response, status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe('documents', () => {
  it('come back by how well they match, with usage and cost', async () => {
    const { response, body } = await rerank({ model: MODEL, query: QUERY, documents: DOCUMENTS });
    const results = body.results as { index: number; relevance_score: number; document?: unknown }[];
    expect(results[0]?.index).toBe(1);
    expect(results.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
    expect(results.map(({ relevance_score: score }) => score)).toEqual(
      results.map(({ relevance_score: score }) => score).sort((a, b) => b - a),
    );
    expect(results[0]?.document).toBeUndefined();
    const { prompt_tokens: tokens, cost } = body.usage as { prompt_tokens: number; cost: number };
    expect(cost).toBeCloseTo(tokens * 2e-8, 9);
    expect(response.headers.get('x-chasqui-model')).toBe(MODEL);
  });

  it('are as many as asked for, and have their text where it is asked for', async () => {
    const { body } = await rerank({
      model: MODEL,
      query: QUERY,
      documents: DOCUMENTS,
      top_n: 1,
      return_documents: true,
    });
    expect(body.results).toEqual([{ index: 1, relevance_score: expect.any(Number), document: { text: DOCUMENTS[1] } }]);
  });

  it('may be objects with a text, as Together takes them', async () => {
    const { body } = await rerank({ model: MODEL, query: QUERY, documents: DOCUMENTS.map((text) => ({ text })) });
    expect(body.results).toHaveLength(3);
  });

  it('go to the same model elsewhere where a server fails', async () => {
    await stack.dial({ provider: 'openai-compatible', times: 1, fault: { kind: 'status', status: 503 } });
    const { response, status } = await rerank({ model: MODEL, query: QUERY, documents: DOCUMENTS });
    expect([status, response.headers.get('x-chasqui-attempts')]).toEqual([200, '2']);
  });

  it('are in the offer sheet', async () => {
    const answer = await stack.post('/v1/offers', { model: MODEL, query: QUERY, documents: DOCUMENTS });
    const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
    expect(data).toMatchObject([
      { provider: 'first', api: 'rerank', eligible: true, max_output_tokens: 0, cost: { max: expect.any(String) } },
      { provider: 'second', api: 'rerank', eligible: true },
    ]);
  });
});

describe('a field of another route', () => {
  it('is named as dropped, and sent to no server', async () => {
    const body = { model: MODEL, query: QUERY, documents: DOCUMENTS, vote: { samples: 3 } };
    const { response } = await rerank(body);
    expect(response.headers.get('x-chasqui-dropped')).toBe('vote');
    expect((await stack.journal()).at(-1)?.body).not.toHaveProperty('vote');
    expect((await rerank(body, { 'x-chasqui-strict': '1' })).status).toBe(400);
  });
});

describe('a body that is wrong', () => {
  it.each<readonly [string, Record<string, unknown>, string]>([
    ['no model', { query: QUERY, documents: DOCUMENTS }, 'model'],
    ['no query', { model: MODEL, documents: DOCUMENTS }, 'query'],
    ['no documents', { model: MODEL, query: QUERY, documents: [] }, 'documents'],
    ['an empty document', { model: MODEL, query: QUERY, documents: ['a', ''] }, 'documents[1]'],
    ['a document that is none', { model: MODEL, query: QUERY, documents: ['a', 5] }, 'documents[1]'],
    ['top_n of 0', { model: MODEL, query: QUERY, documents: DOCUMENTS, top_n: 0 }, 'top_n'],
    ['several models', { model: MODEL, models: ['x'], query: QUERY, documents: DOCUMENTS }, 'models'],
    ['a model of embeddings', { model: 'titan-embed-text-v2', query: QUERY, documents: DOCUMENTS }, 'model'],
    ['a model that writes', { model: 'llama-3.3-70b-instruct', query: QUERY, documents: DOCUMENTS }, 'model'],
  ])('%s', async (_, body, param) => {
    const { status, body: answer } = await rerank(body);
    expect(status).toBe(400);
    expect(answer).toMatchObject({ error: { param } });
  });
});
