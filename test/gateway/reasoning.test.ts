import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

const CHAT = '/v1/chat/completions';
const ask = (provider: string, more: Record<string, unknown> = {}) => ({
  model: 'gpt-oss-120b',
  messages: [{ role: 'user', content: 'What color is the sky?' }],
  provider: { only: [provider] },
  ...more,
});

interface Said {
  role: string;
  content: string | null;
  reasoning?: string;
  reasoning_content?: string;
  tool_calls?: { id: string }[];
}
interface Answer {
  choices: { message: Said; delta: Said }[];
  usage: { completion_tokens: number; completion_tokens_details: { reasoning_tokens: number } };
}
const answer = async (body: object): Promise<Answer> => (await (await stack.post(CHAT, body)).json()) as Answer;

describe('what a model thinks', () => {
  it.each(['anyscale', 'bedrock', 'together'])(
    'is told under both names that clients read, by %s',
    async (provider) => {
      const { choices, usage } = await answer(ask(provider));
      const said = choices[0]?.message;
      expect(said?.reasoning).toEqual(expect.stringMatching(/./));
      expect(said?.reasoning_content).toBe(said?.reasoning);
      // And counted beside it, though not one of them says how many tokens it took.
      const { reasoning_tokens: thought } = usage.completion_tokens_details;
      expect(thought).toBeGreaterThan(0);
      expect(thought).toBeLessThan(usage.completion_tokens);
    },
  );

  it('is told so in streams as well, and counted', async () => {
    const streamed = { stream: true, stream_options: { include_usage: true } };
    const { chunks } = readStream(await (await stack.post(CHAT, ask('anyscale', streamed))).text());
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => ({ ...delta }) as Partial<Said>));
    const names = (name: 'reasoning' | 'reasoning_content') => deltas.map((delta) => delta[name] ?? '').join('');
    expect(names('reasoning')).not.toBe('');
    expect(names('reasoning_content')).toBe(names('reasoning'));
    const usage = chunks.at(-1)?.usage as unknown as Answer['usage'];
    expect(usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  });

  it.each([{ reasoning: { exclude: true } }, { include_reasoning: false }])('is not shown for %j', async (hidden) => {
    const whole = JSON.stringify((await answer(ask('anyscale', hidden))).choices);
    expect(whole).not.toContain('reasoning');
    const streamed = await (await stack.post(CHAT, ask('anyscale', { ...hidden, stream: true }))).text();
    expect(streamed).not.toContain('"reasoning');
    expect(readStream(streamed)).toMatchObject({ done: true, finish: ['stop'] });
  });
});

describe('a loop of tools', () => {
  const tools = [
    {
      type: 'function',
      function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ];
  const question = { role: 'user', content: 'What is the weather in Cusco? Use get_weather.' };

  /** The second request of the loop, with the first answer sent back as the caller got it. */
  async function second(provider: string, as: (said: Said) => object) {
    const first = await answer(ask(provider, { messages: [question], tools, tool_choice: 'required' }));
    const said = first.choices[0]?.message;
    if (!said?.tool_calls?.[0]) throw new Error('no call');
    await stack.reset();
    const result = { role: 'tool', tool_call_id: said.tool_calls[0].id, content: '19 degrees' };
    const response = await stack.post(CHAT, ask(provider, { messages: [question, as(said), result], tools }));
    expect(response.status).toBe(200);
    const [{ body } = { body: undefined }] = await stack.journal();
    const { messages } = body as { messages: Record<string, unknown>[] };
    return { thought: said.reasoning, sent: messages, dropped: response.headers.get('x-chasqui-dropped') };
  }

  it('gives the thought back under the name that the server has for it', async () => {
    const { thought, sent, dropped } = await second('anyscale', (said) => said);
    expect(dropped).toBeNull();
    expect(sent[1]).toMatchObject({ role: 'assistant', reasoning_content: thought });
    // The emulator of vLLM shows which spelling it has; only that one is sent.
    expect(sent[1]).not.toHaveProperty('reasoning');
  });

  it.each<[string, (said: Said) => object]>([
    ['reasoning alone, as OpenRouter’s clients', ({ reasoning_content: _other, ...said }) => said],
    ['reasoning_content alone, as the AI SDK', ({ reasoning: _other, ...said }) => said],
    [
      'reasoning_details',
      ({ reasoning, reasoning_content: _other, ...said }) => ({
        ...said,
        reasoning_details: [{ type: 'reasoning.text', text: reasoning, index: 0 }],
      }),
    ],
  ])('takes it as %s', async (_as, as) => {
    const { thought, sent, dropped } = await second('together', as);
    expect(dropped).toBeNull();
    expect(sent[1]).toMatchObject({ reasoning_content: thought });
  });

  it('keeps it from Bedrock, which refuses it, and says so', async () => {
    const { thought, sent, dropped } = await second('bedrock', (said) => said);
    expect(thought).toBeTruthy();
    expect(JSON.stringify(sent)).not.toContain(thought);
    expect(dropped).toBe('messages[].reasoning');
  });
});
