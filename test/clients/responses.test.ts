import { createOpenAI } from '@ai-sdk/openai';
import { Agent, tool as agentTool, OpenAIProvider, Runner, setTracingDisabled } from '@openai/agents';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import type { ResponseInput } from 'openai/resources/responses/responses';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

/** Clients that speak Responses unless told otherwise, each as its own documentation shows. */
let stack: Stack;
let baseURL: string;
beforeAll(async () => {
  stack = await startStack();
  baseURL = `${stack.url}/v1`;
  setTracingDisabled(true);
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const CAPITAL = 'What is the capital of the California?';
const WEATHER = 'What is the weather in Lima? Use get_weather.';
const MODELS = [
  'bedrock/llama-3.3-70b-instruct',
  'together/llama-3.3-70b-instruct',
  'together/gpt-oss-120b',
  'together/deepseek-v4-pro',
  'bedrock/qwen3-32b',
];
const City = z.object({ city: z.string() });

describe.each(MODELS)('the openai package with %s', (model) => {
  const client = () => new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });
  const tools = [
    {
      type: 'function' as const,
      name: 'get_weather',
      description: 'The weather of a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      strict: false,
    },
  ];

  it('answers, also in a stream whose events say the same', async () => {
    const asked = { model, input: CAPITAL, store: false };
    const answer = await client().responses.create(asked);
    expect(answer.output_text).toMatch(/Sacramento/);
    const stream = await client().responses.create({ ...asked, stream: true });
    let text = '';
    let last: string | undefined;
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      last = event.type;
    }
    expect(text).toBe(answer.output_text);
    expect(last).toBe('response.completed');
  });

  it('calls a tool, and is given its own reasoning and the result back', async () => {
    const input: ResponseInput = [{ role: 'user', content: WEATHER }];
    const include = ['reasoning.encrypted_content' as const];
    const first = await client().responses.stream({ model, input, tools, include, store: false }).finalResponse();
    const call = first.output.find((item) => item.type === 'function_call');
    expect(call).toMatchObject({ name: 'get_weather', arguments: expect.stringMatching(/Lima/) });
    const output = { type: 'function_call_output' as const, call_id: call?.call_id ?? '', output: '{"celsius":19}' };
    // As OpenAI's own guide does it; the types of some items that never come here differ.
    const items = first.output as ResponseInput;
    const second = await client().responses.create({
      model,
      input: [...input, ...items, output],
      tools,
      include,
      store: false,
    });
    expect(second.output_text).toMatch(/19/);
  });

  it('parses an answer by its schema', async () => {
    const answer = await client().responses.parse({
      model,
      input: 'Say which city it is: Lima.',
      text: { format: zodTextFormat(City, 'city') },
    });
    expect(City.safeParse(answer.output_parsed).success).toBe(true);
  });
});

describe('the openai package', () => {
  it('throws where a stream breaks', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'cut', bytes: 900 }, times: 0 });
    const client = new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });
    const stream = await client.responses.create({
      model: 'together/llama-3.3-70b-instruct',
      input: CAPITAL,
      stream: true,
      max_output_tokens: 200,
    });
    const seen: string[] = [];
    const read = async () => {
      for await (const event of stream) seen.push(event.type);
    };
    await expect(read()).rejects.toThrow(/broke off/);
    expect(seen).not.toContain('response.completed');
  });

  it('falls over before the first content', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'status', status: 503 }, times: 0 });
    const client = new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });
    const stream = client.responses.stream({
      model: 'llama-3.3-70b-instruct',
      input: CAPITAL,
      provider: { order: ['together', 'bedrock'] },
    } as Parameters<typeof client.responses.stream>[0]);
    expect((await stream.finalResponse()) as unknown).toMatchObject({ status: 'completed', provider: 'bedrock' });
  });

  it('is told what to send where it refers to what is not stored', async () => {
    const client = new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });
    const asked = client.responses.create({ model: MODELS[0] ?? '', input: CAPITAL, previous_response_id: 'resp_1' });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      param: 'previous_response_id',
      message: expect.stringMatching(/full input/),
    });
  });
});

describe.each(MODELS)('the AI SDK’s openai() with %s', (name) => {
  const model = () => createOpenAI({ apiKey: KEY, baseURL })(name);
  const stateless = { openai: { store: false } };
  const weather = tool({
    description: 'The weather of a city',
    inputSchema: City,
    execute: async ({ city }) => ({ city, celsius: 19 }),
  });

  it('chats, streams, and runs tools', async () => {
    const { text, usage } = await generateText({
      model: model(),
      prompt: CAPITAL,
      maxRetries: 0,
      providerOptions: stateless,
    });
    expect(text).toMatch(/Sacramento/);
    expect(usage.totalTokens).toBeGreaterThan(0);
    const run = streamText({
      model: model(),
      prompt: WEATHER,
      maxRetries: 0,
      tools: { get_weather: weather },
      stopWhen: isStepCount(3),
      providerOptions: stateless,
    });
    expect(await run.text).toMatch(/19/);
    expect(await run.finishReason).toBe('stop');
  });

  it('makes objects', async () => {
    const { output } = await generateText({
      model: model(),
      prompt: 'Say which city it is: Lima.',
      maxRetries: 0,
      output: Output.object({ schema: City }),
      providerOptions: stateless,
    });
    expect(City.safeParse(output).success).toBe(true);
  });
});

describe('the AI SDK’s openai()', () => {
  it('is told to set store: false, where it refers to what it said before', async () => {
    const model = createOpenAI({ apiKey: KEY, baseURL })('together/llama-3.3-70b-instruct');
    const first = await generateText({ model, prompt: CAPITAL, maxRetries: 0 });
    const messages = [
      { role: 'user' as const, content: CAPITAL },
      ...first.response.messages,
      { role: 'user' as const, content: 'Sure?' },
    ];
    await expect(generateText({ model, messages, maxRetries: 0 })).rejects.toThrow(
      /Resend the full input, and set "store": false/,
    );
    const again = await generateText({ model, messages, maxRetries: 0, providerOptions: { openai: { store: false } } });
    expect(again.text).not.toBe('');
  });
});

describe.each(MODELS)('an agent of @openai/agents with %s', (model) => {
  it('runs a tool by its defaults, and streams', async () => {
    const agent = new Agent({
      name: 'Weather',
      model,
      instructions: 'Answer briefly.',
      tools: [
        agentTool({
          name: 'get_weather',
          description: 'The weather of a city',
          parameters: City,
          execute: async ({ city }) => `${city}: 19 celsius`,
        }),
      ],
    });
    const runner = new Runner({ modelProvider: new OpenAIProvider({ apiKey: KEY, baseURL }) });
    expect((await runner.run(agent, WEATHER)).finalOutput).toMatch(/19/);
    const streamed = await runner.run(agent, WEATHER, { stream: true });
    await streamed.completed;
    expect(streamed.finalOutput).toMatch(/19/);
  });
});
