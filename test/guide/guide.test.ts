import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

/**
 * Every example of Meta's guide "Prompt Engineering with Llama 2", through the running Worker, on each provider. The
 * guide's own names run on Replicate, where they come from, and on one's own Anyscale service; Bedrock and Together have
 * retired Llama 2, so there the model that replaced it answers.
 */
const LLAMA2_70B_CHAT = 'meta/llama-2-70b-chat:2d19859030ff705a87c746f7e96eea03aefb71f166725aee39692f1476566d48';
const LLAMA2_13B_CHAT = 'meta/llama-2-13b-chat:f4e2de70d66816a838a89eeeb621910adffb0dd0baba3976c96980970978018d';
const CODELLAMA_34B = 'meta/codellama-34b:67942fd0f55b66da802218a19a8f0e1d73095473674061a6ea19f2dc8c053152';

const providers = [
  { provider: 'replicate', large: LLAMA2_70B_CHAT, small: LLAMA2_13B_CHAT, code: CODELLAMA_34B },
  { provider: 'anyscale', large: 'llama-2-70b-chat', small: 'llama-2-13b-chat', code: 'codellama-34b' },
  { provider: 'bedrock', large: 'llama-3-70b-instruct', small: 'llama-3-8b-instruct', code: 'llama-3-70b-instruct' },
  {
    provider: 'together',
    large: 'llama-3.3-70b-instruct',
    small: 'llama-3.3-70b-instruct',
    code: 'llama-3.3-70b-instruct',
  },
] as const;

interface Turn {
  role: 'user' | 'assistant' | 'system';
  content: string;
}
const user = (content: string): Turn => ({ role: 'user', content });
const assistant = (content: string): Turn => ({ role: 'assistant', content });

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

describe.each(providers)('the guide on $provider', ({ provider, large, small, code }) => {
  async function answer(path: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
    const response = await stack.post(path, { ...body, provider: { only: [provider] } });
    const json: unknown = await response.json();
    expect(response.status, JSON.stringify(json)).toBe(200);
    expect(response.headers.get('x-chasqui-provider')).toBe(provider);
    return json as Record<string, unknown>;
  }

  /** The guide's `completion`. */
  async function completion(prompt: string, more: Record<string, unknown> = {}): Promise<string> {
    const json = await answer('/v1/completions', {
      model: large,
      prompt,
      temperature: 0.6,
      top_p: 0.9,
      max_tokens: 500,
      ...more,
    });
    return (json.choices as { text: string }[])[0]?.text ?? '';
  }

  /** The guide's `chat_completion`. */
  async function chat(messages: Turn[], more: Record<string, unknown> = {}): Promise<string> {
    const json = await answer('/v1/chat/completions', {
      model: large,
      messages,
      temperature: 0.6,
      top_p: 0.9,
      max_tokens: 500,
      ...more,
    });
    return (json.choices as { message: { content: string } }[])[0]?.message.content ?? '';
  }

  it('completion: the colour of the sky', async () => {
    expect(await completion('The typical color of the sky is: ')).toMatch(/blue/i);
  });

  it('completion: which model version are you', async () => {
    expect(await completion('which model version are you?')).toMatch(/llama|model/i);
  });

  it('chat completion: remembers the favourite colour', async () => {
    const said = await chat([
      user('My favorite color is blue.'),
      assistant("That's great to hear!"),
      user('What is my favorite color?'),
    ]);
    expect(said).toMatch(/blue/i);
  });

  it.each([
    [0.01, 0.01],
    [1.0, 1.0],
  ])('temperature %d, top_p %d: a haiku', async (temperature, top_p) => {
    const first = await completion('Write a haiku about llamas', { temperature, top_p });
    const second = await completion('Write a haiku about llamas', { temperature, top_p });
    expect(first.trim().split('\n').length).toBeGreaterThanOrEqual(3);
    if (temperature === 0.01) expect(second).toBe(first);
    else expect(second).not.toBe(first);
  });

  it('explicit instructions: quantum physics in twelve words', async () => {
    const said = await completion('Describe quantum physics in one short sentence of no more than 12 words');
    expect(said.trim().split(/\s+/).length).toBeLessThanOrEqual(12);
  });

  it('explicit instructions: restrictions', async () => {
    const prompt = 'Explain the latest advances in large language models to me.';
    expect(await completion(prompt)).not.toBe('');
    expect(await completion(`${prompt} Always cite your sources. Never cite sources older than 2020.`)).toMatch(
      /20(2\d)/,
    );
  });

  it('zero-shot: sentiment', async () => {
    expect(await completion("Text: This was the best movie I've ever seen! \n The sentiment of the text is: ")).toMatch(
      /positive/i,
    );
    expect(await completion('Text: The director was trying too hard. \n The sentiment of the text is: ')).toMatch(
      /negative/i,
    );
  });

  it.each([
    ['I thought it was okay', /neutral/],
    ['I loved it!', /^(100|9\d|8\d)% positive/],
    ['Terrible service 0/10', /(100|9\d|8\d)% negative/],
  ])('few-shot: %s', async (text, pattern) => {
    // Starts with two user messages in a row, as in the guide.
    const said = await chat([
      user('You are a sentiment classifier. For each message, give the percentage of positive/netural/negative.'),
      user('I liked it'),
      assistant('70% positive 30% neutral 0% negative'),
      user('It could be better'),
      assistant('0% positive 50% neutral 50% negative'),
      user("It's fine"),
      assistant('25% positive 50% neutral 25% negative'),
      user(text),
    ]);
    expect(said.trim()).toMatch(/^\d+% positive \d+% neutral \d+% negative$/);
    expect(said.trim()).toMatch(pattern);
  });

  it('role prompting: PyTorch for an expert', async () => {
    const plain = await completion('Explain the pros and cons of using PyTorch.');
    const expert = await completion(
      'Your role is a machine learning expert who gives highly technical advice to senior engineers who work with complicated datasets. Explain the pros and cons of using PyTorch.',
    );
    expect(plain).toMatch(/PyTorch/);
    expect(expert).toMatch(/autograd/);
    expect(expert).not.toBe(plain);
  });

  it('chain of thought: Elvis or Mozart', async () => {
    const said = await completion(
      "Who lived longer Elvis Presley or Mozart? Let's think through this carefully, step by step.",
    );
    expect(said).toMatch(/42/);
    expect(said).toMatch(/35/);
    expect(said).toMatch(/Elvis/);
  });

  it('self-consistency: five samples, the majority is right', async () => {
    const json = await answer('/v1/chat/completions', {
      model: large,
      messages: [
        user(
          'John found that the average of 15 numbers is 40. If 10 is added to each number then the mean of the numbers is? Report the answer surrounded by three backticks, for example: ```123```',
        ),
      ],
      n: 5,
      temperature: 0.9,
    });
    const choices = json.choices as { index: number; message: { content: string } }[];
    expect(choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3, 4]);
    const answers = choices.map((choice) => /```\s*(\d+)\s*```/.exec(choice.message.content)?.[1]);
    const votes = new Map<string | undefined, number>();
    for (const vote of answers) votes.set(vote, (votes.get(vote) ?? 0) + 1);
    const [winner] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [];
    expect(winner).toBe('50');
    expect(votes.size).toBeGreaterThan(1);
  });

  it('retrieval: the temperature of a day that is given, and of one that is not', async () => {
    const temperatures: Record<string, string> = {
      '2023-12-11': '52 degrees Fahrenheit',
      '2023-12-12': '51 degrees Fahrenheit',
    };
    const ask = (day: string) =>
      completion(
        `Given the following information: 'The temperature in Menlo Park was ${temperatures[day] ?? 'unknown temperature'} on ${day}', respond to: 'What is the temperature in Menlo Park on ${day}?'`,
      );
    expect(await ask('2023-12-12')).toMatch(/51/);
    expect(await ask('2023-07-18')).toMatch(/unknown|do not know|not (available|provided|known)/i);
  });

  it('program-aided: the code it writes gives the right number', async () => {
    const said = await completion('# Python code to calculate: ((-5 + 93 * 4 - 0) * (4**4 + -7 + 0 * 5))', {
      model: code,
      temperature: 0.1,
      top_p: 0.1,
    });
    expect(said).toMatch(/print\(/);
    expect((-5 + 93 * 4 - 0) * (4 ** 4 + -7 + 0 * 5)).toBe(91383);
    expect(said).toContain('4**4');
  });

  it('limiting extraneous tokens: only the JSON', async () => {
    const said = await completion(
      "You are a robot that only outputs JSON. You reply in JSON format with the field 'zip_code'. Example question: What is the zip code of the Empire State Building? Example answer: {'zip_code': 10118} Now here is my question: What is the zip code of Menlo Park?",
      { model: small },
    );
    expect(said.trim()).toMatch(/^\{['"]zip_code['"]: ?['"]?94025['"]?\}$/);
  });

  it('streams both calls', async () => {
    const chatBody = {
      model: large,
      messages: [user('What is my favorite color? It is blue.')],
      stream: true,
      stream_options: { include_usage: true },
    };
    const streamed = await stack.post('/v1/chat/completions', { ...chatBody, provider: { only: [provider] } });
    const read = readStream(await streamed.text());
    expect(read).toMatchObject({ done: true, finish: ['stop'], error: undefined });
    expect(read.usage?.total_tokens).toBeGreaterThan(0);

    const raw = await stack.post('/v1/completions', {
      model: large,
      prompt: 'The typical color of the sky is: ',
      stream: true,
      provider: { only: [provider] },
    });
    expect(readStream(await raw.text())).toMatchObject({ done: true, text: [expect.stringMatching(/blue/i)] });
  });
});
