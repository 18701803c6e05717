import { describe, expect, it } from 'vitest';
import { togetherProvider } from '../../providers/together/index.ts';
import type { Fetch } from '../../src/core/index.ts';

/** Together's embeddings and rerank, as together-ai 0.52 describes them. */

function answering(body: unknown, status = 200) {
  const sent: { url: string; body: unknown }[] = [];
  const fetch: Fetch = async (input, init) => {
    sent.push({ url: String(input), body: JSON.parse(String(init?.body)) });
    return Response.json(body, { status });
  };
  return { sent, together: togetherProvider({ apiKey: 'k', baseUrl: 'https://api.together.ai/v1', fetch }) };
}

const { signal } = new AbortController();
const RERANK = { kind: 'rerank', model: 'm', family: 'other', query: 'q', documents: ['a', 'b'], topN: 2 } as const;
const EMBED = {
  kind: 'embedding',
  model: 'm',
  family: 'other',
  inputs: ['a'],
  encoding: 'base64',
  user: 'me',
} as const;

describe('Together', () => {
  it('is sent a query with its documents, and answers with the best first', async () => {
    const results = [
      { index: 0, relevance_score: 0.1 },
      { index: 1, relevance_score: 0.9, document: { text: 'b' } },
    ];
    const { sent, together } = answering({ object: 'rerank', model: 'm', results, usage: { prompt_tokens: 4 } });
    expect(await together.rerank?.(RERANK, signal)).toEqual({
      results: [
        { index: 1, score: 0.9 },
        { index: 0, score: 0.1 },
      ],
      promptTokens: 4,
    });
    expect(sent).toEqual([
      { url: 'https://api.together.ai/v1/rerank', body: { model: 'm', query: 'q', documents: ['a', 'b'], top_n: 2 } },
    ]);
  });

  it.each([
    [{ results: [{ index: 0, relevance_score: 1 }] }],
    [
      {
        results: [
          { index: 0, relevance_score: 1 },
          { index: 0, relevance_score: 1 },
        ],
      },
    ],
    [
      {
        results: [
          { index: 0, relevance_score: 1 },
          { index: 2, relevance_score: 1 },
        ],
      },
    ],
    [
      {
        results: [
          { index: 0, relevance_score: 1 },
          { index: 1, relevance_score: 'high' },
        ],
      },
    ],
    [{}],
    [null],
  ])('is not believed where its ranking is none: %j', async (body) => {
    await expect(answering(body).together.rerank?.(RERANK, signal)).rejects.toMatchObject({ code: 'provider_error' });
  });

  it('is sent model and texts alone, whatever the caller set', async () => {
    const { sent, together } = answering({
      object: 'list',
      model: 'm',
      data: [{ object: 'embedding', index: 0, embedding: [1, 2] }],
    });
    await together.embed?.(EMBED, signal);
    expect(sent).toEqual([{ url: 'https://api.together.ai/v1/embeddings', body: { model: 'm', input: ['a'] } }]);
  });

  it.each([
    [{ data: [] }],
    [{ data: [{ index: 1, embedding: [1] }] }],
    [{ data: [{ index: 0, embedding: [] }] }],
    [{ data: [{ index: 0, embedding: ['1'] }] }],
    [{ data: [{ index: 0, embedding: null }] }],
    ['nothing'],
  ])('is not believed where its embeddings are none: %j', async (body) => {
    await expect(answering(body).together.embed?.(EMBED, signal)).rejects.toMatchObject({ code: 'provider_error' });
  });

  it('refuses as it refuses a chat', async () => {
    const { together } = answering({ error: { message: 'Slow down.', type: 'credit_limit' } }, 429);
    await expect(together.embed?.(EMBED, signal)).rejects.toMatchObject({ code: 'provider_rate_limited' });
  });
});
