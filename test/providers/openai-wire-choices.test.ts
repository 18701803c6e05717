import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../providers/openai/index.ts';
import type { Job } from '../../src/core/index.ts';
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
const tool = (entry: Record<string, unknown>): unknown => ({ choices: [{ index: 0, delta: { tool_calls: [entry] } }] });
const first = (got: Collected) => got.choices.get(0);
const INTERRUPTED = { code: 'stream_interrupted' };

describe('the stop string that matched', () => {
  const ended = (more: object) => ({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...more }] });

  it.each<[string, object, string | undefined]>([
    ['vLLM', { stop_reason: '###' }, '###'],
    ['SGLang', { matched_stop: '###' }, '###'],
    ['SGLang before', { finish_reason: { type: 'stop', matched: '###' } }, '###'],
    ['vLLM, of a token', { stop_reason: 128_009 }, undefined],
    ['SGLang, of a token', { finish_reason: { type: 'stop', matched: 2 } }, undefined],
    ['others', { stop_reason: null }, undefined],
  ])('is read as %s names it', async (_server, more, stopString) => {
    const got = await read(streamOf(sse([delta('Hi'), ended(more)])), chatJob({ stop: ['###'] }));
    expect(first(got)).toMatchObject({ finish: 'stop', stopString });
  });
});

describe('choices', () => {
  it('may come interleaved', async () => {
    const chunks = [delta('a', 1), delta('x'), delta('b', 1), delta('y'), delta('!', 2)];
    const got = await read(
      streamOf(sse([...chunks, finish('stop', 2), finish('length'), finish('stop', 1)])),
      chatJob({ n: 3 }),
    );
    expect([0, 1, 2].map((i) => [got.choices.get(i)?.text, got.choices.get(i)?.finish])).toEqual([
      ['xy', 'length'],
      ['ab', 'stop'],
      ['!', 'stop'],
    ]);
  });

  it('of a completion may lack their index', async () => {
    const got = await read(streamOf(sse([{ choices: [{ text: 'Hi', finish_reason: 'eos' }] }])), promptJob());
    expect(first(got)).toMatchObject({ text: 'Hi', finish: 'stop', native: 'eos' });
  });

  it('may say the same as text and as delta, and it is said once', async () => {
    const chunk = { choices: [{ index: 0, text: 'Hi', delta: { content: 'Hi' }, finish_reason: 'stop' }] };
    expect(first(await read(streamOf(sse([chunk])), promptJob()))?.text).toBe('Hi');
    expect(first(await read(streamOf(sse([chunk]))))?.text).toBe('Hi');
  });

  it('may reason under either name, or under both at once', async () => {
    const chunks = [{ reasoning: 'a' }, { reasoning_content: 'b' }, { reasoning: 'c', reasoning_content: 'c' }];
    const got = await read(streamOf(sse([...chunks.map((d) => ({ choices: [{ delta: d }] })), finish('stop')])));
    expect(first(got)).toMatchObject({ reasoning: 'abc', text: '' });
  });

  it.each([
    ['an object', { reasoning_content: { text: 'Let me see.' } }],
    [
      'parts',
      {
        reasoning: [
          { type: 'text', text: 'Let me ' },
          { type: 'text', text: 'see.' },
        ],
      },
    ],
    ['details, as OpenRouter has them', { reasoning_details: [{ type: 'reasoning.text', text: 'Let me see.' }] }],
    ['a summary', { reasoning_details: [{ type: 'reasoning.summary', summary: 'Let me see.' }] }],
    [
      'a part of the content, as Mistral has it',
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] },
          { type: 'text', text: '' },
        ],
      },
    ],
    ['a string beside its details', { reasoning: 'Let me see.', reasoning_details: [{ text: 'Let me see.' }] }],
  ])('may reason in %s', async (_, said) => {
    const chunks = [{ choices: [{ index: 0, delta: said }] }, delta('Hi'), finish('stop')];
    expect(first(await read(streamOf(sse(chunks))))).toMatchObject({ reasoning: 'Let me see.', text: 'Hi' });
  });

  it("end in `stop`, with the provider's word kept, where nobody knows the word", async () => {
    const got = await read(streamOf(sse([delta('Hi'), finish('constructor')])));
    expect(first(got)).toMatchObject({ finish: 'stop', native: 'constructor' });
  });
});

describe('tool calls', () => {
  const named = (index: number | undefined, id: string | undefined, name: string) =>
    tool({ ...(index === undefined ? {} : { index }), ...(id ? { id } : {}), function: { name, arguments: '' } });
  const more = (index: number | undefined, args: string) =>
    tool({ ...(index === undefined ? {} : { index }), function: { arguments: args } });
  const calls = (got: Collected) => first(got)?.toolCalls.map((call) => [call.name, call.arguments]);

  it.each([
    ['from 0', 0, 1],
    ['from 1', 1, 2],
    ['with a gap', 3, 7],
    ['not at all', undefined, undefined],
  ])('numbered %s come out numbered from 0', async (_how, a, b) => {
    const chunks = [named(a, 'c1', 'f'), more(a, '{"x"'), more(a, ':1}'), named(b, 'c2', 'g'), more(b, '{}')];
    const got = await read(streamOf(sse([...chunks, finish('tool_calls')])));
    expect(calls(got)).toEqual([
      ['f', '{"x":1}'],
      ['g', '{}'],
    ]);
    expect(first(got)?.toolCalls.map((call) => call.id)).toEqual(['c1', 'c2']);
  });

  it('all numbered alike are told apart by their ids', async () => {
    const chunks = [named(0, 'c1', 'f'), more(0, '{}'), named(0, 'c2', 'f'), more(0, '[]')];
    expect(calls(await read(streamOf(sse([...chunks, finish('tool_calls')]))))).toEqual([
      ['f', '{}'],
      ['f', '[]'],
    ]);
  });

  it('that get a new id with every piece are one call', async () => {
    const chunks = [named(0, 'c1', 'f'), tool({ index: 0, id: 'c2', function: { arguments: '{}' } })];
    const got = await read(streamOf(sse([...chunks, finish('tool_calls')])));
    expect(first(got)?.toolCalls).toEqual([{ id: 'c1', name: 'f', arguments: '{}' }]);
  });

  it('without ids get some of their own', async () => {
    const got = await read(streamOf(sse([named(0, undefined, 'f'), named(1, undefined, 'g'), finish('tool_calls')])));
    const ids = first(got)?.toolCalls.map((call) => call.id) ?? [];
    expect(new Set(ids).size).toBe(2);
  });

  it('named late keep the arguments that came before', async () => {
    const chunks = [more(0, '{"a"'), tool({ index: 0, id: 'c', function: { name: 'f', arguments: ':1}' } })];
    expect(calls(await read(streamOf(sse([...chunks, finish('tool_calls')]))))).toEqual([['f', '{"a":1}']]);
  });

  it.each([undefined, null, '', ' '])('without arguments (%j) are called with none', async (args) => {
    const got = await read(
      streamOf(sse([tool({ index: 0, id: 'c', function: { name: 'f', arguments: args } }), finish('stop')])),
    );
    expect(JSON.parse(first(got)?.toolCalls[0]?.arguments ?? '')).toEqual({});
  });

  it('that are never named make no call', async () => {
    expect((await read(streamOf(sse([more(0, '{}'), finish('tool_calls')])))).error).toMatchObject({
      code: 'provider_error',
    });
  });

  it('in the legacy form are calls all the same', async () => {
    const fn = (function_call: unknown) => ({ choices: [{ index: 0, delta: { function_call } }] });
    const chunks = [fn({ name: 'f', arguments: '' }), fn({ arguments: '{"x":' }), fn({ arguments: '1}' })];
    const got = await read(streamOf(sse([...chunks, finish('function_call')])));
    expect(calls(got)).toEqual([['f', '{"x":1}']]);
    expect(first(got)).toMatchObject({ finish: 'tool_calls', native: 'function_call' });
  });

  it('end in `tool_calls` even where the server says `stop`', async () => {
    const got = await read(streamOf(sse([named(0, 'c', 'f'), finish('stop')])));
    expect(first(got)).toMatchObject({ finish: 'tool_calls', native: 'stop' });
  });

  it('of which a second follows the finish of the first are both there', async () => {
    const chunks = [named(0, 'c1', 'f'), finish('tool_calls'), named(1, 'c2', 'g'), finish('tool_calls')];
    expect(calls(await read(streamOf(sse(chunks))))).toEqual([
      ['f', '{}'],
      ['g', '{}'],
    ]);
    const cut = await read(streamOf(sse(chunks.slice(0, 3), '')));
    expect(cut.error).toMatchObject(INTERRUPTED);
  });
});

describe('usage', () => {
  const usage = (prompt: number, completion: number, more: object = {}) => ({
    choices: [],
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...more },
  });

  it('is the last that was told, once', async () => {
    const got = await read(
      streamOf(sse([usage(5, 1), delta('Hi'), finish('stop'), usage(5, 3), { choices: [], usage: null }])),
    );
    expect(got.usage).toMatchObject({ input: 5, output: 3, source: 'provider' });
  });

  it('keeps what was cached and what was thought in buckets of their own', async () => {
    const details = { prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 2 } };
    const got = await read(streamOf(sse([delta('Hi'), finish('stop'), usage(10, 5, details)])));
    expect(got.usage).toMatchObject({ input: 6, cacheRead: 4, output: 3, reasoning: 2 });
    const together = await read(streamOf(sse([delta('Hi'), finish('stop'), usage(10, 5, { cached_tokens: 4 })])));
    expect(together.usage).toMatchObject({ input: 6, cacheRead: 4 });
  });

  it('of the answer alone leaves the prompt to be counted, and is absent where the answer is not in it', async () => {
    const told = (given: object) => read(streamOf(sse([delta('Hi'), finish('stop'), { choices: [], usage: given }])));
    const half = await told({ prompt_tokens: null, completion_tokens: 3 });
    expect(half.usage).toMatchObject({ promptUnknown: true, input: 0, output: 3 });
    expect((await told({ prompt_tokens: 3, completion_tokens: null })).usage).toBeUndefined();
  });
});

describe('log probabilities', () => {
  const asked = (k: number) => chatJob({ sampling: { logprobs: k } });
  const one = (logprobs: unknown, text = 'Hi') =>
    sse([{ choices: [{ delta: { content: text }, logprobs, finish_reason: 'stop' }] }]);
  const entry = (token: string, logprob: number) => ({ token, logprob, bytes: [1], top_logprobs: [] });

  it.each([
    ["OpenAI's", { content: [{ ...entry('Hi', -1), top_logprobs: [entry('Hi', -1), entry('Ho', -2)] }] }, [1]],
    ['the legacy', { tokens: ['Hi'], token_logprobs: [-1], top_logprobs: [{ Ho: -2, Hi: -1 }] }, null],
  ])('are read in %s form, with as many alternatives as were asked for', async (_form, wire, bytes) => {
    const [got] = first(await read(streamOf(one(wire)), asked(1)))?.logprobs ?? [];
    expect(got).toEqual({ token: 'Hi', logprob: -1, bytes, top: [{ token: 'Hi', logprob: -1, bytes }] });
  });

  it("are read from Together's bare number", async () => {
    const got = first(await read(streamOf(one(-0.5)), asked(1)));
    expect(got?.logprobs).toEqual([{ token: 'Hi', logprob: -0.5, bytes: null, top: [] }]);
  });

  it.each([{}, null, { tokens: ['Hi'] }, 'x'])('are none where they say nothing: %j', async (wire) => {
    expect(first(await read(streamOf(one(wire)), asked(1)))).toMatchObject({ text: 'Hi', logprobs: [] });
  });
});
