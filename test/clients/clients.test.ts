import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Instructor from '@instructor-ai/instructor';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langChainTool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI as LangChainCompletion } from '@langchain/openai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

let stack: Stack;
let baseURL: string;
beforeAll(async () => {
  stack = await startStack();
  baseURL = `${stack.url}/v1`;
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const CAPITAL = 'What is the capital of the California?';
const MODEL = 'llama-3.3-70b-instruct';
const WEATHER = 'What is the weather in Lima? Use get_weather.';
const weatherTool = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, celsius: 19 }),
});

describe('the openai package', () => {
  const client = () => new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });

  it('chats', async () => {
    const answer = await client().chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: CAPITAL }],
    });
    expect(answer.choices[0]?.message.content).toMatch(/Sacramento/);
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
  });

  it('streams, with usage', async () => {
    const stream = await client().chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: CAPITAL }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let total = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      total += chunk.usage?.total_tokens ?? 0;
    }
    expect(text).toMatch(/Sacramento/);
    expect(total).toBeGreaterThan(0);
  });

  it('completes', async () => {
    const answer = await client().completions.create({
      model: 'llama-2-70b',
      prompt: 'The typical color of the sky is: ',
    });
    expect(answer.choices[0]?.text).toMatch(/blue/i);
  });

  it('runs a tool by its own runner', async () => {
    const asked: string[] = [];
    const runner = client().chat.completions.runTools({
      model: MODEL,
      messages: [{ role: 'user', content: 'What is the weather in Lima?' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The weather of a city',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              asked.push(city);
              return { celsius: 19 };
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toMatch(/19/);
    expect(asked).toHaveLength(1);
  });

  it('lists models', async () => {
    const names: string[] = [];
    for await (const model of client().models.list()) names.push(model.id);
    expect(names).toContain(MODEL);
    expect((await client().models.retrieve(MODEL)).id).toBe(MODEL);
  });

  it('throws its own typed errors', async () => {
    await expect(
      client().chat.completions.create({ model: 'no-such-model', messages: [{ role: 'user', content: 'Hi' }] }),
    ).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(new OpenAI({ apiKey: 'wrong', baseURL, maxRetries: 0 }).models.list()).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    await expect(
      client().chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], temperature: 9 }),
    ).rejects.toMatchObject({ status: 400, param: 'temperature', code: 'invalid_request' });
  });

  it('throws when a stream breaks, and never takes it for complete', async () => {
    await stack.dial({ provider: 'together', times: 1, fault: { kind: 'error', after: 3 } });
    const stream = await client().chat.completions.create({
      model: `together/${MODEL}`,
      messages: [{ role: 'user', content: 'Please write 60 words' }],
      stream: true,
    });
    const read = async () => {
      for await (const chunk of stream) expect(chunk.id).toMatch(/^gen-/);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
  });
});

describe('LangChain', () => {
  const configuration = () => ({ baseURL });

  it('chats and streams', async () => {
    const model = new ChatOpenAI({ model: MODEL, apiKey: KEY, maxRetries: 0, configuration: configuration() });
    const answer = await model.invoke([new SystemMessage('Be brief.'), new HumanMessage(CAPITAL)]);
    expect(answer.text).toMatch(/Sacramento/);
    expect((answer.usage_metadata as { total_tokens: number } | undefined)?.total_tokens).toBeGreaterThan(0);
    let text = '';
    for await (const chunk of await model.stream(CAPITAL)) text += chunk.text;
    expect(text).toMatch(/Sacramento/);
  });

  it('calls a tool, and fills a schema', async () => {
    const model = new ChatOpenAI({ model: MODEL, apiKey: KEY, maxRetries: 0, configuration: configuration() });
    const schema = z.object({ city: z.string() });
    const weather = langChainTool(async () => '19', {
      name: 'get_weather',
      description: 'The weather of a city',
      schema,
    });
    const { tool_calls } = await model.bindTools([weather]).invoke(WEATHER);
    expect(tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Lima' } }]);
    const filled = await model.withStructuredOutput(schema, { name: 'place' }).invoke('The city is Lima.');
    expect(filled).toEqual({ city: 'Lima' });
  });

  it('completes', async () => {
    const model = new LangChainCompletion({
      model: 'llama-2-70b',
      apiKey: KEY,
      maxRetries: 0,
      configuration: configuration(),
    });
    expect(await model.invoke('The typical color of the sky is: ')).toMatch(/blue/i);
  });
});

describe('the Vercel AI SDK', () => {
  const chasqui = () => createOpenAICompatible({ name: 'chasqui', apiKey: KEY, baseURL, includeUsage: true });

  it('generates', async () => {
    const { text, usage, finishReason } = await generateText({
      model: chasqui()(MODEL),
      prompt: CAPITAL,
      maxRetries: 0,
    });
    expect(text).toMatch(/Sacramento/);
    expect(finishReason).toBe('stop');
    expect(usage.totalTokens).toBeGreaterThan(0);
  });

  it('streams', async () => {
    const result = streamText({ model: chasqui()(MODEL), prompt: CAPITAL, maxRetries: 0 });
    let text = '';
    for await (const piece of result.textStream) text += piece;
    expect(text).toMatch(/Sacramento/);
    expect((await result.usage).totalTokens).toBeGreaterThan(0);
  });

  it('runs a tool, and answers by its result', async () => {
    const { text, steps } = await generateText({
      model: chasqui()(MODEL),
      prompt: WEATHER,
      tools: { get_weather: weatherTool },
      stopWhen: isStepCount(2),
      maxRetries: 0,
    });
    expect(steps[0]?.toolResults).toMatchObject([{ output: { city: 'Lima', celsius: 19 } }]);
    expect(text).toMatch(/19/);
  });

  it('completes', async () => {
    const { text } = await generateText({
      model: chasqui().completionModel('llama-2-70b'),
      prompt: 'The typical color of the sky is: ',
      maxRetries: 0,
    });
    expect(text).toMatch(/blue/i);
  });
});

describe('OpenRouter’s provider for the AI SDK', () => {
  const openrouter = () => createOpenRouter({ apiKey: KEY, baseURL });
  // A pinned provider, so that the answer has a known price.
  const model = `together/${MODEL}`;

  it('generates, and reads what it cost', async () => {
    const { text, providerMetadata } = await generateText({
      model: openrouter()(model, { usage: { include: true } }),
      prompt: CAPITAL,
      maxRetries: 0,
    });
    expect(text).toMatch(/Sacramento/);
    expect(providerMetadata?.openrouter).toMatchObject({
      usage: { cost: expect.any(Number), totalTokens: expect.any(Number) },
    });
  });

  it('streams, with usage at its end', async () => {
    const result = streamText({
      model: openrouter()(model, { usage: { include: true } }),
      prompt: CAPITAL,
      maxRetries: 0,
    });
    let text = '';
    for await (const piece of result.textStream) text += piece;
    expect(text).toMatch(/Sacramento/);
    expect((await result.usage).totalTokens).toBeGreaterThan(0);
    expect((await result.providerMetadata)?.openrouter).toMatchObject({ usage: { cost: expect.any(Number) } });
  });

  it('runs a tool, and answers by its result', async () => {
    const { text, steps } = await generateText({
      model: openrouter()(model),
      prompt: WEATHER,
      tools: { get_weather: weatherTool },
      stopWhen: isStepCount(2),
      maxRetries: 0,
    });
    expect(steps[0]?.toolResults).toMatchObject([{ output: { city: 'Lima', celsius: 19 } }]);
    expect(text).toMatch(/19/);
  });

  it('fills a schema', async () => {
    const { output } = await generateText({
      model: openrouter()(model),
      prompt: 'The city is Lima.',
      output: Output.object({ schema: z.object({ city: z.string() }) }),
      maxRetries: 0,
    });
    expect(output).toEqual({ city: 'Lima' });
  });
});

describe('instructor-js', () => {
  // It knows zod 3 alone, which zod 4 brings.
  const City = z3.object({ city: z3.string() });
  const client = (mode: 'TOOLS' | 'JSON' | 'JSON_SCHEMA' | 'MD_JSON') =>
    Instructor({ client: new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 }), mode });
  const asked = {
    model: MODEL,
    messages: [{ role: 'user' as const, content: 'The city is Lima.' }],
    response_model: { schema: City, name: 'City' },
  };

  it.each(['TOOLS', 'JSON', 'JSON_SCHEMA', 'MD_JSON'] as const)('fills a schema in its mode %s', async (mode) => {
    expect(await client(mode).chat.completions.create(asked)).toMatchObject({ city: 'Lima' });
  });

  it('streams a schema that fills up', async () => {
    const stream = await client('TOOLS').chat.completions.create({ ...asked, stream: true });
    let last: unknown;
    for await (const part of stream) last = part;
    expect(last).toMatchObject({ city: 'Lima' });
  });
});

describe('LangChain’s ChatAnthropic', () => {
  const model = (name: string) =>
    new ChatAnthropic({ model: name, apiKey: KEY, anthropicApiUrl: stack.url, maxRetries: 0, maxTokens: 1000 });

  it('chats and streams', async () => {
    const answer = await model(MODEL).invoke([new SystemMessage('Be brief.'), new HumanMessage(CAPITAL)]);
    expect(answer.text).toMatch(/Sacramento/);
    expect((answer.usage_metadata as { total_tokens: number } | undefined)?.total_tokens).toBeGreaterThan(0);
    let text = '';
    for await (const chunk of await model(MODEL).stream(CAPITAL)) text += chunk.text;
    expect(text).toMatch(/Sacramento/);
  });

  it('runs a tool with a model that thinks', async () => {
    const weather = langChainTool(async () => '19', {
      name: 'get_weather',
      description: 'The weather of a city',
      schema: z.object({ city: z.string() }),
    });
    const bound = model('together/gpt-oss-120b').bindTools([weather]);
    const first = await bound.invoke(WEATHER);
    expect(first.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Lima' } }]);
    const result = new ToolMessage({ content: '19 degrees', tool_call_id: first.tool_calls?.[0]?.id ?? '' });
    const answer = await bound.invoke([new HumanMessage(WEATHER), first, result]);
    expect(answer.text).toMatch(/19 degrees/);
  });
});
