import fc from 'fast-check';
import Together from 'together-ai';
import { describe, expect, it } from 'vitest';
import { configureTogether } from '../../providers/together/index.ts';
import type { Fetch, Provider } from '../../src/core/index.ts';
import { collect } from '../support/collect.ts';
import { calm, chatJob, promptJob, sse, streamOf } from './support/openai-jobs.ts';

const FINISHED = sse([{ model: 'their/model', choices: [{ delta: { content: 'Hi' }, finish_reason: 'eos' }] }]);

function together(fetch: Fetch, env: Record<string, unknown> = {}): Provider {
  const { providers, mistakes } = configureTogether({ TOGETHER_API_KEY: 'secret-key', ...env }, fetch);
  expect(mistakes).toEqual([]);
  const [provider] = providers;
  if (!provider) throw new Error('not configured');
  return provider;
}

/** A fetch that keeps what it was asked and answers always the same. */
function recorder(answer: () => Response | Promise<Response>) {
  const seen: { url: string; headers: Headers; body: unknown; signal: AbortSignal | undefined }[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    seen.push({
      url: request.url,
      headers: request.headers,
      body: await request.json(),
      signal: init?.signal ?? undefined,
    });
    return answer();
  };
  return { seen, fetch };
}

describe('a call to Together', () => {
  it('goes to its own host with the key and the body as it was made', async () => {
    const { seen, fetch } = recorder(() => streamOf(FINISHED));
    await together(fetch).generate(chatJob(), calm());
    await together(fetch).generate(promptJob(), calm());
    expect(seen.map(({ url }) => url)).toEqual([
      'https://api.together.ai/v1/chat/completions',
      'https://api.together.ai/v1/completions',
    ]);
    expect(seen[0]?.headers.get('authorization')).toBe('Bearer secret-key');
    expect(seen[0]?.body).toEqual({
      model: 'some/model',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(seen[1]?.body).toEqual({ model: 'some/model', prompt: 'Once upon', stream: true });
  });

  it.each(['https://proxy.example/together/v1', 'https://proxy.example/together/v1/'])('goes to %s', async (url) => {
    const { seen, fetch } = recorder(() => streamOf(FINISHED));
    await together(fetch, { TOGETHER_BASE_URL: url }).generate(chatJob(), calm());
    expect(seen[0]?.url).toBe('https://proxy.example/together/v1/chat/completions');
  });

  it('tells which model answered and under which id', async () => {
    const answer = () => new Response(FINISHED, { headers: { 'content-type': 'text/event-stream', 'cf-ray': 'r-1' } });
    const generation = await together(async () => answer()).generate(chatJob(), calm());
    expect(generation.upstreamId).toBe('r-1');
    const got = await collect(generation.events);
    expect(got.choices.get(0)).toMatchObject({ text: 'Hi', finish: 'stop', native: 'eos' });
    expect(generation.upstreamModel).toBe('their/model');
  });
});

describe('a request to Together', () => {
  const messages = fc.array(
    fc.record({
      role: fc.constantFrom('system' as const, 'user' as const, 'assistant' as const),
      content: fc.string(),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const settings = fc.record(
    {
      stream: fc.boolean(),
      maxTokens: fc.nat(),
      stop: fc.array(fc.string({ minLength: 1 }), { maxLength: 2 }),
      n: fc.integer({ min: 1, max: 4 }),
      sampling: fc.record(
        {
          temperature: fc.double({ min: 0, max: 2, noNaN: true }),
          topK: fc.nat(),
          seed: fc.integer(),
          logprobs: fc.nat(5),
          reasoningEffort: fc.constantFrom('none', 'low', 'high'),
          logitBias: fc.dictionary(fc.nat().map(String), fc.integer({ min: -100, max: 100 })),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['stream'] },
  );
  const jobs = fc.oneof(
    fc.tuple(settings, messages).map(([over, messages]) => chatJob({ ...over, messages })),
    fc.tuple(settings, fc.string()).map(([over, prompt]) => promptJob({ ...over, prompt })),
  );
  const urls = fc.constantFrom('https://api.together.ai/v1', 'http://127.0.0.1:8080/proxy/v1/');

  it('is the one that the official client sends for the same body, but for what the client says of itself', async () => {
    await fc.assert(
      fc.asyncProperty(jobs, urls, async (job, url) => {
        const sent: { url: string; method: string; headers: Headers; body: string }[] = [];
        const fetch: Fetch = async (input, init) => {
          const request = new Request(input, init);
          sent.push({ url: request.url, method: request.method, headers: request.headers, body: await request.text() });
          return Response.json({ choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] });
        };
        await together(fetch, { TOGETHER_BASE_URL: url }).generate(job, calm());
        const client = new Together({ apiKey: 'secret-key', baseURL: url.replace(/\/$/, ''), fetch, maxRetries: 0 });
        const body = JSON.parse(sent[0]?.body ?? '');
        await (job.kind === 'chat' ? client.chat.completions.create(body) : client.completions.create(body));
        const [ours, theirs] = sent.map(({ headers, ...rest }) => {
          const kept = [...headers].filter(([name]) => !/^(user-agent|x-stainless-.*)$/.test(name));
          return { ...rest, headers: Object.fromEntries(kept) };
        });
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a call to Together that fails', () => {
  it.each([
    [429, 'provider_rate_limited'],
    [503, 'provider_overloaded'],
    [408, 'timeout'],
    [500, 'provider_error'],
  ])('with %d is asked once and not slept over', async (status, code) => {
    const headers = { 'retry-after': '30', 'x-should-retry': 'true' };
    const { seen, fetch } = recorder(() => Response.json({ error: { message: 'no' } }, { status, headers }));
    await expect(together(fetch).generate(chatJob(), calm())).rejects.toMatchObject({
      code,
      details: { upstreamStatus: status, upstreamMessage: 'no', retryAfterMs: 30_000, provider: 'together' },
    });
    expect(seen).toHaveLength(1);
  });

  it('with a page of a proxy says what the page says', async () => {
    const page = '<!DOCTYPE html><html><h1>The web server timed out</h1></html>';
    const { fetch } = recorder(() => new Response(page, { status: 524, headers: { 'content-type': 'text/html' } }));
    await expect(together(fetch).generate(chatJob(), calm())).rejects.toMatchObject({
      code: 'timeout',
      details: { upstreamMessage: 'The web server timed out' },
    });
  });

  it('with an empty body says nothing', async () => {
    const { fetch } = recorder(() => new Response(null, { status: 502 }));
    const failure = together(fetch).generate(chatJob(), calm());
    await expect(failure).rejects.toMatchObject({ code: 'provider_unavailable' });
    await expect(failure).rejects.not.toHaveProperty('details.upstreamMessage');
  });

  it('because nobody answers never quotes why', async () => {
    const { fetch } = recorder(() => Promise.reject(new TypeError('connect ECONNREFUSED 10.0.0.7:443')));
    const failure = together(fetch).generate(chatJob(), calm());
    await expect(failure).rejects.toMatchObject({ code: 'provider_unavailable', details: { provider: 'together' } });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('10.0.0.7') });
  });
});

describe('a caller of Together who leaves', () => {
  it('before the answer began aborts the request', async () => {
    const leaving = new AbortController();
    const fetch: Fetch = (_input, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
        queueMicrotask(() => leaving.abort());
      });
    await expect(together(fetch).generate(chatJob(), leaving.signal)).rejects.toMatchObject({ code: 'canceled' });
  });

  it('in mid-stream aborts it too, and the answer does not look complete', async () => {
    const leaving = new AbortController();
    const { seen, fetch } = recorder(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (c) => c.enqueue(new TextEncoder().encode('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n')),
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
    const generation = await together(fetch).generate(chatJob(), leaving.signal);
    setTimeout(() => leaving.abort(), 10);
    const got = await collect(generation.events);
    expect(got.error).toMatchObject({ code: 'canceled' });
    expect(got.choices.get(0)).toMatchObject({ text: 'Hi', finish: undefined });
    expect(seen[0]?.signal?.aborted).toBe(true);
  });
});

describe("Together's configuration", () => {
  const never: Fetch = () => Promise.reject(new Error('no call was to be made'));

  it.each([{}, { TOGETHER_API_KEY: '' }, { TOGETHER_API_KEY: '  ' }])('without a key is no provider: %j', (env) => {
    expect(configureTogether(env, never)).toEqual({ providers: [], offers: [], mistakes: [] });
  });

  it.each([
    ['TOGETHER_BASE_URL', { TOGETHER_API_KEY: 'k', TOGETHER_BASE_URL: 'ftp://x.example' }],
    ['TOGETHER_BASE_URL', { TOGETHER_API_KEY: 'k', TOGETHER_BASE_URL: 'https://me:hidden-secret@x.example/v1' }],
    ['TOGETHER_BASE_URL', { TOGETHER_API_KEY: 'k', TOGETHER_BASE_URL: 'not an address' }],
    ['TOGETHER_API_KEY', { TOGETHER_API_KEY: 'hidden-secret\nx: y' }],
    ['TOGETHER_API_KEY', { TOGETHER_API_KEY: 5 }],
  ])('with a wrong %s says so and shows no value', (variable, env) => {
    const { providers, mistakes } = configureTogether(env, never);
    expect(providers).toEqual([]);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(variable);
    expect(mistakes[0]).not.toMatch(/hidden-secret/);
  });
});
