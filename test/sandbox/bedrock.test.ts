import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  type ConverseStreamOutput,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { describe, expect, it } from 'vitest';
import { KEYS, refusal, sandbox } from './support.ts';

const LLAMA_3 = 'meta.llama3-70b-instruct-v1:0';
const LLAMA_33 = 'us.meta.llama3-3-70b-instruct-v1:0';
const MIXTRAL = 'mistral.mixtral-8x7b-instruct-v0:1';

const box = sandbox();
const client = (config: BedrockRuntimeClientConfig = { credentials: KEYS.aws }) =>
  new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: `${box.url}/bedrock`,
    maxAttempts: 1,
    requestHandler: new FetchHttpHandler(),
    ...config,
  });

const says = (text: string, rest: Partial<ConverseCommandInput> = {}): ConverseCommandInput => ({
  modelId: LLAMA_3,
  messages: [{ role: 'user', content: [{ text }] }],
  ...rest,
});

const WEATHER: NonNullable<ConverseCommandInput['toolConfig']> = {
  tools: [
    {
      toolSpec: {
        name: 'get_weather',
        inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
      },
    },
  ],
};

async function collect(stream: AsyncIterable<ConverseStreamOutput> | undefined): Promise<ConverseStreamOutput[]> {
  const events: ConverseStreamOutput[] = [];
  for await (const event of stream ?? []) events.push(event);
  return events;
}

const textOf = (events: readonly ConverseStreamOutput[]): string =>
  events.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('');

describe("AWS's SDK against the sandbox", () => {
  it.each([
    ['a signature', { credentials: KEYS.aws }],
    ['an API key', { token: { token: KEYS.bedrock }, authSchemePreference: ['httpBearerAuth'] }],
  ])('converses with %s', async (_, config) => {
    const answer = await client(config).send(new ConverseCommand(says('What is the capital of the California?')));
    expect(answer.output?.message?.content).toEqual([{ text: 'The capital of California is Sacramento.' }]);
    expect(answer.stopReason).toBe('end_turn');
    const { inputTokens = 0, outputTokens = 0, totalTokens } = answer.usage ?? {};
    expect(inputTokens).toBeGreaterThan(0);
    expect(outputTokens).toBeGreaterThan(0);
    expect(totalTokens).toBe(inputTokens + outputTokens);
    expect(answer.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('streams the same text that it answers with, then why it stopped, then the usage', async () => {
    const asked = says('Who lived longer Elvis Presley or Mozart?');
    const whole = await client().send(new ConverseCommand(asked));
    const events = await collect((await client().send(new ConverseStreamCommand(asked))).stream);
    expect([{ text: textOf(events) }]).toEqual(whole.output?.message?.content);
    expect(events.some((event) => event.contentBlockStart)).toBe(false);
    expect(events.at(0)?.messageStart?.role).toBe('assistant');
    expect(events.at(-2)?.messageStop?.stopReason).toBe('end_turn');
    expect(events.at(-1)?.metadata?.usage).toEqual(whole.usage);
  });

  it('stops at maxTokens and at a stop sequence', async () => {
    const config = { maxTokens: 3 };
    const short = await client().send(new ConverseCommand(says('write 50 words', { inferenceConfig: config })));
    expect(short.stopReason).toBe('max_tokens');
    expect(short.usage?.outputTokens).toBe(3);
    const stopped = await client().send(
      new ConverseCommand(says('count to 9', { inferenceConfig: { stopSequences: [', 4'] } })),
    );
    expect(stopped.stopReason).toBe('stop_sequence');
    expect(stopped.output?.message?.content).toEqual([{ text: '1, 2, 3' }]);
  });

  it('calls a tool and uses its result', async () => {
    const asked = says('What is the weather in Cusco?', { modelId: LLAMA_33, toolConfig: WEATHER });
    const answer = await client().send(new ConverseCommand(asked));
    expect(answer.stopReason).toBe('tool_use');
    const use = answer.output?.message?.content?.[0]?.toolUse;
    expect(use).toMatchObject({ name: 'get_weather', input: { city: 'Cusco' } });
    const result = { toolUseId: use?.toolUseId, content: [{ text: '12 degrees, windy' }] };
    const after = await client().send(
      new ConverseCommand({
        ...asked,
        messages: [
          ...(asked.messages ?? []),
          answer.output?.message ?? { role: 'assistant', content: [] },
          { role: 'user', content: [{ toolResult: result }] },
        ],
      }),
    );
    expect(after.output?.message?.content?.[0]?.text).toContain('12 degrees, windy');
  });

  it('streams the calls of a model that may', async () => {
    const asked = says('Weather in Cusco and Lima?', { modelId: 'amazon.nova-micro-v1:0', toolConfig: WEATHER });
    const events = await collect((await client().send(new ConverseStreamCommand(asked))).stream);
    const starts = events.flatMap((event) => event.contentBlockStart?.start?.toolUse ?? []);
    expect(starts.map(({ name }) => name)).toEqual(['get_weather', 'get_weather']);
    const input = (index: number) =>
      events
        .filter((event) => event.contentBlockDelta?.contentBlockIndex === index)
        .map((event) => event.contentBlockDelta?.delta?.toolUse?.input ?? '')
        .join('');
    expect([JSON.parse(input(0)), JSON.parse(input(1))]).toEqual([{ city: 'Cusco' }, { city: 'Lima' }]);
  });

  it('invokes Llama with a raw prompt, whole and streamed', async () => {
    const body = JSON.stringify({ prompt: '[INST] What is the capital of the California? [/INST]', max_gen_len: 64 });
    const input = { modelId: LLAMA_3, body, contentType: 'application/json', accept: 'application/json' };
    const whole = JSON.parse((await client().send(new InvokeModelCommand(input))).body.transformToString());
    expect(whole).toMatchObject({ generation: 'The capital of California is Sacramento.', stop_reason: 'stop' });
    const streamed = await client().send(new InvokeModelWithResponseStreamCommand(input));
    const chunks = [];
    for await (const { chunk } of streamed.body ?? []) chunks.push(JSON.parse(new TextDecoder().decode(chunk?.bytes)));
    expect(chunks.map(({ generation }) => generation).join('')).toBe(whole.generation);
    expect(chunks.at(0).prompt_token_count).toBe(whole.prompt_token_count);
    expect(chunks.at(1).prompt_token_count).toBeNull();
    expect(chunks.at(-1)).toMatchObject({
      stop_reason: 'stop',
      'amazon-bedrock-invocationMetrics': { outputTokenCount: whole.generation_token_count },
    });
  });

  it('invokes Mistral, whose tokens are in the headers only', async () => {
    const body = JSON.stringify({ prompt: '<s>[INST] count to 5 [/INST]', max_tokens: 64, stop: [', 4'] });
    const answer = await fetch(`${box.url}/bedrock/model/${encodeURIComponent(MIXTRAL)}/invoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.bedrock}` },
      body,
    });
    expect(await answer.json()).toEqual({ outputs: [{ text: '1, 2, 3', stop_reason: 'stop' }] });
    expect(Number(answer.headers.get('x-amzn-bedrock-input-token-count'))).toBeGreaterThan(0);
    expect(Number(answer.headers.get('x-amzn-bedrock-output-token-count'))).toBeGreaterThan(0);
    expect(answer.headers.get('x-sandbox')).toBe('bedrock');
  });
});

describe('what Bedrock refuses', () => {
  const turn = (role: 'user' | 'assistant', text: string) => ({ role, content: [{ text }] });
  const use = { toolUse: { toolUseId: 't1', name: 'get_weather', input: {} } };

  it.each<[string, Partial<ConverseCommandInput>, RegExp]>([
    ['a first turn of the assistant', { messages: [turn('assistant', 'x')] }, /must start with a user message/],
    ['two turns of one role', { messages: [turn('user', 'a'), turn('user', 'b')] }, /must alternate/],
    ['blank text', { messages: [turn('user', ' \n')] }, /messages\.0\.content\.0 is blank/],
    ['an empty turn', { messages: [{ role: 'user', content: [] }] }, /is empty/],
    [
      'tool blocks without tools',
      { messages: [turn('user', 'a'), { role: 'assistant', content: [use] }, turn('user', 'b')] },
      /toolConfig field must be defined/,
    ],
    [
      'a tool call without its result',
      {
        modelId: LLAMA_33,
        toolConfig: WEATHER,
        messages: [turn('user', 'a'), { role: 'assistant', content: [use] }, turn('user', 'b')],
      },
      /Expected toolResult blocks at messages\.2\.content for the following Ids: t1/,
    ],
    [
      'an id of another provider’s',
      {
        modelId: LLAMA_33,
        toolConfig: WEATHER,
        messages: [
          turn('user', 'a'),
          { role: 'assistant', content: [{ toolUse: { ...use.toolUse, toolUseId: 'functions.f:0' } }] },
        ],
      },
      /'functions\.f:0' at 'toolUseId' failed to satisfy constraint/,
    ],
    [
      'reasoning that an open model left',
      {
        modelId: 'deepseek.v3.2',
        messages: [
          turn('user', 'a'),
          { role: 'assistant', content: [{ reasoningContent: { reasoningText: { text: 'x' } } }, { text: 'b' }] },
          turn('user', 'c'),
        ],
      },
      /cannot contain reasoning content/,
    ],
    ['a temperature above 1', { inferenceConfig: { temperature: 1.5 } }, /less than or equal to 1/],
    ['no room for one token', { inferenceConfig: { maxTokens: 0 } }, /greater than or equal to 1/],
    ['an unknown model', { modelId: 'meta.llama9-1b-v1:0' }, /^The provided model identifier is invalid\.$/],
    ['a model that has profiles only', { modelId: 'meta.llama3-3-70b-instruct-v1:0' }, /throughput isn’t supported/],
    ['tools for Llama 3', { toolConfig: WEATHER }, /doesn't support tool use\.$/],
    ['a system prompt for Mixtral', { modelId: MIXTRAL, system: [{ text: 's' }] }, /doesn't support system messages/],
  ])('%s', async (_, change, message) => {
    const error = await refusal(client().send(new ConverseCommand(says('hello', change))));
    expect(error).toMatchObject({ name: 'ValidationException', $metadata: { httpStatusCode: 400 } });
    expect((error as Error).message).toMatch(message);
  });

  it('tools in a stream of Llama 3.3', async () => {
    const asked = says('hello', { modelId: LLAMA_33, toolConfig: WEATHER });
    const error = await refusal(client().send(new ConverseStreamCommand(asked)));
    expect((error as Error).message).toBe("This model doesn't support tool use in streaming mode.");
  });

  it('a model whose life has ended', async () => {
    const error = await refusal(client().send(new ConverseCommand(says('hi', { modelId: 'meta.llama2-70b-chat-v1' }))));
    expect(error).toMatchObject({ name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } });
  });

  it.each([
    [{ prompt: 'x', max_tokens: 5 }, '#: extraneous key [max_tokens] is not permitted'],
    [{ max_gen_len: 5 }, '#: required key [prompt] not found'],
    [{ prompt: 'x', max_gen_len: 4096 }, '#/max_gen_len: 4096 is not less or equal to 2048'],
    [{ prompt: 'x', temperature: 'hot' }, '#/temperature: expected type: Number, found: String'],
  ])('an Invoke body like %o', async (body, found) => {
    const command = new InvokeModelCommand({ modelId: LLAMA_3, body: JSON.stringify(body) });
    expect(((await refusal(client().send(command))) as Error).message).toBe(
      `Malformed input request: ${found}, please reformat your input and try again.`,
    );
  });

  it.each<[string, BedrockRuntimeClientConfig, string]>([
    [
      'another secret',
      { credentials: { ...KEYS.aws, secretAccessKey: 'not-the-secret' } },
      'InvalidSignatureException',
    ],
    ['another access key', { credentials: { ...KEYS.aws, accessKeyId: 'AKIAOTHER' } }, 'UnrecognizedClientException'],
    [
      'a session token that it does not know',
      { credentials: { ...KEYS.aws, sessionToken: 'stray' } },
      'UnrecognizedClientException',
    ],
    [
      'another API key',
      { token: { token: 'stray' }, authSchemePreference: ['httpBearerAuth'] },
      'AccessDeniedException',
    ],
    ['another region', { credentials: KEYS.aws, region: 'eu-west-1' }, 'InvalidSignatureException'],
  ])('%s', async (_, config, name) => {
    const error = await refusal(client(config).send(new ConverseCommand(says('hello'))));
    expect(error).toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
  });
});

describe('structured output', () => {
  const QWEN = 'qwen.qwen3-32b-v1:0';
  const PERSON = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  };
  const format = (schema: unknown): ConverseCommandInput['outputConfig'] => ({
    textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(schema), name: 'person' } } },
  });
  const send = (input: ConverseCommandInput) => client().send(new ConverseCommand(input));
  const inJson = (schema: unknown, modelId = QWEN) =>
    send(says('Jason is 25 years old', { modelId, outputConfig: format(schema) }));

  it('is JSON that keeps to the schema, streamed or not', async () => {
    const { output } = await inJson(PERSON);
    expect(JSON.parse(output?.message?.content?.[0]?.text ?? '')).toEqual({ name: 'Jason', age: 25 });
    const { stream } = await client().send(
      new ConverseStreamCommand(says('Jason is 25 years old', { modelId: QWEN, outputConfig: format(PERSON) })),
    );
    expect(JSON.parse(textOf(await collect(stream)))).toEqual({ name: 'Jason', age: 25 });
  });

  it.each([
    [
      'an object that is open',
      { ...PERSON, additionalProperties: undefined },
      /'additionalProperties' must be explicitly/,
    ],
    [
      'one within it',
      { ...PERSON, properties: { name: { type: 'object', properties: {} } } },
      /'additionalProperties'/,
    ],
    ['a limit of numbers', { ...PERSON, properties: { age: { type: 'integer', minimum: 0 } } }, /'minimum'/],
    ['a reference to elsewhere', { ...PERSON, properties: { age: { $ref: 'https://example.com/age' } } }, /External/],
    ['a schema of itself', { ...PERSON, properties: { child: { $ref: '#' } } }, /Recursive/],
  ])('is refused for %s', async (_, schema, message) => {
    expect(await refusal(inJson(schema))).toMatchObject({ name: 'ValidationException', message });
  });

  it.each(['us.meta.llama3-3-70b-instruct-v1:0', 'us.deepseek.r1-v1:0'])(
    'is refused by %s, as strict tools are',
    async (modelId) => {
      const unsupported = { name: 'ValidationException', message: /doesn't support/ };
      expect(await refusal(inJson(PERSON, modelId))).toMatchObject(unsupported);
      const strict = { toolSpec: { name: 'person', strict: true, inputSchema: { json: PERSON } } };
      expect(await refusal(send(says('x', { modelId, toolConfig: { tools: [strict] } })))).toMatchObject(unsupported);
    },
  );

  it('is what strict tools are held to', async () => {
    const tools = (json: typeof PERSON) => ({
      tools: [{ toolSpec: { name: 'person', strict: true, inputSchema: { json } } }],
      toolChoice: { tool: { name: 'person' } },
    });
    const { output } = await send(says('Jason is 25 years old', { modelId: QWEN, toolConfig: tools(PERSON) }));
    expect(output?.message?.content?.at(-1)?.toolUse?.input).toEqual({ name: 'Jason', age: 25 });
    const { additionalProperties: _, ...open } = PERSON;
    expect(await refusal(send(says('x', { modelId: QWEN, toolConfig: tools(open as typeof PERSON) })))).toMatchObject({
      name: 'ValidationException',
    });
  });
});

describe('an image', () => {
  const bytes = new Uint8Array([137, 80, 78, 71]);
  const shows = (modelId: string) =>
    client().send(
      new ConverseCommand({
        modelId,
        messages: [
          { role: 'user', content: [{ text: 'What is this?' }, { image: { format: 'png', source: { bytes } } }] },
        ],
      }),
    );

  it('is taken by models that see, and refused by those that do not', async () => {
    expect((await shows('us.meta.llama4-scout-17b-instruct-v1:0')).stopReason).toBe('end_turn');
    expect(await refusal(shows(LLAMA_33))).toMatchObject({
      name: 'ValidationException',
      message: /doesn't support the image/,
    });
  });
});
