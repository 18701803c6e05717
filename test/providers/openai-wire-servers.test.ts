import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../providers/openai/index.ts';
import { completionTokens, GatewayError, promptTokens } from '../../src/core/index.ts';
import { type Collected, collect } from '../support/collect.ts';
import { isStream, SERVER_ANSWERS, type ServerAnswer, textOf, typeOf } from '../support/server-answers.ts';
import { calm, chatJob, promptJob, sse, streamOf } from './support/openai-jobs.ts';

const UPSTREAM = { id: 'mine', name: 'Mine' };
const utf8 = new TextEncoder();

/** Delivers the bytes in these pieces, one a read. */
function delivered(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const ends = [...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length];
  let from = 0;
  return new ReadableStream({
    pull(controller) {
      const end = ends.shift();
      if (end === undefined) return controller.close();
      if (end > from) controller.enqueue(bytes.subarray(from, end));
      else controller.enqueue(new Uint8Array([]));
      from = Math.max(from, end);
    },
  });
}

async function read(answer: ServerAnswer, body: string, cuts: readonly number[] = []): Promise<Collected> {
  const sampling = body.includes('"logprobs":{') ? { logprobs: 1 } : {};
  const job = chatJob({ stream: isStream(answer), sampling });
  const response = new Response(delivered(utf8.encode(body), cuts), {
    status: answer.status ?? 200,
    headers: { 'content-type': typeOf(answer) },
  });
  try {
    return await collect((await readAnswer(response, job, calm(), UPSTREAM)).events);
  } catch (error) {
    return { choices: new Map(), usage: undefined, batches: 0, error };
  }
}

function expectMeant({ want }: ServerAnswer, got: Collected): void {
  const choice = got.choices.get(0);
  if ('code' in want) {
    expect(got.error).toBeInstanceOf(GatewayError);
    expect(got.error).toMatchObject({
      code: want.code,
      details: {
        ...(want.says === undefined ? {} : { upstreamMessage: want.says }),
        ...(want.upstreamCode === undefined ? {} : { upstreamCode: want.upstreamCode }),
      },
    });
    expect(choice?.text ?? '').toBe(want.text ?? choice?.text?.trim() ?? '');
    expect(choice?.finish).toBeUndefined();
    return;
  }
  expect(got.error).toBeUndefined();
  expect(got.choices.size).toBe(1);
  expect(choice).toMatchObject({ text: want.text ?? '', reasoning: want.reasoning ?? '', finish: want.finish });
  expect(choice?.toolCalls.map((call) => [call.name, JSON.parse(call.arguments)])).toEqual(want.tools ?? []);
  expect(new Set(choice?.toolCalls.map((call) => call.id)).size).toBe(want.tools?.length ?? 0);
  const { usage } = got;
  expect(
    usage && [usage.promptUnknown ? 'unknown' : promptTokens(usage), completionTokens(usage), usage.cacheRead],
  ).toEqual(want.usage && [want.usage[0], want.usage[1], want.usage[2] ?? 0]);
}

const everyByte = (body: string): number[] => Array.from({ length: utf8.encode(body).length }, (_, i) => i);

/** Other ways to write the same events. */
const WRITINGS: readonly (readonly [string, (body: string) => string])[] = [
  ['as it is', (body) => body],
  ['with CRLF', (body) => body.replaceAll('\n', '\r\n')],
  ['with CR', (body) => body.replaceAll('\n', '\r')],
  ['without spaces', (body) => body.replaceAll(/^data: /gm, 'data:')],
  ['with comments and ids', (body) => body.replaceAll(/^data: (?=\{)/gm, ': ping\n\nid: 7\nretry: 10\ndata: ')],
  ['behind a byte order mark', (body) => `\uFEFF${body}`],
  ['without its last line end', (body) => body.trimEnd()],
];

describe('what servers answer means what it meant', () => {
  const cases = SERVER_ANSWERS.map((answer) => [answer.server, answer] as const);

  it.each(cases)('%s', async (_server, answer) => {
    for (const [, write] of isStream(answer) ? WRITINGS : WRITINGS.slice(0, 1)) {
      const body = write(textOf(answer));
      expectMeant(answer, await read(answer, body));
      expectMeant(answer, await read(answer, body, everyByte(body)));
    }
  });

  it.each(cases)('%s, cut anywhere', async (_server, answer) => {
    const body = textOf(answer);
    const length = utf8.encode(body).length;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(length), { maxLength: 10 }), async (cuts) => {
        expectMeant(
          answer,
          await read(
            answer,
            body,
            cuts.toSorted((a, b) => a - b),
          ),
        );
      }),
      { numRuns: 10 },
    );
  });
});

describe('a stream that ends where it should not', () => {
  const whole = SERVER_ANSWERS.filter((answer) => 'events' in answer.body && !('code' in answer.want));

  it.each(whole.map((answer) => [answer.server, answer] as const))('%s', async (_server, answer) => {
    const bytes = utf8.encode(textOf(answer));
    const complete = await read(answer, textOf(answer));
    for (let length = 0; length < bytes.length; length++) {
      const got = await read(answer, new TextDecoder().decode(bytes.subarray(0, length)));
      if (got.error === undefined) {
        // What looks complete is: a bill that did not come is no text.
        expect([...got.choices.values()]).toEqual([...complete.choices.values()].map((choice) => withIds(choice, got)));
      } else expect(got.error).toMatchObject({ code: expect.stringMatching(/^(stream_interrupted|provider_error)$/) });
    }
  });
});

/** Ids of calls that the server gave none are made up for each answer. */
function withIds<Choice extends { readonly toolCalls: readonly { readonly id: string }[] }>(
  choice: Choice,
  got: Collected,
): Choice {
  const made = got.choices.get(0)?.toolCalls ?? [];
  return { ...choice, toolCalls: choice.toolCalls.map((call, at) => ({ ...call, id: made[at]?.id ?? call.id })) };
}

describe('a raw completion', () => {
  const chunk = (text: unknown, finish_reason: unknown = null, more: object = {}) => ({
    id: 'cmpl-1',
    object: 'text_completion',
    choices: [{ index: 0, text, logprobs: null, finish_reason, ...more }],
  });
  const bill = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } };

  it.each<[server: string, events: unknown[], finish: string]>([
    ['vLLM', [chunk('Hola '), chunk('ñandú', 'length', { stop_reason: null }), bill], 'length'],
    ['llama.cpp', [chunk('Hola '), chunk('ñandú'), chunk('', 'stop', { tokens: [] }), bill], 'stop'],
    ['Text Generation Inference', [chunk('Hola ', ''), chunk('ñandú', ''), chunk('', 'eos_token'), bill], 'stop'],
    ['Fireworks', [chunk('Hola '), { ...chunk('ñandú', 'stop'), usage: bill.usage }], 'stop'],
    ['a text that is null', [chunk(null), chunk('Hola '), chunk('ñandú'), chunk(null, 'stop'), bill], 'stop'],
    [
      'no index',
      [chunk('Hola ', null, { index: undefined }), chunk('ñandú', 'stop', { index: undefined }), bill],
      'stop',
    ],
    [
      'chunks of a chat',
      [{ choices: [{ index: 0, delta: { content: 'Hola ñandú' }, finish_reason: 'stop' }] }, bill],
      'stop',
    ],
  ])('of %s', async (_server, events, finish) => {
    for (const end of ['data: [DONE]\n\n', '']) {
      const got = await collect((await readAnswer(streamOf(sse(events, end)), promptJob(), calm(), UPSTREAM)).events);
      expect(got.error).toBeUndefined();
      expect(got.choices.get(0)).toMatchObject({ text: 'Hola ñandú', finish });
      expect(got.usage).toMatchObject({ input: 3, output: 4 });
    }
  });

  it('of no token beside its echo is billed as none', async () => {
    const whole = {
      choices: [{ index: 0, text: 'Once upon', finish_reason: 'length' }],
      usage: { ...bill.usage, completion_tokens: 0, total_tokens: 3 },
    };
    const response = new Response(JSON.stringify(whole), { headers: { 'content-type': 'application/json' } });
    const job = promptJob({ stream: false, echo: true });
    const got = await collect((await readAnswer(response, job, calm(), UPSTREAM)).events);
    expect(got.usage).toMatchObject({ input: 3, output: 0 });
  });
});

describe('several choices', () => {
  const said = (index: number, content: string, finish_reason: string | null = null) => ({
    choices: [{ index, delta: { content }, finish_reason }],
  });

  it('may come in one chunk, their ends apart, and the bill after each', async () => {
    const usage = (tokens: number) => ({ prompt_tokens: 3, completion_tokens: tokens, total_tokens: 3 + tokens });
    const both = { choices: [...said(0, 'a').choices, ...said(1, 'x').choices], usage: usage(2) };
    const events = [both, { ...said(1, 'y', 'stop'), usage: usage(3) }, { ...said(0, 'b', 'length'), usage: usage(4) }];
    const got = await collect((await readAnswer(streamOf(sse(events)), chatJob({ n: 2 }), calm(), UPSTREAM)).events);
    expect(got.error).toBeUndefined();
    expect([0, 1].map((index) => [got.choices.get(index)?.text, got.choices.get(index)?.finish])).toEqual([
      ['ab', 'length'],
      ['xy', 'stop'],
    ]);
    expect(got.usage).toMatchObject({ input: 3, output: 4 });
  });

  it('fail together where one of them has failed', async () => {
    const failed = {
      choices: [{ index: 1, delta: {}, finish_reason: 'error', error: { code: 503, message: 'No GPU' } }],
    };
    const got = await collect(
      (await readAnswer(streamOf(sse([said(0, 'a', 'stop'), failed])), chatJob({ n: 2 }), calm(), UPSTREAM)).events,
    );
    expect(got.error).toMatchObject({ code: 'provider_overloaded', details: { upstreamMessage: 'No GPU' } });
    expect(got.choices.get(0)).toMatchObject({ text: 'a', finish: undefined });
  });
});
