import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/index.ts';
import { parseChat, parseCompletion } from '../../src/dialects/openai/index.ts';
import { context, errorOf, hi } from './support.ts';

const chat = (body: unknown) => parseChat(body, context);
const completion = (body: unknown) => parseCompletion(body, context);

describe('a chat body', () => {
  it('says no more than the caller said', () => {
    expect(chat(hi)).toEqual({
      call: {
        kind: 'chat',
        id: 'gen-1',
        models: ['m'],
        messages: [{ role: 'user', content: 'Hi' }],
        sampling: {},
        n: 1,
        stop: [],
        stream: false,
        routing: {},
        templating: {},
        tools: [],
        unknownParameters: [],
      },
      includeUsage: false,
      hideReasoning: false,
      legacyFunctions: false,
    });
  });

  it('takes null for what is not set, as OpenAI does', () => {
    const nulls = {
      temperature: null,
      stop: null,
      tools: null,
      n: null,
      max_tokens: null,
      provider: null,
      stream: null,
      logprobs: null,
    };
    expect(chat({ ...hi, ...nulls })).toEqual(chat(hi));
  });

  it('carries every sampling parameter', () => {
    const { call } = chat({
      ...hi,
      temperature: 0,
      top_p: 1,
      top_k: 5,
      min_p: 0.1,
      seed: 7,
      frequency_penalty: -1,
      presence_penalty: 1,
      repetition_penalty: 1.1,
      logit_bias: { '50256': -100 },
      logprobs: true,
      top_logprobs: 2,
      reasoning_effort: 'low',
      parallel_tool_calls: false,
      user: 'u',
      stop: ['a', ''],
      max_completion_tokens: 9,
      max_tokens: 8,
    });
    expect(call.sampling).toEqual({
      temperature: 0,
      topP: 1,
      topK: 5,
      minP: 0.1,
      seed: 7,
      frequencyPenalty: -1,
      presencePenalty: 1,
      repetitionPenalty: 1.1,
      logitBias: { '50256': -100 },
      logprobs: 2,
      reasoningEffort: 'low',
      parallelToolCalls: false,
      user: 'u',
    });
    expect(call).toMatchObject({ stop: ['a'], maxTokens: 9 });
  });

  it('knows every role and part', () => {
    const { call } = chat({
      model: 'm',
      messages: [
        { role: 'developer', content: 'Be brief' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: '19' }] },
      ],
    });
    expect(call.messages).toEqual([
      { role: 'system', content: 'Be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', url: 'data:image/png;base64,AA==', detail: 'low' },
        ],
      },
      { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'f', arguments: '{}' }] },
      { role: 'tool', content: [{ type: 'text', text: '19' }], toolCallId: 'c1' },
    ]);
  });

  it('keeps its deadline and that of the headers apart, since a route may have one too', () => {
    const { call } = parseChat({ ...hi, provider: { deadline_ms: 500 } }, { ...context, timeoutMs: 900 });
    expect(call).toMatchObject({ timeoutMs: 900, routing: { deadlineMs: 500 } });
  });

  it.each<[string, unknown, string]>([
    ['no messages', { model: 'm' }, 'messages'],
    ['an empty list of messages', { ...hi, messages: [] }, 'messages'],
    ['no model', { messages: hi.messages }, 'model'],
    ['an unknown role', { ...hi, messages: [{ role: 'robot', content: 'Hi' }] }, 'messages[0].role'],
    ['a message without content', { ...hi, messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['content of the wrong type', { ...hi, messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [
      'an unknown part',
      { ...hi, messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'input_audio' }] }] },
      'messages[0].content[1].type',
    ],
    [
      'an assistant that says nothing',
      { ...hi, messages: [...hi.messages, { role: 'assistant' }] },
      'messages[1].content',
    ],
    [
      'a tool message without its id',
      { ...hi, messages: [{ role: 'tool', content: 'x' }] },
      'messages[0].tool_call_id',
    ],
    ['a temperature above 2', { ...hi, temperature: 3 }, 'temperature'],
    ['a temperature that is a string', { ...hi, temperature: '1' }, 'temperature'],
    ['half a sample', { ...hi, n: 1.5 }, 'n'],
    ['no sample', { ...hi, n: 0 }, 'n'],
    ['no token', { ...hi, max_tokens: 0 }, 'max_tokens'],
    ['a stop that is a number', { ...hi, stop: 4 }, 'stop'],
    ['an unknown routing key', { ...hi, provider: { ordr: ['bedrock'] } }, 'provider.ordr'],
    ['a tool without a name', { ...hi, tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    [
      'a choice of a tool that is not there',
      {
        ...hi,
        tools: [{ type: 'function', function: { name: 'f' } }],
        tool_choice: { type: 'function', function: { name: 'g' } },
      },
      'tool_choice.function.name',
    ],
    ['a required tool without tools', { ...hi, tool_choice: 'required' }, 'tool_choice'],
    ['an unknown response format', { ...hi, response_format: { type: 'xml' } }, 'response_format.type'],
  ])('is refused for %s, by the name of the field', (_what, body, param) => {
    const error = errorOf(() => chat(body));
    expect(error).toMatchObject({ code: 'invalid_request', status: 400, details: { param } });
    expect(error.message.startsWith(`${param}:`)).toBe(true);
  });

  it.each([null, [], 'text', 5, true])('is refused when it is %j', (body) => {
    expect(errorOf(() => chat(body))).toMatchObject({ code: 'invalid_request' });
  });

  it('takes OpenRouter’s routing, and amounts of money as numbers or as text', () => {
    const provider = {
      order: ['bedrock'],
      sort: 'throughput',
      max_price: { prompt: 0.5, completion: '1.25' },
      max_cost: '0.000000001',
      clamp_output: true,
    };
    expect(chat({ ...hi, provider }).call.routing).toEqual({
      order: ['bedrock'],
      sort: 'throughput',
      maxPrice: { prompt: 500_000_000n, completion: 1_250_000_000n },
      maxCost: 1n,
      clampOutput: true,
    });
  });

  it.each([
    ['provider.sort', { sort: 'cheapest' }],
    ['provider.max_price.prompt', { max_price: { prompt: -1 } }],
    ['provider.max_price.completion', { max_price: { completion: '1e-3' } }],
    ['provider.max_price.token', { max_price: { token: 1 } }],
    ['provider.max_cost', { max_cost: 'free' }],
  ])('names %s where it is no such thing', (param, provider) => {
    expect(errorOf(() => chat({ ...hi, provider }))).toMatchObject({ status: 400, details: { param } });
  });

  it('refuses a schema nested beyond reason, in linear time', () => {
    let schema: Record<string, unknown> = {};
    for (let depth = 0; depth < 100_000; depth++) schema = { properties: schema };
    const tools = [{ type: 'function', function: { name: 'f', parameters: schema } }];
    expect(errorOf(() => chat({ ...hi, tools }))).toMatchObject({
      code: 'invalid_request',
      details: { param: 'tools[0].function.parameters' },
    });
  });

  it('either is a call or an error that names the body or a field, whatever it is', () => {
    const junk = fc.anything({ maxDepth: 3, withNullPrototype: false });
    const bodies = fc.record(
      {
        model: junk,
        messages: fc.oneof(
          junk,
          fc.array(fc.record({ role: fc.oneof(junk, fc.constantFrom('user', 'assistant', 'tool')), content: junk })),
        ),
        stop: junk,
        n: junk,
        tools: junk,
        provider: junk,
        temperature: junk,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(bodies, (body) => {
        try {
          expect(chat(body).call.kind).toBe('chat');
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(GatewayError);
          expect((thrown as GatewayError).message.length).toBeLessThan(700);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a completion body', () => {
  it('takes one prompt or several', () => {
    expect(completion({ model: 'm', prompt: 'a' }).call.prompts).toEqual(['a']);
    expect(completion({ model: 'm', prompt: ['a', ''] }).call.prompts).toEqual(['a', '']);
    expect(completion({ model: 'm', prompt: [1, 2] }).call.prompts).toEqual([[1, 2]]);
    expect(completion({ model: 'm', prompt: [[1, 2], [3]] }).call.prompts).toEqual([[1, 2], [3]]);
  });

  it.each<[string, unknown, string]>([
    ['no prompt', { model: 'm' }, 'prompt'],
    ['half a token', { model: 'm', prompt: [1, 2.5] }, 'prompt[1]'],
    ['token ids and text', { model: 'm', prompt: [[1], 'a'] }, 'prompt[1]'],
    ['a prompt of no tokens', { model: 'm', prompt: [[]] }, 'prompt[0]'],
    ['no token and no echo', { model: 'm', prompt: 'a', max_tokens: 0 }, 'max_tokens'],
    ['a gap between token ids', { model: 'm', prompt: [1], suffix: 'b' }, 'suffix'],
    ['no prompts', { model: 'm', prompt: [] }, 'prompt'],
    ['too many choices', { model: 'm', prompt: ['a', 'b'], n: 100 }, 'n'],
    ['best_of', { model: 'm', prompt: 'a', best_of: 3 }, 'best_of'],
  ])('is refused for %s', (_what, body, param) => {
    expect(errorOf(() => completion(body)).details.param).toBe(param);
  });

  it('takes an echo without any output', () => {
    expect(completion({ model: 'm', prompt: 'a', echo: true, max_tokens: 0 }).call).toMatchObject({ maxTokens: 0 });
  });

  it('takes a suffix, which makes the prompt the text before a gap', () => {
    expect(parseCompletion({ model: 'm', prompt: 'a', suffix: 'b' }, context).call.suffix).toBe('b');
    expect(parseCompletion({ model: 'm', prompt: 'a', suffix: '' }, context).call).not.toHaveProperty('suffix');
  });
});

describe('what a header says beside a body', () => {
  it('is strict whatever the body says', () => {
    const strict = { ...context, strict: true };
    expect(parseChat(hi, strict).call.routing).toEqual({ requireParameters: true });
    const loose = { ...hi, provider: { require_parameters: false } };
    expect(parseChat(loose, strict).call.routing.requireParameters).toBe(true);
    expect(parseChat(loose, context).call.routing.requireParameters).not.toBe(true);
  });
});

describe('models named twice', () => {
  it('are asked for once, in the order of their first mention', () => {
    expect(chat({ ...hi, model: 'b', models: ['a', 'b', 'c', 'a'] }).call.models).toEqual(['b', 'a', 'c']);
  });
});
