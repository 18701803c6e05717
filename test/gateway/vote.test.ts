import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHATS, GUIDE_MODELS } from '../guide/prompts.ts';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

interface Result {
  outcome: string | null;
  agreed: boolean;
  votes: Record<string, number>;
  abstentions: number;
  agreement: number;
  samples: number;
  cancelled: number;
  failed: number;
  asked: string;
  cost: string | null;
  saved: string | null;
}
interface Answer {
  choices: { index: number; message: { content: string } }[];
  usage: { prompt_tokens: number; completion_tokens: number; cost_exact: string | null };
  vote: Result;
}

const CHAT = '/v1/chat/completions';
const asked = (provider: string, model: string, more: Record<string, unknown> = {}) => ({
  model,
  messages: CHATS.average,
  temperature: 0.9,
  max_tokens: 200,
  provider: { only: [provider] },
  ...more,
});

async function ask(body: Record<string, unknown>): Promise<{ response: Response; answer: Answer }> {
  const response = await stack.post(CHAT, body);
  const answer = (await response.json()) as Answer;
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return { response, answer };
}

describe.each(GUIDE_MODELS)("the guide's self-consistency as one parameter, on $provider", ({ provider, large }) => {
  it('finds the answer on which most samples agree, though some are wrong', async () => {
    const { answer } = await ask(asked(provider, large, { vote: { samples: 5 } }));
    expect(answer.vote).toMatchObject({ outcome: '50', agreed: true, votes: { 50: 3 } });
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]?.message.content).toContain('50');
    expect(answer.vote.samples + answer.vote.cancelled).toBeLessThanOrEqual(5);
    expect(answer.vote.cost).toBe(answer.usage.cost_exact);
  });
});

describe('a vote on Together, whose API has n', () => {
  it('is one request that bills the prompt once', async () => {
    const { answer } = await ask(asked('together', 'llama-3.3-70b-instruct', { vote: { samples: 3 } }));
    const sent = await stack.journal();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).toMatchObject({ n: 3 });
    expect(sent[0]?.body).not.toHaveProperty('vote');
    expect(answer.vote).toMatchObject({ outcome: '50', votes: { 50: 2, 750: 1 }, asked: 'together', samples: 3 });
    expect(answer.vote.agreement).toBeCloseTo(2 / 3, 3);
    expect(answer.usage.prompt_tokens).toBe(sent[0]?.promptTokens);
  });
});

describe('a vote in every dialect', () => {
  const question = CHATS.average[0].content;
  const shared = { model: 'llama-3.3-70b-instruct', vote: { samples: 3 }, provider: { only: ['together'] } };

  it.each([
    ['/v1/chat/completions', { messages: CHATS.average }],
    ['/v1/completions', { prompt: question, max_tokens: 200 }],
    ['/v1/messages', { messages: CHATS.average, max_tokens: 200 }],
    ['/v1/responses', { input: question }],
  ])('%s answers with one sample and the result', async (path, body) => {
    const response = await stack.post(path, { ...shared, ...body });
    const answer = (await response.json()) as { vote: Result };
    expect(response.status, JSON.stringify(answer)).toBe(200);
    expect(answer.vote).toMatchObject({ outcome: '50', agreed: true, samples: 3 });
    expect(JSON.stringify({ ...answer, vote: undefined })).toContain('50');
    expect(response.headers.get('x-chasqui-dropped')).toBeNull();
  });

  it.each([
    ['/v1/chat/completions', { messages: CHATS.average, stream_options: { include_usage: true } }],
    ['/v1/completions', { prompt: question, max_tokens: 200, stream_options: { include_usage: true } }],
  ])('%s streams the sample that won, with the result in its first chunk', async (path, body) => {
    const response = await stack.post(path, { ...shared, ...body, stream: true });
    const text = await response.text();
    const read = readStream(text);
    expect(read).toMatchObject({ done: true, finish: ['stop'], error: undefined });
    expect(read.text[0]).toContain('50');
    expect(JSON.parse(text.slice('data: '.length, text.indexOf('\n')))).toMatchObject({ vote: { outcome: '50' } });
    expect(text.match(/"vote":/g)).toHaveLength(1);
    expect(response.headers.get('x-chasqui-provider')).toBe('together');
  });

  it('/v1/messages and /v1/responses stream it in their own events', async () => {
    const one = await stack.post('/v1/messages', { ...shared, messages: CHATS.average, max_tokens: 200, stream: true });
    const messages = await one.text();
    expect(messages).toMatch(/^event: message_start\ndata: .*"vote":\{"outcome":"50"/);
    expect(messages).toContain('event: message_stop');
    const two = await stack.post('/v1/responses', { ...shared, input: question, stream: true });
    const responses = await two.text();
    expect(responses).toMatch(/^event: response.created\ndata: .*"vote":\{"outcome":"50"/);
    expect(responses).toContain('event: response.completed');
  });
});
