import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';
import { CHATS, GUIDE_MODELS, PROMPTS, type Turn, user } from './prompts.ts';

/** Every example of Meta's guide "Prompt Engineering with Llama 2", through the running Worker, on each provider. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

describe.each(GUIDE_MODELS)('the guide on $provider', ({ provider, large, small, code }) => {
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
  async function chat(messages: readonly Turn[], more: Record<string, unknown> = {}): Promise<string> {
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
    expect(await completion(PROMPTS.sky)).toMatch(/blue/i);
  });

  it('completion: which model version are you', async () => {
    expect(await completion(PROMPTS.version)).toMatch(/llama|model/i);
  });

  it('chat completion: remembers the favourite colour', async () => {
    const said = await chat(CHATS.favouriteColor);
    expect(said).toMatch(/blue/i);
  });

  it.each([
    [0.01, 0.01],
    [1.0, 1.0],
  ])('temperature %d, top_p %d: a haiku', async (temperature, top_p) => {
    const first = await completion(PROMPTS.haiku, { temperature, top_p });
    const second = await completion(PROMPTS.haiku, { temperature, top_p });
    expect(first.trim().split('\n').length).toBeGreaterThanOrEqual(3);
    if (temperature === 0.01) expect(second).toBe(first);
    else expect(second).not.toBe(first);
  });

  it('explicit instructions: quantum physics in twelve words', async () => {
    const said = await completion(PROMPTS.quantum);
    expect(said.trim().split(/\s+/).length).toBeLessThanOrEqual(12);
  });

  it('explicit instructions: restrictions', async () => {
    expect(await completion(PROMPTS.advances)).not.toBe('');
    expect(await completion(PROMPTS.advancesCited)).toMatch(/20(2\d)/);
  });

  it('zero-shot: sentiment', async () => {
    expect(await completion(PROMPTS.bestMovie)).toMatch(/positive/i);
    expect(await completion(PROMPTS.director)).toMatch(/negative/i);
  });

  it.each([
    ['okay', /neutral/],
    ['loved', /^(100|9\d|8\d)% positive/],
    ['terrible', /(100|9\d|8\d)% negative/],
  ] as const)('few-shot: %s', async (text, pattern) => {
    const said = await chat(CHATS[text]);
    expect(said.trim()).toMatch(/^\d+% positive \d+% neutral \d+% negative$/);
    expect(said.trim()).toMatch(pattern);
  });

  it('role prompting: PyTorch for an expert', async () => {
    const plain = await completion(PROMPTS.pytorch);
    const expert = await completion(PROMPTS.pytorchExpert);
    expect(plain).toMatch(/PyTorch/);
    expect(expert).toMatch(/autograd/);
    expect(expert).not.toBe(plain);
  });

  it('chain of thought: Elvis or Mozart', async () => {
    const said = await completion(PROMPTS.mozart);
    expect(said).toMatch(/42/);
    expect(said).toMatch(/35/);
    expect(said).toMatch(/Elvis/);
  });

  it('self-consistency: five samples, the majority is right', async () => {
    const json = await answer('/v1/chat/completions', {
      model: large,
      messages: CHATS.average,
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
    expect(await completion(PROMPTS.knownDay)).toMatch(/51/);
    expect(await completion(PROMPTS.unknownDay)).toMatch(/unknown|do not know|not (available|provided|known)/i);
  });

  it('program-aided: the code it writes gives the right number', async () => {
    const said = await completion(PROMPTS.code, {
      model: code,
      temperature: 0.1,
      top_p: 0.1,
    });
    expect(said).toMatch(/print\(/);
    expect((-5 + 93 * 4 - 0) * (4 ** 4 + -7 + 0 * 5)).toBe(91383);
    expect(said).toContain('4**4');
  });

  it('limiting extraneous tokens: only the JSON', async () => {
    const said = await completion(PROMPTS.zipCode, { model: small });
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
      prompt: PROMPTS.sky,
      stream: true,
      provider: { only: [provider] },
    });
    expect(readStream(await raw.text())).toMatchObject({ done: true, text: [expect.stringMatching(/blue/i)] });
  });
});
