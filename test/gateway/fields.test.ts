import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

const hi = { model: 'llama-3-8b-instruct', messages: [{ role: 'user', content: 'Hi' }] };
const CHAT = '/v1/chat/completions';

/** The bodies that reached providers, each with whose it is. */
async function sent(): Promise<[string, Record<string, unknown>][]> {
  const rows = await stack.journal();
  return rows.map(({ provider, body }) => [provider, body as Record<string, unknown>]);
}

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { message: string; param: string | null; code: string } };
  return { status: response.status, ...error };
};

describe('fields of a server’s own', () => {
  const own = { guided_json: { type: 'object' }, chat_template_kwargs: { enable_thinking: false }, min_tokens: 2 };

  it('reach an own service as they came, and nothing is said to be dropped', async () => {
    const response = await stack.post(CHAT, { ...hi, ...own, provider: { only: ['anyscale'] } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toBeNull();
    expect(await sent()).toEqual([['anyscale', expect.objectContaining(own)]]);
  });

  it('are named where the offer that serves does not know them, and not sent', async () => {
    const response = await stack.post(CHAT, { ...hi, ...own, provider: { only: ['bedrock'] } });
    expect(response.headers.get('x-chasqui-dropped')).toBe('guided_json, chat_template_kwargs, min_tokens');
    const [[, body] = []] = await sent();
    for (const name of Object.keys(own)) expect(body).not.toHaveProperty(name);
  });

  it('never carry what is the gateway’s own', async () => {
    const body = {
      ...hi,
      models: ['llama-3-70b-instruct'],
      provider: { only: ['anyscale'] },
      usage: { include: true },
    };
    expect((await stack.post(CHAT, { ...body, transforms: ['middle-out'], session_id: 's' })).status).toBe(200);
    const [[, request = {}] = []] = await sent();
    expect(Object.keys(request).sort()).toEqual(['messages', 'model']);
  });
});

/** OpenAI's reference of chat completions, field by field. Names of what is lost are in `x-chasqui-dropped`. */
describe.each(['together', 'bedrock'])('every other field of OpenAI’s chat, at %s', (provider) => {
  const ask = (more: object) => stack.post(CHAT, { ...hi, provider: { only: [provider] }, ...more });
  const model = provider === 'together' ? 'llama-3.3-70b-instruct' : 'llama-3-8b-instruct';

  it.each([
    { store: false },
    { modalities: ['text'] },
    { service_tier: 'auto' },
    { service_tier: 'default' },
    { safety_identifier: 'u' },
    { metadata: { a: 'b' } },
    { prompt_cache_key: 'k' },
    { prompt_cache_retention: '24h' },
    { prompt_cache_options: { mode: 'auto' } },
    { stream: true, stream_options: { include_obfuscation: true } },
    { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', prompt_cache_breakpoint: true }] }] },
    { messages: [{ role: 'developer', content: 'Be kind.' }, ...hi.messages] },
  ])('%j is accepted quietly, and not sent', async (more) => {
    const response = await ask({ ...more, model });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toBeNull();
    await response.text();
    const [[, body] = []] = await sent();
    const text = JSON.stringify(body);
    for (const name of Object.keys(more)) if (!/^(?:messages|stream)/.test(name)) expect(text).not.toContain(name);
    expect(text).not.toMatch(/developer|breakpoint|obfuscation/);
  });

  it.each([
    ['verbosity', 'low'],
    ['prediction', { type: 'content', content: 'x' }],
    ['web_search_options', {}],
    ['moderation', {}],
    ['store', true],
    ['service_tier', 'flex'],
  ])('%s is named as dropped, and refused under strict', async (name, value) => {
    const response = await ask({ [name]: value, model });
    expect([response.status, response.headers.get('x-chasqui-dropped')]).toEqual([200, name]);
    const strict = await errorOf(
      await stack.post(
        CHAT,
        { ...hi, model, provider: { only: [provider] }, [name]: value },
        { 'x-chasqui-strict': '1' },
      ),
    );
    expect(strict).toMatchObject({ status: 400, code: 'no_eligible_offer', message: expect.stringContaining(name) });
  });

  it.each([
    ['audio', { audio: { voice: 'alloy', format: 'wav' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['tools[0].type', { tools: [{ type: 'custom', custom: { name: 'f' } }] }],
    ['tool_choice', { tool_choice: { type: 'custom', custom: { name: 'f' } } }],
    [
      'messages[0].content[0].file.file_data',
      {
        messages: [{ role: 'user', content: [{ type: 'file', file: { filename: 'a.docx', file_data: 'UEsDBA==' } }] }],
      },
    ],
  ])('%s is refused where no model here can do it', async (param, more) => {
    const error = await errorOf(await ask({ ...more, model }));
    expect([error.status, error.param?.startsWith(param)]).toEqual([400, true]);
    expect(await sent()).toEqual([]);
  });
});

describe('fields that nobody reads', () => {
  const marked = { role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] };
  const body = { ...hi, messages: [marked, { role: 'assistant', content: 'Yes?' }, marked] };

  it('are named by path in the header', async () => {
    const response = await stack.post(CHAT, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toBe('messages[].content[].cache_control');
  });

  it('leave no offer under strict', async () => {
    const error = await errorOf(await stack.post(CHAT, body, { 'x-chasqui-strict': '1' }));
    expect(error).toMatchObject({ status: 400, code: 'no_eligible_offer' });
    expect(error.message).toContain('messages[].content[].cache_control');
    expect(await sent()).toEqual([]);
  });
});

describe('a guard in the wrong place', () => {
  it.each(['max_cost', 'zdr', 'only'])('%s is refused before anybody is asked, on every route', async (field) => {
    for (const path of [CHAT, '/v1/offers', '/v1/count_tokens']) {
      const error = await errorOf(await stack.post(path, { ...hi, [field]: 1 }));
      expect(error).toMatchObject({ status: 400, code: 'invalid_request', param: field });
      expect(error.message).toContain(`{"provider": {"${field}": …}}`);
    }
    expect(await sent()).toEqual([]);
  });
});

describe('OpenRouter’s ways', () => {
  it('`usage: {include: true}` ends a stream with its usage', async () => {
    const response = await stack.post(CHAT, { ...hi, stream: true, usage: { include: true } });
    const { chunks, done } = readStream(await response.text());
    expect(done).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) } });
  });

  it('what it asks for and nobody can grant is named', async () => {
    const provider = { quantizations: ['bf16'], sort: { by: 'price', partition: 'none' } };
    const response = await stack.post(CHAT, { ...hi, provider, plugins: [{ id: 'web' }] });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toBe('plugins, provider.quantizations, provider.sort.partition');
  });
});

describe('functions, the older form of tools', () => {
  const functions = [{ name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }];
  const ask = {
    model: 'llama-3.3-70b-instruct',
    messages: [{ role: 'user', content: 'What is the weather in Paris? Use get_weather.' }],
    functions,
    function_call: { name: 'get_weather' },
    provider: { only: ['anyscale'] },
  };

  it('are asked as tools and answered as `function_call`, in JSON', async () => {
    const response = await stack.post(CHAT, ask);
    const { choices } = (await response.json()) as { choices: { message: object; finish_reason: string }[] };
    expect(choices[0]?.message).toMatchObject({ content: null, function_call: { name: 'get_weather' } });
    expect(choices[0]?.message).not.toHaveProperty('tool_calls');
    expect(choices[0]?.finish_reason).toBe('function_call');
  });

  it('and in a stream', async () => {
    const { chunks } = await readStream(await (await stack.post(CHAT, { ...ask, stream: true })).text());
    const deltas: Record<string, unknown>[] = chunks.flatMap(({ choices }) =>
      choices.map(({ delta }) => ({ ...delta })),
    );
    const calls = deltas.flatMap(({ function_call: call }) =>
      call ? [call as { name?: string; arguments: string }] : [],
    );
    expect(calls[0]?.name).toBe('get_weather');
    expect(() => JSON.parse(calls.map((call) => call.arguments).join(''))).not.toThrow();
    expect(deltas.some((delta) => 'tool_calls' in delta)).toBe(false);
    expect(JSON.stringify(chunks)).toContain('"finish_reason":"function_call"');
  });
});
