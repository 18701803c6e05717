import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Fetch } from '../../src/core/index.ts';
import { completionOf, errorOf, gateway, hi, MODEL } from './support.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What of a call's text reaches the server. */
async function arrived(body: BodyInit, headers: HeadersInit = {}): Promise<{ status: number; text: unknown }> {
  let text: unknown;
  const network: Fetch = async (input, init) => {
    const asked: { messages: { content: string }[] } = await new Request(input, init).json();
    text = asked.messages[0]?.content;
    return Response.json(completionOf('Hello'));
  };
  const answer = await gateway(network)('POST', '/v1/chat/completions', body, headers);
  return { status: answer.status, text };
}

const pieces = (...parts: Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });

const packed = async (text: string, format: 'gzip' | 'deflate'): Promise<ArrayBuffer> =>
  new Response(pieces(bytes(text)).pipeThrough(new CompressionStream(format))).arrayBuffer();

const saying = (content: string): string => JSON.stringify({ model: MODEL, messages: [{ role: 'user', content }] });
const TEXT = 'ñandú 🦙 日本';

describe('a request’s body', () => {
  it('without a length is read as it was written, wherever it is cut', async () => {
    const whole = bytes(saying(TEXT));
    for (let at = 1; at < whole.length; at++)
      expect(await arrived(pieces(whole.subarray(0, at), whole.subarray(at))), `cut at ${at}`).toEqual({
        status: 200,
        text: TEXT,
      });
  });

  it('that ends inside a character is no JSON, and is not read without it', async () => {
    const whole = bytes(saying(TEXT));
    for (const half of [[0xc3], [0xe6, 0x97], [0xf0, 0x9f, 0xa6]])
      expect(await arrived(pieces(whole, new Uint8Array(half)))).toEqual({ status: 400, text: undefined });
  });

  it('that is empty is told so', async () => {
    const ask = gateway(async () => Response.json(completionOf('Hello')));
    for (const body of ['', ' \n', pieces()])
      expect(await errorOf(await ask('POST', '/v1/chat/completions', body))).toMatchObject({
        status: 400,
        code: 'invalid_request',
        message: expect.stringContaining('empty'),
      });
  });

  it.each(['gzip', 'x-gzip', 'GZIP', 'deflate'] as const)('may be compressed: %s', async (encoding) => {
    const format = encoding === 'deflate' ? 'deflate' : 'gzip';
    const body = await packed(saying(TEXT), format);
    expect(await arrived(body, { 'content-encoding': encoding })).toEqual({ status: 200, text: TEXT });
  });

  it('that is compressed otherwise, or not as it says, is refused and says so', async () => {
    const ask = gateway(async () => Response.json(completionOf('Hello')));
    for (const encoding of ['br', 'zstd', 'gzip, gzip', 'constructor'])
      expect(
        await errorOf(await ask('POST', '/v1/chat/completions', 'x', { 'content-encoding': encoding })),
      ).toMatchObject({
        status: 415,
        message: expect.stringContaining('gzip'),
      });
    const plain = await ask('POST', '/v1/chat/completions', saying('Hi'), { 'content-encoding': 'gzip' });
    expect(await errorOf(plain)).toMatchObject({ status: 400, message: expect.stringContaining('not valid gzip') });
  });

  it('that unpacks to more than the limit is refused, however small it is', async () => {
    const body = await packed(saying('a'.repeat(26_000_000)), 'gzip');
    expect(body.byteLength).toBeLessThan(100_000);
    expect(await arrived(body, { 'content-encoding': 'gzip' })).toEqual({ status: 413, text: undefined });
  });

  it('that begins with a tool’s result is refused, by the place of it', async () => {
    const ask = gateway(async () => Response.json(completionOf('Hello')));
    const result = { role: 'tool', tool_call_id: 'call_1', content: '19' };
    for (const before of [[], [{ role: 'system', content: 's' }], [{ role: 'user', content: 'u' }]]) {
      const body = { model: MODEL, messages: [...before, result, { role: 'user', content: 'And now?' }] };
      expect(await errorOf(await ask('POST', '/v1/chat/completions', body))).toMatchObject({
        status: 400,
        code: 'invalid_request',
        param: `messages[${before.length}]`,
        message: expect.stringContaining('tool_calls'),
      });
    }
  });
});

describe('x-request-id', () => {
  const ask = gateway(async () => Response.json(completionOf('Hello')));
  const idFor = async (given?: string) =>
    (await ask('GET', '/healthz', null, given === undefined ? {} : { 'x-request-id': given })).headers.get(
      'x-request-id',
    );

  it.each(['my-own-id', 'a', 'A.b_c:d-9', 'x'.repeat(128)])(
    'is the caller’s own where it is plain: %s',
    async (given) => {
      expect(await idFor(given)).toBe(given);
    },
  );

  it.each([
    '',
    'two words',
    '<script>alert(1)</script>',
    'a"b',
    "a'b",
    'a;b',
    'a,b',
    'a/b',
    'a=b',
    'a%0d%0ab',
    '{{7*7}}',
    'x'.repeat(129),
  ])('is a new one where the caller’s is not fit to be repeated: %s', async (given) => {
    expect(await idFor(given)).toMatch(/^req_[0-9a-f-]{36}$/);
  });

  it('is a new one for each request without', async () => {
    expect(await idFor()).not.toBe(await idFor());
  });
});

describe('a header that switches something on', () => {
  it.each(['x-chasqui-strict', 'x-chasqui-debug'])(
    '%s is refused unless it says yes or no, before anybody is asked',
    async (name) => {
      let asked = 0;
      const ask = gateway(async () => {
        asked += 1;
        return Response.json(completionOf('Hello'));
      });
      for (const value of ['yes', 'on', '2'])
        expect(await errorOf(await ask('POST', '/v1/chat/completions', hi, { [name]: value }))).toMatchObject({
          status: 400,
          code: 'invalid_request',
          param: name,
        });
      expect(asked).toBe(0);
      for (const value of ['1', 'True', '0', 'false', ''])
        expect((await ask('POST', '/v1/chat/completions', hi, { [name]: value })).status, value).toBe(200);
    },
  );
});

describe('how long to wait', () => {
  /** What a caller is told where the server answers with these headers. */
  async function told(headers: Record<string, string>, status = 429): Promise<[number, string | null, string | null]> {
    const network: Fetch = async () => Response.json({ error: { message: 'Slow down.' } }, { status, headers });
    const answer = await gateway(network)('POST', '/v1/chat/completions', hi, { 'x-chasqui-timeout-ms': '200' });
    return [answer.status, answer.headers.get('retry-after'), answer.headers.get('retry-after-ms')];
  }

  it.each([
    ['7', '7', '7000'],
    ['1.5', '2', '1500'],
    ['0.5', '1', '500'],
  ])('in seconds is passed on, a part of a second rounded up: %s', async (given, seconds, ms) => {
    expect(await told({ 'retry-after': given })).toEqual([429, seconds, ms]);
  });

  it('in milliseconds is passed on as well', async () => {
    expect(await told({ 'retry-after-ms': '61500', 'retry-after': '2' })).toEqual([429, '62', '61500']);
  });

  it('as a date is passed on as what is left until then', async () => {
    const hour = 3_600_000;
    const [status, seconds] = await told({ 'retry-after': new Date(Date.now() + hour).toUTCString() });
    expect(status).toBe(429);
    expect(Number(seconds)).toBeGreaterThan(3000);
    expect(Number(seconds)).toBeLessThanOrEqual(3601);
  });

  it('is said for a 503 as well, and for nothing else', async () => {
    expect(await told({ 'retry-after': '9' }, 503)).toEqual([503, '9', '9000']);
    expect(await told({ 'retry-after': '9' }, 401)).toEqual([502, null, null]);
  });
});

describe('a stream in which nothing comes for a while', () => {
  afterEach(() => vi.useRealTimers());

  it('has a comment every ten seconds until something does', async () => {
    let upstream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const chunk = (delta: object, finish: string | null = null) =>
      bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
    const network: Fetch = async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            upstream = controller;
            controller.enqueue(chunk({ content: 'Hel' }));
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      );
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const answer = await gateway(network)('POST', '/v1/chat/completions', { ...hi, stream: true });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const next = async () => (await reader?.read())?.value;
    const until = async (what: string) => {
      let text = '';
      while (!text.includes(what)) text += (await next()) ?? what;
      return text;
    };
    expect(await until('Hel')).not.toContain('keep-alive');
    // What has been read is known to whoever wrote it a turn later.
    await new Promise((resolve) => setTimeout(resolve, 0));
    vi.advanceTimersByTime(10_000);
    expect(await next()).toBe(': keep-alive\n\n');
    vi.advanceTimersByTime(10_000);
    expect(await next()).toBe(': keep-alive\n\n');
    await new Promise((resolve) => setTimeout(resolve, 0));
    upstream?.enqueue(chunk({ content: 'lo' }));
    expect(await until('lo')).not.toContain('keep-alive');
    for (const piece of [', ', 'you', '!']) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      // What comes every five seconds needs no comment, however long it goes on.
      vi.advanceTimersByTime(5_000);
      upstream?.enqueue(chunk({ content: piece }));
      expect(await until(piece)).not.toContain('keep-alive');
    }
    upstream?.enqueue(chunk({}, 'stop'));
    upstream?.enqueue(bytes('data: [DONE]\n\n'));
    expect(await until('[DONE]')).not.toContain('keep-alive');
    expect((await reader?.read())?.done).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has what came at once in few writes, without waiting for what comes next', async () => {
    let upstream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const network: Fetch = async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            upstream = controller;
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      );
    const say = (delta: object, finish: string | null = null) =>
      upstream?.enqueue(
        bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`),
      );
    const words = Array.from({ length: 100 }, (_, at) => `<${at}>`);
    const asked = gateway(network)('POST', '/v1/chat/completions', { ...hi, stream: true });
    await vi.waitFor(() => expect(upstream).toBeDefined());
    vi.useFakeTimers({ toFake: ['Date'] });
    for (const content of words) say({ content });
    const reader = (await asked).body?.pipeThrough(new TextDecoderStream()).getReader();
    let writes = 0;
    let text = '';
    while (!text.includes('<99>')) {
      const read = await reader?.read();
      if (read?.done !== false) break;
      writes++;
      text += read.value;
    }
    expect(words.every((word) => text.includes(word))).toBe(true);
    expect(writes).toBeLessThan(words.length / 4);
    say({}, 'stop');
    upstream?.close();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
    }
    expect(text).toContain('[DONE]');
    expect(text.match(/<\d+>/g)).toEqual(words);
  });

  it('is not read on for a caller who does not read', async () => {
    const PIECES = 400;
    let pulled = 0;
    const chunk = (delta: object, finish: string | null) =>
      bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
    const network: Fetch = async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            if (pulled++ < PIECES) return controller.enqueue(chunk({ content: '~'.repeat(4096) }, null));
            controller.enqueue(chunk({}, 'stop'));
            controller.close();
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      );
    const answer = await gateway(network)('POST', '/v1/chat/completions', { ...hi, stream: true });
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
    expect(pulled).toBeLessThan(PIECES / 10);
    const text = await answer.text();
    expect(text.match(/~/g)).toHaveLength(PIECES * 4096);
    expect(text).toContain('[DONE]');
  });

  it('lets go of its server at the next comment where nobody reads it any more', async () => {
    let left: () => void = () => undefined;
    const canceled = new Promise<void>((resolve) => {
      left = resolve;
    });
    const piece = { choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: null }] };
    const network: Fetch = async () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(bytes(`data: ${JSON.stringify(piece)}\n\n`)),
          cancel: () => left(),
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      );
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const answer = await gateway(network)('POST', '/v1/chat/completions', { ...hi, stream: true });
    const reader = answer.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 0));
    vi.advanceTimersByTime(10_000);
    await canceled;
  });
});

describe('a credential that a server says back', () => {
  const TOKEN = 'mine-token-5f1d';
  const words = `Token ${TOKEN} of ${btoa(TOKEN)} is over the maximum token limit.`;
  const shown = 'Token [redacted] of [redacted] is over the maximum token limit.';
  const refuse = () => Response.json({ error: { message: words, code: TOKEN } }, { status: 400 });

  it('is not in the error', async () => {
    const answer = await gateway(async () => refuse())('POST', '/v1/chat/completions', hi);
    const text = await answer.text();
    expect(text).toContain(shown);
    expect(text).not.toMatch(/5f1d|bWluZS/i);
  });

  it('is not in the error that ends a stream', async () => {
    const chunks = [
      { choices: [{ index: 0, delta: { content: 'Hel' } }] },
      { error: { message: words, type: TOKEN, code: 500 } },
    ];
    const stream = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
    const network: Fetch = async () => new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
    const answer = await gateway(network)('POST', '/v1/chat/completions', { ...hi, stream: true });
    const text = await answer.text();
    expect(text).toContain('"finish_reason":"error"');
    expect(text).toContain(shown);
    expect(text).not.toMatch(/5f1d|bWluZS/i);
  });

  it('is not in the attempts of an answer that another gave', async () => {
    const model = { [MODEL]: { price: { input_per_mtok: '1', output_per_mtok: '1' } } };
    const services = [
      { id: 'mine', base_url: 'http://mine.example/v1', token: TOKEN, models: model },
      { id: 'other', base_url: 'http://other.example/v1', models: model },
    ];
    const network: Fetch = async (input, init) =>
      new URL(new Request(input, init).url).hostname === 'mine.example' ? refuse() : Response.json(completionOf('Hi'));
    const ask = gateway(network, { OPENAI_COMPATIBLE_SERVICES: JSON.stringify(services) });
    const body = { ...hi, provider: { order: ['mine', 'other'] } };
    const answer = await ask('POST', '/v1/chat/completions', body, { 'x-chasqui-debug': '1' });
    const text = await answer.text();
    expect([answer.status, answer.headers.get('x-chasqui-provider')]).toEqual([200, 'other']);
    expect(text).toContain(shown);
    expect(text).not.toMatch(/5f1d|bWluZS/i);
  });

  it('is not in the name that it gives its configuration', async () => {
    const named = { ...completionOf('Hi'), system_fingerprint: TOKEN };
    const answer = await gateway(async () => Response.json(named))('POST', '/v1/chat/completions', hi);
    expect(await answer.json()).toMatchObject({ system_fingerprint: '[redacted]' });
  });
});

describe('the sandbox', () => {
  const settings = {
    OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
      { id: 'mine', base_url: 'http://mine.example/v1', token: 'sandbox-token', models: { [MODEL]: {} } },
    ]),
  };
  const SANDBOX = { fetch: async () => Response.json(completionOf('Hello')) };

  it('says of each answer and of each error that it is its own, and a real provider says nothing', async () => {
    const network: Fetch = async () => Response.json(completionOf('Hello'));
    const mark = async (env: Readonly<Record<string, unknown>>, body: object) => {
      const answer = await gateway(network, env)('POST', '/v1/chat/completions', body);
      return [answer.status, answer.headers.get('x-chasqui-sandbox')];
    };
    const inSandbox = { OPENAI_COMPATIBLE_SERVICES: undefined, SANDBOX, CHASQUI_SANDBOX: settings };
    expect(await mark(inSandbox, hi)).toEqual([200, '1']);
    expect(await mark(inSandbox, { ...hi, model: 'no-such-model' })).toEqual([404, '1']);
    expect(await mark({ SANDBOX, CHASQUI_SANDBOX: settings }, hi)).toEqual([200, null]);
  });
});
