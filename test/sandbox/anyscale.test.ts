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

interface Body {
  readonly usage: { readonly prompt_tokens: number };
  readonly choices: readonly {
    readonly message: { readonly content: string };
    readonly logprobs: { readonly tokens: readonly string[]; readonly token_logprobs: readonly (number | null)[] };
  }[];
}

describe('vLLM, as one runs it oneself', () => {
  const post = async (path: string, body: unknown, fault?: unknown) => {
    const answer = await fetch(`${box.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEYS.anyscale}`,
        ...(fault ? { 'x-sandbox-fault': JSON.stringify(fault) } : {}),
      },
      body: JSON.stringify(body),
    });
    return { status: answer.status, json: (await answer.json()) as Body };
  };
  const messages = [{ role: 'user', content: 'What is the weather in Lima?' }];
  const OWN = '/openai-compatible';

  it('counts a chat with its tools as it bills it, which Ray Serve does not', async () => {
    for (const tools of [[], [TOOL]]) {
      const body = { model: 'meta-llama/Llama-3.1-8B-Instruct', messages, ...(tools.length > 0 ? { tools } : {}) };
      const counted = await post(`${OWN}/tokenize`, body);
      const billed = await post(`${OWN}/v1/chat/completions`, body);
      expect(counted.json).toMatchObject({ count: billed.json.usage.prompt_tokens });
    }
    expect((await post('/anyscale/tokenize', { model: MODEL, messages })).status).toBe(400);
  });

  it('refuses an image that its model cannot see', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
    const shown = (model: string) =>
      post(`${OWN}/v1/chat/completions`, {
        model,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] }],
      });
    expect(await shown(MODEL)).toMatchObject({
      status: 400,
      json: { error: { message: `${MODEL} is not a multimodal model`, type: 'BadRequestError' } },
    });
    expect((await shown('Qwen/Qwen2.5-VL-7B-Instruct')).status).toBe(200);
  });

  it('takes fields that are not OpenAI’s, and follows its own of them', async () => {
    const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    const body = { model: MODEL, messages: [{ role: 'user', content: 'Ada was a countess.' }], min_p: 0.1, top_k: 5 };
    for (const more of [{ guided_json: schema }, { structured_outputs: { json: schema } }]) {
      const { json } = await post(`${OWN}/v1/chat/completions`, { ...body, chat_template_kwargs: { x: 1 }, ...more });
      const [choice] = json.choices;
      expect(JSON.parse(choice?.message.content ?? '')).toEqual({ name: 'Ada' });
    }
    expect((await post(`${OWN}/v1/chat/completions`, { ...body, min_p: 2 })).status).toBe(400);
  });

  it('ignores n where it is dialled to', async () => {
    const body = { model: MODEL, messages, n: 3 };
    const counts = await Promise.all(
      [undefined, { kind: 'ignore_n' }].map(async (fault) => {
        const { json } = await post(`${OWN}/v1/chat/completions`, body, fault);
        return json.choices.length;
      }),
    );
    expect(counts).toEqual([3, 1]);
  });

  it('ends a raw completion after 16 tokens unless it is told, and echoes a prompt alone', async () => {
    const prompt = 'write 60 words';
    const { json } = await post(`${OWN}/v1/completions`, { model: MODEL, prompt });
    expect(json).toMatchObject({ usage: { completion_tokens: 16 }, choices: [{ finish_reason: 'length' }] });
    const echoed = await post(`${OWN}/v1/completions`, {
      model: MODEL,
      prompt,
      echo: true,
      max_tokens: 0,
      logprobs: 1,
    });
    expect(echoed.json).toMatchObject({ usage: { completion_tokens: 0 }, choices: [{ text: prompt }] });
    const [choice] = echoed.json.choices;
    expect(choice?.logprobs.tokens.join('')).toBe(prompt);
    expect(choice?.logprobs.token_logprobs[0]).toBeNull();
    expect(choice?.logprobs.token_logprobs.slice(1)).not.toContain(null);
    expect((await post(`${OWN}/v1/completions`, { model: MODEL, prompt, max_tokens: 0 })).status).toBe(400);
  });
});
