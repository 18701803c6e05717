import { EventStreamCodec } from '@smithy/core/event-streams';
import { describe, expect, it } from 'vitest';
import type { Fault } from './control/faults.ts';
import { eventually, refusal, sandbox } from './support.ts';
import { PROMPT, received, wiresOf } from './wires.ts';

const box = sandbox();

const WIRES = wiresOf(box);

describe.each(WIRES)('faults on the wire of $provider', ({ provider, ask, terminal, tokens, throttled, broken }) => {
  const under = async (fault: Fault | readonly Fault[], stream = true) => {
    await box.dial({ provider, fault });
    return ask(stream);
  };

  it('are none unless asked for', async () => {
    const { body, end } = await received(await ask(true));
    expect(end).toBe('closed');
    expect(tokens(body)).toBeGreaterThan(20);
    expect(body).toMatch(terminal);
    expect((await ask(false)).status).toBe(200);
  });

  it('refuse with a status, in its own words, with headers, as often as told', async () => {
    await box.dial({
      provider,
      times: 2,
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
    });
    for (const stream of [true, false]) {
      const answer = await ask(stream);
      expect(answer.status).toBe(429);
      expect(answer.headers.get('retry-after')).toBe('7');
      expect(answer.headers.get('x-sandbox')).toBe(provider);
      expect(await answer.text()).toMatch(throttled);
    }
    expect((await ask(true)).status).toBe(200);
  });

  it('refuse with a body that the test brings', async () => {
    const answer = await under({ kind: 'status', status: 418, body: { short: 'stout' } });
    expect([answer.status, await answer.json()]).toEqual([418, { short: 'stout' }]);
  });

  it("answer with a proxy's page", async () => {
    const answer = await under({ kind: 'html' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, 'text/html']);
    expect(await answer.text()).toContain('<h1>502 Bad Gateway</h1>');
  });

  it('delay the headers', async () => {
    const from = performance.now();
    const { body } = await received(await under({ kind: 'delay', ms: 80 }));
    expect(performance.now() - from).toBeGreaterThan(75);
    expect(body).toMatch(terminal);
  });

  it('never send headers', async () => {
    await box.dial({ provider, fault: { kind: 'hang' } });
    const error = await refusal(ask(true, { signal: AbortSignal.timeout(100) }));
    expect(error).toMatchObject({ name: 'TimeoutError' });
  });

  it.each([true, false])('send headers and then nothing (stream: %s)', async (stream) => {
    const answer = await under({ kind: 'mute' }, stream);
    expect(answer.status).toBe(200);
    expect(await received(answer, () => true)).toEqual({ body: '', end: 'silent' });
  });

  it('stall after so many tokens', async () => {
    const { body, end } = await received(await under({ kind: 'stall', after: 6 }), (text) => tokens(text) >= 6);
    expect([tokens(body), end]).toEqual([6, 'silent']);
  });

  it('drip one token after another', async () => {
    const from = performance.now();
    const { body, end } = await received(await under({ kind: 'drip', ms: 5 }));
    expect(performance.now() - from).toBeGreaterThan(5 * tokens(body));
    expect(end).toBe('closed');
    expect(body).toMatch(terminal);
  });

  it('see the client leave a drip', async () => {
    await box.dial({ provider, fault: { kind: 'drip', ms: 20 } });
    const controller = new AbortController();
    const answer = await ask(true, { signal: controller.signal });
    await answer.body?.getReader().read();
    controller.abort();
    const entry = await eventually(async () => (await box.journal()).find(({ aborted }) => aborted));
    expect(entry.ended).toBeUndefined();
  });

  it.each([true, false])('cut the connection after so many bytes (stream: %s)', async (stream) => {
    const answer = await under({ kind: 'cut', bytes: 90 }, stream);
    const { body, end } = await received(answer);
    expect([body.length, end]).toEqual([90, 'broken']);
  });

  it('end cleanly after so many bytes', async () => {
    const { body, end } = await received(await under({ kind: 'cut', bytes: 333, clean: true }));
    expect([body.length, end]).toEqual([333, 'closed']);
  });

  it('turn one bit of one byte', async () => {
    const first = (await received(await ask(true))).body.charCodeAt(0);
    const { body } = await received(await under({ kind: 'flip', byte: 0 }));
    expect(body.charCodeAt(0)).toBe(first ^ 1);
    expect(body).toMatch(terminal);
  });

  it('break off in its own form, after some tokens or at once', async () => {
    const late = await received(await under({ kind: 'error', after: 4 }));
    expect(tokens(late.body)).toBe(4);
    expect(late.body).toMatch(broken);
    expect(late.body).not.toMatch(terminal);
    const answer = await under({ kind: 'error' });
    expect(answer.status).toBe(200);
    const { body } = await received(answer);
    expect(tokens(body)).toBe(0);
    expect(body.search(broken)).toBeLessThan(40);
    expect(body).toMatch(broken);
  });

  it('refuse in place of breaking off where the answer is no stream', async () => {
    expect((await under({ kind: 'error', after: 4, status: 503 }, false)).status).toBe(503);
  });

  it('end without the words that say it is complete', async () => {
    const whole = tokens((await received(await ask(true))).body);
    const { body, end } = await received(await under({ kind: 'no_end' }));
    expect([tokens(body), end]).toEqual([whole, 'closed']);
    expect(body).not.toMatch(terminal);
    expect(body).not.toContain('[DONE]');
  });

  it('put something that is no JSON among the rest', async () => {
    const { body } = await received(await under({ kind: 'malformed', after: 2 }));
    expect(body).toMatch(/"del(\n\n|.{4})/s);
    expect(body).toMatch(terminal);
    const answer = await under({ kind: 'malformed' }, false);
    expect(answer.status).toBe(200);
    expect(await refusal(answer.json())).toBeInstanceOf(SyntaxError);
  });

  it('come in a mix that its seed fixes', async () => {
    const run = async () => {
      await fetch(`${box.url}/sandbox/faults`, { method: 'DELETE' });
      await box.dial({ provider, times: 0, fault: { kind: 'random', seed: 7, rate: 0.5 } });
      const seen = [];
      for (let i = 0; i < 12; i++) {
        const answer = await ask(true);
        const { body, end } = await received(answer);
        seen.push([answer.status, end, tokens(body)]);
      }
      return seen;
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(new Set(first.map((one) => JSON.stringify(one))).size).toBeGreaterThan(2);
  });
});

describe('the dial', () => {
  const [bedrock, together] = WIRES;

  it('meets the provider, model and path that a rule names, in the order of the rules', async () => {
    await box.dial({ provider: 'bedrock', model: 'llama3-8b', fault: { kind: 'status', status: 500 } });
    await box.dial({ provider: 'bedrock', fault: { kind: 'status', status: 503 } });
    await box.dial({ path: '/together/v1/models', fault: { kind: 'status', status: 504 } });
    expect((await together?.ask(true))?.status).toBe(200);
    expect((await bedrock?.ask(true))?.status).toBe(503);
    expect((await bedrock?.ask(true))?.status).toBe(200);
    expect((await fetch(`${box.url}/together/v1/models`)).status).toBe(504);
  });

  it('is turned by a header for one request alone', async () => {
    const fault = JSON.stringify([
      { kind: 'delay', ms: 1 },
      { kind: 'status', status: 529 },
    ]);
    expect((await bedrock?.ask(true, { headers: { 'x-sandbox-fault': fault } }))?.status).toBe(529);
    expect((await bedrock?.ask(true))?.status).toBe(200);
  });

  it('says what it does not understand', async () => {
    const answer = await fetch(`${box.url}/sandbox/faults`, { method: 'POST', body: '{"fault": {"kind": "stall"}}' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: 'A fault of kind stall needs "after", a number.' },
    ]);
  });

  it('keeps a journal without credentials', async () => {
    await together?.ask(false);
    const [entry] = await box.journal();
    expect(entry).toMatchObject({
      provider: 'together',
      method: 'POST',
      path: '/together/v1/chat/completions',
      model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      body: { messages: [{ content: PROMPT }] },
      headers: { authorization: 'Bearer ***' },
      status: 200,
      ended: 'complete',
      aborted: false,
    });
  });
});

describe('a corrupted event stream', () => {
  it("fails AWS's own codec at the frame that was hit", async () => {
    await box.dial({ provider: 'bedrock', fault: { kind: 'flip', byte: 200 } });
    const bytes = new Uint8Array((await (await WIRES[0]?.ask(true))?.arrayBuffer()) ?? []);
    const codec = new EventStreamCodec(
      (input) => new TextDecoder().decode(typeof input === 'string' ? Buffer.from(input) : input),
      (input) => new TextEncoder().encode(input),
    );
    const decode = (at: number) => codec.decode(bytes.subarray(at, at + new DataView(bytes.buffer).getUint32(at)));
    const frames: unknown[] = [];
    let at = 0;
    try {
      while (at < bytes.length) {
        frames.push(decode(at));
        at += new DataView(bytes.buffer).getUint32(at);
      }
    } catch (error) {
      frames.push(error);
    }
    expect(frames.at(-1)).toBeInstanceOf(Error);
    expect(frames.slice(0, -1).length).toBeLessThan(3);
  });
});
