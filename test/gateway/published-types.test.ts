import { type Arbitrary, assert, asyncProperty, constant, constantFrom, record } from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { assertAnthropic } from '../support/anthropic-schemas.ts';
import { type Stack, startStack } from '../support/gateway.ts';
import { asOpenResponses, CONTRADICTIONS } from '../support/open-responses.ts';
import { type PublishedTypes, publishedTypes, type Typed } from '../support/published-types.ts';
import { readResponses } from '../support/responses.ts';
import { assertOpenAi } from '../support/schemas.ts';

/**
 * Answers and events to calls drawn at random, held to the types that OpenAI, Anthropic and Open Responses publish. The
 * types are those of their Python packages, taken strictly; what breaks a rule that types cannot say is found by
 * `readResponses`.
 */

type Json = Readonly<Record<string, unknown>>;

const MODELS = [
  'together/gpt-oss-120b',
  'bedrock/llama-3.3-70b-instruct',
  'together/deepseek-v4-pro',
  'bedrock/qwen3-32b',
  'replicate/llama-3-8b-instruct',
  'anyscale/llama-3.3-70b-instruct',
];
const WEATHER = 'What is the weather in Lima? Use get_weather.';
const COUNT = 'Count to 200';
const QUESTIONS = ['What is the capital of the California?', WEATHER, COUNT];
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const SCHEMA = { ...parameters, additionalProperties: false };
const ABOUT = { name: 'get_weather', description: 'The weather of a city' };

/** One of these parts of a body, or nothing. */
const part = (...parts: readonly Json[]): Arbitrary<Json> => constantFrom({}, ...parts);
/** Every third answer breaks off at its provider. */
const FAULTS = [undefined, undefined, { kind: 'cut', bytes: 700 }];

const call = (parts: Readonly<Record<string, Arbitrary<Json>>>) =>
  record({
    model: constantFrom(...MODELS),
    question: constantFrom(...QUESTIONS),
    fault: constantFrom(...FAULTS),
    parts: record(parts).map((drawn) => Object.assign({}, ...Object.values(drawn)) as Json),
  });

const custom = { type: 'custom', name: 'note', description: 'Takes a note' };
const weather = { type: 'function', ...ABOUT, parameters };
const namespace = { type: 'namespace', name: 'sky', description: 'The sky', tools: [{ ...weather, name: 'look' }] };
const responses = call({
  tools: part(
    { tools: [weather] },
    { tools: [{ ...weather, strict: true }, custom], tool_choice: { type: 'custom', name: 'note' } },
    { tools: [{ ...custom, format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } }, weather] },
    { tools: [namespace, { type: 'web_search' }], tool_choice: 'required' },
    {
      tools: [weather, { type: 'function', name: 'bare' }],
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'get_weather' }] },
    },
    { tools: [weather], tool_choice: { type: 'function', name: 'get_weather' }, parallel_tool_calls: false },
  ),
  reasoning: part(
    { reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'] },
    { reasoning: { effort: 'minimal', summary: 'auto' } },
    { reasoning: { effort: 'max' }, include: ['reasoning.encrypted_content'] },
    { reasoning: { effort: 'none' } },
  ),
  limit: part({ max_output_tokens: 16 }, { max_output_tokens: 900 }),
  text: part(
    { text: { format: { type: 'json_schema', name: 'city', schema: SCHEMA } } },
    { text: { format: { type: 'json_schema', name: 'city', description: 'A', schema: SCHEMA, strict: true } } },
    { text: { format: { type: 'json_object' }, verbosity: 'low' } },
  ),
  sampling: part(
    { temperature: 0.3, top_p: 0.9 },
    { presence_penalty: 0.5, frequency_penalty: 0 },
    { top_logprobs: 2 },
  ),
  labels: part(
    { metadata: { a: 'b' }, user: 'u', prompt_cache_key: 'k', safety_identifier: 's' },
    { instructions: 'Be brief.' },
  ),
  vote: part({ vote: { samples: 2 } }),
});

const messages = call({
  tools: part(
    { tools: [{ ...ABOUT, input_schema: parameters }] },
    { tools: [{ ...ABOUT, input_schema: parameters }], tool_choice: { type: 'any', disable_parallel_tool_use: true } },
    {
      tools: [
        { ...ABOUT, input_schema: parameters },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
    },
  ),
  thinking: part(
    { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2000 },
    { thinking: { type: 'adaptive', display: 'omitted' } },
    { thinking: { type: 'disabled' } },
  ),
  limit: part({ max_tokens: 8 }),
  text: part(
    { output_config: { format: { type: 'json_schema', schema: SCHEMA } } },
    { output_config: { effort: 'low' } },
  ),
  stop: part({ stop_sequences: ['7', 'Sacra'] }),
  system: part(
    { system: 'Be brief.' },
    { system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }] },
  ),
});

const chats = call({
  tools: part(
    { tools: [{ type: 'function', function: { ...ABOUT, parameters } }] },
    {
      tools: [{ type: 'function', function: { ...ABOUT, parameters } }],
      tool_choice: 'required',
      parallel_tool_calls: false,
    },
  ),
  n: part({ n: 2 }),
  limit: part({ max_tokens: 4 }, { stop: ['7', 'Sacra'] }),
  text: part({ response_format: { type: 'json_schema', json_schema: { name: 'city', schema: SCHEMA } } }),
  sampling: part({ logprobs: true, top_logprobs: 2 }, { logprobs: true }, { reasoning_effort: 'low' }),
  usage: constant({ stream_options: { include_usage: true } }),
});

const [MODEL = ''] = MODELS;
const drawn = (question: string, parts: Json, fault?: { readonly kind: string; readonly bytes: number }) => [
  { model: MODEL, question, fault, parts },
];

describeWithPython('answers and events of drawn calls', 'requirements', (python) => {
  let stack: Stack;
  let types: PublishedTypes;
  beforeAll(async () => {
    [stack, types] = await Promise.all([startStack(), publishedTypes(python)]);
  });
  afterAll(async () => {
    types.stop();
    await stack.stop();
  });

  /** Asks for an answer in one piece and in a stream. What cannot be served is a 4xx, or the fault that was dialled. */
  async function ask(path: string, body: Json, fault: object | undefined, form: (text: string) => void) {
    const texts: { json?: string; stream?: string } = {};
    for (const stream of [false, true]) {
      await stack.reset();
      if (fault) await stack.dial({ fault, times: 1 });
      const { stream_options: options, ...rest } = body;
      const answer = await stack.post(
        path,
        { ...rest, ...(stream ? { stream, ...(options ? { stream_options: options } : {}) } : {}) },
        {
          'x-chasqui-no-resume': '1',
        },
      );
      const text = await answer.text();
      if (answer.status === 200) texts[stream ? 'stream' : 'json'] = text;
      else {
        expect(fault ? [400, 404, 429, 502, 503] : [400], text).toContain(answer.status);
        form(text);
      }
    }
    return texts;
  }

  it('are Responses by OpenAI’s types and by Open Responses’, but for what contradicts itself there', async () => {
    const seen: Typed[] = [];
    await assert(
      asyncProperty(responses, async ({ model, question, fault, parts }) => {
        const { json, stream } = await ask('/v1/responses', { model, input: question, ...parts }, fault, (text) =>
          assertOpenAi('ErrorResponse', JSON.parse(text)),
        );
        const values: Typed[] = [];
        if (json !== undefined) values.push(['response', JSON.parse(json)]);
        for (const event of stream === undefined ? [] : readResponses(stream).events) values.push(['event', event]);
        seen.push(...values);
        await types.hold(values.map(([type, value]) => [`openai/${type}`, value]));
        await types.hold(values.map(([type, value]) => [`open-responses/${type}`, asOpenResponses(value)]));
      }),
      {
        numRuns: 40,
        // What chance might leave out.
        examples: [
          drawn(COUNT, { max_output_tokens: 16 }),
          drawn(COUNT, {
            tools: [custom],
            tool_choice: { type: 'custom', name: 'note' },
            reasoning: { effort: 'max' },
          }),
          drawn(COUNT, { text: { format: { type: 'json_schema', name: 'city', schema: SCHEMA } } }),
          drawn(COUNT, { top_logprobs: 2 }),
          drawn(WEATHER, { tools: [weather] }),
          drawn(COUNT, {}, { kind: 'cut', bytes: 700 }),
        ],
      },
    );
    // Each of the exceptions is still needed.
    for (const one of CONTRADICTIONS) {
      const wrong = await types.faults(
        seen.map(([type, value]) => [`open-responses/${type}`, asOpenResponses(value, one)]),
      );
      expect(
        wrong.some((fault) => fault !== null),
        one.why,
      ).toBe(true);
    }
    const names = new Set(seen.map(([, value]) => (value as Json).type));
    expect([...names]).toEqual(
      expect.arrayContaining(['response.completed', 'response.incomplete', 'response.failed', 'error']),
    );
  });

  it('are Messages by the types of both of Anthropic’s clients', async () => {
    const seen = new Set<unknown>();
    await assert(
      asyncProperty(messages, async ({ model, question, fault, parts }) => {
        const body = { model, max_tokens: 300, messages: [{ role: 'user', content: question }], ...parts };
        const { json, stream } = await ask('/v1/messages', body, fault, (text) =>
          assertAnthropic('ErrorResponse', JSON.parse(text)),
        );
        const values: Typed[] = [];
        if (json !== undefined) {
          assertAnthropic('Message', JSON.parse(json));
          values.push(['anthropic/message', JSON.parse(json)]);
        }
        for (const frame of stream?.split('\n\n') ?? []) {
          const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
          if (data === undefined) continue;
          const event: Json = JSON.parse(data);
          expect(event.type).toBe(name);
          seen.add(name);
          if (name === 'error') assertAnthropic('ErrorResponse', event);
          else if (name !== 'ping') {
            assertAnthropic('RawMessageStreamEvent', event);
            values.push(['anthropic/event', event]);
          }
        }
        const { max_tokens: _max, stop_sequences: _stop, ...counted } = body as Json;
        const count = await stack.post('/v1/messages/count_tokens', counted);
        const answer: unknown = await count.json();
        if (count.status === 200) values.push(['anthropic/count', answer]);
        else assertAnthropic('ErrorResponse', answer);
        await types.hold(values);
      }),
      { numRuns: 40, examples: [drawn(COUNT, {}, { kind: 'cut', bytes: 700 })] },
    );
    expect([...seen]).toEqual(expect.arrayContaining(['message_stop', 'content_block_delta', 'error']));
  });

  it('are chats by OpenAI’s types and its published schemas', async () => {
    await assert(
      asyncProperty(chats, async ({ model, question, fault, parts }) => {
        const body = { model, messages: [{ role: 'user', content: question }], ...parts };
        const { json, stream } = await ask('/v1/chat/completions', body, fault, (text) =>
          assertOpenAi('ErrorResponse', JSON.parse(text)),
        );
        const values: Typed[] = [];
        if (json !== undefined) {
          assertOpenAi('CreateChatCompletionResponse', JSON.parse(json));
          values.push(['openai/chat', JSON.parse(json)]);
        }
        for (const frame of stream?.split('\n\n') ?? []) {
          if (!frame.startsWith('data: {')) continue;
          const chunk: Json = JSON.parse(frame.slice('data: '.length));
          if ('error' in chunk) continue;
          assertOpenAi('CreateChatCompletionStreamResponse', chunk);
          values.push(['openai/chunk', chunk]);
        }
        await types.hold(values);
      }),
      { numRuns: 30 },
    );
  });

  it('are completions and embeddings by OpenAI’s types', async () => {
    const completions = call({
      n: part({ n: 2 }, { prompt: ['One two', 'Red green'] }),
      limit: part({ max_tokens: 4 }, { stop: ['7'] }),
      more: part({ echo: true }, { logprobs: 2 }, { temperature: 0 }),
    });
    await assert(
      asyncProperty(completions, async ({ model, question, fault, parts }) => {
        const { json, stream } = await ask('/v1/completions', { model, prompt: question, ...parts }, fault, (text) =>
          assertOpenAi('ErrorResponse', JSON.parse(text)),
        );
        const chunks = (stream?.split('\n\n') ?? []).flatMap((frame): Json[] =>
          frame.startsWith('data: {') ? [JSON.parse(frame.slice('data: '.length))] : [],
        );
        // The types know no chunks of their own, in which OpenAI's servers say null until the end.
        const ended = chunks
          .filter((chunk) => !('error' in chunk))
          .map((chunk) => ({
            ...chunk,
            choices: (chunk.choices as Json[]).map((one) => ({ ...one, finish_reason: one.finish_reason ?? 'stop' })),
          }));
        const values = [...(json === undefined ? [] : [JSON.parse(json)]), ...ended];
        for (const value of values) assertOpenAi('CreateCompletionResponse', value);
        await types.hold(values.map((value): Typed => ['openai/completion', value]));
      }),
      { numRuns: 20 },
    );
    // A fault that the last of those calls did not meet is not for these.
    await stack.reset();
    const embeddings = record({
      model: constantFrom('titan-embed-text-v2', 'multilingual-e5-large-instruct', 'cohere-embed-english-v3'),
      input: constantFrom<unknown>('Cusco', ['Cusco', 'Lima'], ['One', 'two', 'three', 'four']),
    });
    await assert(
      asyncProperty(embeddings, async (body) => {
        const answer = await stack.post('/v1/embeddings', body);
        const value: unknown = await answer.json();
        expect(answer.status, JSON.stringify(value)).toBe(200);
        await types.hold([['openai/embeddings', value]]);
      }),
      { numRuns: 10 },
    );
  });

  it('are held to types that are asked, and that refuse', async () => {
    const wrong: Typed[] = [
      ['openai/response', { id: 1 }],
      ['openai/event', { type: 'response.output_text.delta' }],
      ['open-responses/response', { object: 'response' }],
      ['open-responses/event', { type: 'response.custom' }],
      ['anthropic/message', { type: 'message' }],
      ['openai/chunk', { id: 'x', choices: 'none' }],
      ['openai/nothing', {}],
    ];
    const faults = await types.faults(wrong);
    expect(faults.map((fault) => typeof fault)).toEqual(wrong.map(() => 'string'));
  });
});
