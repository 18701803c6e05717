import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  integer,
  oneof,
  record,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../providers/openai/index.ts';
import { GatewayError, type Job } from '../../src/core/index.ts';
import { type Collected, collect } from '../support/collect.ts';
import { calm, chatJob, promptJob, sse, streamOf } from './support/openai-jobs.ts';

const UPSTREAM = { id: 'mine', name: 'Mine' };

async function read(response: Response, job: Job = chatJob(), signal: AbortSignal = calm()): Promise<Collected> {
  return collect((await readAnswer(response, job, signal, UPSTREAM)).events);
}

const delta = (content: string, index = 0): unknown => ({ choices: [{ index, delta: { content } }] });
const finish = (reason: string | null, index = 0): unknown => ({
  choices: [{ index, delta: {}, finish_reason: reason }],
});
const first = (got: Collected) => got.choices.get(0);
const USAGE = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } };
const INTERRUPTED = { code: 'stream_interrupted' };

describe('a stream is complete', () => {
  it('when its choices have finished, even if [DONE] is missing', async () => {
    const got = await read(streamOf(sse([delta('Hi'), finish('stop')], '')));
    expect(got.error).toBeUndefined();
    expect(first(got)).toMatchObject({ text: 'Hi', finish: 'stop' });
  });

  it('at [DONE], though the server keeps the connection open', async () => {
    let canceled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (c) => c.enqueue(new TextEncoder().encode(sse([delta('Hi'), finish('stop')]))),
      cancel: () => {
        canceled = true;
      },
    });
    const got = await read(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    expect(got.error).toBeUndefined();
    expect(first(got)?.finish).toBe('stop');
    expect(canceled).toBe(true);
  });

  it('a moment after its finish, though the server neither says [DONE] nor closes', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (c) => c.enqueue(new TextEncoder().encode(sse([delta('Hi'), finish('stop')], ''))),
    });
    const got = await read(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    expect(got.error).toBeUndefined();
    expect(first(got)?.finish).toBe('stop');
  });

  it('by its own word, with usage and [DONE], where its server never says why a choice ends', async () => {
    const got = await read(streamOf(sse([delta('Hi'), delta(' you'), USAGE])));
    expect(got.error).toBeUndefined();
    expect(first(got)).toMatchObject({ text: 'Hi you', finish: 'stop', native: undefined });
    expect(got.usage).toMatchObject({ input: 3, output: 2 });
    const call = {
      choices: [{ index: 0, delta: { tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] } }],
    };
    expect(first(await read(streamOf(sse([call, USAGE]))))).toMatchObject({ finish: 'tool_calls' });
  });

  it('when the connection breaks only after the finish', async () => {
    let sent = false;
    const body = new ReadableStream<Uint8Array>({
      pull(c) {
        if (sent) return c.error(new Error('reset'));
        sent = true;
        c.enqueue(new TextEncoder().encode(sse([delta('Hi'), finish('stop')], '')));
      },
    });
    const got = await read(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    expect(got.error).toBeUndefined();
  });
});

describe('a stream is broken', () => {
  it.each([
    ['ends without a finish', sse([delta('Hi')], '')],
    ['says [DONE] without a finish', sse([delta('Hi')])],
    ['says its usage and no more', sse([delta('Hi'), USAGE], '')],
    ['says nothing, its usage and [DONE]', sse([{ choices: [{ index: 0, delta: { role: 'assistant' } }] }, USAGE])],
    [
      'finishes one choice and not the next, its usage and [DONE]',
      sse([delta('a', 1), finish('stop', 1), delta('b'), USAGE]),
    ],
    ['is empty', ''],
    ['has comments only', ': ping\n\n: ping\n\n'],
    ['finishes with an empty string only', sse([delta('Hi'), finish('')])],
    ['carries something that is no JSON', `${sse([delta('Hi')], '')}data: {"choices"\n\n${sse([finish('stop')])}`],
    ['goes on after its finish and never finishes again', sse([delta('Hi'), finish('stop'), delta('more')])],
  ])('that %s', async (_what, text) => {
    const got = await read(streamOf(text));
    expect(got.error).toMatchObject(INTERRUPTED);
    expect(first(got)?.finish).toBeUndefined();
  });

  it('that finishes one choice of two', async () => {
    expect((await read(streamOf(sse([delta('a'), delta('b', 1), finish('stop')])))).error).toMatchObject(INTERRUPTED);
  });

  it('that is cut before the second of two choices began', async () => {
    const got = await read(streamOf(sse([delta('a'), finish('stop')], '')), chatJob({ n: 2 }));
    expect(got.error).toMatchObject(INTERRUPTED);
  });

  it('that holds an event larger than any token', async () => {
    const got = await read(streamOf(`${sse([delta('Hi')], '')}data: ${'x'.repeat(1_100_000)}`));
    expect(got.error).toMatchObject(INTERRUPTED);
    expect(first(got)?.text).toBe('Hi');
  });

  it('that has another shape altogether, which is the fault of who sent it', async () => {
    expect((await read(streamOf(sse([{ value: 'Hi' }])))).error).toMatchObject({ code: 'provider_error' });
  });
});

describe('what came whole before a chunk that is broken', () => {
  const said = ['Hel', 'lo, ', 'ñandú ', '🦙'];
  const sound = sse(
    said.map((text) => delta(text)),
    '',
  );
  it.each([
    ['no JSON', 'data: {"choices":[{"index":0,"del\n\n', INTERRUPTED],
    ['an error', 'data: {"error":{"message":"busy","code":503}}\n\n', { code: 'provider_overloaded' }],
    ['an error event', 'event: error\ndata: busy\n\n', { code: 'provider_error' }],
    ['an event that never ends', `data: ${'x'.repeat(1_100_000)}`, INTERRUPTED],
    ['half an event', 'data: {"choices":[{"index":0,"del', INTERRUPTED],
  ])('is delivered however the network splits it: %s', async (_what, broken, error) => {
    const bytes = new TextEncoder().encode(sound + broken + sse([delta('never'), finish('stop')]));
    const end = new TextEncoder().encode(sound).length + Math.min(broken.length, 60);
    const cut = broken.startsWith('data: {"choices":[{"index":0,"del') && !broken.endsWith('\n') ? end : bytes.length;
    await assert(
      asyncProperty(array(integer({ min: 1, max: end }), { maxLength: 8 }), async (at) => {
        const cuts = [0, ...at.sort((a, b) => a - b), cut];
        const body = new ReadableStream<Uint8Array>({
          start(c) {
            for (const [i, to] of cuts.slice(1).entries()) {
              const piece = bytes.subarray(cuts[i], to);
              if (piece.length > 0) c.enqueue(piece);
            }
            c.close();
          },
        });
        const got = await read(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
        expect(first(got)).toMatchObject({ text: said.join(''), finish: undefined });
        expect(got.error).toMatchObject(error);
      }),
      { numRuns: 30, examples: [[[]]] },
    );
  });
});

describe('an error inside a stream', () => {
  it.each([
    ['an object with its status', { error: { message: 'busy', code: 503 } }, 'provider_overloaded'],
    [
      'an object with a type',
      { error: { message: 'slow down', type: 'rate_limit_exceeded' } },
      'provider_rate_limited',
    ],
    ['a string', { error: 'it broke' }, 'provider_error'],
    ['the older form of vLLM', { object: 'error', message: 'it broke', type: 'X', code: 500 }, 'provider_error'],
    ['a finish reason', finish('error'), 'provider_error'],
    ['an aborted generation', finish('abort'), 'provider_error'],
  ])('that is %s ends it, after what was said before', async (_what, error, code) => {
    const got = await read(streamOf(sse([delta('Hi'), error])));
    expect(got.error).toMatchObject({ code, details: { provider: 'mine' } });
    expect(first(got)?.text).toBe('Hi');
  });

  it('that is a field of its own, as llama.cpp had it, keeps what the provider said', async () => {
    const said = {
      code: 400,
      message: 'the request exceeds the available context size',
      type: 'invalid_request_error',
    };
    const got = await read(streamOf(`${sse([delta('Hi')], '')}error: ${JSON.stringify(said)}\n\ndata: [DONE]\n\n`));
    expect(first(got)).toMatchObject({ text: 'Hi', finish: undefined });
    expect(got.error).toMatchObject({
      details: { upstreamMessage: said.message, upstreamStatus: 400, upstreamCode: said.type },
    });
    const text = await read(streamOf('error: out of memory\n\n'));
    expect(text.error).toMatchObject({ code: 'provider_error', details: { upstreamMessage: 'out of memory' } });
  });

  it('that is a named event counts, JSON or not', async () => {
    const json = await read(streamOf('event: error\ndata: {"error":{"message":"no","code":429}}\n\n'));
    expect(json.error).toMatchObject({ code: 'provider_rate_limited' });
    const text = await read(streamOf('event: error\ndata: it broke\n\n'));
    expect(text.error).toMatchObject({ code: 'provider_error', details: { upstreamMessage: 'it broke' } });
  });

  it('never shows what Ray Serve says of its insides', async () => {
    const message =
      'Message: too busy, Internal exception: KeyError at /srv/app.py, original exception: x (Request ID: abc-1)';
    const got = await read(streamOf(sse([{ error: { message, code: 500, param: { input: 'secret' } } }])));
    expect(got.error).toMatchObject({
      details: { upstreamMessage: 'Message: too busy', upstreamRequestId: 'abc-1', upstreamStatus: 500 },
    });
    expect(JSON.stringify(got.error)).not.toMatch(/KeyError|app\.py|secret/);
  });
});

describe('an answer under status 200', () => {
  const json = (body: string) => new Response(body, { headers: { 'content-type': 'application/json' } });

  it('is read as what it is, not as what was asked for', async () => {
    const body = { model: 'm', choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] };
    expect(first(await read(json(JSON.stringify(body)), chatJob({ stream: true })))?.text).toBe('Hi');
    expect(first(await read(streamOf(sse([delta('Hi'), finish('stop')])), chatJob({ stream: false })))?.text).toBe(
      'Hi',
    );
  });

  it.each([
    ['no JSON', '<html>'],
    ['no object', '[]'],
    ['without choices', '{"choices":[]}'],
    ['empty', ''],
  ])('that is %s is a provider error', async (_what, body) => {
    await expect(read(json(body))).rejects.toMatchObject({ code: 'provider_error' });
  });

  it('that is an error is that error', async () => {
    const body = JSON.stringify({ error: { message: 'no such model', code: 'model_not_found' } });
    await expect(read(json(body))).rejects.toMatchObject({ code: 'model_not_found' });
  });
});

describe('chunks that differ in their text alone', () => {
  const text = oneof(string({ unit: 'binary' }), constantFrom('', ' token', 'a"b', '\\', '\n', '"}}]}', '\ud800'));
  const head = constantFrom<object>(
    {},
    { id: 'one' },
    { id: 'two' },
    { usage: null },
    { usage: { completion_tokens: 7 } },
  );
  const said = tuple(
    head,
    integer({ min: 0, max: 1 }),
    text,
    constantFrom<object>({}, { role: 'assistant' }, { reasoning: 'Hm' }),
  );
  const end = constantFrom<object>({}, {}, {}, { finish_reason: null }, { finish_reason: 'stop' });
  const chunk = oneof(
    {
      weight: 8,
      arbitrary: tuple(said, end).map(([[other, index, content, more], last]) => ({
        ...other,
        choices: [{ index, delta: { content, ...more }, ...last }],
      })),
    },
    record({
      choices: constant([
        { index: 0, delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] } },
      ]),
    }),
    tuple(text, text).map(([content, other]) => ({ choices: [{ index: 0, text: other, delta: { content } }] })),
    tuple(text, text).map(([content, other]) => ({ content: other, choices: [{ index: 0, delta: { content } }] })),
    // Together's, which has the text twice.
    text.map((content) => ({ choices: [{ index: 0, text: content, delta: { role: 'assistant', content } }] })),
    constantFrom<object>(USAGE, { error: { message: 'Broken' } }, { choices: [] }),
  );

  it('are read as if each were parsed, whatever stands between them', async () => {
    // With probabilities each chunk is parsed, and there are none in these.
    const parsed = chatJob({ sampling: { logprobs: 0 } });
    await assert(
      asyncProperty(array(chunk, { maxLength: 12 }), async (chunks) => {
        const wire = sse([...chunks, finish('stop'), finish('stop', 1)]);
        expect(await read(streamOf(wire))).toEqual(await read(streamOf(wire), parsed));
      }),
      { numRuns: 500 },
    );
  });

  it('of a completion are read so, too', async () => {
    const job = promptJob();
    const parsed = promptJob({ sampling: { logprobs: 0 } });
    const piece = oneof(
      text.map((said) => ({ choices: [{ index: 0, text: said, finish_reason: null }] })),
      text.map((said) => ({ choices: [{ index: 0, text: said, delta: { content: said } }], usage: null })),
      tuple(text, text).map(([said, other]) => ({ choices: [{ index: 0, text: said }], note: { text: other } })),
      constant(USAGE),
    );
    await assert(
      asyncProperty(array(piece, { maxLength: 12 }), async (pieces) => {
        const wire = sse([...pieces, { choices: [{ index: 0, text: '', finish_reason: 'stop' }] }]);
        expect(await read(streamOf(wire), job)).toEqual(await read(streamOf(wire), parsed));
      }),
      { numRuns: 200 },
    );
  });

  it('are known by where the text stands, and not by what it is', async () => {
    const twin = (content: string) => ({ choices: [{ index: 0, delta: { content } }], note: { content: 'Hi' } });
    const got = await read(
      streamOf(sse([twin('Hi'), twin('Hi'), twin('there'), delta('Hi'), delta(', "you"\n'), finish('stop')])),
    );
    expect(first(got)?.text).toBe('HiHithereHi, "you"\n');
  });

  it('do not take back an end that another has said', async () => {
    const last = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: 'length' }] });
    const got = await read(streamOf(sse([last('One'), last(' two')])));
    expect(first(got)).toMatchObject({ text: 'One two', finish: 'length' });
  });
});

describe('a caller who leaves', () => {
  const endless = () => {
    const seen = { canceled: false };
    const body = new ReadableStream<Uint8Array>({
      start: (c) => c.enqueue(new TextEncoder().encode(sse([delta('Hi')], ''))),
      cancel: () => {
        seen.canceled = true;
      },
    });
    return { seen, response: new Response(body, { headers: { 'content-type': 'text/event-stream' } }) };
  };

  it('in mid-stream cancels the upstream body and gets the reason', async () => {
    const { seen, response } = endless();
    const leaving = new AbortController();
    const generation = await readAnswer(response, chatJob(), leaving.signal, UPSTREAM);
    setTimeout(() => leaving.abort(new GatewayError('timeout', 'too slow')), 20);
    const got = await collect(generation.events);
    expect(first(got)?.text).toBe('Hi');
    expect(got.error).toMatchObject({ code: 'timeout' });
    expect(seen.canceled).toBe(true);
  });

  it('before reading anything cancels it too', async () => {
    const { seen, response } = endless();
    const leaving = new AbortController();
    await readAnswer(response, chatJob(), leaving.signal, UPSTREAM);
    leaving.abort();
    expect(seen.canceled).toBe(true);
  });

  it('by breaking out of the loop cancels it', async () => {
    const { seen, response } = endless();
    for await (const _ of (await readAnswer(response, chatJob(), calm(), UPSTREAM)).events) break;
    expect(seen.canceled).toBe(true);
  });
});
