import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Event, GatewayError } from '../../src/core/index.ts';
import { chatAnswer, chatStream, completionAnswer, completionStream } from '../../src/dialects/openai/index.ts';
import { parseSse, readStream } from '../support/sse.ts';

const envelope = { id: 'gen-1', created: 1, model: 'llama', provider: 'bedrock', fingerprint: null };
const usage: Event = {
  type: 'usage',
  usage: { input: 3, cacheRead: 2, cacheWrite: 1, output: 4, reasoning: 5, source: 'provider', cacheTold: true },
};

/** Events of one choice: text and reasoning in any pieces, perhaps tools, then a finish. */
const choiceEvents = (choice: number): fc.Arbitrary<Event[]> =>
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary', minLength: 1 }).map((text): Event => ({ type: 'text', choice, text })),
        fc.string({ minLength: 1 }).map((text): Event => ({ type: 'reasoning', choice, text })),
        fc
          .string()
          .map((args): Event => ({ type: 'tool', choice, index: 0, id: 'call_1', name: 'f', arguments: args })),
      ),
      { maxLength: 12 },
    )
    .map((events) => {
      let opened = false;
      const once = events.map((event): Event => {
        if (event.type !== 'tool' || !opened) {
          opened ||= event.type === 'tool';
          return event;
        }
        return { type: 'tool', choice, index: 0, arguments: event.arguments };
      });
      return [...once, { type: 'finish', choice, reason: opened ? 'tool_calls' : 'stop' }];
    });

/** Batches of two choices, interleaved as a network might. */
const batches = fc
  .tuple(choiceEvents(0), choiceEvents(1), fc.array(fc.tuple(fc.boolean(), fc.nat(3))))
  .map(([a, b, cuts]) => {
    const queues = [[...a], [...b]];
    const out: Event[][] = [];
    for (const [second, count] of cuts) out.push((queues[second ? 1 : 0] ?? []).splice(0, count));
    return [...out, ...queues, [usage]];
  });

describe('a chat stream', () => {
  it('says what the JSON answer says, however its events are batched', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const encoder = chatStream(envelope, { includeUsage: true });
        const read = readStream(all.map((batch) => encoder.encode(batch)).join('') + encoder.end());
        const whole = chatAnswer(envelope, all.flat(), 2) as {
          choices: {
            message: { content: string | null; tool_calls?: { function: { arguments: string } }[] };
            finish_reason: string;
          }[];
          usage: unknown;
        };
        expect(read.done).toBe(true);
        for (const [index, choice] of whole.choices.entries()) {
          expect(read.text[index] ?? '').toBe(choice.message.content ?? '');
          expect(read.finish[index]).toBe(choice.finish_reason);
          const roles = read.chunks
            .flatMap((chunk) => chunk.choices)
            .filter((one) => one.index === index && one.delta?.role);
          expect(roles).toHaveLength(1);
        }
        expect(read.usage).toEqual(whole.usage);
        expect(read.chunks.filter((chunk) => chunk.usage)).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });

  it('is one write for each batch, its texts as one chunk', () => {
    const encoder = chatStream(envelope, { includeUsage: false });
    encoder.encode([{ type: 'text', choice: 0, text: 'a' }]);
    const lines = parseSse(
      encoder.encode([
        { type: 'text', choice: 0, text: 'b' },
        { type: 'text', choice: 0, text: 'c' },
      ]),
    );
    expect(lines.map((line) => JSON.parse(line.data ?? '').choices[0].delta)).toEqual([{ content: 'bc' }]);
  });

  it('sends usage only when asked', () => {
    const encoder = chatStream(envelope, { includeUsage: false });
    expect(encoder.encode([usage])).toBe('');
    expect(encoder.end()).toBe('data: [DONE]\n\n');
  });

  it('counts disjoint buckets together', () => {
    const encoder = chatStream(envelope, { includeUsage: true });
    encoder.encode([usage]);
    expect(readStream(encoder.end()).usage).toMatchObject({
      prompt_tokens: 6,
      completion_tokens: 9,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 5 },
    });
  });

  it('leaves cached tokens out where the provider says nothing: that is not none, and OpenAI’s schema has no null', () => {
    const cached = (told: { cacheTold?: true }) => {
      const encoder = chatStream(envelope, { includeUsage: true });
      encoder.encode([
        {
          type: 'usage',
          usage: { input: 5, cacheRead: 0, cacheWrite: 0, output: 1, reasoning: 0, source: 'provider', ...told },
        },
      ]);
      return readStream(encoder.end()).usage;
    };
    expect(cached({})?.prompt_tokens_details).toEqual({});
    expect(cached({ cacheTold: true })?.prompt_tokens_details).toEqual({ cached_tokens: 0 });
  });

  it('that breaks ends in one typed error chunk', () => {
    const encoder = chatStream(envelope, { includeUsage: true });
    const error = new GatewayError('stream_interrupted', 'bedrock ended its answer without finishing it.', {
      provider: 'bedrock',
    });
    const read = readStream(encoder.encode([{ type: 'text', choice: 0, text: 'Hel' }]) + encoder.fail(error));
    expect(read.done).toBe(false);
    expect(read.chunks.at(-1)).toMatchObject({
      id: 'gen-1',
      object: 'chat.completion.chunk',
      error: {
        code: 'stream_interrupted',
        type: 'api_error',
        message: expect.any(String),
        metadata: { provider: 'bedrock' },
      },
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    });
  });

  it('cannot be broken out of by what a model says', () => {
    const encoder = chatStream(envelope, { includeUsage: false });
    const evil = '"}}]}\n\ndata: [DONE]\n\n\u2028\u0000';
    const read = readStream(
      encoder.encode([
        { type: 'text', choice: 0, text: evil },
        { type: 'finish', choice: 0, reason: 'stop' },
      ]) + encoder.end(),
    );
    expect(read.text[0]).toBe(evil);
    expect(read.chunks).toHaveLength(3);
  });
});

describe('a completion', () => {
  it('echoes the prompt once for each choice, in both forms', () => {
    const events: Event[] = [
      { type: 'text', choice: 0, text: 'blue' },
      { type: 'finish', choice: 0, reason: 'stop' },
      { type: 'text', choice: 1, text: 'grey' },
      { type: 'finish', choice: 1, reason: 'tool_calls' },
    ];
    const echoes = (choice: number) => `p${choice}:`;
    const encoder = completionStream(envelope, { includeUsage: false, echoes });
    const read = readStream(events.map((event) => encoder.encode([event])).join('') + encoder.end());
    expect(read.text).toEqual(['p0:blue', 'p1:grey']);
    expect(read.finish).toEqual(['stop', 'stop']);
    expect(completionAnswer(envelope, events, 2, echoes).choices).toMatchObject([
      { text: 'p0:blue' },
      { text: 'p1:grey' },
    ]);
  });

  it('gives log probabilities in the legacy form, offsets counted through the stream', () => {
    const logprob = (token: string) => ({
      token,
      logprob: -0.5,
      bytes: null,
      top: [{ token, logprob: -0.5, bytes: null }],
    });
    const encoder = completionStream(envelope, { includeUsage: false });
    const first = encoder.encode([{ type: 'text', choice: 0, text: 'ab', logprobs: [logprob('ab')] }]);
    const second = encoder.encode([{ type: 'text', choice: 0, text: 'c', logprobs: [logprob('c')] }]);
    const of = (text: string) => JSON.parse(parseSse(text)[0]?.data ?? '').choices[0].logprobs;
    expect(of(first)).toEqual({
      tokens: ['ab'],
      token_logprobs: [-0.5],
      top_logprobs: [{ ab: -0.5 }],
      text_offset: [0],
    });
    expect(of(second).text_offset).toEqual([2]);
  });
});

describe('the chunks of a chat stream', () => {
  const said = (text: string, choice: number): Event => ({ type: 'text', choice, text });
  const chunksOf = (batch: Event[], more: Parameters<typeof chatStream>[1] = { includeUsage: false }) =>
    readStream(chatStream(envelope, more).encode(batch)).chunks;

  it('have usage: null where the usage was asked for, and no usage where it was not', () => {
    for (const chunk of chunksOf([said('Hi', 0)], { includeUsage: true })) expect(chunk).toHaveProperty('usage', null);
    for (const chunk of chunksOf([said('Hi', 0)])) expect(chunk).not.toHaveProperty('usage');
  });

  it('keep the choices of one read apart', () => {
    const chunks = chunksOf([said('a', 0), said('b', 1), said('c', 1), said('d', 0)]);
    const texts = chunks.flatMap(({ choices }) =>
      choices.flatMap(({ index, delta }) => (delta?.content ? [[index, delta.content]] : [])),
    );
    expect(texts).toEqual([
      [0, 'a'],
      [1, 'bc'],
      [0, 'd'],
    ]);
  });

  it('leave out what the model thought where the caller does not want it', () => {
    const thought: Event = { type: 'reasoning', choice: 0, text: 'hm' };
    const shown = (hideReasoning: boolean) =>
      JSON.stringify(chunksOf([thought, said('Hi', 0)], { includeUsage: false, hideReasoning }));
    expect(shown(false)).toContain('hm');
    expect(shown(true)).not.toContain('hm');
  });
});
