import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { freePort } from '../support/free-port.ts';
import { KEY } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';
import { serveWorkers } from '../support/workerd.ts';
import { type Door, openDoor } from './door.ts';
import { ALIAS, type LlamaServer, startLlamaCpp, TOOL_TEMPLATE } from './llama-cpp.ts';

const CHATML = { models: { [ALIAS]: { family: 'chatml' } } };

/** A gateway whose only providers are these servers, tried in the order of their names. */
async function startGateway(servers: Readonly<Record<string, string>>, entry: object = CHATML) {
  const services = Object.entries(servers).map(([id, url]) => ({ id, base_url: `${url}/v1`, ...entry }));
  const served = await serveWorkers([
    {
      name: 'gateway',
      config: 'wrangler.toml',
      bindings: { CHASQUI_ADMIN_KEY: KEY, OPENAI_COMPATIBLE_SERVICES: JSON.stringify(services) },
    },
  ]);
  const post = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(`${served.urls.gateway}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
  const get = (path: string) => fetch(`${served.urls.gateway}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
  return { served, post, get };
}

type Gateway = Awaited<ReturnType<typeof startGateway>>;

const CHAT = '/v1/chat/completions';
const TEXT = '/v1/completions';

const question = [{ role: 'user', content: 'What is the capital of France?' }];
const chat = (more: object = {}) => ({ model: ALIAS, temperature: 0, max_tokens: 12, messages: question, ...more });
const completion = (more: object = {}) => ({
  model: ALIAS,
  temperature: 0,
  max_tokens: 8,
  prompt: 'The color of the sky is',
  ...more,
});

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Paris', 'Lima'] } },
      required: ['city'],
    },
  },
};

const toolCall = (place: string) => ({
  role: 'assistant',
  content: null,
  tool_calls: [
    { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: JSON.stringify({ city: place }) } },
  ],
});

const city = {
  type: 'json_schema',
  json_schema: {
    name: 'city',
    schema: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Paris', 'Lima'] }, big: { type: 'boolean' } },
      required: ['city', 'big'],
      additionalProperties: false,
    },
  },
};

interface Choice {
  readonly finish_reason: string;
  readonly text?: string;
  readonly message?: {
    readonly content: string;
    readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: string } }[];
  };
  readonly logprobs?: {
    readonly content: readonly { readonly token: string; readonly logprob: number; readonly top_logprobs: unknown[] }[];
  };
}

/** What is looked at of an answer: its one choice, and its usage. */
interface Answered extends Choice {
  readonly content: string;
  readonly usage: Readonly<Record<string, unknown>>;
}

async function answered(response: Response): Promise<Answered> {
  const body = (await response.json()) as { choices: [Choice]; usage: Answered['usage'] };
  expect(response.status, JSON.stringify(body)).toBe(200);
  const [choice] = body.choices;
  return { ...choice, content: choice.message?.content ?? choice.text ?? '', usage: body.usage };
}

/** Goes on as long as the context allows, whatever the model would have. */
const ENDLESS = { max_tokens: 450, ignore_eos: true };

/** Looks again and again until something holds; in the end it gives up. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; !(await holds()); looks++) {
    if (looks > 2000) throw new Error('It never came to hold.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describeWithPython('a real llama.cpp server', 'wheels', (python) => {
  let server: LlamaServer;
  let second: LlamaServer;
  let door: Door;
  let gateway: Gateway;
  beforeAll(async () => {
    [server, second] = [
      await startLlamaCpp(python, { template: TOOL_TEMPLATE }),
      await startLlamaCpp(python, { template: TOOL_TEMPLATE }),
    ];
    door = await openDoor(server.url);
    gateway = await startGateway({ first: server.url, second: second.url, third: door.url });
  }, 300_000);
  afterAll(async () => {
    await gateway.served.stop();
    await door.close();
    await server.kill();
    await second.kill();
  });

  const both = async (path: string, body: object) => {
    const direct = await answered(await server.post(path, body));
    return { direct, ours: await answered(await gateway.post(path, body)) };
  };
  const streamed = async (path: string, body: object) => {
    const answer = await gateway.post(path, { ...body, stream: true, stream_options: { include_usage: true } });
    return readStream(await answer.text());
  };

  describe.each([
    { what: 'a chat', path: CHAT, body: chat() },
    { what: 'a chat that ends at a stop string', path: CHAT, body: chat({ max_tokens: 40, stop: ['Paris', ','] }) },
    { what: 'a raw completion', path: TEXT, body: completion() },
    { what: 'a raw completion that ends at a stop string', path: TEXT, body: completion({ stop: [' of', ','] }) },
  ])('$what', ({ path, body }) => {
    it('is answered as the server itself answers it', async () => {
      const { direct, ours } = await both(path, body);
      expect(ours.content).not.toBe('');
      expect(ours.content).toBe(direct.content);
      expect(ours.finish_reason).toBe(direct.finish_reason);
      const { prompt_tokens, completion_tokens, total_tokens } = direct.usage;
      expect(ours.usage).toMatchObject({ prompt_tokens, completion_tokens, total_tokens, exactness: 'provider' });
    });

    it('streams the same', async () => {
      const { content, finish_reason, usage } = await answered(await gateway.post(path, body));
      expect(await streamed(path, body)).toMatchObject({
        done: true,
        text: [content],
        finish: [finish_reason],
        usage: { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens },
      });
    });
  });

  it('calls a tool, in one piece and streamed', async () => {
    // What it has done before, so small a model does again.
    const messages = [
      { role: 'user', content: 'What is the weather in Lima?' },
      toolCall('Lima'),
      { role: 'user', content: 'What is the weather in Paris?' },
    ];
    const body = chat({ max_tokens: 60, messages, tools: [weather], tool_choice: 'required' });
    const { direct, ours } = await both(CHAT, body);
    expect(ours.finish_reason).toBe('tool_calls');
    const [call] = ours.message?.tool_calls ?? [];
    expect(call?.function).toEqual(direct.message?.tool_calls?.[0]?.function);
    expect(call?.function.name).toBe('get_weather');
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ city: 'Paris' });
    const stream = await streamed(CHAT, body);
    expect(stream).toMatchObject({ done: true, finish: ['tool_calls'], tools: [{ name: 'get_weather' }] });
    expect(JSON.parse(stream.tools[0]?.arguments ?? '')).toEqual({ city: 'Paris' });
  });

  it('goes on from a tool’s result', async () => {
    const result = { role: 'tool', tool_call_id: 'call_1', content: '{"sky":"clear"}' };
    const { direct, ours } = await both(
      CHAT,
      chat({ tools: [weather], messages: [...question, toolCall('Paris'), result] }),
    );
    expect(ours.content).toBe(direct.content);
    expect(ours.usage.prompt_tokens).toBe(direct.usage.prompt_tokens);
  });

  it('keeps to a JSON schema', async () => {
    const { direct, ours } = await both(CHAT, chat({ max_tokens: 60, response_format: city }));
    expect(ours.content).toBe(direct.content);
    expect(JSON.parse(ours.content)).toEqual({
      city: expect.stringMatching(/^(Paris|Lima)$/),
      big: expect.any(Boolean),
    });
  });

  it('tells log probabilities, with alternatives', async () => {
    const { direct, ours } = await both(CHAT, chat({ max_tokens: 4, logprobs: true, top_logprobs: 2 }));
    const told = ({ logprobs }: Answered) =>
      logprobs?.content.map(({ token, logprob, top_logprobs }) => ({ token, logprob, others: top_logprobs.length }));
    expect(told(ours)).toHaveLength(4);
    expect(told(ours)).toEqual(told(direct));
  });

  it('tells log probabilities without alternatives where none are asked for', async () => {
    const { ours } = await both(CHAT, chat({ max_tokens: 4, logprobs: true }));
    const told = ours.logprobs?.content ?? [];
    expect(told.map(({ token }) => token).join('')).toBe(ours.content);
    expect(told.every(({ logprob }) => logprob <= 0)).toBe(true);
  });

  it('says what does not fit in the words that clients look for', async () => {
    const answer = await gateway.post(CHAT, chat({ messages: [{ role: 'user', content: 'word '.repeat(700) }] }));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  });

  it('that takes no images says so once, and it is the caller’s error', async () => {
    const image_url = {
      url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    };
    const before = door.seen.length;
    const answer = await gateway.post(
      CHAT,
      chat({
        provider: { only: ['third'] },
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url }] }],
      }),
    );
    expect([answer.status, door.seen.length - before]).toEqual([400, 1]);
  });

  it('passes on what is its own', async () => {
    const { direct, ours } = await both(CHAT, chat({ max_tokens: 5, grammar: 'root ::= "yes" | "no"' }));
    expect(ours.content).toMatch(/^(yes|no)$/);
    expect(ours.content).toBe(direct.content);
  });

  it('gives several samples, though it refuses more than it has slots for', async () => {
    expect((await server.post(CHAT, chat({ n: 3 }))).status).toBe(400);
    const answer = await gateway.post(CHAT, chat({ max_tokens: 3, n: 3, temperature: 1 }));
    const { choices } = (await answer.json()) as { choices: { index: number }[] };
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('is freed when the caller leaves in mid-stream', async () => {
    const caller = new AbortController();
    const answer = await gateway.post(CHAT, chat({ ...ENDLESS, stream: true }), caller.signal);
    const reader = answer.body?.getReader();
    await reader?.read();
    expect(await server.busy()).toBe(1);
    caller.abort();
    await reader?.read().catch(() => undefined);
    await until(async () => (await server.busy()) === 0);
  });

  it('goes on from the beginning of an answer, as a raw prompt', async () => {
    const messages = [...question, { role: 'assistant', content: 'The capital of France is' }];
    const prompt =
      '<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\nThe capital of France is';
    const direct = await answered(await server.post(TEXT, completion({ prompt, stop: ['<|im_end|>'] })));
    const ours = await answered(await gateway.post(CHAT, chat({ max_tokens: 8, messages })));
    expect(ours.content).toBe(direct.content);
    expect(ours.usage.prompt_tokens).toBe(direct.usage.prompt_tokens);
  });

  it('is waited for while it loads its model, where nobody else can serve', async () => {
    // As the server answers in the half second that it takes for this one. It cannot be made to take longer.
    const loading = { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } };
    door.answer(CHAT, 503, loading, 2);
    const before = door.seen.length;
    const answer = await gateway.post(CHAT, chat({ provider: { only: ['third'] } }));
    expect(door.seen.slice(before).map(({ path }) => path)).toEqual([CHAT, CHAT, CHAT]);
    expect((await answered(answer)).content).toBe((await answered(await server.post(CHAT, chat()))).content);
  });

  it('is waited for from the moment at which it can be reached', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const alone = await startGateway({ only: url });
    const starting = startLlamaCpp(python, { template: TOOL_TEMPLATE, port });
    try {
      // It answers before its model is there: with 503, as a rule.
      await until(() =>
        fetch(`${url}/health`).then(
          ({ body }) => body?.cancel().then(() => true) ?? true,
          () => false,
        ),
      );
      expect((await answered(await alone.post(CHAT, chat()))).content).not.toBe('');
    } finally {
      await alone.served.stop();
      await (await starting).kill();
    }
  });

  it('is left for another at once while it loads its model', async () => {
    door.answer(CHAT, 503, { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } });
    const answer = await gateway.post(CHAT, chat({ provider: { order: ['third', 'second'] } }));
    expect(answer.headers.get('x-chasqui-provider')).toBe('second');
    expect((await answered(answer)).content).not.toBe('');
  });

  it('hands over to the second when it is killed before it has answered', async () => {
    const body = chat({ ...ENDLESS, max_tokens: 80 });
    const third = await startLlamaCpp(python, { template: TOOL_TEMPLATE });
    const pair = await startGateway({ first: third.url, second: second.url });
    try {
      const pending = pair.post(CHAT, body);
      await until(async () => (await third.busy()) === 1);
      await third.kill();
      const answer = await pending;
      expect(answer.headers.get('x-chasqui-provider')).toBe('second');
      const direct = await answered(await second.post(CHAT, body));
      expect((await answered(answer)).content).toBe(direct.content);
      // And from now on nobody waits for it.
      expect((await pair.post(CHAT, chat())).headers.get('x-chasqui-provider')).toBe('second');
    } finally {
      await pair.served.stop();
      await third.kill();
    }
  });

  it('ends a stream in an error when it is killed in mid-answer', async () => {
    const third = await startLlamaCpp(python, { template: TOOL_TEMPLATE });
    const alone = await startGateway({ only: third.url });
    try {
      const answer = await alone.post(CHAT, chat({ ...ENDLESS, stream: true }));
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      const read = async () => {
        const { value, done } = (await reader?.read()) ?? { value: '', done: true };
        text += value ?? '';
        return !done;
      };
      while (!text.includes('"content":"')) await read();
      await third.kill();
      while (await read());
      const stream = readStream(text);
      expect(stream.done).toBe(false);
      expect(stream.error?.code).toBe('stream_interrupted');
      expect(stream.finish).toEqual(['error']);
    } finally {
      await alone.served.stop();
      await third.kill();
    }
  });

  describe('that is configured by its address alone', () => {
    let here: Gateway;
    let front: Door;
    const json = async (response: Response) => (await response.json()) as Record<string, unknown>;
    beforeAll(async () => {
      front = await openDoor(server.url);
      here = await startGateway({ mine: front.url }, {});
    });
    afterAll(async () => {
      await here.served.stop();
      await front.close();
    });

    it('serves what it lists once it can be asked, and until then the caller is told why not', async () => {
      const loading = { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } };
      front.answer('/v1/models', 503, loading, 2);
      // The list is asked for at the first call, and once more for a name that nobody knows.
      let answer = await here.post(CHAT, chat());
      for (let tries = 0; answer.status !== 200 && tries < 20; tries++) {
        expect(answer.status).toBe(503);
        const { error } = (await answer.json()) as { error: { message: string } };
        expect(error.message).toMatch(/mine could not be asked for its models yet.*Loading model/);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        await new Promise((resolve) => setTimeout(resolve, 500));
        answer = await here.post(CHAT, chat());
      }
      expect((await answered(answer)).content).toBe((await answered(await server.post(CHAT, chat()))).content);
      expect(front.seen.filter(({ path }) => path === '/v1/models').length).toBeGreaterThan(1);
    });

    it('is listed with the context it was started with', async () => {
      expect(await json(await here.get(`/v1/models/${ALIAS}`))).toMatchObject({ id: ALIAS, context_length: 512 });
    });

    it('is not asked for what does not fit', async () => {
      const before = front.seen.length;
      const answer = await here.post(CHAT, chat({ messages: [{ role: 'user', content: 'word '.repeat(4000) }] }));
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
      expect(front.seen.length).toBe(before);
    });

    it.each([
      ['a chat', CHAT, chat()],
      ['a chat with tools', CHAT, chat({ tools: [weather] })],
      [
        'an earlier tool call and its result',
        CHAT,
        chat({
          tools: [weather],
          messages: [...question, toolCall('Paris'), { role: 'tool', tool_call_id: 'call_1', content: 'clear' }],
        }),
      ],
      ['a raw prompt', TEXT, completion()],
    ])('counts %s as it bills it', async (_what, path, body) => {
      const counted = await json(await here.post('/v1/count_tokens', body));
      const direct = await answered(await server.post(path, { ...body, max_tokens: 1 }));
      expect(counted).toMatchObject({ tokens: direct.usage.prompt_tokens, exactness: 'provider' });
    });

    it('tokenizes, and gives the text back', async () => {
      const input = 'Hello world, Ñandú 🦙';
      const told = await json(await here.post('/v1/tokenize', { model: ALIAS, input }));
      const direct = (await (await server.post('/tokenize', { content: input })).json()) as { tokens: number[] };
      expect(told).toMatchObject({ ids: direct.tokens, count: direct.tokens.length, exactness: 'provider' });
      const offsets = told.offsets as number[];
      expect(offsets[0]).toBe(0);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      expect((told.pieces as string[]).slice(0, 2)).toEqual(['Hello', ' world']);
      const back = await json(await here.post('/v1/detokenize', { model: ALIAS, ids: told.ids }));
      expect(back).toMatchObject({ text: input, count: direct.tokens.length });
    });

    it('goes on from the beginning of an answer once somebody names the template', async () => {
      const messages = [...question, { role: 'assistant', content: 'The capital of France is' }];
      const refused = await here.post(CHAT, chat({ messages }));
      expect(refused.status).toBe(400);
      const { error } = (await refused.json()) as { error: { message: string } };
      expect(error.message).toMatch(/template\.name/);
      expect(error.message).toMatch(/family/);
      const named = await answered(
        await here.post(CHAT, chat({ max_tokens: 8, messages, template: { name: 'chatml' } })),
      );
      const known = await answered(await gateway.post(CHAT, chat({ max_tokens: 8, messages })));
      expect(named.content).toBe(known.content);
    });
  });
});
