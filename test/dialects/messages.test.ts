import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError, type Message } from '../../src/core/index.ts';
import { messagesError, modelList, pageOf, parseCount, parseMessages } from '../../src/dialects/messages/index.ts';
import { writeCarrier } from '../../src/dialects/reasoning-carrier.ts';
import { context, errorOf } from './support.ts';

const base = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };
const parse = (more: Record<string, unknown> = {}) => parseMessages({ ...base, ...more }, context);
const chat = (messages: unknown[], more: Record<string, unknown> = {}): readonly Message[] =>
  parse({ messages, ...more }).call.messages;
const dropped = (more: Record<string, unknown>) => parse(more).call.unknownParameters;
const paramOf = (more: Record<string, unknown>) => errorOf(() => parse(more)).details.param;

const use = { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } };
const called = { role: 'assistant', content: [use] };
const result = (more: Record<string, unknown>) => ({ type: 'tool_result', tool_use_id: 't1', ...more });
const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };

describe('the messages of a body', () => {
  it('begin with the system’s text, its blocks joined and the billing block left out', () => {
    const system = [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=1;' },
      { type: 'text', text: 'One.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'Two.' },
    ];
    expect(chat(base.messages, { system })[0]).toEqual({ role: 'system', content: 'One.\nTwo.' });
    expect(chat(base.messages, { system: system.slice(0, 1) })).toEqual(base.messages);
    expect(dropped({ system })).toEqual([]);
  });

  it('have the system’s word in their middle where it stands, until it is to be cleared', () => {
    const later = { role: 'system', content: 'Now.', clear_at: 'next_user_message' };
    const kept = { role: 'system', content: 'Always.', clear_at: 'never' };
    const hello = { role: 'assistant', content: 'Hello' };
    expect(chat([...base.messages, later, kept]).map(({ role }) => role)).toEqual(['user', 'system', 'system']);
    expect(chat([...base.messages, later, kept, hello, { role: 'user', content: 'Go' }])).toEqual([
      ...base.messages,
      { role: 'system', content: 'Always.' },
      hello,
      { role: 'user', content: 'Go' },
    ]);
  });

  it('take an effort from a system message without a text', () => {
    const messages = [...base.messages, { role: 'system', content: [], output_config: { effort: 'low' } }];
    const { call } = parse({ messages, output_config: { effort: 'max' } });
    expect([call.sampling.reasoningEffort, call.messages.length]).toEqual(['low', 1]);
  });

  it('have the results of tools first, with images and failures, and then what the user says', () => {
    const content = [
      { type: 'text', text: 'See.' },
      result({ is_error: true, content: [{ type: 'text', text: 'no' }, picture] }),
    ];
    expect(chat([...base.messages, called, { role: 'user', content }]).slice(1)).toEqual([
      { role: 'assistant', content: '', toolCalls: [{ id: 't1', name: 'f', arguments: '{"a":1}' }] },
      {
        role: 'tool',
        toolCallId: 't1',
        isError: true,
        content: [
          { type: 'text', text: 'no' },
          { type: 'image', url: 'data:image/png;base64,AAAA' },
        ],
      },
      { role: 'user', content: 'See.' },
    ]);
    expect(chat([...base.messages, called, { role: 'user', content: [result({})] }]).at(-1)).toEqual({
      role: 'tool',
      toolCallId: 't1',
      content: '',
    });
  });

  it('of one role in a row are one turn', () => {
    const user = (content: unknown) => ({ role: 'user', content });
    expect(chat([user('A'), user([{ type: 'text', text: 'B' }]), user('C')])).toEqual([user('A\nB\nC')]);
    const assistant = [{ role: 'assistant', content: 'I ' }, called];
    expect(chat([...base.messages, ...assistant])[1]).toMatchObject({ content: 'I ', toolCalls: [{ id: 't1' }] });
  });

  it('read documents of text, and refuse others by their path', () => {
    const document = (source: unknown, more = {}) => ({
      messages: [{ role: 'user', content: [{ type: 'document', source, ...more }] }],
    });
    const text = { type: 'text', media_type: 'text/plain', data: 'A page.' };
    expect(parse(document(text, { title: 'T', context: 'C' })).call.messages).toEqual([
      { role: 'user', content: 'T\nC\nA page.' },
    ]);
    const parts = { type: 'content', content: [{ type: 'text', text: 'A' }, picture] };
    expect(parse(document(parts)).call.messages[0]?.content).toHaveLength(2);
    const path = 'messages[0].content[0].source';
    expect(paramOf(document({ type: 'base64', media_type: 'application/pdf', data: 'AA' }))).toBe(path);
    expect(paramOf(document({ type: 'url', url: 'https://example.com/a.pdf' }))).toBe(path);
    expect(paramOf(document({ type: 'file', file_id: 'f' }))).toBe(path);
    expect(paramOf(document({ type: 'content', content: [{ type: 'video' }] }))).toBe(`${path}.content`);
  });

  it('keep thinking that we signed, and drop any other by name', () => {
    const signature = writeCarrier({ reasoning: 'Hm.', reasoningFamily: 'gpt-oss' }) ?? '';
    const turn = (...content: unknown[]) => [...base.messages, { role: 'assistant', content: [...content, use] }];
    const thinking = (sign: string) => ({ type: 'thinking', thinking: 'Ignored.', signature: sign });
    expect(chat(turn(thinking(signature)))[1]).toMatchObject({ reasoning: 'Hm.', reasoningFamily: 'gpt-oss' });
    expect(dropped({ messages: turn(thinking(signature)) })).toEqual([]);
    const other = writeCarrier({ reasoning: 'Oh.', reasoningFamily: 'qwen3' }) ?? '';
    for (const bad of ['', 'EqQB', `${signature.slice(0, -3)}AAA`, `${signature}A`]) {
      expect(chat(turn(thinking(bad)))[1], bad).not.toHaveProperty('reasoning');
      expect(dropped({ messages: turn(thinking(bad)) }), bad).toEqual(['messages[].content[] (thinking)']);
    }
    expect(dropped({ messages: turn(thinking(signature), thinking(other)) })).toHaveLength(1);
    expect(dropped({ messages: turn({ type: 'redacted_thinking', data: 'x' }) })).toEqual([
      'messages[].content[] (redacted_thinking)',
    ]);
  });

  it.each([
    ['a block nobody knows', { role: 'user', content: [{ type: 'hologram' }] }, 'messages[0].content[0].type'],
    ['a call by the user', { role: 'user', content: [use] }, 'messages[0].content[0].type'],
    ['a result by the assistant', { role: 'assistant', content: [result({})] }, 'messages[0].content[0].type'],
    ['a result of no call', { role: 'user', content: [result({})] }, 'messages[0].content[0]'],
    [
      'an image in a file',
      { role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] },
      'messages[0].content[0].source',
    ],
    ['a role nobody has', { role: 'developer', content: 'x' }, 'messages[0].role'],
  ])('may not have %s', (_what, message, param) => {
    expect(paramOf({ messages: [message] })).toBe(param);
  });
});

describe('tools', () => {
  const tool = (more: Record<string, unknown> = {}) => ({ name: 'f', input_schema: { type: 'object' }, ...more });

  it('are taken with what Anthropic’s servers would do with them, and named where they have no schema', () => {
    const tools = [
      tool({ cache_control: {}, defer_loading: true, eager_input_streaming: true, type: 'custom', strict: true }),
      { type: 'bash_20250124', name: 'bash' },
      tool({ name: 'g', input_examples: [{ a: 1 }] }),
    ];
    expect(parse({ tools }).call.tools).toEqual([
      { name: 'f', parameters: { type: 'object' }, strict: true },
      { name: 'g', parameters: { type: 'object' } },
    ]);
    expect(dropped({ tools })).toEqual(['tools[2].input_examples', 'tools[1] (bash_20250124)']);
    expect(paramOf({ tools: [{ name: 'f' }] })).toBe('tools[0].input_schema');
  });

  it.each([
    [{ type: 'auto' }, 'auto'],
    [{ type: 'none' }, 'none'],
    [{ type: 'any' }, 'required'],
    [{ type: 'tool', name: 'f' }, { name: 'f' }],
  ])('are chosen by %j', (tool_choice, expected) => {
    expect(parse({ tools: [tool()], tool_choice }).call.toolChoice).toEqual(expected);
  });

  it('must be there to be chosen', () => {
    expect(paramOf({ tools: [tool()], tool_choice: { type: 'tool', name: 'g' } })).toBe('tool_choice.name');
    expect(paramOf({ tool_choice: { type: 'any' } })).toBe('tool_choice');
  });

  it('may be forbidden to run side by side', () => {
    const tool_choice = { type: 'auto', disable_parallel_tool_use: true };
    expect(parse({ tools: [tool()], tool_choice }).call.sampling.parallelToolCalls).toBe(false);
  });
});

describe('the other fields', () => {
  it.each([
    [{ thinking: { type: 'disabled' } }, { thinking: false }],
    [{ thinking: { type: 'adaptive' } }, {}],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, { reasoningEffort: 'low' }],
    [{ thinking: { type: 'enabled', budget_tokens: 10_000 } }, { reasoningEffort: 'medium' }],
    [{ thinking: { type: 'enabled', budget_tokens: 40_000 } }, { reasoningEffort: 'high' }],
    [{ output_config: { effort: 'xhigh' } }, { reasoningEffort: 'high' }],
    [
      { output_config: { effort: 'low' }, thinking: { type: 'enabled', budget_tokens: 40_000 } },
      { reasoningEffort: 'low' },
    ],
    [
      { temperature: 0.5, top_p: 0.9, top_k: 40 },
      { temperature: 0.5, topP: 0.9, topK: 40 },
    ],
    [{ metadata: { user_id: 'u' } }, { user: 'u' }],
    [{ metadata: { user_id: '{"session_id":"s"}' } }, {}],
  ])('of %j shape the sampling', (more, sampling) => {
    expect(parse(more).call.sampling).toEqual(sampling);
  });

  it('name the conversation', () => {
    const metadata = { user_id: '{"device_id":"d","session_id":"s"}' };
    expect(parse({ metadata }).call.session).toBe('s');
    expect(parseMessages({ ...base, metadata }, { ...context, session: 'header' }).call.session).toBe('header');
  });

  it('ask for a format in either place', () => {
    const format = { type: 'json_schema', schema: { type: 'object' } };
    const expected = { type: 'json_schema', name: 'answer', schema: { type: 'object' }, strict: true };
    expect(parse({ output_config: { format } }).call.responseFormat).toEqual(expected);
    expect(parse({ output_format: format }).call.responseFormat).toEqual(expected);
  });

  it('are named where nobody serves them, and not where they ask for nothing', () => {
    const nothing = { cache_control: {}, service_tier: 'auto', speed: 'standard', context_management: { edits: [] } };
    expect(dropped(nothing)).toEqual([]);
    expect(dropped({ speed: 'fast', container: 'c', mcp_servers: [{}], service_tier: 'batch' })).toEqual([
      'speed',
      'container',
      'mcp_servers',
      'service_tier',
    ]);
    expect(dropped({ context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } })).toHaveLength(1);
  });

  it.each([
    [{ max_tokens: undefined }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ messages: [] }, 'messages'],
    [{ model: undefined }, 'model'],
    [{ safeguards: {} }, 'safeguards'],
    [{ max_cost: 1 }, 'max_cost'],
    [{ thinking: { type: 'enabled', budget_tokens: 5 } }, 'thinking.budget_tokens'],
    [{ stop_sequences: ['x'.repeat(600)] }, 'stop_sequences[0]'],
    [{ system: [{ type: 'image' }] }, 'system[0].type'],
  ])('are refused by name: %j', (more, param) => {
    expect(paramOf(more)).toBe(param);
  });

  it('count without a limit of output', () => {
    const { model, messages } = base;
    expect(parseCount({ model, messages }, context).call.messages).toEqual(messages);
  });
});

describe('a field that something is said about', () => {
  it('has the caller’s name', () => {
    const { callersNames = String } = parse({
      system: 'S',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'A' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'B' }, use] },
        { role: 'user', content: [result({ content: 'C' }), { type: 'text', text: 'D' }] },
      ],
      tools: [
        { type: 'bash_20250124', name: 'bash' },
        { name: 'f', input_schema: {} },
      ],
    });
    expect(
      ['messages[0].content', 'messages[1].content', 'messages[2].tool_calls[0].function.arguments'].map(callersNames),
    ).toEqual(['system', 'messages[0].content', 'messages[1].content[1].input']);
    expect(callersNames('messages[3].content contains <|x|>')).toBe('messages[2].content[0].content contains <|x|>');
    expect(callersNames('messages[4].content')).toBe('messages[2].content');
    expect(callersNames('tools[0].function.parameters')).toBe('tools[1].input_schema');
    expect(callersNames('reasoning_effort, user for x')).toBe('output_config.effort, metadata.user_id for x');
  });
});

describe('an error', () => {
  const answer = (code: ErrorCode, details = {}) => messagesError(new GatewayError(code, 'M', details), 'req_1');

  it.each([
    ['invalid_request', 400, 'invalid_request_error'],
    ['authentication', 401, 'authentication_error'],
    ['insufficient_budget', 402, 'billing_error'],
    ['permission_denied', 403, 'permission_error'],
    ['model_not_found', 404, 'not_found_error'],
    ['rate_limit_exceeded', 429, 'rate_limit_error'],
    ['internal', 500, 'api_error'],
    ['timeout', 504, 'timeout_error'],
    ['provider_overloaded', 529, 'overloaded_error'],
  ] as const)('%s is %i %s', (code, status, type) => {
    const { status: got, body } = answer(code);
    expect({ got, body }).toMatchObject({ got: status, body: { type: 'error', error: { type }, request_id: 'req_1' } });
  });

  it('that a client would repeat in vain tells it not to', () => {
    expect(answer('provider_auth').headers).toEqual({ 'x-should-retry': 'false' });
    expect(answer('provider_unavailable').headers).toEqual({});
    expect(answer('invalid_request').headers).toEqual({});
    expect(answer('rate_limit_exceeded', { retryAfterMs: 2500 }).headers).toMatchObject({ 'retry-after': '3' });
    // Anthropic's clients would sleep for an hour.
    expect(answer('rate_limit_exceeded', { retryAfterMs: 3_600_000 }).headers).toEqual({ 'x-should-retry': 'false' });
  });

  it('of a context that is too small has the two numbers, of the largest offer', () => {
    const offers = [
      { prompt_tokens: 300, context_length: 100 },
      { prompt_tokens: 310, context_length: 200 },
      { reason: {} },
    ];
    const { error } = answer('context_length_exceeded', { offers }).body as { error: Record<string, unknown> };
    expect(error.message).toBe('prompt is too long: 310 tokens > 200 maximum');
    expect(error.metadata).toMatchObject({ explanation: 'M' });
  });
});

describe('a page of models', () => {
  const ids = Array.from({ length: 30 }, (_, n) => `m${n}`);
  const page = (query: Record<string, string>) => pageOf(ids, (name) => query[name]);

  it('goes forth and back', () => {
    expect(page({})).toEqual({ page: ids.slice(0, 20), more: true });
    expect(page({ after_id: 'm19' })).toEqual({ page: ids.slice(20), more: false });
    expect(page({ before_id: 'm5', limit: '3' })).toEqual({ page: ['m2', 'm3', 'm4'], more: true });
    expect(page({ before_id: 'm2', limit: '3' })).toEqual({ page: ['m0', 'm1'], more: false });
    expect(modelList([], false)).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  });

  it.each([
    [{ limit: '0' }, 'limit'],
    [{ limit: '1001' }, 'limit'],
    [{ limit: 'x' }, 'limit'],
    [{ after_id: 'nobody' }, 'after_id'],
    [{ after_id: 'm1', before_id: 'm2' }, 'before_id'],
  ])('cannot be asked for by %j', (query, param) => {
    expect(errorOf(() => page(query)).details.param).toBe(param);
  });
});
