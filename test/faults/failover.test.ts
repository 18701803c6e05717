import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../sandbox/support.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { readStream } from '../support/sse.ts';

/** Every ordered pair: the first is made to fail, the second must serve. One model that all four have. */
const MODEL = {
  bedrock: 'llama-3-8b-instruct',
  replicate: 'llama-3-8b-instruct',
  anyscale: 'llama-3-8b-instruct',
  together: 'llama-3.3-70b-instruct',
} as const;
type Id = keyof typeof MODEL;
const NEXT: Record<Id, Id> = { bedrock: 'anyscale', replicate: 'bedrock', anyscale: 'replicate', together: 'bedrock' };
const modelOf = (first: Id) =>
  first === 'together' || NEXT[first] === 'together' ? 'llama-3.3-70b-instruct' : MODEL[first];

const faults: [string, Record<string, unknown>, string][] = [
  ['401', { kind: 'status', status: 401 }, 'provider_auth'],
  ['404', { kind: 'status', status: 404 }, 'model_not_found'],
  ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '30' } }, 'provider_rate_limited'],
  ['500', { kind: 'status', status: 500 }, 'provider_error'],
  ['503', { kind: 'status', status: 503 }, 'provider_overloaded'],
  ['an HTML 502', { kind: 'html' }, 'provider_unavailable'],
  ['a hang before headers', { kind: 'hang' }, 'timeout'],
  ['a hang before the first token', { kind: 'mute' }, 'timeout'],
  ['200 and then an exception frame', { kind: 'error', after: 0 }, ''],
];

/** Faults that only a timer ends. */
const SILENT: readonly unknown[] = ['hang', 'mute', 'stall'];

let stack: Stack;
let impatient: Stack;
let refused: Stack;

/** Long enough for any answer of the emulator on a busy machine; tests that wait for it wait together. */
const IMPATIENT = JSON.stringify({ connect_ms: 6000, first_token_ms: 6000, idle_ms: 6000 });
beforeAll(async () => {
  stack = await startStack();
  impatient = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_TIMEOUTS: IMPATIENT }));
  refused = await startStack((origin) => ({
    ...sandboxEnv(origin),
    // Nobody listens on port 1.
    REPLICATE_BASE_URL: 'http://127.0.0.1:1/v1',
    TOGETHER_BASE_URL: 'http://127.0.0.1:1/v1',
  }));
});
afterAll(async () => {
  await stack.stop();
  await impatient.stop();
  await refused.stop();
});

let calls = 0;
/** A question that no other test asks, and what tells it from all others: faults are dialled for it alone. */
function question(content = 'What is the capital of the California?') {
  const text = `This is call ${++calls}.`;
  return {
    text,
    messages: [
      { role: 'system', content: text },
      { role: 'user', content },
    ],
  };
}

const stackFor = (fault: Record<string, unknown>): Stack => (SILENT.includes(fault.kind) ? impatient : stack);

describe.concurrent.each(Object.keys(MODEL) as Id[])('%s is the first provider of a call and fails with', (first) => {
  const second = NEXT[first];
  const body = (messages: readonly object[], stream: boolean) => ({
    model: modelOf(first),
    messages,
    stream,
    max_tokens: 50,
    provider: { order: [first, second], only: [first, second] },
  });

  it.each(faults)('%s: the second answers in full, JSON', async (_what, fault, code) => {
    const { text, messages } = question();
    const { dial, post } = stackFor(fault);
    await dial({ provider: first, text, times: 0, fault });
    const response = await post('/v1/chat/completions', body(messages, false), { 'x-chasqui-debug': '1' });
    const answer = (await response.json()) as {
      choices: { message: { content: string }; finish_reason: string }[];
      chasqui: { attempts: { type: string }[] };
    };
    expect(response.status, JSON.stringify(answer)).toBe(200);
    expect(response.headers.get('x-chasqui-provider')).toBe(second);
    expect(response.headers.get('x-chasqui-attempts')).toBe('2');
    expect(answer.choices[0]?.message.content).toMatch(/Sacramento/);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    if (code) expect(answer.chasqui.attempts[0]?.type).toBe(code);
  });

  it.each(faults)('%s: the second answers in full, streamed', async (_what, fault) => {
    const { text, messages } = question();
    const { dial, post } = stackFor(fault);
    await dial({ provider: first, text, times: 0, fault });
    const response = await post('/v1/chat/completions', body(messages, true));
    const read = readStream(await response.text());
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-provider')).toBe(second);
    expect(read).toMatchObject({
      done: true,
      error: undefined,
      finish: ['stop'],
      text: [expect.stringMatching(/Sacramento/)],
    });
  });
});

describe.concurrent.each(['bedrock', 'together', 'anyscale'] as const)(
  'a stream of %s that breaks after its first content',
  (provider) => {
    it.each([
      ['is cut', { kind: 'cut', bytes: 900 }],
      ['stalls', { kind: 'stall', after: 3 }],
      ['reports an error', { kind: 'error', after: 3 }],
      ['lacks its terminal event', { kind: 'no_end' }],
    ])('%s: one typed error chunk and no [DONE]', async (_what, fault) => {
      const { text, messages } = question('Please write 60 words');
      const { dial, post } = stackFor(fault);
      await dial({ provider, text, times: 1, fault });
      const response = await post('/v1/chat/completions', {
        model: MODEL[provider],
        messages,
        stream: true,
        provider: { only: [provider] },
      });
      const said = await response.text();
      const read = readStream(said);
      expect(response.status).toBe(200);
      expect(read.done, said).toBe(false);
      const last = read.chunks.at(-1);
      expect(last?.error).toMatchObject({
        code: expect.stringMatching(
          /stream_interrupted|provider_error|provider_overloaded|provider_unavailable|timeout/,
        ),
        message: expect.any(String),
        metadata: { provider },
      });
      expect(last?.choices).toMatchObject([{ index: 0, delta: { content: '' }, finish_reason: 'error' }]);
      expect(read.chunks.filter((chunk) => chunk.error)).toHaveLength(1);
      expect(read.text[0]).not.toBe('');
    });
  },
);

describe('a provider that refuses the connection', () => {
  it.each([true, false])('hands over to the next (stream: %s)', async (stream) => {
    const { messages } = question();
    const response = await refused.post('/v1/chat/completions', {
      model: 'llama-3-8b-instruct',
      messages,
      stream,
      provider: { order: ['replicate', 'bedrock'], only: ['replicate', 'bedrock'] },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-chasqui-provider')).toBe('bedrock');
    const text = await response.text();
    const said = stream ? readStream(text).text[0] : text;
    expect(said).toMatch(/Sacramento/);
  });
});

describe('when every provider fails', () => {
  it.each([true, false])('there is one JSON error that lists the attempts (stream: %s)', async (stream) => {
    const { text, messages } = question();
    for (const provider of Object.keys(MODEL))
      await stack.dial({ provider, text, times: 0, fault: { kind: 'status', status: 500 } });
    const response = await stack.post('/v1/chat/completions', {
      model: 'llama-3-8b-instruct',
      messages,
      stream,
      provider: { only: ['bedrock', 'replicate', 'anyscale'] },
    });
    const body = (await response.json()) as {
      error: {
        code: string;
        message: string;
        metadata: { attempts: { provider: string; status: number; type: string }[] };
      };
    };
    expect(response.status).toBe(502);
    assertOpenAi('ErrorResponse', body);
    expect(body.error.code).toBe('provider_error');
    expect(new Set(body.error.metadata.attempts.map((attempt) => attempt.provider))).toEqual(
      new Set(['bedrock', 'replicate', 'anyscale']),
    );
    for (const attempt of body.error.metadata.attempts)
      expect(attempt).toMatchObject({ status: 500, type: 'provider_error' });
  });

  it('a rate limit keeps its Retry-After', async () => {
    const { text, messages } = question();
    await stack.dial({
      provider: 'bedrock',
      text,
      times: 0,
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '77' } },
    });
    const response = await stack.post('/v1/chat/completions', {
      model: 'llama-3-8b-instruct',
      messages,
      provider: { only: ['bedrock'] },
    });
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('77');
    expect(await response.json()).toMatchObject({ error: { code: 'provider_rate_limited', type: 'rate_limit_error' } });
  });
});

describe('a caller that leaves', () => {
  it.each(['bedrock', 'replicate', 'together', 'anyscale'] as const)(
    'in mid-stream aborts %s at once',
    async (provider) => {
      const { text, messages } = question('Please write 200 words');
      // Left alone it would go on for minutes.
      await stack.dial({ provider, text, times: 1, fault: { kind: 'drip', ms: 500 } });
      const leaving = new AbortController();
      const response = await fetch(`${stack.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: MODEL[provider],
          messages,
          stream: true,
          provider: { only: [provider] },
        }),
        signal: leaving.signal,
      });
      const reader = response.body?.getReader();
      await reader?.read();
      leaving.abort();
      const stopped = await eventually(async () =>
        (await stack.journal()).find(
          ({ body, aborted, canceled }) => JSON.stringify(body).includes(text) && (canceled || aborted),
        ),
      );
      expect(stopped).toMatchObject(provider === 'replicate' ? { canceled: true } : { aborted: true });
    },
  );
});
