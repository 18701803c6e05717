import { describe, expect, it } from 'vitest';
import { type Event, GatewayError } from '../../src/core/index.ts';
import { bedrock, converseJob, run, upstream } from './support/bedrock.ts';
import {
  blockStop,
  errorFrame,
  event,
  exception,
  joined,
  metadata,
  openStream,
  readsOf,
  START,
  stop,
  streamOf,
  text,
  toolInput,
  toolStart,
} from './support/bedrock-frames.ts';

const heard = (...frames: Uint8Array[]) => run(bedrock(upstream(() => streamOf(...frames)).fetch), converseJob());

const reasoning = (said: string) =>
  event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: said } } });

describe('a stream of Converse', () => {
  it('is text, its finish and its usage', async () => {
    const got = await heard(START, text('Hel'), text('lo'), blockStop(0), stop('end_turn'), metadata());
    expect(got.error).toBeUndefined();
    expect(got.choices.get(0)).toMatchObject({ text: 'Hello', finish: 'stop', native: 'end_turn' });
    expect(got.usage).toEqual({ input: 5, cacheRead: 0, cacheWrite: 0, output: 7, reasoning: 0, source: 'provider' });
  });

  it('counts tool calls from 0, whatever blocks lie between them', async () => {
    const got = await heard(
      START,
      text('Look: ', 0),
      blockStop(0),
      toolStart(1, 'tooluse_a', 'add'),
      toolInput(1, '{"a":'),
      toolInput(1, '2}'),
      blockStop(1),
      text('and', 2),
      blockStop(2),
      toolStart(3, 'tooluse_b', 'sub'),
      toolInput(3, '{}'),
      blockStop(3),
      stop('tool_use'),
      metadata(),
    );
    expect(got.choices.get(0)).toMatchObject({
      text: 'Look: and',
      finish: 'tool_calls',
      toolCalls: [
        { id: 'tooluse_a', name: 'add', arguments: '{"a":2}' },
        { id: 'tooluse_b', name: 'sub', arguments: '{}' },
      ],
    });
  });

  it.each([
    ['an empty input', [toolInput(0, '')]],
    ['no input', []],
  ])('calls a tool with %s as {}', async (_, input) => {
    const got = await heard(
      START,
      toolStart(0, 'tooluse_a', 'now'),
      ...input,
      blockStop(0),
      stop('tool_use'),
      metadata(),
    );
    expect(got.choices.get(0)?.toolCalls).toEqual([{ id: 'tooluse_a', name: 'now', arguments: '{}' }]);
  });

  it('gives every call an id of its own', async () => {
    const call = (block: number) => [toolStart(block, 'tooluse_a', 'now'), blockStop(block)];
    const got = await heard(START, ...call(0), ...call(1), ...call(2), stop('tool_use'), metadata());
    const ids = got.choices.get(0)?.toolCalls.map(({ id }) => id);
    expect(ids?.[0]).toBe('tooluse_a');
    expect(new Set(ids).size).toBe(3);
  });

  it('does not pass on what Bedrock calls by itself', async () => {
    const got = await heard(
      START,
      toolStart(0, 'srv_1', 'web_search', 'server_tool_use'),
      toolInput(0, '{"q":1}'),
      blockStop(0),
      text('Found.', 1),
      stop('end_turn'),
      metadata(),
    );
    expect(got.choices.get(0)).toMatchObject({ text: 'Found.', toolCalls: [], finish: 'stop' });
  });

  it('is tool_calls when a tool is called, even where Bedrock says end_turn', async () => {
    const got = await heard(START, toolStart(0, 'a', 'now'), blockStop(0), stop('end_turn'), metadata());
    expect(got.choices.get(0)).toMatchObject({ finish: 'tool_calls', native: 'end_turn' });
  });

  it('may be reasoning alone', async () => {
    const got = await heard(START, reasoning('Hmm'), reasoning('.'), stop('max_tokens'), metadata());
    expect(got.choices.get(0)).toMatchObject({ reasoning: 'Hmm.', text: '', finish: 'length' });
  });

  it('may tell its usage before its end', async () => {
    const got = await heard(START, text('a'), metadata(), stop('end_turn'));
    expect(got).toMatchObject({ error: undefined, usage: { input: 5 } });
  });

  it('keeps cached tokens apart and zeros as zeros', async () => {
    const cached = await heard(
      START,
      stop('end_turn'),
      metadata({
        inputTokens: 3,
        outputTokens: 2,
        totalTokens: 35,
        cacheReadInputTokens: 20,
        cacheWriteInputTokens: 10,
      }),
    );
    expect(cached.usage).toMatchObject({ input: 3, cacheRead: 20, cacheWrite: 10, output: 2 });
    const blocked = await heard(
      START,
      text('Sorry.'),
      stop('guardrail_intervened'),
      metadata({ inputTokens: 0, outputTokens: 0, totalTokens: 0 }),
    );
    expect(blocked.usage).toMatchObject({ input: 0, output: 0 });
    expect(blocked.choices.get(0)?.finish).toBe('content_filter');
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['content_filtered', 'content_filter'],
    ['guardrail_intervened', 'content_filter'],
    ['invented_tomorrow', 'stop'],
  ])('that stops for %s finishes with %s', async (native, finish) => {
    const got = await heard(START, text('a'), stop(native), metadata());
    expect(got.choices.get(0)).toMatchObject({ finish, native });
  });

  it.each(['malformed_model_output', 'malformed_tool_use'])(
    'that stops for %s is an error, not an answer',
    async (native) => {
      const got = await heard(START, text('a'), stop(native), metadata());
      expect(got.error).toMatchObject({ code: 'provider_error', details: { upstreamCode: native } });
      expect(got.choices.get(0)).toMatchObject({ text: 'a', finish: undefined });
    },
  );

  it('does not wait for what may follow a complete answer, and leaves it soon', async () => {
    const { response, canceled } = openStream(START, text('a'), stop('end_turn'), metadata());
    const got = await run(bedrock(upstream(() => response).fetch), converseJob());
    expect(got.choices.get(0)?.finish).toBe('stop');
    await expect.poll(canceled, { timeout: 60_000 }).toBe(true);
  });

  it('that is complete is let end by itself, so that its connection can serve again', async () => {
    let canceled = false;
    const whole = joined([START, text('a'), stop('end_turn'), metadata()]);
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          controller.enqueue(whole);
          await new Promise((resolve) => setTimeout(resolve, 10));
          controller.close();
        },
        cancel() {
          canceled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const response = new Response(body, { headers: { 'content-type': 'application/vnd.amazon.eventstream' } });
    await run(bedrock(upstream(() => response).fetch), converseJob());
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(canceled).toBe(false);
  });

  it('is interrupted where arguments come for a call that never began', async () => {
    const got = await heard(START, toolInput(0, '{}'), stop('tool_use'), metadata());
    expect(got.error).toMatchObject({ code: 'stream_interrupted' });
  });
});

describe('batches', () => {
  it('are one for each network read that says something', async () => {
    const tail = text('e');
    const response = () =>
      readsOf(
        [START],
        [text('a'), text('b'), text('c')],
        [text('d'), tail.subarray(0, 9)],
        [tail.subarray(9)],
        [blockStop(0), stop('end_turn')],
        [metadata()],
      );
    const { events } = await bedrock(upstream(response).fetch).generate(converseJob(), new AbortController().signal);
    const batches: string[] = [];
    for await (const batch of events)
      batches.push(batch.map((one) => (one.type === 'text' ? one.text : one.type)).join(' '));
    expect(batches).toEqual(['a b c', 'd', 'e', 'finish usage']);
  });

  it('are given before the next read comes', async () => {
    const { response } = openStream(START, text('a'), text('b'));
    const { events } = await bedrock(upstream(() => response).fetch).generate(
      converseJob(),
      new AbortController().signal,
    );
    const first = await events[Symbol.asyncIterator]().next();
    expect(first.value?.map((one: Event) => one.type)).toEqual(['text', 'text']);
  });

  it('give what came in the same read as a failure before the failure', async () => {
    const got = await heard(START, text('Hel'), text('lo'), exception('throttlingException', 'slow down'));
    expect(got.choices.get(0)?.text).toBe('Hello');
    expect(got.error).toMatchObject({ code: 'provider_rate_limited' });
  });
});

describe('an exception in a stream', () => {
  const CASES = [
    [exception('throttlingException', 'slow'), 'provider_rate_limited', 'ThrottlingException'],
    [
      exception('ThrottlingException:http://internal.amazon.com/', 'slow'),
      'provider_rate_limited',
      'ThrottlingException',
    ],
    [exception('serviceUnavailableException', 'slow'), 'provider_overloaded', 'ServiceUnavailableException'],
    [exception('internalServerException', 'slow'), 'provider_error', 'InternalServerException'],
    [exception('modelStreamErrorException', 'slow'), 'provider_error', 'ModelStreamErrorException'],
    [exception('validationException', 'slow'), 'invalid_request', 'ValidationException'],
    [exception('newException', 'slow'), 'provider_error', 'NewException'],
    [errorFrame('InternalServerError', 'slow'), 'provider_error', 'InternalServerError'],
  ] as const;

  it.each(CASES)('is known by its name, after the first text: %#', async (frame, code, upstreamCode) => {
    const got = await heard(START, text('a'), frame);
    expect(got.error).toBeInstanceOf(GatewayError);
    expect(got.error).toMatchObject({
      code,
      details: { upstreamCode, upstreamMessage: 'slow', upstreamRequestId: 'req-1' },
    });
    expect(got.choices.get(0)?.finish).toBeUndefined();
  });

  it.each(CASES)('rejects before any event, as the first frame: %#', async (frame, code, upstreamCode) => {
    const provider = bedrock(upstream(() => streamOf(frame)).fetch);
    await expect(provider.generate(converseJob(), new AbortController().signal)).rejects.toMatchObject({
      code,
      details: { upstreamCode, upstreamMessage: 'slow' },
    });
  });
});
