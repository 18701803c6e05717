import { array, assert, asyncProperty, integer } from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { configureReplicate } from '../../providers/replicate/index.ts';
import { GatewayError } from '../../src/core/index.ts';
import {
  BASE,
  dropped,
  hung,
  ID,
  job,
  json,
  prediction,
  provider,
  run,
  STREAM_URL,
  sse,
  stalled,
  TOKEN,
  upstream,
} from './replicate-upstream.ts';

const starting = json(prediction('starting'), 201);
const output = (...pieces: string[]) => pieces.map((piece) => `event: output\ndata: ${piece}\n\n`).join('');
const DONE = 'event: done\ndata: {}\n\n';
const figures = { input_token_count: 21, output_token_count: 4, predict_time: 1.25 };
const never = json({ detail: 'no' }, 401);
const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('a streamed answer', () => {
  it('comes as one batch a read, and ends in a finish with Replicate’s own figures', async () => {
    const { fetch, calls } = upstream({
      create: starting,
      stream: sse(output('Hello', ' there') + DONE),
      get: [json(prediction('succeeded', { output: ['Hello', ' there'], metrics: figures }))],
    });
    const { batches, error } = await run(fetch);
    expect(error).toBeUndefined();
    expect(batches).toEqual([
      [{ type: 'text', choice: 0, text: 'Hello there' }],
      [
        { type: 'finish', choice: 0, reason: 'stop', native: 'succeeded' },
        {
          type: 'usage',
          usage: { input: 21, cacheRead: 0, cacheWrite: 0, output: 4, reasoning: 0, source: 'provider', seconds: 1.25 },
        },
      ],
    ]);
    expect(calls.map((call) => call.route)).toEqual(['create', 'stream', 'get']);
  });

  it('ends at done, though the server keeps the connection', async () => {
    const get = [json(prediction('succeeded', { output: ['Hi'], metrics: figures }))];
    const { text, finish } = await run(upstream({ create: starting, stream: stalled(output('Hi') + DONE), get }).fetch);
    expect({ text, reason: finish?.reason }).toEqual({ text: 'Hi', reason: 'stop' });
  });

  it('finishes without figures where they cannot be had', async () => {
    const { finish, usage, error } = await run(
      upstream({ create: starting, stream: sse(output('Hi') + DONE), get: [dropped] }).fetch,
    );
    expect({ reason: finish?.reason, usage, error }).toEqual({ reason: 'stop', usage: undefined, error: undefined });
  });

  it.each([
    { input_token_count: 12.5, output_token_count: 3 },
    { input_token_count: -1, output_token_count: 3 },
    { input_token_count: 1e300, output_token_count: 3 },
    { input_token_count: '12', output_token_count: 3 },
    { input_token_count: null, output_token_count: 3 },
    { input_token_count: 12, output_token_count: 0.5 },
    [],
    null,
  ])('has no figures where they can be none: %j', async (metrics) => {
    const get = [json(prediction('succeeded', { output: ['Hi'], metrics }))];
    const { text, usage, error } = await run(
      upstream({ create: starting, stream: sse(output('Hi') + DONE), get }).fetch,
    );
    expect({ text, usage, error }).toEqual({ text: 'Hi', usage: undefined, error: undefined });
  });

  it('was cut by its limit when it is as long as the limit', async () => {
    const get = [json(prediction('succeeded', { output: ['Hi'], metrics: figures }))];
    const script = { create: starting, stream: sse(output('Hi') + DONE), get };
    expect((await run(upstream(script).fetch, job({ maxTokens: 4 }))).finish?.reason).toBe('length');
    expect((await run(upstream(script).fetch, job({ maxTokens: 5 }))).finish?.reason).toBe('stop');
  });

  it('is polled where there is no stream, and shown as it grows', async () => {
    const urls = { get: 'x', cancel: 'x', stream: 'file:///etc/passwd' };
    const { fetch, count } = upstream({
      create: json(prediction('starting', { urls }), 201),
      get: [
        json(prediction('processing', { output: ['a', 'b'] })),
        json(prediction('processing', { output: ['a', 'b', 'c'] })),
        json(prediction('succeeded', { output: ['a', 'b', 'c', 'd'] })),
      ],
    });
    const { batches } = await run(fetch);
    expect(batches.map((batch) => batch.map((event) => (event.type === 'text' ? event.text : event.type)))).toEqual([
      ['ab'],
      ['c'],
      ['d', 'finish'],
    ]);
    expect(count('stream')).toBe(0);
  });

  it('shows by an empty batch that it grows, where it was asked for in one piece', async () => {
    const { fetch } = upstream({
      create: json(prediction('starting'), 201),
      get: [
        json(prediction('processing')),
        json(prediction('processing', { output: ['a'] })),
        json(prediction('processing', { output: ['a'] })),
        json(prediction('processing', { output: ['a', 'b'] })),
        json(prediction('succeeded', { output: ['a', 'b', 'c'] })),
      ],
    });
    const { batches, text } = await run(fetch, job({ stream: false }));
    expect(batches.map((batch) => batch.length)).toEqual([0, 0, 2]);
    expect(text).toBe('abc');
  });

  it.each([
    ['refused', () => new Response('busy', { status: 503 })],
    ['unreachable', dropped],
    ['empty', sse('')],
  ] as const)('is polled where the stream is %s', async (_, stream) => {
    const get = [json(prediction('succeeded', { output: 'All of it' }))];
    const outcome = await run(upstream({ create: starting, stream, get }).fetch);
    expect(outcome).toMatchObject({ error: undefined, text: 'All of it', finish: { reason: 'stop' } });
  });

  it.each(['file:///etc/passwd', 'ftp://x.test/a', 'javascript:1', 'data:text/event-stream,', '/relative', ''])(
    'is polled where its stream has no address of the web: %s',
    async (stream) => {
      const { fetch, calls } = upstream({
        create: json(prediction('starting', { urls: { stream } }), 201),
        get: [json(prediction('succeeded', { output: ['ok'] }))],
      });
      expect((await run(fetch)).text).toBe('ok');
      expect(calls.map(({ route }) => route)).toEqual(['create', 'get']);
    },
  );

  it('is given whole though its stream was done before it had said everything', async () => {
    const text = 'Hello, ñandú 🦙.';
    const characters = [...text];
    await assert(
      asyncProperty(integer({ min: 0, max: characters.length }), async (at) => {
        const get = [json(prediction('succeeded', { output: [text], metrics: figures }))];
        const stream = sse((at === 0 ? '' : output(characters.slice(0, at).join(''))) + DONE);
        const outcome = await run(upstream({ create: starting, stream, get }).fetch);
        expect(outcome).toMatchObject({ error: undefined, text, finish: { reason: 'stop' }, usage: {} });
      }),
      { examples: [[0], [5], [characters.length]], numRuns: 10 },
    );
  });

  it('is interrupted when the output turns out not to begin with what was said', async () => {
    const get = [json(prediction('succeeded', { output: ['Something else'] }))];
    const outcome = await run(upstream({ create: starting, stream: sse(output('Hello')), get }).fetch);
    expect(outcome).toMatchObject({ finish: undefined, error: { code: 'stream_interrupted' } });
  });

  it('is completed though SSE could not carry its carriage returns', async () => {
    const get = [json(prediction('succeeded', { output: ['one\r\ntwo\r\nthree'] }))];
    const stream = sse('event: output\ndata: one\ndata: two\n\n');
    const { text, error } = await run(upstream({ create: starting, stream, get }).fetch);
    expect({ text, error }).toEqual({ text: 'one\ntwo\nthree', error: undefined });
  });

  it('is not over when it is done for a reason that nobody knows, or says so in half an object: the prediction says how it goes on', async () => {
    const said = output('Hello');
    // A status that nobody knows is one of a prediction that runs, whatever its name.
    const odd = json(prediction('constructor', { output: ['Hello'] }));
    const broken = ['done\ndata: {"rea', 'error\ndata: {"detail'];
    const unknown = ['evicted', 'constructor', null, 7].map((reason) => `done\ndata: ${JSON.stringify({ reason })}`);
    for (const event of [...unknown, ...broken]) {
      const get = [
        ...Array.from({ length: 3 }, () => json(prediction('processing', { output: ['Hello'] }))),
        odd,
        json(prediction('succeeded', { output: ['Hello', ' there'] })),
      ];
      const stream = sse(`${said}event: ${event}\n\n`);
      const outcome = await run(upstream({ create: starting, stream, get }).fetch);
      expect(outcome).toMatchObject({ error: undefined, text: 'Hello there', finish: { reason: 'stop' } });
    }
  });

  it('gives what came whole before an event that is broken, however the network splits it', async () => {
    const bytes = new TextEncoder().encode(`${output('Hel', 'lo, ', 'ñandú ', '🦙')}data: ${'x'.repeat(1_100_000)}`);
    await assert(
      asyncProperty(array(integer({ min: 1, max: 150 }), { maxLength: 6 }), async (at) => {
        const cuts = [0, ...at.sort((a, b) => a - b), bytes.length];
        const stream = () =>
          new Response(
            new ReadableStream<Uint8Array>({
              start(c) {
                for (const [i, to] of cuts.slice(1).entries()) {
                  if (to > (cuts[i] ?? 0)) c.enqueue(bytes.subarray(cuts[i], to));
                }
                c.close();
              },
            }),
          );
        const outcome = await run(upstream({ create: starting, stream }).fetch);
        expect(outcome).toMatchObject({
          text: 'Hello, ñandú 🦙',
          finish: undefined,
          error: { code: 'stream_interrupted' },
        });
      }),
      { numRuns: 15, examples: [[[]]] },
    );
  });

  it('is not complete when it is done because of an error, though nobody can say which', async () => {
    const stream = sse(`${output('Hi')}event: done\ndata: {"reason": "error"}\n\n`);
    const outcome = await run(upstream({ create: starting, stream, get: [dropped] }).fetch);
    expect(outcome).toMatchObject({ finish: undefined, error: { code: 'provider_error' } });
  });

  it('is not complete when done is followed by a prediction that failed', async () => {
    const get = [json(prediction('failed', { error: 'Prediction interrupted; please retry (code: PA)' }))];
    const outcome = await run(upstream({ create: starting, stream: sse(output('Hi') + DONE), get }).fetch);
    expect(outcome).toMatchObject({
      finish: undefined,
      error: { code: 'provider_error', details: { upstreamCode: 'PA' } },
    });
  });
});

describe('an engine error', () => {
  it.each([
    [null, undefined],
    [{ detail: 'CUDA out of memory' }, 'CUDA out of memory'],
    [{ message: 'CUDA out of memory' }, 'CUDA out of memory'],
    [['no'], '["no"]'],
  ])('keeps its words, whatever they are in: %j', async (error, said) => {
    const get = [json(prediction('failed', { error }))];
    const got = await run(
      upstream({ create: starting, stream: sse('event: done\ndata: {"reason":"error"}\n\n'), get }).fetch,
    );
    expect(got.error).toMatchObject({ code: 'provider_error' });
    expect(got.error instanceof GatewayError && got.error.details.upstreamMessage).toBe(said);
  });

  const failing = (detail: string, before = '') =>
    sse(`${before}event: error\ndata: ${JSON.stringify({ detail })}\n\nevent: done\ndata: {"reason": "error"}\n\n`);

  it.each([
    ['E1002: PromptTooLong', 'context_length_exceeded'],
    ['E1001: PromptRequired', 'invalid_request'],
    ['The input or output was flagged as sensitive. Please try again with different inputs. (E005)', 'content_policy'],
    ['E2101: timed out', 'provider_error'],
    ['Director: unexpected error handling prediction (E8765)', 'provider_error'],
  ])('%s is %s, streamed or not', async (detail, code) => {
    const streamed = await run(upstream({ create: starting, stream: failing(detail), get: [never] }).fetch);
    expect(streamed).toMatchObject({ finish: undefined, error: { code, details: { maybeBilled: true } } });
    const get = [json(prediction('failed', { error: detail }))];
    const polled = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
    expect(polled).toMatchObject({ finish: undefined, error: { code, details: { maybeBilled: true } } });
  });

  it('is the end of a long answer when the engine runs into its context limit while it writes', async () => {
    const stream = failing('E1002: PromptTooLong', output('Once upon'));
    const streamed = await run(upstream({ create: starting, stream, get: [never] }).fetch);
    expect(streamed).toMatchObject({ error: undefined, text: 'Once upon', finish: { reason: 'length' } });
    const get = [json(prediction('failed', { error: 'E1002: PromptTooLong', output: ['Once', ' upon'] }))];
    const polled = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
    expect(polled).toMatchObject({ error: undefined, text: 'Once upon', finish: { reason: 'length' } });
  });

  it('shows what Replicate said, without what it must not show', async () => {
    const get = [json(prediction('failed', { error: `token ${TOKEN} refused at https://x.test/a?key=1` }))];
    const { error } = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
    expect(JSON.stringify(error)).not.toContain(TOKEN);
    expect(JSON.stringify(error)).not.toContain('key=1');
    expect(error).toMatchObject({ details: { provider: 'replicate', upstreamRequestId: ID } });
  });
});

describe('a prediction that ended without an answer', () => {
  it.each([
    ['aborted before it started', prediction('aborted'), 'timeout', false],
    ['canceled by somebody else', prediction('canceled'), 'canceled', true],
    ['deleted', prediction('succeeded', { output: null, data_removed: true }), 'provider_error', true],
    ['without output', prediction('succeeded', { output: null }), 'provider_error', true],
    ['that is no text', prediction('succeeded', { output: { image: 'x' } }), 'provider_error', true],
    ['of nothing', prediction('succeeded', { output: [null] }), 'provider_error', true],
  ] as const)('%s', async (_, ended, code, maybeBilled) => {
    const outcome = await run(upstream({ create: starting, get: [json(ended)] }).fetch, job({ stream: false }));
    expect(outcome).toMatchObject({ finish: undefined, error: { code, details: { maybeBilled } } });
  });

  it('is one where a piece of it is nothing', async () => {
    const get = [json(prediction('succeeded', { output: ['Once', null, ' upon'] }))];
    const { text, error } = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
    expect({ text, error }).toEqual({ text: 'Once upon', error: undefined });
  });

  it('is an empty answer where it really said nothing', async () => {
    for (const more of [{ output: [] }, { output: '' }, { output: null, metrics: { output_token_count: 0 } }]) {
      const get = [json(prediction('succeeded', more))];
      const outcome = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
      expect(outcome).toMatchObject({ error: undefined, text: '', finish: { reason: 'stop' } });
    }
  });
});

describe('a create that fails', () => {
  it.each([
    ['a dropped connection', dropped, 'provider_unavailable', true],
    ['429', json({ detail: 'slow down' }, 429, { 'retry-after': '2' }), 'provider_rate_limited', false],
    ['408', json({ detail: 'timed out' }, 408), 'timeout', true],
    ['500', json({ detail: 'oops' }, 500), 'provider_error', true],
    ['502', () => new Response('<html>bad gateway</html>', { status: 502 }), 'provider_unavailable', true],
    ['503', json({ detail: 'busy' }, 503), 'provider_overloaded', true],
    ['402', json({ title: 'Insufficient credit', detail: 'no credit' }, 402), 'provider_auth', false],
    ['422', json({ detail: 'temperature must be at least 0.01' }, 422), 'invalid_request', false],
    [
      'a redirect',
      () => new Response(null, { status: 307, headers: { location: 'https://x.test' } }),
      'provider_error',
      false,
    ],
    ['something else', () => new Response('hello'), 'provider_error', true],
  ] as const)('makes one request and no more: %s', async (_, create, code, maybeBilled) => {
    for (const stream of [true, false]) {
      const { fetch, calls } = upstream({ create });
      const { error, batches } = await run(fetch, job({ stream }));
      expect(error).toMatchObject({ code, details: { maybeBilled } });
      expect(batches).toEqual([]);
      expect(calls).toHaveLength(1);
      expect(calls[0]?.redirect).toBe('manual');
    }
  });

  it('waits as long as it is told', async () => {
    const retryAfter = async (body: unknown, headers = {}, status = 429) => {
      const { error } = await run(upstream({ create: json(body, status, headers) }).fetch);
      return error instanceof GatewayError ? error.details.retryAfterMs : undefined;
    };
    expect(await retryAfter({ detail: 'x' }, { 'retry-after': '2' })).toBe(2000);
    expect(await retryAfter({ detail: 'Your rate limit resets in ~30s.' })).toBe(30_000);
    expect(await retryAfter({ detail: 'x' })).toBeUndefined();
    expect(await retryAfter({ detail: 'x' }, { 'retry-after': '9' }, 503)).toBe(9000);
    const inAnHour = await retryAfter(
      { detail: 'x' },
      { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() },
    );
    expect(inAnHour).toBeGreaterThan(3_000_000);
  });

  it('names no host and no exception when Replicate cannot be reached', async () => {
    const { error } = await run(upstream({ create: dropped }).fetch);
    expect(String(error) + JSON.stringify(error)).not.toMatch(/10\.0\.0\.1|replicate\.test|reset/);
  });
});

describe('polling', () => {
  it('outlasts failures that pass', async () => {
    const get = [
      dropped,
      json({ detail: 'busy' }, 503),
      json({ detail: 'slow down' }, 429, { 'retry-after': '0' }),
      json(prediction('succeeded', { output: ['ok'] })),
    ];
    const outcome = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
    expect(outcome).toMatchObject({ error: undefined, text: 'ok' });
  });

  it('outlasts any number of failures with looks between them that succeed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const running = json(prediction('processing'));
      const get = [
        ...Array.from({ length: 9 }, () => [dropped, running]).flat(),
        json(prediction('succeeded', { output: ['ok'] })),
      ];
      const outcome = run(upstream({ create: starting, get }).fetch, job({ stream: false }));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await outcome).toMatchObject({ error: undefined, text: 'ok' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives up after five failures in a row, and cancels', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { fetch, count } = upstream({ create: starting, get: [dropped] });
      const outcome = run(fetch, job({ stream: false }));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(count('get')).toBe(5);
      expect(await outcome).toMatchObject({ error: { code: 'provider_unavailable', details: { maybeBilled: true } } });
      expect(count('cancel')).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('looks again no sooner than it was told', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { fetch, count } = upstream({
        create: starting,
        get: [
          json({ detail: 'slow down' }, 429, { 'retry-after': '30' }),
          json(prediction('succeeded', { output: ['ok'] })),
        ],
      });
      const outcome = run(fetch, job({ stream: false }));
      await vi.advanceTimersByTimeAsync(29_000);
      expect(count('get')).toBe(1);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await outcome).toMatchObject({ error: undefined, text: 'ok' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives a prediction up that cannot be read, and cancels it', async () => {
    const { fetch, count } = upstream({ create: starting, get: [json({ detail: 'no' }, 401)] });
    const { error } = await run(fetch, job({ stream: false }));
    expect(error).toMatchObject({ code: 'provider_auth', details: { maybeBilled: true } });
    await vi.waitFor(() => expect(count('cancel')).toBe(1), { timeout: 60_000 });
  });

  it('follows no address that the prediction names', async () => {
    const get = [json(prediction('succeeded', { output: ['ok'] }))];
    const { fetch, calls } = upstream({ create: starting, get });
    await run(fetch, job({ stream: false }));
    expect(calls.map((call) => call.url)).toEqual([
      `${BASE}/models/meta/llama-2-70b-chat/predictions`,
      `${BASE}/predictions/${ID}`,
    ]);
  });
});

describe('the token', () => {
  it('goes to the API and never to the stream’s host', async () => {
    const { fetch, calls } = upstream({ create: starting, stream: sse(output('Hi') + DONE), get: [never] });
    await run(fetch);
    for (const { route, headers } of calls) {
      expect(headers.get('authorization')).toBe(route === 'stream' ? null : `Bearer ${TOKEN}`);
    }
    const stream = calls.find((call) => call.url === STREAM_URL);
    expect(JSON.stringify([...(stream?.headers ?? [])])).not.toContain(TOKEN);
    expect(stream?.headers.get('accept')).toBe('text/event-stream');
  });
});

describe('a caller who leaves', () => {
  const gone = new GatewayError('timeout', 'too late');

  it.each([
    ['while the stream is silent', { create: starting, stream: stalled(output('Hi')) }, true],
    ['while the stream does not open', { create: starting, stream: hung }, true],
    ['while a look hangs', { create: starting, get: [hung] }, false],
    ['between two looks', { create: starting, get: [json(prediction('processing'))] }, false],
  ] as const)('cancels the prediction once: %s', async (_, script, stream) => {
    const { fetch, count } = upstream(script);
    const caller = new AbortController();
    setTimeout(() => caller.abort(gone), 30);
    const { error, finish } = await run(fetch, job({ stream }), caller.signal);
    expect(error).toMatchObject({ code: 'timeout', message: 'too late', details: { maybeBilled: true } });
    expect(finish).toBeUndefined();
    await vi.waitFor(() => expect(count('cancel')).toBe(1), { timeout: 60_000 });
    await tick();
    expect(count('cancel')).toBe(1);
  });

  it('before the create has answered is told at once, and the prediction is canceled when its id is known', async () => {
    let answer: (response: Response) => void = () => undefined;
    const { fetch, count } = upstream({ create: () => new Promise((resolve) => (answer = resolve)) });
    const caller = new AbortController();
    const running = run(fetch, job(), caller.signal);
    await vi.waitFor(() => expect(count('create')).toBe(1), { timeout: 60_000 });
    caller.abort();
    expect((await running).error).toMatchObject({ code: 'canceled', details: { maybeBilled: true } });
    expect(count('cancel')).toBe(0);
    answer(await starting(undefined));
    await vi.waitFor(() => expect(count('cancel')).toBe(1), { timeout: 60_000 });
  });

  it('without having read a single event still cancels', async () => {
    const { fetch, count } = upstream({ create: starting });
    const caller = new AbortController();
    await provider(fetch).generate(job(), caller.signal);
    caller.abort();
    await vi.waitFor(() => expect(count('cancel')).toBe(1), { timeout: 60_000 });
  });

  it('the iterator cancels once, even with a read pending', async () => {
    const { fetch, count } = upstream({ create: starting, stream: stalled(output('Hi')) });
    const { events } = await provider(fetch).generate(job(), new AbortController().signal);
    const iterator = events[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual([{ type: 'text', choice: 0, text: 'Hi' }]);
    const pending = iterator.next();
    await iterator.return?.();
    await expect(pending).rejects.toMatchObject({ code: 'canceled' });
    await iterator.return?.();
    expect(count('cancel')).toBe(1);
  });

  it('is not held up by a cancel that is slow to be answered', async () => {
    let given: AbortSignal | undefined;
    const cancel: typeof hung = (signal) => {
      given = signal;
      return hung(signal);
    };
    const held: Promise<void>[] = [];
    const { fetch, count } = upstream({ create: starting, stream: stalled(output('Hi')), cancel });
    const replicate = provider(fetch, {}, (work) => void held.push(work));
    const { events } = await replicate.generate(job(), new AbortController().signal);
    for await (const _ of events) break;
    await vi.waitFor(() => expect(count('cancel')).toBe(1), { timeout: 60_000 });
    // A cancel that was waited for would have been given up by now.
    expect(given?.aborted).toBe(false);
    expect(held).toHaveLength(2);
  });

  it('is outlived by what cancels, from before the create has answered until the cancel is', async () => {
    let answer: (response: Response) => void = () => undefined;
    const held: Promise<void>[] = [];
    const { fetch, count } = upstream({ create: () => new Promise((resolve) => (answer = resolve)) });
    const caller = new AbortController();
    const left = provider(fetch, {}, (work) => void held.push(work)).generate(job(), caller.signal);
    await vi.waitFor(() => expect(count('create')).toBe(1), { timeout: 60_000 });
    caller.abort();
    await expect(left).rejects.toMatchObject({ code: 'canceled' });
    expect(held).toHaveLength(1);
    answer(await starting(undefined));
    // What is held first ends by holding the cancel: the isolate is never let go in between.
    await held[0];
    expect(held).toHaveLength(2);
    await held[1];
    expect(count('cancel')).toBe(1);
  });

  it('is not held up by a cancel that fails', async () => {
    const { fetch, count } = upstream({ create: starting, stream: stalled(output('Hi')), cancel: dropped });
    const { events } = await provider(fetch).generate(job(), new AbortController().signal);
    for await (const _ of events) break;
    expect(count('cancel')).toBe(1);
  });

  it('before it began makes no request', async () => {
    const { fetch, calls } = upstream({ create: starting });
    const { error } = await run(fetch, job(), AbortSignal.abort());
    expect(error).toMatchObject({ code: 'canceled' });
    expect(calls).toEqual([]);
  });

  it('after the end cancels nothing', async () => {
    const get = [json(prediction('succeeded', { output: ['Hi'] }))];
    const { fetch, count } = upstream({ create: starting, stream: sse(output('Hi') + DONE), get });
    const caller = new AbortController();
    expect((await run(fetch, job(), caller.signal)).error).toBeUndefined();
    caller.abort();
    await tick();
    expect(count('cancel')).toBe(0);
  });
});

describe('configuration', () => {
  const fetch = upstream({}).fetch;

  it('needs a token', () => {
    expect(configureReplicate({}, fetch)).toEqual({ providers: [], offers: [], mistakes: [] });
    expect(configureReplicate({ REPLICATE_API_TOKEN: ' ' }, fetch).providers).toEqual([]);
    expect(provider(fetch).id).toBe('replicate');
  });

  it('asks api.replicate.com unless told otherwise', async () => {
    const urls: string[] = [];
    const spy = async (input: Request | string | URL) => {
      urls.push(String(input));
      return new Response('{}', { status: 401 });
    };
    const [real] = configureReplicate({ REPLICATE_API_TOKEN: TOKEN }, spy).providers;
    await expect(real?.generate(job(), new AbortController().signal)).rejects.toMatchObject({ code: 'provider_auth' });
    expect(urls).toEqual(['https://api.replicate.com/v1/models/meta/llama-2-70b-chat/predictions']);
  });

  it('names every mistake and shows no value', () => {
    const { providers, mistakes } = configureReplicate(
      { REPLICATE_API_TOKEN: 'r8 secret', REPLICATE_BASE_URL: 'ftp://secret' },
      fetch,
    );
    expect(providers).toEqual([]);
    expect(mistakes).toHaveLength(2);
    expect(mistakes.join()).toMatch(/REPLICATE_API_TOKEN.*REPLICATE_BASE_URL/);
    expect(mistakes.join()).not.toContain('secret');
  });

  it('refuses a chat, which must have been rendered before it comes here', async () => {
    const chat = {
      ...job(),
      kind: 'chat',
      api: 'chat',
      messages: [],
      tools: [],
      toolStreaming: true,
      systemRole: true,
    } as const;
    await expect(provider(fetch).generate(chat, new AbortController().signal)).rejects.toMatchObject({
      code: 'internal',
    });
  });
});
