import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/index.ts';
import { parseCall, parseChat, parseCompletion } from '../../src/dialects/openai/index.ts';
import { context, errorOf, hi } from './support.ts';

const chat = (body: object) => parseChat({ ...hi, ...body }, context);
const unknownIn = (body: object) => chat(body).call.unknownParameters;

describe('a field that nobody reads', () => {
  it.each<[string, object, string]>([
    [
      'of a message',
      { messages: [...hi.messages, { role: 'user', content: 'x', cache_control: { type: 'ephemeral' } }] },
      'messages[1].cache_control',
    ],
    [
      'of a part',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'a', cache_control: {} }] }] },
      'messages[0].content[0].cache_control',
    ],
    [
      'of an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,', size: 3 } }] }] },
      'messages[0].content[0].image_url.size',
    ],
    [
      'of a tool call',
      {
        messages: [
          { role: 'assistant', tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{}', foo: 1 }, extra: 1 }] },
        ],
      },
      'messages[0].tool_calls[0].function.foo, messages[0].tool_calls[0].extra',
    ],
    [
      'of a tool',
      { tools: [{ type: 'function', function: { name: 'f' }, cache_control: {} }] },
      'tools[0].cache_control',
    ],
    ['of a function', { tools: [{ type: 'function', function: { name: 'f', foo: 1 } }] }, 'tools[0].function.foo'],
    [
      'of a response format',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {}, foo: 1 } } },
      'response_format.json_schema.foo',
    ],
    ['of the stream options', { stream_options: { usage: true } }, 'stream_options.usage'],
    ['of the reasoning', { reasoning: { effort: 'low', depth: 3 } }, 'reasoning.depth'],
    ['with an odd name', { messages: [{ role: 'user', content: 'x', 'a b': 1 }] }, 'messages[0]["a b"]'],
  ])('%s is named by its path', (_where, body, paths) => {
    expect(unknownIn(body).join(', ')).toBe(paths);
  });

  it('is one name however many messages have it', () => {
    const part = { type: 'text', text: 'a', cache_control: {} };
    const messages = Array.from({ length: 100 }, () => ({ role: 'user', content: [part, part], stamp: 1 }));
    expect(unknownIn({ messages })).toEqual(['messages[].content[].cache_control', 'messages[].stamp']);
  });

  it('is not named where it is not set, as clients write out what they have not', () => {
    const echoed = {
      role: 'assistant',
      content: 'x',
      refusal: null,
      annotations: [],
      audio: null,
      function_call: null,
      tool_calls: null,
    };
    expect(unknownIn({ messages: [...hi.messages, echoed], stream_options: { foo: null } })).toEqual([]);
  });

  it('is not looked for where keys are the caller’s: in schemas', () => {
    const parameters = { type: 'object', properties: { foo: { anything: 1 } }, 'x-order': [1] };
    expect(unknownIn({ tools: [{ type: 'function', function: { name: 'f', parameters } }] })).toEqual([]);
  });

  it('is not what clients leave in a call put together from a stream, nor the name of a tool’s result', () => {
    const messages = [
      {
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }],
      },
      { role: 'tool', tool_call_id: 'c', name: 'f', content: '1' },
    ];
    expect(unknownIn({ messages })).toEqual([]);
  });

  it('makes no long list of a hostile body', () => {
    const message = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`k${at}`, 1]));
    const names = unknownIn({ messages: [{ role: 'user', content: 'x', ...message }] });
    expect(names).toHaveLength(65);
    expect(names.at(-1)).toBe('and 49936 more fields');
  });
});

describe('a top-level field that is not ours', () => {
  it('is kept as it came, for a server of one’s own', () => {
    const extra = { guided_json: {}, chat_template_kwargs: { enable_thinking: false }, top_a: 0.1, verbosity: 'low' };
    const { call } = chat(extra);
    expect(call).toMatchObject({ extra, unknownParameters: [] });
    expect(parseCompletion({ model: 'm', prompt: 'a', ...extra }, context).call.extra).toEqual(extra);
  });

  it.each<[string, object]>([
    ['store', { store: false }],
    ['metadata', { metadata: { a: 'b' } }],
    ['modalities', { modalities: ['text'] }],
    ['service_tier', { service_tier: 'auto' }],
    ['route', { route: 'fallback' }],
    ['safety_identifier', { safety_identifier: 'x', prompt_cache_retention: '24h' }],
    ['anything null', { guided_json: null, plugins: null }],
    ['empty lists', { transforms: [], plugins: [] }],
  ])('says nothing as %s', (_what, body) => {
    const { call } = chat(body);
    expect(call.unknownParameters).toEqual([]);
    expect(call).not.toHaveProperty('extra');
  });

  it('of the other of the two calls is named, and sent to nobody', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const completion = parseCompletion(
      { model: 'm', prompt: 'a', messages: hi.messages, tools, tool_choice: 'auto' },
      context,
    );
    expect(completion.call.unknownParameters).toEqual(['messages', 'tools', 'tool_choice']);
    expect(completion.call).not.toHaveProperty('extra');
    const { call } = chat({ prompt: 'a', suffix: 'b', best_of: 2, echo: true });
    expect(call.unknownParameters).toEqual(['prompt', 'suffix', 'best_of']);
    expect(call.extra).toEqual({ echo: true });
  });

  it('is named where it asks for what no open model does', () => {
    const { call } = chat({
      store: true,
      service_tier: 'flex',
      prediction: {},
      web_search_options: {},
      moderation: {},
    });
    // No server here stores, searches or moderates; some of one's own have tiers and predicted outputs.
    expect(call.unknownParameters).toEqual(['store', 'web_search_options', 'moderation']);
    expect(Object.keys(call.extra ?? {})).toEqual(['service_tier', 'prediction']);
  });

  it('of OpenRouter’s own services is named, and sent to nobody', () => {
    const { call } = chat({ transforms: ['middle-out'], plugins: [{ id: 'web' }], trace: {}, route: 'sort' });
    expect(call.unknownParameters).toEqual(['transforms', 'plugins', 'trace', 'route']);
    expect(call).not.toHaveProperty('extra');
  });

  it.each([
    ['audio', { audio: { voice: 'alloy', format: 'wav' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
  ])('is refused where it asks for another kind of answer: %s', (param, body) => {
    expect(errorOf(() => chat(body))).toMatchObject({ status: 400, code: 'unsupported_parameter', details: { param } });
  });

  it('is refused where there are too many to be meant, or it is nested beyond reason', () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`k${at}`, 1]));
    expect(errorOf(() => chat(many)).status).toBe(400);
    let deep: unknown = 1;
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];
    expect(errorOf(() => chat({ foo: deep })).details.param).toBe('foo');
  });
});

describe('a guard of money, length or privacy in the wrong place', () => {
  it.each([
    ['max_cost', 0.01, 'max_cost'],
    ['max_price', { prompt: 1 }, 'max_price'],
    ['data_collection', 'deny', 'data_collection'],
    ['zdr', true, 'zdr'],
    ['only', ['bedrock'], 'only'],
    ['order', ['bedrock'], 'order'],
    ['ignore', ['together'], 'ignore'],
    ['allow_fallbacks', false, 'allow_fallbacks'],
    ['require_parameters', true, 'require_parameters'],
    ['deadline_ms', 5, 'deadline_ms'],
    ['providers', ['bedrock'], 'only'],
    ['ignore_providers', ['together'], 'ignore'],
    ['maxCost', 0.01, 'max_cost'],
    ['max-price', 1, 'max_price'],
    ['max_cots', 0.01, 'max_cost'],
    ['budget', 1, 'max_cost'],
    ['max_spend_usd', 1, 'max_cost'],
    ['cost_limit', 1, 'max_cost'],
    ['data_colection', 'deny', 'data_collection'],
    ['dataCollection', 'deny', 'data_collection'],
    ['zero_data_retention', true, 'zdr'],
    ['privacy', 'strict', 'zdr'],
    ['max_output_tokens', 5, 'max_tokens'],
    ['maxTokens', 5, 'max_tokens'],
  ])('%s is a 400 that names the right one', (field, value, meant) => {
    const error = errorOf(() => chat({ [field]: value }));
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', details: { param: field } });
    expect(error.message).toContain(meant === 'max_tokens' ? 'max_tokens' : `{"provider": {"${meant}": …}}`);
  });

  it('is none where the right one stands beside it, as clients of many servers send them all', () => {
    expect(chat({ max_tokens: 5, max_new_tokens: 5, n_predict: 5 }).call).toMatchObject({
      maxTokens: 5,
      extra: { max_new_tokens: 5, n_predict: 5 },
    });
  });

  it.each([
    'thinking_budget',
    'reasoning_budget',
    'thinking_token_budget',
    'min_tokens',
    'ignore_eos',
    'priority',
    'cache_salt',
    'top_k_return_sequences',
  ])('%s is none: servers of one’s own know it', (field) => {
    expect(chat({ [field]: 5 }).call.extra).toEqual({ [field]: 5 });
  });

  it.each([
    [{ max_cots: 1 }, 'max_cost'],
    [{ maxPrice: { prompt: 1 } }, 'max_price'],
    [{ ordr: ['bedrock'] }, 'order'],
    [{ datacollection: 'deny' }, 'data_collection'],
    [{ min_throughput: 5 }, undefined],
  ])('is refused inside provider as well: %j', (provider, meant) => {
    const error = errorOf(() => chat({ provider }));
    expect(error).toMatchObject({ status: 400, details: { param: `provider.${Object.keys(provider)[0]}` } });
    expect(error.message).toContain(meant ? `Did you mean ${meant}?` : 'Check its spelling');
  });

  it('is refused on the other route by the name that is right there', () => {
    const error = errorOf(() => parseCompletion({ model: 'm', prompt: 'a', max_completion_tokens: 5 }, context));
    expect(error.details.param).toBe('max_completion_tokens');
  });
});

describe('OpenRouter’s grammar', () => {
  it('is known whole', () => {
    const provider = {
      order: ['Together'],
      only: null,
      ignore: null,
      allow_fallbacks: true,
      require_parameters: false,
      data_collection: 'deny',
      zdr: true,
      enforce_distillable_text: true,
      quantizations: ['fp8'],
      sort: { by: 'price', partition: 'none' },
      preferred_min_throughput: { p50: 40, p90: 20 },
      preferred_max_latency: 1.5,
      max_price: { prompt: 1, completion: '2', request: 0, image: 0.5, audio: 1 },
    };
    expect(chat({ provider }).call.routing).toEqual({
      order: ['Together'],
      allowFallbacks: true,
      requireParameters: false,
      noCollection: true,
      noRetention: true,
      sort: 'price',
      preferredMinThroughput: 40,
      preferredMaxLatencyMs: 1500,
      maxPrice: { prompt: 1_000_000_000n, completion: 2_000_000_000n },
      unmet: [
        'provider.quantizations',
        'provider.enforce_distillable_text',
        'provider.sort.partition',
        'provider.preferred_min_throughput',
      ],
    });
  });

  it('asks for nothing where it asks for what is so anyway', () => {
    const provider = {
      data_collection: 'allow',
      zdr: false,
      enforce_distillable_text: false,
      quantizations: ['fp8', 'unknown'],
      sort: { partition: 'model' },
      preferred_min_throughput: null,
    };
    expect(chat({ provider }).call.routing).toEqual({});
  });

  it('says what provider must be where it is only a name', () => {
    const error = errorOf(() => chat({ provider: 'bedrock' }));
    expect(error.message).toBe('provider: must be an object, for example {"order": ["bedrock"]}.');
  });

  it.each([
    ['provider.data_collection', { data_collection: 'no' }],
    ['provider.zdr', { zdr: 'yes' }],
    ['provider.sort', { sort: 'cheapest' }],
    ['provider.sort.by', { sort: { by: 'cheapest' } }],
    ['provider.preferred_max_latency.p95', { preferred_max_latency: { p95: 1 } }],
  ])('names %s where it is no such thing', (param, provider) => {
    expect(errorOf(() => chat({ provider }))).toMatchObject({ status: 400, details: { param } });
  });

  it('has two ways to ask for usage in a stream, and a word for a conversation', () => {
    expect(chat({ usage: { include: true } }).includeUsage).toBe(true);
    expect(chat({ stream_options: { include_usage: true } }).includeUsage).toBe(true);
    expect(chat({ session_id: 's', prompt_cache_key: 'k' }).call.session).toBe('s');
    expect(chat({ prompt_cache_key: 'k' }).call.session).toBe('k');
    const header = { ...context, session: 'h' };
    expect(parseChat({ ...hi, prompt_cache_key: 'k' }, header).call.session).toBe('h');
    expect(parseChat({ ...hi, session_id: 's' }, header).call.session).toBe('s');
  });

  it('says how much to think and what to show of it', () => {
    expect(chat({ reasoning: { effort: 'high', exclude: true } })).toMatchObject({
      call: { sampling: { reasoningEffort: 'high' } },
      hideReasoning: true,
    });
    expect(chat({ reasoning: { enabled: false } }).call.sampling).toEqual({ thinking: false });
    expect(chat({ reasoning: { enabled: true, effort: 'low' } }).call.sampling).toEqual({ reasoningEffort: 'low' });
    expect(chat({ include_reasoning: false }).hideReasoning).toBe(true);
    expect(unknownIn({ reasoning: { max_tokens: 500, summary: 'auto' } })).toEqual([
      'reasoning.max_tokens',
      'reasoning.summary',
    ]);
  });
});

describe('what the model thought before an earlier answer', () => {
  const thoughtOf = (fields: object) => {
    const { call } = chat({ messages: [...hi.messages, { role: 'assistant', content: 'x', ...fields }] });
    expect(call.unknownParameters).toEqual([]);
    const [, message] = call.messages;
    return message?.role === 'assistant' ? message.reasoning : undefined;
  };

  it.each<[string, object, string | undefined]>([
    ['reasoning_content', { reasoning_content: 'hm' }, 'hm'],
    ['reasoning', { reasoning: 'hm' }, 'hm'],
    ['both, as this gateway writes it', { reasoning: 'hm', reasoning_content: 'hm' }, 'hm'],
    ['an empty one', { reasoning_content: '' }, ''],
    ['null', { reasoning_content: null, reasoning: null, reasoning_details: null }, undefined],
    [
      'reasoning_details',
      {
        reasoning_details: [
          { type: 'reasoning.text', text: 'h', id: 'r', index: 0, format: 'unknown' },
          { type: 'reasoning.summary', summary: 'm' },
        ],
      },
      'hm',
    ],
  ])('is taken as %s', (_as, fields, thought) => {
    expect(thoughtOf(fields)).toBe(thought);
  });

  it('is enough for a message, and what nobody can read of it is named', () => {
    const details = [{ type: 'reasoning.encrypted', data: 'x' }];
    expect(unknownIn({ messages: [{ role: 'assistant', content: 'a', reasoning_details: details }] })).toEqual([
      'messages[0].reasoning_details[0].data',
    ]);
    expect(() => chat({ messages: [{ role: 'assistant', reasoning: 'hm' }] })).not.toThrow();
  });
});

describe('a schema', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } };

  it.each<[string, object]>([
    ['with json_object, as instructor-js and vLLM write it', { type: 'json_object', schema }],
    ['beside the type, as Together and llama.cpp take it', { type: 'json_schema', schema }],
  ])('is taken %s', (_where, response_format) => {
    expect(chat({ response_format }).call.responseFormat).toEqual({ type: 'json_schema', name: 'answer', schema });
  });

  it('is not needed for an object, and is for a schema', () => {
    expect(chat({ response_format: { type: 'json_object' } }).call.responseFormat).toEqual({ type: 'json_object' });
    const error = errorOf(() => chat({ response_format: { type: 'json_schema' } }));
    expect(error.details.param).toBe('response_format.json_schema');
  });
});

describe('tools in OpenAI’s other forms', () => {
  const f = { name: 'f', parameters: { type: 'object' } };

  it('are the older functions, with their calls and results', () => {
    const messages = [
      ...hi.messages,
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
      { role: 'function', name: 'f', content: '2' },
    ];
    const { call, legacyFunctions } = chat({ messages, functions: [f], function_call: { name: 'f' } });
    expect(legacyFunctions).toBe(true);
    expect(call).toMatchObject({ tools: [f], toolChoice: { name: 'f' }, unknownParameters: [] });
    expect(call.messages.slice(1)).toEqual([
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_f', name: 'f', arguments: '{"a":1}' }] },
      { role: 'tool', content: '2', toolCallId: 'call_f' },
    ]);
    expect(errorOf(() => chat({ functions: [f], function_call: { name: 'g' } })).details.param).toBe(
      'function_call.name',
    );
  });

  it('are named where they are of the form that does not count', () => {
    const tools = [{ type: 'function', function: f }];
    expect(unknownIn({ tools, functions: [f], function_call: { name: 'f' } })).toEqual(['functions', 'function_call']);
    expect(unknownIn({ functions: [f], tool_choice: { type: 'function', function: { name: 'f' } } })).toEqual([
      'tool_choice',
    ]);
    expect(unknownIn({ function_call: 'auto', tool_choice: 'none' })).toEqual([]);
  });

  it('are the allowed ones of several, and no other is offered', () => {
    const tool = (name: string) => ({ type: 'function', function: { name } });
    const tools = [tool('a'), tool('b'), tool('c')];
    const allowed = (names: readonly string[], mode: string) => ({
      type: 'allowed_tools',
      allowed_tools: { mode, tools: names.map(tool) },
    });
    expect(chat({ tools, tool_choice: allowed(['c', 'a'], 'required') }).call).toMatchObject({
      tools: [{ name: 'a' }, { name: 'c' }],
      toolChoice: 'required',
    });
    expect(errorOf(() => chat({ tools, tool_choice: allowed(['x'], 'auto') })).details.param).toBe(
      'tool_choice.allowed_tools.tools[0].function.name',
    );
    expect(errorOf(() => chat({ tools, tool_choice: allowed([], 'required') })).status).toBe(400);
  });
});

describe('whatever is sent', () => {
  const junk = fc.anything({ maxDepth: 3, withNullPrototype: false });
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'max_cost',
      'budget',
      'role',
      'content',
      'foo',
      'cache_control',
      'type',
    ),
  );
  /** Mostly absent, or hardly a body would get past its first check. */
  const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 1, arbitrary }, { weight: 5, arbitrary: fc.constant(undefined) });
  const odd = fc.dictionary(key, junk, { maxKeys: 5 });
  const message = fc
    .tuple(
      fc.record({
        role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'function'),
        content: fc.oneof(
          fc.string(),
          fc.constant(null),
          fc.array(fc.record({ type: fc.constant('text'), text: fc.string() })),
        ),
        tool_call_id: fc.constant('c'),
        name: fc.constant('f'),
      }),
      odd,
    )
    .map(([one, more]) => ({ ...more, ...one }));
  const bodies = fc
    .tuple(
      fc.record(
        {
          model: fc.constant('m'),
          messages: fc.oneof(
            { weight: 6, arbitrary: fc.array(message, { minLength: 1, maxLength: 4 }) },
            { weight: 1, arbitrary: junk },
          ),
          provider: rarely(odd),
          tools: rarely(junk),
          response_format: rarely(odd),
          reasoning: rarely(odd),
        },
        { requiredKeys: ['model', 'messages'] },
      ),
      odd,
    )
    .map(([body, more]) => ({ ...more, ...body }));

  it('is a call, or an error of the caller’s with a short message', () => {
    let calls = 0;
    fc.assert(
      fc.property(bodies, (body) => {
        try {
          const { call } = parseChat(body, context);
          calls += 1;
          expect(call.unknownParameters.length).toBeLessThan(200);
          for (const name of call.unknownParameters) expect(name.length).toBeLessThan(400);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(GatewayError);
          const { status, message: said } = thrown as GatewayError;
          expect(status === 501 || (status >= 400 && status < 500)).toBe(true);
          expect(said.length).toBeLessThan(700);
        }
      }),
      { numRuns: 1500 },
    );
    // The fuzz must reach what is behind the first check.
    expect(calls).toBeGreaterThan(20);
  });

  it('is a completion, or an error of the caller’s, however its prompt is built', () => {
    const token = fc.oneof(fc.nat(), fc.constant(1.5), fc.constant(-1), fc.string());
    const list = fc.array(token, { maxLength: 3 });
    const prompt = fc.oneof(junk, fc.string(), list, fc.array(fc.oneof(list, fc.string()), { maxLength: 3 }));
    const more = {
      echo: fc.boolean(),
      max_tokens: fc.integer({ min: -1, max: 2 }),
      logprobs: fc.nat(25),
      n: fc.nat(3),
    };
    let calls = 0;
    fc.assert(
      fc.property(prompt, fc.record(more, { requiredKeys: [] }), odd, (given, fields, strays) => {
        try {
          const { call } = parseCompletion({ ...strays, model: 'm', ...fields, prompt: given }, context);
          calls += 1;
          expect(call.prompts.length).toBeGreaterThan(0);
          for (const one of call.prompts) if (typeof one !== 'string') expect(one.length).toBeGreaterThan(0);
          if (call.maxTokens === 0) expect(call.echo).toBe(true);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(GatewayError);
          expect((thrown as GatewayError).status).toBeLessThan(502);
        }
      }),
      { numRuns: 1500 },
    );
    expect(calls).toBeGreaterThan(20);
  });

  it('names each stray field of a message, and none that is read', () => {
    const stray = fc.stringMatching(/^zz_[a-z]{1,8}$/);
    fc.assert(
      fc.property(fc.uniqueArray(stray, { maxLength: 6 }), fc.nat(3), (names, at) => {
        const messages = Array.from({ length: 4 }, () => ({ role: 'user', content: 'x' }));
        messages[at] = { ...messages[at], ...Object.fromEntries(names.map((one) => [one, 1])) } as never;
        expect(unknownIn({ messages })).toEqual(names.map((one) => `messages[${at}].${one}`));
      }),
    );
  });

  it('is the body of the one or of the other call', () => {
    expect(parseCall({ model: 'm', prompt: 'x', foo: 1 }, context)).toMatchObject({
      kind: 'completion',
      extra: { foo: 1 },
    });
  });
});
