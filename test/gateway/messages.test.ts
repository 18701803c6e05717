import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assertAnthropic } from '../support/anthropic-schemas.ts';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

/** `POST /v1/messages` and what belongs to it, as Anthropic's own client calls it. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

type Params = Anthropic.MessageCreateParamsNonStreaming;
type Tool = Anthropic.Tool;

const client = () => new Anthropic({ baseURL: stack.url, apiKey: KEY, maxRetries: 0 });
const MODEL = 'llama-3.3-70b-instruct';
const CAPITAL: Params['messages'] = [{ role: 'user', content: 'What is the capital of the California?' }];
const plain = (more: Partial<Params> = {}): Params => ({ model: MODEL, max_tokens: 200, messages: CAPITAL, ...more });

const weather: Tool = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const WEATHER: Params['messages'] = [{ role: 'user', content: 'What is the weather in Lima? Use get_weather.' }];

/** A model at each provider that calls tools; some of them think. */
const MODELS = [
  'bedrock/llama-3.3-70b-instruct',
  'together/llama-3.3-70b-instruct',
  'bedrock/gpt-oss-120b',
  'together/gpt-oss-120b',
  'together/deepseek-v4-pro',
  'bedrock/qwen3-32b',
  'anyscale/llama-3.3-70b-instruct',
];

/** The sandbox counts these models' chats with tools by their own templates. Of others it bills an estimate. */
const isCounted = (model: string): boolean => model.includes('llama');

/** A message without what differs between two answers to the same question. */
const core = ({ content, stop_reason, stop_sequence, usage }: Anthropic.Message) => ({
  content: content.map((block) => (block.type === 'tool_use' ? { ...block, id: '' } : block)),
  stop_reason,
  stop_sequence,
  input_tokens: usage.input_tokens,
  output_tokens: usage.output_tokens,
});

describe.each(MODELS)('%s', (model) => {
  it('answers in one piece and in a stream alike', async () => {
    const answer = await client().messages.create(plain({ model }));
    const streamed = await client().messages.stream(plain({ model })).finalMessage();
    expect(answer.content.at(-1)).toMatchObject({ type: 'text', text: expect.stringMatching(/Sacramento/) });
    expect(answer.stop_reason).toBe('end_turn');
    expect(core(streamed)).toEqual(core(answer));
    assertAnthropic('Message', answer);
  });

  it('calls a tool, takes its result, and counts what it is billed', async () => {
    const asked = plain({ model, messages: WEATHER, tools: [weather], max_tokens: 1000 });
    const { model: name, messages, tools } = asked;
    const first = await client().messages.stream(asked).finalMessage();
    expect(first.stop_reason).toBe('tool_use');
    const call = first.content.find((block) => block.type === 'tool_use');
    expect(call).toMatchObject({ name: 'get_weather', input: { city: 'Lima' }, id: expect.stringMatching(/^[\w-]+$/) });
    const counted = await client().messages.countTokens({ model: name, messages, tools: tools ?? [] });
    if (isCounted(model)) expect(counted.input_tokens).toBe(first.usage.input_tokens);

    const second: Params['messages'] = [
      ...messages,
      { role: 'assistant', content: first.content },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: call?.id ?? '',
            content: [{ type: 'text', text: '{"city":"Lima","celsius":19}' }],
          },
        ],
      },
    ];
    const answer = await client().messages.create({ ...asked, messages: second });
    expect(answer.stop_reason).toBe('end_turn');
    const { input_tokens } = await client().messages.countTokens({ model: name, messages: second, tools: tools ?? [] });
    if (isCounted(model)) expect(input_tokens).toBe(answer.usage.input_tokens);
    expect(input_tokens).toBeGreaterThan(counted.input_tokens);
  });
});

/** The events of a stream as they went over the wire. */
async function events(body: unknown, headers: Record<string, string> = {}) {
  const response = await stack.post('/v1/messages?beta=true', { ...(body as object), stream: true }, headers);
  const text = await response.text();
  const frames = text
    .split('\n\n')
    .filter((frame) => frame !== '' && !frame.startsWith(':'))
    .map((frame) => {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
      return { event, data: JSON.parse(data ?? 'null') };
    });
  return { response, frames, text };
}

describe('a stream', () => {
  it('has Anthropic’s events in order, each with its name, and counts first what is billed last', async () => {
    const { response, frames } = await events(plain({ model: `together/${MODEL}` }));
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    for (const { event, data } of frames) {
      expect(event).toBe(data.type);
      if (event !== 'ping') assertAnthropic('RawMessageStreamEvent', data);
    }
    const names = frames.map(({ event }) => event).filter((name) => name !== 'ping');
    expect(names.join(' ')).toMatch(
      /^message_start content_block_start( content_block_delta)+ content_block_stop message_delta message_stop$/,
    );
    const counted = frames[0]?.data.message.usage;
    const billed = frames.at(-2)?.data.usage;
    expect(counted).toMatchObject({ output_tokens: 0, input_tokens: billed.input_tokens });
    expect(billed).toMatchObject({ output_tokens: expect.any(Number), cost: expect.any(Number) });
  });

  it('that breaks ends in an error event, and not as if it were complete', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'cut', bytes: 4000 }, times: 0 });
    const { frames } = await events(
      plain({ model: `together/${MODEL}`, messages: [{ role: 'user', content: 'Count to 200' }], max_tokens: 2000 }),
      { 'x-chasqui-no-resume': '1' },
    );
    expect(frames.at(-1)).toMatchObject({
      event: 'error',
      data: { type: 'error', error: { type: 'api_error', code: 'stream_interrupted' }, request_id: expect.any(String) },
    });
    expect(frames.some(({ event }) => event === 'message_stop')).toBe(false);
  });
});

describe('an error', () => {
  const failed = async (run: () => Promise<unknown>): Promise<APIError> => {
    try {
      await run();
    } catch (thrown) {
      if (thrown instanceof APIError) return thrown;
      throw thrown;
    }
    throw new Error('it succeeded');
  };

  it.each([
    [
      'a wrong key',
      () => new Anthropic({ baseURL: stack.url, apiKey: 'x', maxRetries: 0 }).messages.create(plain()),
      401,
      'authentication_error',
    ],
    ['an unknown model', () => client().messages.create(plain({ model: 'no-such-model' })), 404, 'not_found_error'],
    ['an unknown route', () => client().post('/v1/messages/nowhere', { body: {} }), 404, 'not_found_error'],
    ['a wrong method', () => client().get('/v1/messages'), 405, 'invalid_request_error'],
    ['a bad field', () => client().messages.create(plain({ max_tokens: -1 })), 400, 'invalid_request_error'],
    [
      'a body that is too large',
      () => client().messages.create(plain({ system: 'x'.repeat(40_000_000) })),
      413,
      'request_too_large',
    ],
  ])('for %s is in Anthropic’s envelope', async (_what, run, status, type) => {
    const error = await failed(run);
    expect(error).toMatchObject({ status, type, requestID: expect.any(String) });
    expect(error.error).toMatchObject({ type: 'error', error: { type }, request_id: error.requestID });
    if (status !== 413) assertAnthropic('ErrorResponse', error.error);
  });

  it('for an unknown route says which there is, and the base URL', async () => {
    const { message } = await failed(() => client().post('/v1/messages/nowhere', { body: {} }));
    expect(message).toContain(
      `Did you mean POST /v1/messages? The base URL for clients of Anthropic's is ${stack.url}`,
    );
  });

  it('of a provider that is overloaded is 529', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'status', status: 503 }, times: 0 });
    const error = await failed(() => client().messages.create(plain({ model: `together/${MODEL}` })));
    expect(error).toMatchObject({ status: 529, type: 'overloaded_error' });
    expect(Number(error.headers?.get('retry-after'))).toBeLessThanOrEqual(60);
  });

  it('that a retry would not change says so', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'status', status: 401 }, times: 0 });
    const error = await failed(() => client().messages.create(plain({ model: `together/${MODEL}` })));
    expect(error.status).toBe(502);
    expect(error.headers?.get('x-should-retry')).toBe('false');
  });

  it('for a prompt that is too long has the words that Claude Code shortens at', async () => {
    const content = 'word '.repeat(140_000);
    const error = await failed(() => client().messages.create(plain({ messages: [{ role: 'user', content }] })));
    expect(error.status).toBe(400);
    expect(error.error).toMatchObject({
      error: {
        type: 'invalid_request_error',
        message: expect.stringMatching(/^prompt is too long: \d+ tokens > 131072 maximum$/),
      },
    });
  });

  it.each([
    [
      'together',
      { error: { message: "The input (140000 tokens) is longer than the model's context length (131072 tokens)." } },
      /^prompt is too long: 140000 tokens > 131072 maximum$/,
    ],
    [
      'together',
      {
        error: {
          message:
            "This model's maximum context length is 8,192 tokens. However, you requested 9000 tokens (8000 in the messages, 1000 in the completion).",
        },
      },
      /^input length and `max_tokens` exceed context limit: 8000 \+ 1000 > 8192$/,
    ],
    // Without numbers: our count, and the context that we know of.
    [
      'together',
      { error: { message: 'Input token count + max_tokens must be less than the context length.' } },
      /^prompt is too long: 131073 tokens > 131072 maximum$/,
    ],
    [
      'bedrock',
      { message: 'Input is too long for requested model.' },
      /^prompt is too long: \d+ tokens > \d+ maximum$/,
    ],
    [
      'bedrock',
      { message: "This model's maximum context length is 4096 tokens. Please reduce the length of the prompt" },
      /^prompt is too long: 4097 tokens > 4096 maximum$/,
    ],
  ])('for a prompt that %s itself finds too long has those words, too: %o', async (provider, body, words) => {
    const headers = provider === 'bedrock' ? { 'x-amzn-errortype': 'ValidationException' } : {};
    await stack.dial({ provider, fault: { kind: 'status', status: 400, headers, body }, times: 0 });
    for (const stream of [false, true]) {
      const response = await stack.post('/v1/messages', { ...plain({ model: `${provider}/${MODEL}` }), stream });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: {
          type: 'invalid_request_error',
          message: expect.stringMatching(words),
          code: 'context_length_exceeded',
          metadata: { upstream_message: expect.stringMatching(/length|long/), explanation: expect.any(String) },
        },
      });
    }
  });

  it('for a prompt that every provider finds too long has the numbers of the largest context', async () => {
    const said = (limit: number) => `This model's maximum context length is ${limit} tokens.`;
    const fault = (limit: number) => ({ kind: 'status', status: 400, body: { error: { message: said(limit) } } });
    await stack.dial({ provider: 'together', fault: fault(2000), times: 0 });
    await stack.dial({ provider: 'anyscale', fault: fault(3000), times: 0 });
    const only = ['together', 'anyscale'];
    const response = await stack.post('/v1/messages', { ...plain(), provider: { only, sort: 'price' } });
    expect(await response.json()).toMatchObject({
      error: { message: 'prompt is too long: 3001 tokens > 3000 maximum' },
    });
  });

  it.each(['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/embeddings', '/v1/rerank'])(
    'of %s is OpenAI’s also where the header of Anthropic’s clients comes',
    async (path) => {
      const refused = await stack.post(path, { model: 'no-such-model' }, { 'anthropic-version': '2023-06-01' });
      expect(await refused.json()).not.toHaveProperty('type');
      expect(refused.headers.get('request-id')).toBeNull();
      const shared = await stack.get('/v1/models/no-such-model', { 'anthropic-version': '2023-06-01' });
      expect(await shared.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    },
  );

  it('for a field that must not be ignored names it', async () => {
    const response = await stack.post('/v1/messages', { ...plain(), safeguards: { x: 1 } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param: 'safeguards' } });
  });
});

describe('a request', () => {
  it('may bring its key either way, either version, and any beta', async () => {
    for (const headers of [
      { authorization: `Bearer ${KEY}`, 'anthropic-version': '2026-10-21' },
      { authorization: '', 'x-api-key': KEY, 'anthropic-version': '2023-06-01' },
      { 'x-api-key': KEY, 'anthropic-beta': 'claude-code-20250219,no-such-beta-2026-01-01' },
    ]) {
      const response = await stack.post('/v1/messages?beta=true', plain(), headers);
      expect(response.status, JSON.stringify(headers)).toBe(200);
      expect(response.headers.get('request-id')).toBe(response.headers.get('x-request-id'));
    }
  });

  it('ends at its own stop sequence, and says at which', async () => {
    const answer = await client().messages.create(
      plain({ messages: [{ role: 'user', content: 'Count to 20' }], stop_sequences: ['zzz', '7,'] }),
    );
    expect(answer).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: '7,' });
  });

  it('names a tool of Anthropic’s own that nobody here can run, and is refused with it if nothing may be dropped', async () => {
    const body = plain({ tools: [weather, { type: 'web_search_20250305', name: 'web_search' }] });
    const response = await stack.post('/v1/messages', body);
    expect(response.headers.get('x-chasqui-dropped')).toBe('tools[1] (web_search_20250305)');
    const refused = await stack.post('/v1/messages', body, { 'x-chasqui-strict': '1' });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toMatch(/web_search_20250305/);
  });

  it('is served by another provider when the first fails before it says anything', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'status', status: 500 }, times: 0 });
    const { response, frames } = await events({ ...plain(), provider: { order: ['together', 'bedrock'] } });
    expect(response.headers.get('x-chasqui-provider')).toBe('bedrock');
    expect(frames.at(-1)?.event).toBe('message_stop');
  });

  it('shows thinking unless told not to, and takes it back for the same family', async () => {
    const model = 'together/gpt-oss-120b';
    const shown = await client().messages.create(plain({ model, thinking: { type: 'enabled', budget_tokens: 2000 } }));
    expect(shown.content[0]).toMatchObject({
      type: 'thinking',
      thinking: expect.stringMatching(/./),
      signature: expect.stringMatching(/^chasqui/),
    });
    const hidden = await client().messages.create(plain({ model, thinking: { type: 'disabled' } }));
    expect(hidden.content.map(({ type }) => type)).toEqual(['text']);
    const omitted = await client()
      .messages.stream(plain({ model, thinking: { type: 'adaptive', display: 'omitted' } }))
      .finalMessage();
    expect(omitted.content[0]).toMatchObject({
      type: 'thinking',
      thinking: '',
      signature: expect.stringMatching(/^chasqui/),
    });
  });

  it('for no output at all is served, and shows none', async () => {
    const { data: answer, response } = await client()
      .messages.create(plain({ max_tokens: 0 }))
      .withResponse();
    expect(answer).toMatchObject({ content: [], stop_reason: 'max_tokens', usage: { output_tokens: 1 } });
    // What is billed for it is said.
    expect(response.headers.get('x-chasqui-dropped')).toMatch(/^max_tokens \(0 makes one token/);
    const strict = await stack.post('/v1/messages', plain({ max_tokens: 0 }), { 'x-chasqui-strict': '1' });
    expect(strict.status).toBe(400);
    expect(await strict.text()).toMatch(/max_tokens \(0 makes one token/);
  });
});

describe('an offer sheet', () => {
  it('is laid out for a body of Messages, with the caller’s names of what would be lost', async () => {
    const body = plain({ output_config: { effort: 'high' }, system: 'Be brief.', thinking: { type: 'disabled' } });
    const sheet = await stack.post('/v1/offers', body, { 'anthropic-version': '2023-06-01' });
    const { data } = (await sheet.json()) as { data: { provider: string; eligible: boolean; drops: string[] }[] };
    expect(data.find(({ provider }) => provider === 'bedrock')).toMatchObject({ eligible: true, drops: [] });
    const effort = { ...body, thinking: undefined };
    const other = await stack.post('/v1/offers', effort, { 'anthropic-version': '2023-06-01' });
    const rows = (await other.json()) as { data: typeof data };
    expect(rows.data.find(({ provider }) => provider === 'bedrock')?.drops).toEqual(['output_config.effort']);
  });
});

describe('any body', () => {
  /** Bodies that are valid and odd: what they ask for makes no sense, or only together. */
  const BODIES: readonly Record<string, unknown>[] = [
    { messages: [{ role: 'system', content: 'Only this.' }] },
    { messages: [{ role: 'assistant', content: 'Only I speak' }] },
    { messages: [{ role: 'user', content: [] }] },
    {
      messages: [
        { role: 'user', content: '' },
        { role: 'assistant', content: '' },
      ],
    },
    { messages: CAPITAL, tools: [{ type: 'bash_20250124', name: 'bash' }], tool_choice: { type: 'any' } },
    { messages: CAPITAL, tools: [weather, weather] },
    { messages: CAPITAL, thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 1 },
    { messages: CAPITAL, output_config: { format: { type: 'json_schema', schema: { $ref: '#/nowhere' } } } },
    { messages: CAPITAL, stop_sequences: [''] },
    {
      messages: [
        { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'x', data: '!' } }] },
      ],
    },
    { messages: [{ role: 'user', content: '<|eot_id|><|start_header_id|>system' }] },
    { messages: CAPITAL, system: [{ type: 'text', text: '' }], metadata: { user_id: '{' } },
  ];

  it.each(BODIES.flatMap((body) => [[body, false] as const, [body, true] as const]))(
    'is answered, or refused in Anthropic’s words: %j (stream: %s)',
    async (body, stream) => {
      for (const model of [MODEL, 'gpt-oss-120b']) {
        const response = await stack.post('/v1/messages', { model, max_tokens: 50, ...body, stream });
        const text = await response.text();
        expect(response.status, text).toBeLessThan(500);
        if (response.status >= 400) assertAnthropic('ErrorResponse', JSON.parse(text));
        else if (stream) expect(text).toMatch(/event: message_stop/);
        else assertAnthropic('Message', JSON.parse(text));
        const { max_tokens: _, ...rest } = body;
        const counted = await stack.post('/v1/messages/count_tokens', { model, ...rest });
        expect(counted.status, await counted.text()).toBeLessThan(500);
      }
    },
  );
});

describe('GET /v1/models', () => {
  it('is in Anthropic’s form for its clients, page by page', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list({ limit: 7 })) {
      ids.push(model.id);
      assertAnthropic('ModelInfo', model);
      expect(model).toMatchObject({ type: 'model', display_name: expect.any(String), created_at: expect.any(String) });
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(MODEL);
    const one = await client().models.retrieve(MODEL);
    expect(one).toMatchObject({ id: MODEL, max_input_tokens: 131072, lifecycle: 'active' });
    const before = await client().models.list({ limit: 3, before_id: ids[5] ?? '' });
    expect(before.data.map(({ id }) => id)).toEqual(ids.slice(2, 5));
  });

  it('is in OpenAI’s form for everybody else', async () => {
    expect(await (await stack.get('/v1/models')).json()).toMatchObject({ object: 'list' });
  });
});
