import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { anyscaleService, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** Conversations that began elsewhere: other ids, other models' reasoning, words of the system in the middle. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack((origin) => ({
    ...sandboxEnv(origin),
    ANYSCALE_SERVICES: anyscaleService(`${origin}/anyscale/v1`, {
      'mixtral-8x22b-instruct-v0.1': 'mistralai/Mixtral-8x22B-Instruct-v0.1',
    }),
  }));
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

interface Call {
  readonly id: string;
  readonly function: { readonly name: string };
}
interface Sent {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly Call[];
  readonly tool_call_id?: string;
  readonly reasoning_content?: string;
}
interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string | null; readonly reasoning?: string } }[];
  readonly error?: { readonly message: string };
}

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];
const question = { role: 'user', content: 'What is the weather in Cusco? Use get_weather.' };
const call = (id: string, more: object = {}) => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name: 'get_weather', arguments: '{"city": "Cusco"}' } }],
  ...more,
});
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '19 degrees' });

async function ask(provider: string, model: string, messages: readonly object[], more: object = {}) {
  const body = { model, messages, tools, provider: { only: [provider] }, ...more };
  const response = await stack.post('/v1/chat/completions', body);
  const answer = (await response.json()) as Answer;
  const [entry] = await stack.journal();
  const sent = ((entry?.body ?? {}) as { messages?: Sent[] }).messages ?? [];
  return { status: response.status, dropped: response.headers.get('x-chasqui-dropped'), answer, sent, entry };
}

describe('ids of another provider’s calls', () => {
  const ODD = ['functions.get_weather:0', `fc_${'a'.repeat(90)}|rs_2`, 'call_1', 'toolu_01A'];

  it.each([
    ['bedrock', 'mistral-large-3', /^[a-zA-Z0-9]{9}$/],
    ['bedrock', 'gpt-oss-120b', /^[a-zA-Z0-9_-]{1,64}$/],
    ['anyscale', 'mixtral-8x22b-instruct-v0.1', /^[a-zA-Z0-9]{9}$/],
    ['together', 'kimi-k3', /^functions\.get_weather:0$/],
    ['together', 'gpt-oss-120b', /^[a-zA-Z0-9_-]{1,64}$/],
  ])('are ones that %s takes for %s, of the call and its result alike', async (provider, model, form) => {
    for (const id of ODD) {
      await stack.reset();
      const { status, answer, entry } = await ask(provider, model, [question, call(id), result(id)]);
      expect(answer.error?.message).toBeUndefined();
      expect(status).toBe(200);
      const json = JSON.stringify(entry?.body);
      const ids = [...json.matchAll(/"(?:toolUseId|id|tool_call_id)":"([^"]*)"/g)].map(([, one]) => one);
      expect(ids).toHaveLength(2);
      expect(ids[0]).toMatch(form);
      expect(ids[1]).toBe(ids[0]);
      // The model saw whose result it was.
      expect(answer.choices[0]?.message.content).toContain('According to get_weather');
    }
  });
});

describe('a model that must be given its reasoning', () => {
  const chat = (more: object) => [question, call('a', more), result('a')];

  it.each(['deepseek-v4-pro', 'kimi-k3'])('%s gets it back in a loop of tools', async (model) => {
    const { status, sent, dropped } = await ask('together', model, chat({ reasoning_content: 'I look it up.' }));
    expect([status, dropped]).toEqual([200, null]);
    expect(sent[1]).toMatchObject({ role: 'assistant', reasoning_content: 'I look it up.' });
  });

  it.each(['deepseek-v4-pro', 'kimi-k3'])('%s gets an empty one where the client lost it', async (model) => {
    const { status, sent } = await ask('together', model, chat({}));
    expect(status).toBe(200);
    expect(sent[1]).toMatchObject({ reasoning_content: '' });
  });

  it('gets none of another model’s that the call falls over from, and that is said', async () => {
    await stack.dial({
      provider: 'together',
      model: 'openai/gpt-oss-120b',
      times: 0,
      fault: { kind: 'status', status: 503 },
    });
    const messages = chat({ reasoning: 'gpt-oss thought this.' });
    const more = { models: ['deepseek-v4-pro'] };
    const response = await stack.post('/v1/chat/completions', {
      model: 'gpt-oss-120b',
      messages,
      tools,
      provider: { only: ['together'] },
      ...more,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toBe('messages[].reasoning');
    const sent = (await stack.journal()).at(-1)?.body;
    expect(JSON.stringify(sent)).toContain('"reasoning_content":""');
    expect(JSON.stringify(sent)).not.toContain('thought this');
  });

  it.each([
    ['deepseek-ai/DeepSeek-V4-Pro-0813', 'must be passed back'],
    ['moonshotai/Kimi-K3', 'is missing in assistant tool call message at index 1'],
  ])('is played so by the sandbox: %s refuses a history without', async (model, says) => {
    const post = (messages: readonly object[]) =>
      fetch(`${stack.sandbox}/together/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer sandbox-together-key', 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages, tools }),
      });
    const refused = await post(chat({}));
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(says)]);
    expect((await post(chat({ reasoning_content: '' }))).status).toBe(200);
  });
});

describe('words of the system in the middle', () => {
  const chat = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is the capital of Peru?' },
    { role: 'assistant', content: 'Lima.' },
    { role: 'system', content: 'The user is a child.' },
    { role: 'user', content: 'And of the California?' },
  ];
  const more = { tools: [] };

  it('stay where they are for a template that writes them there', async () => {
    const { status, sent } = await ask('together', 'llama-3.3-70b-instruct', chat, more);
    expect(status).toBe(200);
    expect(sent.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'system', 'user']);
  });

  it('come from the user where the template has one place for them', async () => {
    const { status, sent } = await ask('together', 'gpt-oss-120b', chat, more);
    expect(status).toBe(200);
    expect(sent.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(sent.at(-1)?.content).toBe('The user is a child.\n\nAnd of the California?');
  });

  it('and two that open the chat are one, of which such a template reads the first alone', async () => {
    const opened = [
      { role: 'system', content: 'You are an agent.' },
      { role: 'developer', content: 'Be brief.' },
    ];
    const { status, sent } = await ask('together', 'gpt-oss-120b', [...opened, ...chat.slice(1, 2)], more);
    expect(status).toBe(200);
    expect(sent).toMatchObject([{ role: 'system', content: 'You are an agent.\n\nBe brief.' }, { role: 'user' }]);
  });

  it('come from the user on Converse, which has one place for them', async () => {
    const { status, entry } = await ask('bedrock', 'llama-3.3-70b-instruct', chat, more);
    expect(status).toBe(200);
    expect(entry?.body).toMatchObject({
      system: [{ text: 'Be brief.' }],
      messages: [{}, {}, { role: 'user', content: [{ text: 'The user is a child.\n\nAnd of the California?' }] }],
    });
  });

  it.each(['bedrock', 'together'])('are counted as they are sent, by %s', async (provider) => {
    const counted = await stack.post('/v1/offers', {
      model: 'gpt-oss-120b',
      messages: chat,
      provider: { only: [provider] },
    });
    const { data } = (await counted.json()) as { data: { eligible: boolean; prompt_tokens: number }[] };
    const { answer } = await ask(provider, 'gpt-oss-120b', chat, more);
    const [entry] = await stack.journal();
    expect(answer.error).toBeUndefined();
    expect(data.find(({ eligible }) => eligible)?.prompt_tokens).toBe(entry?.promptTokens);
  });
});

describe('a tool that failed, and one that returned an image', () => {
  const PIXEL =
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const image = { type: 'image_url', image_url: { url: PIXEL } };
  const messages = [
    question,
    call('a'),
    { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'A map.' }, image] },
  ];

  it('has its image in the user’s next turn on a wire whose results are text', async () => {
    const { status, sent } = await ask('together', 'kimi-k3', messages);
    expect(status).toBe(200);
    expect(sent[2]).toMatchObject({ role: 'tool', content: 'A map.' });
    expect(sent[3]).toEqual({ role: 'user', content: [image] });
  });

  it('has it within its result on Bedrock', async () => {
    const { status, entry } = await ask('bedrock', 'mistral-large-3', messages);
    expect(status).toBe(200);
    expect(JSON.stringify(entry?.body)).toContain('{"toolResult":{"toolUseId":"');
    expect(JSON.stringify(entry?.body)).toContain('"content":[{"text":"A map."},{"image":');
  });
});
