import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChatJob, type Content, isObject, type JsonObject, type Tool } from '../../src/core/index.ts';
import { bedrock, converseJob, ENV, invokeJob, json, run, type Sent, upstream } from './support/bedrock.ts';
import { blockStop, metadata, START, stop, streamOf, text, toolInput, toolStart } from './support/bedrock-frames.ts';

const ANSWER = {
  output: { message: { role: 'assistant', content: [{ text: 'ok' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
};
const whole = (over: Partial<ChatJob> = {}) => converseJob({ stream: false, ...over });

async function sentFor(job: ChatJob, env: Record<string, unknown> = ENV): Promise<Sent> {
  const { fetch, sent } = upstream(() => json(ANSWER));
  await run(bedrock(fetch, env), job);
  const [only] = sent;
  if (!only || sent.length !== 1) throw new Error(`${sent.length} requests`);
  return only;
}
const bodyFor = async (over: Partial<ChatJob>) => (await sentFor(whole(over))).body;

const WEATHER: Tool = { name: 'weather', description: 'Looks out', parameters: { type: 'object', properties: {} } };
const HISTORY: ChatJob['messages'] = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'weather', arguments: '{}' }] },
  { role: 'tool', toolCallId: 'call_1', content: 'rain' },
];

describe('the request on the wire', () => {
  it('is one signed POST to the region, the model id as one encoded segment of the path', async () => {
    const { url, method, headers, redirect } = await sentFor(whole());
    expect(method).toBe('POST');
    expect(url.host).toBe('bedrock-runtime.us-east-1.amazonaws.com');
    expect(url.pathname).toBe('/model/us.meta.llama3-3-70b-instruct-v1%3A0/converse');
    expect(headers.get('authorization')).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/us-east-1\/bedrock\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
    );
    expect(redirect).toBe('manual');
  });

  it('encodes ARNs whole', async () => {
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc';
    expect((await sentFor(whole({ model: arn }))).url.pathname).toBe(`/model/${encodeURIComponent(arn)}/converse`);
  });

  it('carries the session token of temporary credentials', async () => {
    const { headers } = await sentFor(whole(), { ...ENV, AWS_SESSION_TOKEN: 'temporary' });
    expect(headers.get('x-amz-security-token')).toBe('temporary');
  });

  it('carries a Bedrock API key as it is, and prefers it', async () => {
    const { headers } = await sentFor(whole(), { ...ENV, AWS_BEARER_TOKEN_BEDROCK: 'ABSKQmVkcm9jaw==' });
    expect(headers.get('authorization')).toBe('Bearer ABSKQmVkcm9jaw==');
  });

  it('keeps the path of another endpoint', async () => {
    const { url } = await sentFor(whole(), {
      ...ENV,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:9000/bedrock',
    });
    expect(url.href).toBe('http://127.0.0.1:9000/bedrock/model/us.meta.llama3-3-70b-instruct-v1%3A0/converse');
  });

  it.each([
    [converseJob(), 'converse-stream'],
    [invokeJob({ stream: false }), 'invoke'],
    [invokeJob(), 'invoke-with-response-stream'],
  ])('goes to the operation of the job: %#', async (job, operation) => {
    const { fetch, sent } = upstream(() => streamOf());
    await run(bedrock(fetch), job);
    expect(sent.map(({ url }) => url.pathname.split('/').at(-1))).toEqual([operation]);
  });

  it('has nothing that the caller did not set', async () => {
    expect(await bodyFor({})).toEqual({ messages: [{ role: 'user', content: [{ text: 'Hi' }] }] });
  });
});

describe('sampling', () => {
  it('has Converse’s names, and a temperature of 1 at most', async () => {
    const { inferenceConfig } = await bodyFor({
      sampling: { temperature: 1.7, topP: 0.5 },
      maxTokens: 9,
      stop: ['', 'END'],
    });
    expect(inferenceConfig).toEqual({ maxTokens: 9, temperature: 1, topP: 0.5, stopSequences: ['END'] });
  });

  it.each([
    ['mistral-3', { top_k: 5 }],
    ['llama-3.3', undefined],
  ])('passes top_k to %s as %j', async (family, fields) => {
    expect((await bodyFor({ family, sampling: { topK: 5 } })).additionalModelRequestFields).toEqual(fields);
  });
});

describe('tools', () => {
  it('are declared with an object’s schema, and without a blank description', async () => {
    const tools = [WEATHER, { name: 'now', description: ' ' }, { name: 'any', parameters: { properties: { a: {} } } }];
    expect((await bodyFor({ tools })).toolConfig).toEqual({
      tools: [
        { toolSpec: { name: 'weather', description: 'Looks out', inputSchema: { json: WEATHER.parameters } } },
        { toolSpec: { name: 'now', inputSchema: { json: { type: 'object', properties: {} } } } },
        { toolSpec: { name: 'any', inputSchema: { json: { type: 'object', properties: { a: {} } } } } },
      ],
    });
  });

  it.each([
    ['auto', { auto: {} }],
    ['required', { any: {} }],
    [{ name: 'weather' }, { tool: { name: 'weather' } }],
  ] as const)('are chosen as %j', async (toolChoice, wire) => {
    const job = { tools: [WEATHER], toolChoice };
    expect((await bodyFor({ ...job, family: 'qwen3' })).toolConfig).toMatchObject({ toolChoice: wire });
    // Llama takes no choice but its own.
    expect((await bodyFor(job)).toolConfig).not.toHaveProperty('toolChoice');
  });

  it('are left out where none may be called', async () => {
    expect(await bodyFor({ tools: [WEATHER], toolChoice: 'none' })).not.toHaveProperty('toolConfig');
  });

  it('stay declared where the conversation shows calls, with the word that none may follow', async () => {
    for (const tools of [[WEATHER], []]) {
      const body = await bodyFor({ tools, toolChoice: 'none', messages: HISTORY });
      expect(body.toolConfig).toMatchObject({ tools: [{ toolSpec: { name: 'weather' } }] });
      expect(body.system).toEqual([{ text: 'Do not call any tool. Answer in text.' }]);
    }
  });

  const forbidden = (...frames: Uint8Array[]) =>
    run(
      bedrock(upstream(() => streamOf(START, ...frames, metadata())).fetch),
      converseJob({ toolChoice: 'none', tools: [WEATHER], messages: HISTORY }),
    );
  const CALL = [toolStart(1, 'a', 'weather'), toolInput(1, '{}'), blockStop(1), stop('tool_use')];

  it('that are called although none may be are not passed on', async () => {
    const got = await forbidden(text('It rains.'), ...CALL);
    expect(got.choices.get(0)).toMatchObject({ text: 'It rains.', toolCalls: [], finish: 'stop' });
  });

  it('that are called instead of an answer are an error, not an empty answer', async () => {
    expect((await forbidden(...CALL)).error).toMatchObject({ code: 'provider_error' });
  });

  it('have names that Bedrock takes, and their own again in the answer', async () => {
    const tools = ['my.tool', 'my tool', 'ok'].map((name) => ({ name }));
    const { toolConfig } = await bodyFor({ tools });
    const names = (toolConfig as { tools: { toolSpec: { name: string } }[] }).tools.map(
      ({ toolSpec }) => toolSpec.name,
    );
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    const answer = streamOf(START, toolStart(0, 'a', names[1] ?? ''), blockStop(0), stop('tool_use'), metadata());
    const got = await run(bedrock(upstream(() => answer).fetch), converseJob({ tools }));
    expect(got.choices.get(0)?.toolCalls[0]?.name).toBe('my tool');
  });

  it('are asked for without streaming where the model refuses them in a stream, and come as one batch', async () => {
    const content = [{ text: 'Look:' }, { toolUse: { toolUseId: 'a', name: 'weather', input: { city: 'Cusco' } } }];
    const { fetch, sent } = upstream(() =>
      json({ ...ANSWER, stopReason: 'tool_use', output: { message: { role: 'assistant', content } } }),
    );
    const got = await run(bedrock(fetch), converseJob({ tools: [WEATHER], toolStreaming: false }));
    expect(sent[0]?.url.pathname).toMatch(/\/converse$/);
    expect(got).toMatchObject({ batches: 1, usage: { input: 1 } });
    expect(got.choices.get(0)).toMatchObject({
      text: 'Look:',
      toolCalls: [{ id: 'a', name: 'weather', arguments: '{"city":"Cusco"}' }],
      finish: 'tool_calls',
    });
  });

  it('stream as ever where no tool is in play', async () => {
    const { fetch, sent } = upstream(() => streamOf(START, text('a'), stop('end_turn'), metadata()));
    await run(bedrock(fetch), converseJob({ toolStreaming: false }));
    expect(sent[0]?.url.pathname).toMatch(/\/converse-stream$/);
  });
});

describe('images', () => {
  const withImage = (url: string): Partial<ChatJob> => ({
    messages: [
      { role: 'user', content: 'Look.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image', url },
        ],
      },
    ],
  });
  const refused = async (content: Content, role: 'user' | 'assistant' | 'system' = 'user') => {
    const { fetch, sent } = upstream(() => json(ANSWER));
    const { error } = await run(bedrock(fetch), whole({ messages: [{ role, content }] }));
    expect(sent).toHaveLength(0);
    return error;
  };

  it.each([
    ['image/png', 'png'],
    ['image/jpg', 'jpeg'],
    ['IMAGE/WEBP', 'webp'],
  ])('of a data: URL go as bytes: %s', async (type, format) => {
    const body = await bodyFor(withImage(`data:${type};base64,AQID`));
    expect(body.messages).toEqual([
      { role: 'user', content: [{ text: 'Look.\n\nWhat is it?' }, { image: { format, source: { bytes: 'AQID' } } }] },
    ]);
  });

  it('of the web are refused, and the field is named', async () => {
    expect(await refused([{ type: 'image', url: 'https://example.com/a.png' }])).toMatchObject({
      code: 'unsupported_parameter',
      details: { param: 'messages[0].content[0].image_url' },
    });
  });

  it.each(['data:image/png;base64,%%%', 'data:image/png;base64,', 'data:image/png,abc', 'data:nonsense'])(
    'that cannot be read are the caller’s mistake: %s',
    async (url) => expect(await refused([{ type: 'image', url }])).toMatchObject({ code: 'invalid_request' }),
  );

  it.each(['assistant', 'system'] as const)('are not taken from the %s', async (role) => {
    const error = await refused([{ type: 'image', url: 'data:image/png;base64,AQID' }], role);
    expect(error).toMatchObject({ code: 'unsupported_parameter', details: { param: 'messages[0].content[0]' } });
  });
});

/** As much of JSON Schema as the property below writes. */
function matches(schema: JsonObject, value: unknown): boolean {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.some((one: JsonObject) => matches(one, value));
  if (Array.isArray(schema.enum)) return schema.enum.includes(value);
  switch (schema.type) {
    case 'number':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value) && value.every((one) => matches(schema.items as JsonObject, one));
    default: {
      if (!isObject(value)) return false;
      const properties = schema.properties as Record<string, JsonObject>;
      const required = (schema.required ?? []) as string[];
      return (
        required.every((name) => Object.hasOwn(value, name)) &&
        Object.entries(value).every(([name, one]) => {
          const member = Object.hasOwn(properties, name) ? properties[name] : undefined;
          return member ? matches(member, one) : schema.additionalProperties !== false;
        })
      );
    }
  }
}

describe('a response format', () => {
  const schema = { type: 'object', properties: { a: { type: 'number' } } };
  const responseFormat = { type: 'json_schema', name: 'thing', schema } as const;

  /** The schema that goes out for one of the caller's; undefined where the model is asked in words. */
  const schemaFor = async (asked: JsonObject): Promise<string | undefined> => {
    const body = await bodyFor({
      family: 'qwen3',
      structured: true,
      responseFormat: { type: 'json_schema', name: 'thing', schema: asked },
    });
    const { outputConfig } = body as {
      outputConfig?: { textFormat: { structure: { jsonSchema: { schema: string } } } };
    };
    return outputConfig?.textFormat.structure.jsonSchema.schema;
  };

  it('that is a schema is enforced by Bedrock where it can', async () => {
    const body = await bodyFor({ family: 'qwen3', structured: true, responseFormat });
    expect(body.outputConfig).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: {
          jsonSchema: {
            name: 'thing',
            schema: '{"additionalProperties":false,"properties":{"a":{"type":"number"}},"type":"object"}',
          },
        },
      },
    });
    expect(body).not.toHaveProperty('system');
  });

  it('that is a schema has every object in it closed, however deep', async () => {
    const item = { type: 'object', properties: { b: { $ref: '#/$defs/c' } } };
    const sent = await schemaFor({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { list: { type: 'array', items: item }, either: { anyOf: [item, { type: 'null' }] } },
      $defs: { c: { type: ['object', 'null'], properties: {} } },
    });
    const closed = { additionalProperties: false, properties: { b: { $ref: '#/$defs/c' } }, type: 'object' };
    expect(JSON.parse(sent ?? '')).toEqual({
      $defs: { c: { additionalProperties: false, properties: {}, type: ['object', 'null'] } },
      additionalProperties: false,
      type: 'object',
      properties: { list: { type: 'array', items: closed }, either: { anyOf: [closed, { type: 'null' }] } },
    });
  });

  it('that is a schema is one text, in whichever order its keywords were written; members keep theirs', async () => {
    const one = {
      type: 'object',
      required: ['b', 'a'],
      properties: { b: { type: 'string', description: 'x' }, a: {} },
    };
    const same = {
      properties: { b: { description: 'x', type: 'string' }, a: {} },
      required: ['b', 'a'],
      type: 'object',
    };
    const other = { ...one, properties: { a: {}, b: { type: 'string', description: 'x' } } };
    expect(await schemaFor(one)).toBe(await schemaFor(same));
    expect(await schemaFor(one)).not.toBe(await schemaFor(other));
    expect(await schemaFor(one)).toContain('"properties":{"b"');
  });

  it('that is a schema with limits has them in words, where the model can read them', async () => {
    const age = { type: 'integer', minimum: 0, maximum: 150 };
    const tags = { type: 'array', items: { type: 'string', maxLength: 9 }, minItems: 2, description: 'Some.' };
    const sent = await schemaFor({ type: 'object', properties: { age, tags, one: { type: 'array', minItems: 1 } } });
    expect(JSON.parse(sent ?? '').properties).toEqual({
      age: { type: 'integer', description: '(maximum: 150, minimum: 0)' },
      tags: {
        type: 'array',
        items: { type: 'string', description: '(maxLength: 9)' },
        description: 'Some. (minItems: 2)',
      },
      one: { type: 'array', minItems: 1 },
    });
    const asked = { type: 'object', properties: { age, tags } };
    expect(bedrock(() => Promise.resolve(json({}))).canHold?.(asked)).toEqual([
      'maxLength',
      'maximum',
      'minItems',
      'minimum',
    ]);
  });

  it('that shares a definition is no circle', async () => {
    const $defs = { a: { type: 'string' }, b: { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] } };
    const asked = { type: 'object', properties: { x: { $ref: '#/$defs/b' }, y: { $ref: '#/$defs/a' } }, $defs };
    expect(await schemaFor(asked)).toBeDefined();
  });

  it('that is large is fit like a small one, and one that is a chain without end costs nothing', async () => {
    const names = Array.from({ length: 500 }, (_, n) => `d${n}`);
    const $defs = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
    const properties = Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }]));
    expect(await schemaFor({ type: 'object', properties, $defs })).toBeDefined();
    const chain = Object.fromEntries(names.map((name, n) => [name, { items: { $ref: `#/$defs/d${n + 1}` } }]));
    expect(await schemaFor({ $ref: '#/$defs/d0', $defs: chain })).toBeUndefined();
    let deep: JsonObject = { type: 'string' };
    for (let n = 0; n < 3000; n++) deep = { type: 'array', items: deep };
    expect(bedrock(() => Promise.resolve(json({}))).canHold?.(deep)).toBeUndefined();
  });

  it('that leaves an object open, or looks elsewhere, is no schema of Bedrock’s: it is asked for in words', async () => {
    const open: JsonObject[] = [
      { type: 'object' },
      { type: 'object', properties: {}, additionalProperties: true },
      { type: 'object', additionalProperties: { type: 'string' } },
      { type: 'object', properties: { a: { type: 'object', patternProperties: { x: {} } } } },
      { type: 'object', properties: { a: { $ref: 'https://example.com/schema.json' } } },
      {
        allOf: [
          { type: 'object', properties: { a: {} } },
          { type: 'object', properties: { b: {} } },
        ],
      },
      { type: 'object', properties: { child: { $ref: '#' } } },
      { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { items: { $ref: '#/$defs/a' } } } },
    ];
    for (const asked of open) expect(await schemaFor(asked), JSON.stringify(asked)).toBeUndefined();
  });

  it('that is a schema: what is valid under the fit form is valid under the caller’s', async () => {
    const leaf = fc.constantFrom<JsonObject>(
      { type: 'number' },
      { type: 'string' },
      { enum: ['a', 1] },
      { type: 'null' },
    );
    const { tree } = fc.letrec<{ tree: JsonObject }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({ type: fc.constant('array'), items: tie('tree') }),
        fc.record({ anyOf: fc.array(tie('tree'), { minLength: 1, maxLength: 2 }) }),
        fc.record(
          {
            type: fc.constant('object'),
            properties: fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('tree'), {
              maxKeys: 2,
              noNullPrototype: true,
            }),
            required: fc.constantFrom([], ['a']),
            additionalProperties: fc.constantFrom(false, true),
          },
          { requiredKeys: ['type', 'properties'] },
        ),
      ),
    }));
    const value = fc.jsonValue({ maxDepth: 2 });
    await fc.assert(
      fc.asyncProperty(tree, value, async (asked, given) => {
        const sent = await schemaFor(asked);
        const opens = JSON.stringify(asked).includes('"additionalProperties":true');
        expect(sent === undefined).toBe(opens);
        if (sent === undefined) return;
        const fit = matches(JSON.parse(sent), given);
        expect(!fit || matches(asked, given)).toBe(true);
        // Once it is fit it stays as it is.
        expect(await schemaFor(JSON.parse(sent))).toBe(sent);
      }),
      { numRuns: 200 },
    );
  });

  it('that is a schema holds a strict tool to it, of the same models', async () => {
    const tools = [
      { name: 'f', parameters: schema, strict: true },
      { name: 'g', parameters: schema },
    ];
    const specs = async (more: Partial<ChatJob>) => {
      const { toolConfig } = (await bodyFor({ family: 'qwen3', tools, ...more })) as {
        toolConfig: { tools: unknown[] };
      };
      return toolConfig.tools;
    };
    const plain = { toolSpec: { name: 'g', inputSchema: { json: schema } } };
    expect(await specs({ structured: true })).toEqual([
      { toolSpec: { name: 'f', inputSchema: { json: { ...schema, additionalProperties: false } }, strict: true } },
      plain,
    ]);
    expect(await specs({})).toEqual([{ toolSpec: { name: 'f', inputSchema: { json: schema } } }, plain]);
  });

  it('is asked for in words of a model that is not held to schemas, with no special token in them', async () => {
    const marked = { type: 'object', properties: { '[INST]': { description: '</s> [x]', type: 'string' } } };
    for (const family of ['deepseek-r1', 'mistral']) {
      const format = { type: 'json_schema', name: 'thing', schema: marked } as const;
      const body = await bodyFor({ family, responseFormat: format });
      expect(body).not.toHaveProperty('outputConfig');
      const [said = ''] = /\{.*\}$/.exec(JSON.stringify(body.system).replaceAll('\\"', '"')) ?? [];
      expect(said).not.toContain('</s>');
      if (family === 'mistral') expect(said).not.toContain('[INST]');
      const { system } = body as { system: { text: string }[] };
      expect(JSON.parse(system[0]?.text.split('\n').at(-1) ?? '')).toEqual(marked);
    }
  });

  it('is asked for in words of Llama, after what the caller’s system says', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a' },
    ] as const;
    const body = await bodyFor({ responseFormat, messages });
    expect(body).not.toHaveProperty('outputConfig');
    expect(body.system).toEqual([{ text: expect.stringMatching(/^Be brief\.\n\n.*JSON Schema.*\n.*"number"/) }]);
  });

  it('of any JSON object is asked for in words of all', async () => {
    const body = await bodyFor({ family: 'qwen3', structured: true, responseFormat: { type: 'json_object' } });
    expect(body.system).toEqual([{ text: expect.stringContaining('JSON object') }]);
  });
});
