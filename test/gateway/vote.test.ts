import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
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

const EVENTUALLY = { timeout: 60_000 };
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

describe('a vote that is decided before all samples are there', () => {
  // Bedrock's Converse has no n.
  const body = asked('bedrock', 'llama-3-70b-instruct', { vote: { samples: 3 } });

  it('does not wait for the request that is still under way, and says so', async () => {
    // Left alone it would go on for hours.
    await stack.dial({ provider: 'bedrock', fault: { kind: 'stall', after: 0 } });
    const { answer, response } = await ask({ ...body, messages: [{ role: 'user', content: 'Say exactly: 7' }] });
    expect(answer.vote).toMatchObject({ outcome: '7', samples: 2, cancelled: 1, agreement: 1, asked: 'separately' });
    expect(answer.vote.saved).not.toBe('0');
    expect(response.headers.get('x-chasqui-cost')).toBe(answer.vote.cost);
    expect(await stack.journal()).toHaveLength(3);
  });

  it('cancels the prediction that is still running on Replicate', async () => {
    const { large } = GUIDE_MODELS[0];
    await stack.dial({ provider: 'replicate', fault: { kind: 'stall', after: 0 } });
    const { answer } = await ask({
      ...asked('replicate', large, { vote: { samples: 3 } }),
      messages: [{ role: 'user', content: 'Say exactly: 7' }],
    });
    expect(answer.vote).toMatchObject({ samples: 2, cancelled: 1 });
    // Its id is known when the request that creates it is answered.
    await vi.waitFor(
      async () => expect((await stack.journal()).filter(({ canceled }) => canceled)).toHaveLength(1),
      EVENTUALLY,
    );
  });
});

describe('a streamed vote that takes long', () => {
  const slow = { ...asked('bedrock', 'llama-3-70b-instruct', { vote: { samples: 2 } }), stream: true };

  it('begins with a comment, and goes on as any stream once it is decided', async () => {
    await stack.dial({ provider: 'bedrock', fault: { kind: 'delay', ms: 3_000 } });
    const response = await stack.post(CHAT, slow);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text.startsWith(': keep-alive\n\n')).toBe(true);
    expect(readStream(text)).toMatchObject({ done: true, finish: ['stop'], error: undefined });
    expect(text.match(/"vote":/g)).toHaveLength(1);
  });

  it('ends in an error, and not as if complete, if nobody answers', async () => {
    await stack.dial({ provider: 'bedrock', times: 100, fault: { kind: 'hang' } });
    const text = await (await stack.post(CHAT, slow, { 'x-chasqui-timeout-ms': '2300' })).text();
    const read = readStream(text);
    expect(read.done).toBe(false);
    expect(read.error).toMatchObject({ code: 'timeout' });
  });
});

describe('what a vote would cost', () => {
  interface Row {
    provider: string;
    eligible: boolean;
    cost: { expected: string; max: string | null } | null;
    why: string[];
    reason?: { code: string; message: string };
  }
  const sheet = async (body: Record<string, unknown>): Promise<Row[]> => {
    const response = await stack.post('/v1/offers', body);
    expect(response.status).toBe(200);
    return ((await response.json()) as { data: Row[] }).data.filter(
      ({ eligible, reason }) => eligible || reason?.code === 'over_max_cost',
    );
  };
  const body = { model: 'llama-3.3-70b-instruct', messages: CHATS.average, max_tokens: 200 };

  it('is in the sheet, with how the samples would be asked for', async () => {
    const rows = await sheet({ ...body, vote: { samples: 5 } });
    const once = await sheet(body);
    const many = await sheet({ ...body, n: 5 });
    for (const provider of ['together', 'bedrock']) {
      const of = (all: Row[]) => all.find((row) => row.provider === provider);
      expect(Number(of(rows)?.cost?.expected)).toBeGreaterThan(Number(of(once)?.cost?.expected));
      expect(of(rows)?.cost?.max).toBeDefined();
      if (provider === 'bedrock') expect(of(rows)?.cost).toEqual(of(many)?.cost);
    }
    expect(rows.find(({ provider }) => provider === 'bedrock')?.why.join(' ')).toContain('each of the 5 samples');
  });

  it('is one request where its prompt is worth more than what stopping early saves', async () => {
    const long = [{ role: 'user', content: 'word '.repeat(2000) }];
    const of = async (more: Record<string, unknown>) =>
      (await sheet({ ...body, model: 'together/gpt-oss-120b', vote: { samples: 5 }, ...more }))[0]?.why.join(' ');
    expect(await of({ messages: long, max_tokens: 20 })).toContain('One request for all 5 samples');
    expect(await of({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 2000 })).toContain(
      'each of the 5 samples',
    );
  });

  it('is bounded by vote.max_cost, all samples together', async () => {
    const [row] = await sheet({ ...body, provider: { only: ['bedrock'] }, vote: { samples: 5, max_cost: 0.0001 } });
    expect(row?.reason).toMatchObject({ code: 'over_max_cost' });
    expect(row?.reason?.message).toContain('vote.max_cost of $0.0001');
    const response = await stack.post(CHAT, { ...body, vote: { samples: 5, max_cost: '0.0001' } });
    expect(response.status).toBe(400);
    expect(await stack.journal()).toEqual([]);
    const { answer } = await ask({ ...body, provider: { only: ['bedrock'] }, vote: { samples: 5, max_cost: 0.01 } });
    expect(Number(answer.vote.cost)).toBeLessThanOrEqual(0.01);
  });
});

describe('a vote that cannot be taken', () => {
  const chat = { model: 'llama-3.3-70b-instruct', messages: CHATS.average };
  const five = { samples: 5 };
  it.each([
    ['n', CHAT, { ...chat, n: 2, vote: five }],
    ['vote.samples', CHAT, { ...chat, vote: { samples: 1 } }],
    ['vote.samples', CHAT, { ...chat, vote: { samples: 33 } }],
    ['vote.max_costs', CHAT, { ...chat, vote: { samples: 5, max_costs: 1 } }],
    ['vote.min_agreement', CHAT, { ...chat, vote: { samples: 5, min_agreement: 60 } }],
    ['vote.extract', CHAT, { ...chat, vote: { samples: 5, extract: {} } }],
    ['vote.extract', CHAT, { ...chat, vote: { samples: 5, extract: { regex: 'a', last_number: true } } }],
    ['vote.extract.regex', CHAT, { ...chat, vote: { samples: 5, extract: { regex: '(a)\\1' } } }],
    ['vote.extract.json_pointer', CHAT, { ...chat, vote: { samples: 5, extract: { json_pointer: 'a' } } }],
    ['vote.extract.choice', CHAT, { ...chat, vote: { samples: 5, extract: { choice: ['A'] } } }],
    ['vote.max_cost', CHAT, { ...chat, vote: { samples: 5, max_cost: -1 } }],
    ['prompt', '/v1/completions', { model: 'llama-3-8b-instruct', prompt: ['a', 'b'], vote: five }],
    ['echo', '/v1/completions', { model: 'llama-3-8b-instruct', prompt: 'a', echo: true, logprobs: 1, vote: five }],
    ['vote.samples', '/v1/responses', { model: chat.model, input: 'a', vote: { samples: 0 } }],
  ])('is refused by its field: %s', async (param, path, body) => {
    const response = await stack.post(path, body);
    const answer = (await response.json()) as { error: { param: string; message: string } };
    expect(response.status).toBe(400);
    expect(answer.error.param).toBe(param);
    expect(await stack.journal()).toEqual([]);
  });

  it('is refused in the words of the Messages API there', async () => {
    const response = await stack.post('/v1/messages', { ...chat, max_tokens: 5, vote: { samples: 'many' } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining('vote.samples') },
    });
  });
});

it('takes a pattern that would stall other engines', async () => {
  const extract = { regex: '(a+)+$|([a-z ]+)*!' };
  const { answer } = await ask(asked('together', 'llama-3.3-70b-instruct', { vote: { samples: 3, extract } }));
  expect(answer.vote).toMatchObject({ outcome: null, agreed: false, abstentions: 3, agreement: 0 });
  expect(answer.choices).toHaveLength(1);
});

it('says how each sample went to callers who ask', async () => {
  const body = asked('bedrock', 'llama-3-70b-instruct', { vote: { samples: 3 } });
  const response = await stack.post(CHAT, body, { 'x-chasqui-debug': '1' });
  const { chasqui, vote } = (await response.json()) as Answer & { chasqui: { attempts: unknown[] } };
  expect(chasqui.attempts).toHaveLength(vote.samples);
});

describe('docs/vote.md', () => {
  const page = readFileSync('docs/vote.md', 'utf8');
  it('shows a request that is answered as the page says', async () => {
    const [, example = ''] = /```json\n([\s\S]*?)\n```\n/.exec(page) ?? [];
    const { answer } = await ask(JSON.parse(example) as Record<string, unknown>);
    expect(answer.vote).toMatchObject({ outcome: '50', agreed: true });
    for (const field of Object.keys(answer.vote)) expect(page).toContain(`\`${field}\``);
  });
  it('shows rules that are taken', async () => {
    const rules = [...page.matchAll(/^\| `(\{.*?\})` \|/gm)].map(([, rule = '']) => JSON.parse(rule) as unknown);
    expect(rules).toHaveLength(4);
    for (const extract of rules) {
      await ask(asked('together', 'llama-3.3-70b-instruct', { vote: { samples: 2, extract } }));
    }
  });
});
