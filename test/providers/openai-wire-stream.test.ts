import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../providers/openai-wire/index.ts';
import { GatewayError, type Job } from '../../src/core/index.ts';
import { type Collected, collect } from '../support/collect.ts';
import { calm, chatJob, sse, streamOf } from './support/openai-jobs.ts';

const UPSTREAM = { id: 'mine', name: 'Mine' };

async function read(response: Response, job: Job = chatJob(), signal: AbortSignal = calm()): Promise<Collected> {
  return collect((await readAnswer(response, job, signal, UPSTREAM)).events);
}

const delta = (content: string, index = 0): unknown => ({ choices: [{ index, delta: { content } }] });
const finish = (reason: string | null, index = 0): unknown => ({
  choices: [{ index, delta: {}, finish_reason: reason }],
});
const first = (got: Collected) => got.choices.get(0);
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
