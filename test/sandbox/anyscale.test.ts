import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { KEYS, read, refusal, sandbox } from './support.ts';

const MODEL = 'meta-llama/Llama-2-70b-chat-hf';
const QUESTION = 'What is the capital of the California?';
const ANSWER = 'The capital of California is Sacramento.';

const box = sandbox();
const client = (apiKey = KEYS.anyscale, wire = 'anyscale') =>
  new OpenAI({ apiKey, baseURL: `${box.url}/${wire}/v1`, maxRetries: 0 });
const asks = (content: string) => ({ model: MODEL, messages: [{ role: 'user' as const, content }] });

const TOOL = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of stream) all.push(one);
  return all;
}

describe("OpenAI's client against a Ray Serve deployment", () => {
  it('chats, with nulls for all that is not there', async () => {
    const answer = await client().chat.completions.create(asks(QUESTION));
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'stop',
      logprobs: null,
      message: { content: ANSWER, refusal: null, function_call: null },
    });
    expect(answer.usage).toMatchObject({ prompt_tokens_details: null });
  });

  it('streams usage only where it is asked for', async () => {
    const bare = await collect(await client().chat.completions.create({ ...asks(QUESTION), stream: true }));
    expect(bare.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(ANSWER);
    expect(bare.filter((chunk) => chunk.choices[0]?.delta.role)).toHaveLength(1);
    expect(bare.some((chunk) => chunk.usage)).toBe(false);
    const counted = await collect(
      await client().chat.completions.create({
        ...asks(QUESTION),
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(counted.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
  });

  it('puts several events in one write', async () => {
    const answer = await fetch(`${box.url}/anyscale/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.anyscale}`, 'x-sandbox-fault': '{"kind": "stall", "after": 100}' },
      body: JSON.stringify({ ...asks('write 300 words'), stream: true }),
    });
    const reader = answer.body?.getReader();
    let reads = 0;
    let events = 0;
    while (events < 50) {
      const { value } = (await reader?.read()) ?? {};
      reads++;
      events += new TextDecoder().decode(value).match(/^data: /gm)?.length ?? 0;
    }
    await reader?.cancel();
    expect(events).toBeGreaterThan(reads);
  });

  it('completes each of several prompts n times, with an echo', async () => {
    const answer = await client().completions.create({
      model: MODEL,
      prompt: ['repeat: a', 'repeat: b'],
      n: 2,
      echo: true,
    });
    expect(answer.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, 'repeat: aa'],
      [1, 'repeat: aa'],
      [2, 'repeat: bb'],
      [3, 'repeat: bb'],
    ]);
  });

  it('streams completions, and stops at 16 tokens unless told', async () => {
    const body = { model: MODEL, prompt: 'write 90 words', stream: true as const };
    const chunks = await collect(await client().completions.create(body));
    expect(chunks).toHaveLength(16);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  it('calls the tool that is named, and streams its arguments in parts', async () => {
    const other = { ...TOOL, function: { ...TOOL.function, name: 'other' } };
    const asked = {
      ...asks('Weather in Cusco?'),
      tools: [other, TOOL],
      tool_choice: { type: 'function' as const, function: { name: 'other' } },
    };
    const [choice] = (await client().chat.completions.create(asked)).choices;
    expect(choice?.message.tool_calls).toMatchObject([{ function: { name: 'other', arguments: '{"city":"Cusco"}' } }]);
    const chunks = await collect(await client().chat.completions.create({ ...asked, stream: true }));
    const parts = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(parts.map((part) => part.function?.arguments ?? '').join('')).toBe('{"city":"Cusco"}');
    expect(parts.length).toBeGreaterThan(2);
    const none = await client().chat.completions.create({ ...asked, tool_choice: 'none' });
    expect(none.choices[0]).toMatchObject({ finish_reason: 'stop', message: { tool_calls: [] } });
  });

  it('gives log probabilities of chat and of completions', async () => {
    const chat = await client().chat.completions.create({ ...asks('repeat: a b'), logprobs: true, top_logprobs: 2 });
    expect(chat.choices[0]?.logprobs?.content?.map(({ token, top_logprobs: top }) => [token, top.length])).toEqual([
      ['a', 2],
      [' b', 2],
    ]);
    const completion = await client().completions.create({ model: MODEL, prompt: 'repeat: a b', logprobs: 1 });
    expect(completion.choices[0]?.logprobs).toMatchObject({ tokens: ['a', ' b'], text_offset: [0, 1] });
  });

  it('thinks aloud where the model does', async () => {
    const answer = await client().chat.completions.create({ ...asks(QUESTION), model: 'openai/gpt-oss-120b' });
    expect(answer.choices[0]?.message).toMatchObject({ content: ANSWER, reasoning_content: expect.any(String) });
  });

  it('lists models with their context, under an id with dashes too', async () => {
    const [first] = (await client().models.list()).data;
    expect(first).toMatchObject({ id: MODEL, metadata: { max_request_context_length: 4096 } });
    expect(await client().models.retrieve(MODEL.replace('/', '--'))).toMatchObject({ id: MODEL });
  });

  it('counts tokens as it bills them, beside the OpenAI routes', async () => {
    const prompt = 'count to 5 and then go home';
    const call = fetch(`${box.url}/anyscale/tokenize`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.anyscale}` },
      body: JSON.stringify({ model: MODEL, prompt }),
    });
    const {
      count,
      tokens,
      max_model_len: limit,
    } = await read<{
      count: number;
      tokens: number[];
      max_model_len: number;
    }>(call);
    const { usage } = await client().completions.create({ model: MODEL, prompt });
    expect([tokens.length, limit]).toEqual([count, 4096]);
    // The token that begins every text is one of them.
    expect([tokens[0], usage?.prompt_tokens]).toEqual([1, count]);
  });

  it('serves the same on a server without a lock', async () => {
    const answer = await client('any', 'openai-compatible').chat.completions.create(asks(QUESTION));
    expect(answer.choices[0]?.message.content).toBe(ANSWER);
  });
});

describe('what vLLM refuses', () => {
  it.each<[string, object, object]>([
    ['an unknown model', { model: 'gpt-4' }, { status: 404, error: { code: 404, type: 'NotFoundError' } }],
    ['a temperature below 0', { temperature: -1 }, { status: 400, error: { code: 400, param: { temperature: -1 } } }],
    ['no room for one token', { max_tokens: 0 }, { status: 400 }],
    ['stream_options without a stream', { stream_options: { include_usage: true } }, { status: 400 }],
    [
      'more tokens than fit',
      { max_tokens: 4096 },
      { status: 400, error: { message: expect.stringMatching(/^This model's maximum context length is 4096 tokens/) } },
    ],
  ])('%s', async (_, change, error) => {
    expect(await refusal(client().chat.completions.create({ ...asks('hi'), ...change }))).toMatchObject(error);
  });

  it('a wrong token', async () => {
    expect(await refusal(client('stray').chat.completions.create(asks('hi')))).toMatchObject({ status: 401 });
  });

  it('other routes, in the words of FastAPI', async () => {
    const answer = await fetch(`${box.url}/anyscale/v2/nothing`, {
      headers: { authorization: `Bearer ${KEYS.anyscale}` },
    });
    expect([answer.status, await answer.json()]).toEqual([404, { detail: 'Not Found' }]);
  });
});
