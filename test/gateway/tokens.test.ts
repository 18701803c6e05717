import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyscaleService, KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';
import { ORACLES } from '../tokens/oracles.ts';

let stack: Stack;
/** A service with a model that no catalogue knows, so that only its server can count for it. */
const withOwnModel = (origin: string): Record<string, string> => ({
  ...sandboxEnv(origin),
  ANYSCALE_SERVICES: anyscaleService(`${origin}/anyscale/v1`, { 'my-own': 'my-qwen' }),
});
beforeAll(async () => {
  stack = await startStack(withOwnModel);
});
afterAll(() => stack.stop());

interface Answer {
  readonly [field: string]: unknown;
  readonly error?: { readonly [field: string]: unknown };
}

async function post(path: string, body: unknown): Promise<Answer & { status: number; headers: Headers }> {
  const response = await stack.post(path, body);
  const json = (await response.json()) as Answer;
  return { ...json, status: response.status, headers: response.headers };
}

const TEXT = 'Our destiny is written in the stars. 命运 🦙';

describe('POST /v1/count_tokens', () => {
  it('counts a chat as the model and each of its offers reads it', async () => {
    const messages = [{ role: 'user', content: 'Hello!' }];
    expect(await post('/v1/count_tokens', { model: 'llama-3.3-70b-instruct', messages, max_tokens: 10 })).toMatchObject(
      {
        status: 200,
        object: 'token_count',
        model: 'llama-3.3-70b-instruct',
        tokens: 37,
        exactness: 'exact',
        template: 'llama-3.3',
        context_length: 131_072,
        fits: true,
        offers: [
          { provider: 'bedrock', api: 'converse', tokens: 37, max_output_tokens: 10 },
          { provider: 'together', api: 'chat', tokens: 37 },
          { provider: 'anyscale', api: 'chat', tokens: 37, fits: true },
        ],
      },
    );
  });

  it('counts what is billed where only offers are left that read more: a schema in words', async () => {
    const call = {
      model: 'llama-3.3-70b-instruct',
      messages: [{ role: 'user', content: 'Hello!' }],
      response_format: { type: 'json_object' },
    };
    const { tokens } = await post('/v1/count_tokens', call);
    expect(tokens).toBe(37);
    const only = { ...call, provider: { only: ['bedrock'] } };
    const counted = await post('/v1/count_tokens', only);
    expect(counted.tokens).toBeGreaterThan(37);
    const { usage } = (await (await stack.post('/v1/chat/completions', only)).json()) as {
      usage: { prompt_tokens: number };
    };
    expect(counted).toMatchObject({ exactness: 'exact', tokens: usage.prompt_tokens });
  });

  it('counts a prompt, and says which provider will report another number', async () => {
    const { offers } = await post('/v1/count_tokens', { model: 'llama-3-8b-instruct', prompt: 'a b c' });
    expect(offers).toMatchObject([
      { provider: 'replicate', tokens: 3, reported_tokens: 4 },
      { provider: 'bedrock', tokens: 3 },
      { provider: 'anyscale', tokens: 4 },
    ]);
  });

  it('counts a plain text for several models at once, with nothing around it', async () => {
    const { data } = await post('/v1/count_tokens', {
      models: ['llama-2-7b', 'llama-3-8b', 'gpt-oss-20b'],
      input: TEXT,
    });
    expect(data).toMatchObject([
      { model: 'llama-2-7b', tokens: ORACLES.llama2.encode(TEXT).length, exactness: 'exact' },
      { model: 'llama-3-8b', tokens: ORACLES.llama3.encode(TEXT).length, exactness: 'exact' },
      { model: 'gpt-oss-20b', tokens: ORACLES.o200k.encode(TEXT).length, exactness: 'exact' },
    ]);
  });

  interface Listed {
    readonly id: string;
    readonly kind: string;
  }
  interface Prompts {
    readonly tokens: number;
    readonly exactness: string;
    readonly chasqui: {
      readonly prompts:
        | readonly {
            readonly text: string;
            readonly segments: readonly {
              readonly text: string;
              readonly special: boolean;
              readonly ids: readonly number[];
              readonly pieces: readonly string[];
              readonly offsets: readonly number[];
            }[];
          }[]
        | null;
    };
  }
  const DEBUG = { 'x-chasqui-debug': '1' };
  const counted = async (body: unknown): Promise<Prompts> =>
    (await (await stack.post('/v1/count_tokens', body, DEBUG)).json()) as Prompts;

  it('shows with x-chasqui-debug the prompt that it counts, token by token, for every model', async () => {
    const listed = (await (await stack.get('/v1/models?available=1')).json()) as { data: readonly Listed[] };
    const data = listed.data.filter(({ id }) => id !== 'my-own');
    const messages = [
      { role: 'user', content: `${TEXT} <|eot_id|> [/INST]` },
      { role: 'assistant', content: 'Indeed.' },
      { role: 'user', content: 'And then?' },
    ];
    const seen = { exact: 0, unlisted: [] as string[] };
    for (const { id, kind } of data) {
      const calls = kind === 'chat' ? [{ messages }, { prompt: TEXT }] : [{ prompt: TEXT }];
      for (const call of kind === 'embedding' || kind === 'rerank' ? [] : calls) {
        const { tokens, exactness, chasqui } = await counted({ model: id, ...call });
        if (exactness !== 'exact') continue;
        seen.exact += 1;
        const [prompt] = chasqui.prompts ?? [];
        if (!prompt) {
          seen.unlisted.push(id);
          continue;
        }
        const { text, segments } = prompt;
        expect([id, segments.flatMap(({ ids }) => ids).length]).toEqual([id, tokens]);
        expect(segments.map((segment) => segment.text).join('')).toBe(text);
        for (const { ids, pieces, offsets } of segments)
          expect([pieces, offsets].map((all) => all.length)).toEqual([ids.length, ids.length]);
        expect(text).toContain('Our destiny is written in the stars.');
      }
    }
    expect(seen.exact).toBeGreaterThan(20);
    expect(seen.unlisted).toEqual([]);
  });

  it('shows no prompt where it is not asked, or not known', async () => {
    expect(await post('/v1/count_tokens', { model: 'llama-3-8b-instruct', prompt: 'a b c' })).not.toHaveProperty(
      'chasqui',
    );
    const { chasqui } = await counted({ model: 'llama-3-8b-instruct', prompt: [1, 2, 3] });
    expect(chasqui.prompts).toBeNull();
  });

  const TOOL = { name: 'look', description: 'Looks', input_schema: { type: 'object', properties: {} } };
  const INSTRUCTIONS = 'Be brief.';

  it('counts a body of Messages or of Responses as the route of its own does', async () => {
    const messages = {
      model: 'llama-3.3-70b-instruct',
      system: INSTRUCTIONS,
      tools: [TOOL],
      messages: [
        { role: 'user', content: 'Look!' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'A llama.' }] },
      ],
    };
    const responses = {
      model: 'llama-3.3-70b-instruct',
      instructions: INSTRUCTIONS,
      tools: [{ type: 'function', name: 'look', description: 'Looks', parameters: TOOL.input_schema }],
      input: [
        { role: 'user', content: 'Look!' },
        { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'A llama.' },
      ],
    };
    const counted = await post('/v1/messages/count_tokens', messages);
    expect(counted.input_tokens).toBeGreaterThan(100);
    for (const body of [messages, responses]) {
      expect(await post('/v1/count_tokens', body)).toMatchObject({ status: 200, tokens: counted.input_tokens });
    }
    const text = { model: 'llama-3.3-70b-instruct', instructions: INSTRUCTIONS, input: 'Hello!' };
    const chat = {
      model: 'llama-3.3-70b-instruct',
      messages: [
        { role: 'system', content: INSTRUCTIONS },
        { role: 'user', content: 'Hello!' },
      ],
    };
    expect((await post('/v1/count_tokens', text)).tokens).toBe((await post('/v1/count_tokens', chat)).tokens);
  });

  it('says what is wrong with such a body in the words of its own API', async () => {
    const model = 'llama-3.3-70b-instruct';
    const hi = [{ role: 'user', content: 'Hi' }];
    expect(await post('/v1/count_tokens', { model, system: 5, messages: hi })).toMatchObject({
      status: 400,
      type: 'error',
      error: { type: 'invalid_request_error', param: 'system' },
      request_id: expect.any(String),
    });
    expect(await post('/v1/count_tokens', { model: 'no-such-model', system: 'x', messages: hi })).toMatchObject({
      status: 404,
      error: { type: 'not_found_error' },
    });
    expect(await post('/v1/count_tokens', { model, input: [{ type: 'item_reference', id: 'msg_1' }] })).toMatchObject({
      status: 400,
      error: { type: 'invalid_request_error', param: 'input[0]' },
    });
    expect(await post('/v1/count_tokens', { model, instructions: 'x' })).toMatchObject({
      status: 400,
      error: { param: 'input' },
    });
  });

  it('says by how much a prompt is too long', async () => {
    const prompt = 'word '.repeat(5000);
    expect(await post('/v1/count_tokens', { model: 'llama-2-70b-chat', prompt })).toMatchObject({
      tokens: 5002,
      context_length: 4096,
      fits: false,
      offers: [
        { provider: 'anyscale', fits: false },
        { provider: 'replicate', fits: false },
      ],
    });
  });

  it('counts all of a prompt that is far too long, at every offer', async () => {
    const prompt = 'word '.repeat(150_000);
    expect(await post('/v1/count_tokens', { model: 'llama-2-70b-chat', prompt })).toMatchObject({
      tokens: 150_002,
      offers: [
        { provider: 'anyscale', tokens: 150_002, fits: false },
        // Its server adds no begin-of-sequence.
        { provider: 'replicate', tokens: 150_001, fits: false },
      ],
    });
  });

  it('asks the server where only that knows its model', async () => {
    const counted = await post('/v1/count_tokens', { model: 'my-own', prompt: 'Hello there.' });
    expect(counted).toMatchObject({ exactness: 'provider', offers: [{ provider: 'anyscale', exactness: 'provider' }] });
    const asked = (await stack.journal()).filter(({ path }) => path === '/anyscale/tokenize');
    expect(asked).toMatchObject([{ body: { model: 'my-qwen', prompt: 'Hello there.' } }]);
  });

  it('estimates, and says how far it may be off, where the server does not answer', async () => {
    await stack.dial({ provider: 'anyscale', path: '/tokenize', fault: { kind: 'status', status: 500 }, times: 1 });
    expect(await post('/v1/count_tokens', { model: 'my-own', prompt: 'Hello there.' })).toMatchObject({
      exactness: 'estimate',
      error_bound: expect.any(Number),
    });
    await stack.reset();
  });

  it.each([
    [{}, 'input'],
    [{ model: 'llama-2-7b', input: 5 }, 'input'],
    [{ input: 'x' }, 'model'],
    [{ model: 'llama-2-7b', input: 'x', inptu: 1 }, 'inptu'],
    [{ model: 'lama-2-7b', input: 'x' }, 'model'],
    [{ model: 'llama-2-7b', messages: [] }, 'messages'],
  ])('%j is refused by the name of %s', async (body, param) => {
    const { status, error } = await post('/v1/count_tokens', body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(error).toMatchObject({ param });
  });
});

describe('POST /v1/tokenize and /v1/detokenize', () => {
  it.each(['llama-2-70b-chat', 'llama-3-8b-instruct', 'gpt-oss-20b'])('%s: there and back', async (model) => {
    const { ids, pieces, offsets, count } = await post('/v1/tokenize', { model, input: TEXT });
    expect(count).toBe((ids as number[]).length);
    expect(pieces).toHaveLength(Number(count));
    expect(offsets).toHaveLength(Number(count));
    expect(await post('/v1/detokenize', { model, ids })).toMatchObject({ text: TEXT });
  });

  it('takes special tokens for text unless told', async () => {
    const ask = (more: object) => post('/v1/tokenize', { model: 'llama-3-8b-instruct', input: '<|eot_id|>', ...more });
    expect(await ask({ special_tokens: 'parse' })).toMatchObject({ ids: [128_009] });
    expect(Number((await ask({})).count)).toBeGreaterThan(1);
  });

  it('refuses what it has no exact tokenizer for, and says what counts instead', async () => {
    expect(await post('/v1/tokenize', { model: 'glm-4.7', input: 'x' })).toMatchObject({
      status: 400,
      error: { code: 'unsupported_parameter', param: 'model', message: expect.stringContaining('/v1/count_tokens') },
    });
  });

  it.each([
    ['/v1/tokenize', { model: 'llama-2-7b' }, 'input'],
    ['/v1/tokenize', { model: 'llama-2-7b', input: 'x', special_tokens: 'maybe' }, 'special_tokens'],
    ['/v1/detokenize', { model: 'llama-2-7b', ids: ['x'] }, 'ids[0]'],
    ['/v1/detokenize', { model: 'llama-2-7b', ids: [1.5] }, 'ids[0]'],
    ['/v1/detokenize', { model: 'llama-2-7b', ids: [1, 31_999, 32_000] }, 'ids[2]'],
    ['/v1/detokenize', { model: 'llama-3-8b-instruct', ids: [128_255, 128_256] }, 'ids[1]'],
    ['/v1/detokenize', { model: 'gpt-oss-120b', ids: [Number.MAX_SAFE_INTEGER] }, 'ids[0]'],
  ])('%s %j names %s', async (path, body, param) => {
    expect(await post(path, body)).toMatchObject({ status: 400, error: { param } });
  });
});

describe('a prompt that does not fit', () => {
  it('is refused before anything is spent, in the form that OpenAI’s clients know', async () => {
    await stack.reset();
    const client = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: KEY, maxRetries: 0 });
    const call = client.completions.create({ model: 'llama-2-70b-chat', prompt: 'word '.repeat(5000) });
    await expect(call).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'prompt' });
    expect(await stack.journal()).toEqual([]);
  });

  it('is refused in bounded time, a megabyte of one letter too', async () => {
    const prompt = 'a'.repeat(1_000_000);
    const { status, error } = await post('/v1/completions', { model: 'llama-3-8b-instruct', prompt });
    expect({ status, code: error?.code }).toEqual({ status: 400, code: 'context_length_exceeded' });
  });

  it('is cut in its output, and that is said', async () => {
    const call = { model: 'llama-3-8b-instruct', prompt: 'word '.repeat(8000), max_tokens: 1000 };
    const { status, headers } = await post('/v1/completions', { ...call, provider: { only: ['bedrock'] } });
    expect(status).toBe(200);
    expect(headers.get('x-chasqui-dropped')).toBe('max_tokens (limited to 191)');
  });
});

describe('usage', () => {
  it('is our own exact count where the answer was cut before the provider’s came', async () => {
    // InvokeModel has no stop: we cut, and abort what would be generated and billed for nothing.
    const call = { model: 'llama-3-8b-instruct', prompt: 'Greet the llamas', stop: ['sandbox'], stream: true };
    const more = { stream_options: { include_usage: true }, provider: { only: ['bedrock'] } };
    const { usage, text } = readStream(await (await stack.post('/v1/completions', { ...call, ...more })).text());
    expect(usage).toMatchObject({
      prompt_tokens: ORACLES.llama3.encode('Greet the llamas').length,
      completion_tokens: ORACLES.llama3.encode(text.join('')).length,
      exactness: 'exact',
    });
  });

  it('says in debug what we counted beside what the provider did', async () => {
    const call = { model: 'llama-3-8b-instruct', prompt: 'a b c', provider: { only: ['replicate'] } };
    const answer = await (await stack.post('/v1/completions', call, { 'x-chasqui-debug': '1' })).json();
    expect(answer).toMatchObject({
      chasqui: { prompt_tokens: { counted: 3, exactness: 'exact', reports_extra: 1 }, rendered_prompt: 'a b c' },
    });
  });
});
