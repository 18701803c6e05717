import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KEY, type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

/** What leaves for each provider and what comes back, where a small loss would change what a model does or a client reads. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const numbers = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] };
const tool = (name: string) => ({ type: 'function', function: { name, description: name, parameters: numbers } });
const tools = [tool('add'), tool('multiply')];

interface Answer {
  readonly choices: readonly {
    readonly finish_reason: string;
    readonly message: {
      readonly content: string | null;
      readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string } }[];
    };
  }[];
}

/** A model that each provider serves, and that calls what it is told to. */
const CALLS: readonly (readonly [provider: string, model: string])[] = [
  ['bedrock', 'qwen3-32b'],
  ['together', 'llama-3.3-70b-instruct'],
  ['anyscale', 'llama-3.3-70b-instruct'],
];

const body = (provider: string, model: string, more: Record<string, unknown>) => ({
  model,
  messages: [{ role: 'user', content: 'What are 40 and 2?' }],
  tools,
  provider: { only: [provider] },
  ...more,
});

/** What the provider got, as JSON. */
async function sent(): Promise<{ readonly messages: readonly { readonly content: unknown }[] }> {
  const [entry] = await stack.journal();
  return entry?.body as Awaited<ReturnType<typeof sent>>;
}

describe.each(CALLS)('a function that is forced by its name, on %s', (provider, model) => {
  it.each([true, false])('is sent and called, and no other (stream: %s)', async (stream) => {
    const tool_choice = { type: 'function', function: { name: 'multiply' } };
    const response = await stack.post('/v1/chat/completions', body(provider, model, { tool_choice, stream }));
    expect(response.headers.get('x-chasqui-dropped')).toBeNull();
    const said = await response.text();
    expect(said).toMatch(/"name":"multiply"/);
    expect(said).not.toMatch(/"name":"add"/);
    const request = await sent();
    const named =
      provider === 'bedrock' ? { toolConfig: { toolChoice: { tool: { name: 'multiply' } } } } : { tool_choice };
    expect(request).toMatchObject(named);
  });
});

describe('a function that is forced where the model takes no choice', () => {
  const forced = body('bedrock', 'llama-3.3-70b-instruct', {
    tool_choice: { type: 'function', function: { name: 'multiply' } },
  });

  it('is named as dropped, and not sent', async () => {
    const response = await stack.post('/v1/chat/completions', forced);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-dropped')).toMatch(/\btool_choice\b/);
    expect(await sent()).not.toHaveProperty('toolConfig.toolChoice');
  });

  it('is refused where nothing may be dropped', async () => {
    const response = await stack.post('/v1/chat/completions', forced, { 'x-chasqui-strict': '1' });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/tool_choice/);
    expect(await stack.journal()).toEqual([]);
  });
});

describe.each(CALLS)('the content beside tool calls, on %s', (provider, model) => {
  const required = { tool_choice: 'required' };

  it('is null in the answer, and no text in the stream', async () => {
    const response = await stack.post('/v1/chat/completions', body(provider, model, required));
    const answer = (await response.json()) as Answer;
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    const stream = await stack.post('/v1/chat/completions', body(provider, model, { ...required, stream: true }));
    expect(readStream(await stream.text()).text.join('')).toBe('');
  });

  it.each([null, '', undefined])('is no empty text when it comes back as %j', async (content) => {
    const calls = [{ id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a":40,"b":2}' } }];
    const messages = [
      { role: 'user', content: 'Add 40 and 2' },
      { role: 'assistant', content, tool_calls: calls },
      { role: 'tool', tool_call_id: 'call_1', content: '42' },
    ];
    const response = await stack.post('/v1/chat/completions', body(provider, model, { messages }));
    const answer = (await response.json()) as Answer;
    expect(answer.choices[0]?.message.content).toMatch(/42/);
    const request = await sent();
    const [, turn] = request.messages;
    if (provider === 'bedrock') expect(turn?.content).toEqual([{ toolUse: expect.anything() }]);
    else expect(turn?.content).toBeNull();
  });
});

describe('a prediction that nobody wants any more', () => {
  const call = {
    model: 'llama-3-8b-instruct',
    // Replicate's own stop sequences cannot hold a comma.
    messages: [{ role: 'user', content: 'count to 300' }],
    stop: [', 9'],
    stream: true,
    provider: { only: ['replicate'] },
  };
  const canceling = async () => (await stack.journal()).find(({ path }) => path.endsWith('/cancel'));
  const made = async () => (await stack.journal()).find(({ path }) => path.endsWith('/predictions'));

  it('is canceled, and the answer does not wait for that', async () => {
    await stack.dial({ provider: 'replicate', path: '/cancel', times: 1, fault: { kind: 'hang' } });
    // Left alone it would go on for most of a minute.
    await stack.dial({ provider: 'replicate', times: 1, fault: { kind: 'drip', ms: 50 } });
    const { text, finish } = readStream(await (await stack.post('/v1/chat/completions', call)).text());
    expect(text.join('')).toBe('1, 2, 3, 4, 5, 6, 7, 8');
    expect(finish).toEqual(['stop']);
    await vi.waitFor(async () => expect(await canceling()).toBeDefined(), { timeout: 60_000 });
    // Had anybody waited, the cancel would have been given up before the answer ended.
    expect(await canceling()).toMatchObject({ aborted: false });
  });

  it('is canceled though its caller left before it was made', async () => {
    await stack.dial({ provider: 'replicate', times: 1, fault: { kind: 'delay', ms: 500 } });
    const gone = new AbortController();
    const left = fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(call),
      signal: gone.signal,
    });
    await vi.waitFor(async () => expect(await made()).toBeDefined(), { timeout: 60_000, interval: 10 });
    gone.abort();
    await expect(left).rejects.toThrow();
    await vi.waitFor(async () => expect(await made()).toMatchObject({ canceled: true }), { timeout: 60_000 });
  });
});

describe('what came whole before a frame that is corrupt', () => {
  const call = (provider: string, model: string) => ({
    model,
    messages: [{ role: 'user', content: 'count to 40' }],
    stream: true,
    provider: { only: [provider] },
  });
  const heard = async (provider: string, model: string) =>
    readStream(await (await stack.post('/v1/chat/completions', call(provider, model))).text());

  it.each(CALLS)('reaches the caller, and then an error: %s', async (provider, model) => {
    const whole = await heard(provider, model);
    await stack.dial({ provider, times: 1, fault: { kind: 'malformed', after: 8 } });
    const broken = await heard(provider, model);
    const said = broken.text.join('');
    // Eight tokens of "1, 2, 3, …".
    expect(said).toMatch(/^1, 2/);
    expect(whole.text.join('').startsWith(said)).toBe(true);
    expect({ done: broken.done, finish: broken.finish, error: broken.error }).toMatchObject({
      done: false,
      finish: ['error'],
      error: { code: 'stream_interrupted' },
    });
  });

  it('is gone on with where the provider can be asked how it went on: replicate', async () => {
    const whole = await heard('replicate', 'llama-3-8b-instruct');
    await stack.dial({ provider: 'replicate', times: 1, fault: { kind: 'malformed', after: 8 } });
    const { text, done, finish } = await heard('replicate', 'llama-3-8b-instruct');
    expect({ text, done, finish }).toEqual({ text: whole.text, done: true, finish: ['stop'] });
  });
});
