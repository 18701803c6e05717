import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';

/** Conversations keep their offers, whichever API their caller speaks and however it names them. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** Bedrock and Together serve it, each at one price for input and output: however long a call is, their costs compare alike. */
const MODEL = 'llama-3.3-70b-instruct';
const IDS = Array.from({ length: 10 }, (_, n) => `conversation-${n}`);

type Headers = Record<string, string>;
type Body = Record<string, unknown>;

const TO: Readonly<Record<'chat' | 'messages' | 'responses' | 'completion', (text: string) => [string, Body]>> = {
  chat: (text) => ['/v1/chat/completions', { messages: [{ role: 'user', content: text }] }],
  messages: (text) => ['/v1/messages', { messages: [{ role: 'user', content: text }] }],
  responses: (text) => ['/v1/responses', { input: text }],
  completion: (text) => ['/v1/completions', { prompt: text }],
};

let asked = 0;

/** Who serves a call. Each asks something else, so that nothing but the name can keep it where it was. */
async function servedBy(to: keyof typeof TO, body: Body = {}, headers: Headers = {}): Promise<string | null> {
  asked++;
  const [path, own] = TO[to](`Question ${asked}: what color is the sky?`);
  const limit = to === 'responses' ? { max_output_tokens: 8 } : { max_tokens: 8 };
  // A service of one's own would always come first.
  const asks = { model: MODEL, provider: { ignore: ['anyscale'] }, ...limit, ...own, ...body };
  const answer = await stack.post(path, asks, headers);
  expect(answer.status, await answer.clone().text()).toBe(200);
  await answer.text();
  return answer.headers.get('x-chasqui-provider');
}

const claudeCode = (id: string) => ({ metadata: { user_id: JSON.stringify({ device_id: 'd', session_id: id }) } });

describe('a conversation keeps its offer', () => {
  const known = new Map<string, string | null>();
  beforeAll(async () => {
    for (const id of IDS) known.set(id, await servedBy('chat', {}, { 'x-session-id': id }));
    expect(new Set(known.values())).toEqual(new Set(['bedrock', 'together']));
  });

  it.each<[string, keyof typeof TO, (id: string) => { body?: Body; headers?: Headers }]>([
    ['x-session-id of Messages', 'messages', (id) => ({ headers: { 'x-session-id': id } })],
    ['x-session-id of Responses', 'responses', (id) => ({ headers: { 'x-session-id': id } })],
    ['x-session-id of a completion', 'completion', (id) => ({ headers: { 'x-session-id': id } })],
    ['session_id of a chat', 'chat', (id) => ({ body: { session_id: id } })],
    ['session_id of Messages', 'messages', (id) => ({ body: { session_id: id } })],
    ['session_id of Responses', 'responses', (id) => ({ body: { session_id: id } })],
    ['prompt_cache_key of a chat', 'chat', (id) => ({ body: { prompt_cache_key: id } })],
    ['prompt_cache_key of Responses', 'responses', (id) => ({ body: { prompt_cache_key: id } })],
    ['Claude Code’s header', 'messages', (id) => ({ headers: { 'X-Claude-Code-Session-Id': id } })],
    ['Codex’s header', 'responses', (id) => ({ headers: { session_id: id } })],
    ['Codex’s header, newly spelt', 'responses', (id) => ({ headers: { 'session-id': id } })],
    ['Claude Code’s metadata.user_id', 'messages', (id) => ({ body: claudeCode(id) })],
    [
      'the name that goes before others',
      'responses',
      (id) => ({ body: { prompt_cache_key: id }, headers: { session_id: `other ${id}` } }),
    ],
    [
      'the header that goes before the body’s key',
      'responses',
      (id) => ({ body: { prompt_cache_key: `other ${id}` }, headers: { 'x-session-id': id } }),
    ],
    [
      'Claude Code’s header, which goes before its metadata',
      'messages',
      (id) => ({ body: claudeCode(`other ${id}`), headers: { 'X-Claude-Code-Session-Id': id } }),
    ],
  ])('named by %s', async (_what, to, named) => {
    for (const id of IDS) {
      const { body, headers } = named(id);
      expect(await servedBy(to, body, headers), id).toBe(known.get(id));
    }
  });

  it('says where an id is too long, in the caller’s own form', async () => {
    const [path, body] = TO.messages('Hi');
    const long = await stack.post(path, { model: MODEL, max_tokens: 8, ...body, session_id: 'x'.repeat(257) });
    expect(long.status).toBe(400);
    expect(await long.json()).toMatchObject({
      type: 'error',
      error: { message: expect.stringContaining('session_id') },
    });
    // A program that sends a long one by itself is served.
    expect(await servedBy('messages', {}, { 'X-Claude-Code-Session-Id': 'x'.repeat(1000) })).toBeTruthy();
  });

  it('named by nothing, by what it began with, and not by its later turns', async () => {
    const served = new Set<string | null>();
    const messages: { role: string; content: string }[] = [{ role: 'user', content: 'Where do rivers end?' }];
    for (let turn = 0; turn < 4; turn++) {
      served.add(await servedBy('chat', { messages }));
      messages.push(
        { role: 'assistant', content: `In the sea ${turn}.` },
        { role: 'user', content: `And then ${turn}?` },
      );
    }
    expect(served.size).toBe(1);
  });
});

describe('POST /v1/offers of a conversation that was served here', () => {
  const CACHED = 'together/deepseek-v4-pro';
  const rules = { role: 'system', content: 'You answer in one word. '.repeat(50) };
  const asks = { model: CACHED, max_tokens: 8, messages: [rules, { role: 'user', content: 'Where do rivers end?' }] };
  const sheet = async (headers: Headers) => {
    const { data } = (await (await stack.post('/v1/offers', asks, headers)).json()) as {
      data: { provider: string; prompt_tokens: number; why: string[]; cost: Record<string, string | number> }[];
    };
    const offer = data.find(({ provider }) => provider === 'together');
    if (!offer) throw new Error('no offer');
    return offer;
  };

  it('expects cached input where the provider has a price for it, until the provider says that there was none', async () => {
    const session = { 'x-session-id': 'warm' };
    const cold = await sheet(session);
    expect(cold.cost).not.toHaveProperty('cached_tokens');
    expect(await servedBy('chat', asks, session)).toBe('together');
    const warm = await sheet(session);
    expect(warm.cost.cached_tokens).toBeGreaterThan(100);
    expect(warm.cost.cached_tokens).toBeLessThanOrEqual(warm.prompt_tokens);
    expect(Number(warm.cost.expected)).toBeLessThan(Number(cold.cost.expected));
    expect(warm.why.join(' ')).toContain('It has just served this conversation');
    const other = await sheet({ 'x-session-id': 'another' });
    expect(other.cost).not.toHaveProperty('cached_tokens');
    // The sandbox plays a Together that tells of its cache, and has none.
    await servedBy('chat', asks, session);
    expect((await sheet(session)).cost).not.toHaveProperty('cached_tokens');
  });
});
