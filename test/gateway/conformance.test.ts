import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { type Chunk, readStream } from '../support/sse.ts';

/** What each provider must give through the gateway; `tools` names a model that can call functions. */
const providers = [
  { provider: 'bedrock', model: 'llama-3-8b-instruct', tools: 'llama-3.3-70b-instruct' },
  { provider: 'replicate', model: 'llama-3-8b-instruct', tools: undefined },
  { provider: 'together', model: 'llama-3.3-70b-instruct', tools: 'llama-3.3-70b-instruct' },
  { provider: 'anyscale', model: 'llama-3-8b-instruct', tools: 'llama-3.3-70b-instruct' },
] as const;

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

describe.each(providers)('$provider', ({ provider, model, tools }) => {
  const only = { provider: { only: [provider] } };
  const post = async (path: string, body: Record<string, unknown>) => {
    const response = await stack.post(path, { model, ...only, ...body });
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    if (response.status === 200) {
      expect(response.headers.get('x-chasqui-provider')).toBe(provider);
      expect(response.headers.get('x-chasqui-attempts')).toBe('1');
    }
    return response;
  };
  const json = async (path: string, body: Record<string, unknown>) => {
    const response = await post(path, body);
    const answer: unknown = await response.json();
    expect(response.status, JSON.stringify(answer)).toBe(200);
    assertOpenAi(path.includes('chat') ? 'CreateChatCompletionResponse' : 'CreateCompletionResponse', answer);
    expect(response.headers.get('x-chasqui-generation-id')).toBe((answer as { id: string }).id);
    return answer as {
      choices: {
        index: number;
        text: string;
        message: {
          content: string | null;
          tool_calls?: { id: string; function: { name: string; arguments: string } }[];
        };
        finish_reason: string;
      }[];
      usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
    };
  };
  const stream = async (path: string, body: Record<string, unknown>) => {
    const response = await post(path, { ...body, stream: true, stream_options: { include_usage: true } });
    const text = await response.text();
    expect(response.status, text).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const read = readStream(text);
    expect(read.done, text).toBe(true);
    expect(read.error).toBeUndefined();
    if (path.includes('chat'))
      for (const chunk of read.chunks) assertOpenAi('CreateChatCompletionStreamResponse', chunk);
    else for (const chunk of read.chunks) expect(chunk.object).toBe('text_completion');
    expect(new Set(read.chunks.map((chunk) => chunk.id))).toEqual(
      new Set([response.headers.get('x-chasqui-generation-id')]),
    );
    const usages = read.chunks.filter((chunk) => chunk.usage);
    expect(usages).toHaveLength(1);
    expect(usages[0]).toBe(read.chunks.at(-1));
    expect(usages[0]?.choices).toEqual([]);
    return read;
  };
  const finishes = (chunks: readonly Chunk[], index: number) =>
    chunks
      .flatMap((chunk) => chunk.choices)
      .filter((choice) => choice.index === index && choice.finish_reason !== null);

  const hello = [
    { role: 'system', content: 'Answer in one short sentence.' },
    { role: 'user', content: 'My name is Ada.' },
    { role: 'user', content: 'What is the capital of the California?' },
  ];

  it('chat, JSON: a system message and two user turns in a row', async () => {
    const answer = await json('/v1/chat/completions', { messages: hello });
    expect(answer.choices[0]?.message.content).toMatch(/\w/);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens + answer.usage.completion_tokens);
    expect(answer.usage.prompt_tokens).toBeGreaterThan(0);
  });

  it('chat, streamed: the same text, one role and one finish', async () => {
    const whole = await json('/v1/chat/completions', { messages: hello, temperature: 0.1 });
    const read = await stream('/v1/chat/completions', { messages: hello, temperature: 0.1 });
    expect(read.text[0]).toBe(whole.choices[0]?.message.content);
    expect(finishes(read.chunks, 0)).toHaveLength(1);
    expect(read.chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.delta?.role)).toHaveLength(1);
    expect(read.usage).toMatchObject({ prompt_tokens: whole.usage.prompt_tokens });
  });

  it('completion, JSON and streamed, and echo', async () => {
    const prompt = 'The typical color of the sky is: ';
    const whole = await json('/v1/completions', { prompt, max_tokens: 64, temperature: 0.1 });
    expect(whole.choices[0]?.text).toMatch(/blue/i);
    const read = await stream('/v1/completions', { prompt, max_tokens: 64, temperature: 0.1 });
    expect(read.text[0]).toBe(whole.choices[0]?.text);
    const echoed = await json('/v1/completions', { prompt, max_tokens: 64, temperature: 0.1, echo: true });
    expect(echoed.choices[0]?.text).toBe(prompt + whole.choices[0]?.text);
  });

  it('several prompts at once keep their order', async () => {
    const prompts = ['The typical color of the sky is: ', 'Give me the word zebra'];
    const answer = await json('/v1/completions', { prompt: prompts, max_tokens: 64, n: 2, temperature: 0.1 });
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3]);
    expect(answer.choices[0]?.text).toMatch(/blue/i);
    expect(answer.choices[1]?.text).toMatch(/blue/i);
    expect(answer.choices[3]?.text).not.toMatch(/blue/i);
  });

  it('stop ends the text before the stop string, JSON and streamed', async () => {
    const messages = [{ role: 'user', content: 'What is the capital of the California?' }];
    const full = (await json('/v1/chat/completions', { messages, temperature: 0.1 })).choices[0]?.message.content ?? '';
    // A stop string from the middle of what it says, cut through a word, with a comma where there is one.
    const at = Math.max(2, Math.floor(full.length / 2));
    const stop = full.slice(at, at + 5);
    const wanted = full.slice(0, full.indexOf(stop));
    const answer = await json('/v1/chat/completions', { messages, temperature: 0.1, stop });
    expect(answer.choices[0]?.message.content?.trim()).toBe(wanted.trim());
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    const read = await stream('/v1/chat/completions', { messages, temperature: 0.1, stop: [stop] });
    expect((read.text[0] ?? '').trim()).toBe(wanted.trim());
    expect(read.finish).toEqual(['stop']);
  });

  it('max_tokens ends in length', async () => {
    const answer = await json('/v1/chat/completions', {
      messages: [{ role: 'user', content: 'Please write 200 words' }],
      max_tokens: 8,
    });
    expect(answer.choices[0]?.finish_reason).toBe('length');
  });

  it('n: 3 gives three choices, each finished once', async () => {
    const messages = [{ role: 'user', content: 'What is the capital of the California?' }];
    const answer = await json('/v1/chat/completions', { messages, n: 3 });
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
    for (const choice of answer.choices) expect(choice.message.content).toMatch(/\w/);
    const read = await stream('/v1/chat/completions', { messages, n: 3 });
    for (const index of [0, 1, 2]) {
      expect(read.text[index]).toMatch(/\w/);
      expect(finishes(read.chunks, index)).toHaveLength(1);
    }
  });

  if (tools) {
    const messages = [{ role: 'user', content: 'What is the weather in Lima?' }];
    it('calls a tool, JSON and streamed, and uses its result', async () => {
      const answer = await json('/v1/chat/completions', { model: tools, messages, tools: [weather] });
      const [call] = answer.choices[0]?.message.tool_calls ?? [];
      expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
      expect(call?.function.name).toBe('get_weather');
      expect(Object.keys(JSON.parse(call?.function.arguments ?? ''))).toEqual(['city']);

      const read = await stream('/v1/chat/completions', { model: tools, messages, tools: [weather] });
      expect(read.finish).toEqual(['tool_calls']);
      expect(read.tools).toHaveLength(1);
      expect(read.tools[0]).toMatchObject({ name: 'get_weather' });
      expect(JSON.parse(read.tools[0]?.arguments ?? '')).toEqual(JSON.parse(call?.function.arguments ?? ''));

      const after = await json('/v1/chat/completions', {
        model: tools,
        messages: [
          ...messages,
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: call?.id, type: 'function', function: call?.function }],
          },
          { role: 'tool', tool_call_id: call?.id, content: '{"celsius": 19}' },
        ],
        tools: [weather],
      });
      expect(after.choices[0]?.message.content).toMatch(/19/);
      expect(after.choices[0]?.finish_reason).toBe('stop');
    });
  } else {
    it('says why it cannot call tools', async () => {
      const response = await post('/v1/chat/completions', {
        messages: [{ role: 'user', content: 'Hi' }],
        tools: [weather],
      });
      const body: unknown = await response.json();
      expect(response.status).toBe(400);
      assertOpenAi('ErrorResponse', body);
      expect(body).toMatchObject({ error: { code: 'no_eligible_offer', metadata: { offers: expect.any(Array) } } });
      expect(JSON.stringify(body)).toContain('no_tools');
    });
  }
});
