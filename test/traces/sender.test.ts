import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Span, spanSender } from '../../src/traces/index.ts';

const span: Span = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  name: 'chat m',
  kind: 3,
  startTimeUnixNano: '1000000',
  endTimeUnixNano: '2000000',
  attributes: [],
};

/** A sender, whatever the collector answers, and what it logged. */
function scene(answer: (signal: AbortSignal) => Promise<Response>) {
  const lines: string[] = [];
  const work: Promise<void>[] = [];
  let asked = 0;
  let now = 1_000_000;
  const send = spanSender(
    { url: 'http://collector.example/v1/traces', headers: {}, resource: {} },
    {
      fetch: (_input, init) => {
        asked++;
        return answer(init?.signal as AbortSignal);
      },
      background: (one) => work.push(one),
      now: () => now,
      log: (line) => lines.push(line),
    },
  );
  return {
    lines,
    send: async (spans: number) => {
      send(Array.from({ length: spans }, () => span));
      await Promise.all(work);
    },
    sendOnly: () => send([span]),
    asked: () => asked,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const ok = (body: BodyInit | null) => async () => new Response(body);

describe('a collector', () => {
  beforeEach(() => {
    vi.restoreAllMocks();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each<[string, BodyInit | null]>([
    ['{}', '{}'],
    ['nothing', null],
    ['an empty partial success', '{"partialSuccess":{}}'],
    ['only a warning', '{"partialSuccess":{"errorMessage":"old names"}}'],
    ['protobuf', new Uint8Array([0xff, 0xfe])],
  ])('that answers %s has taken them', async (_what, body) => {
    const { send, lines } = scene(ok(body));
    await send(3);
    expect(lines).toEqual([]);
  });

  it.each<[string, () => Promise<Response>, string]>([
    ['rejects some', ok('{"partialSuccess":{"rejectedSpans":"2"}}'), '2 spans are lost, because the collector'],
    ['rejects more than there were', ok('{"partialSuccess":{"rejectedSpans":99}}'), 'Traces: 3 spans'],
    ['answers 429', async () => new Response('slow down', { status: 429 }), 'answered 429'],
    ['redirects', async () => new Response(null, { status: 302, headers: { location: 'http://x/' } }), 'answered 302'],
    ['is not there', () => Promise.reject(new Error('connect 10.0.0.1')), 'could not be reached'],
  ])('that %s: the log says so, without its words', async (_what, answer, said) => {
    const { send, lines } = scene(answer);
    await send(3);
    expect(lines).toEqual([expect.stringContaining(said)]);
    expect(lines.join()).not.toMatch(/slow down|10\.0\.0\.1/);
  });

  it('that fails for long is in the log once a minute, with all that was lost', async () => {
    const { send, lines, pass } = scene(() => Promise.reject(new Error('no')));
    for (let at = 0; at < 5; at++) await send(2);
    expect(lines).toHaveLength(1);
    pass(60_000);
    await send(2);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('Traces: 10 spans');
  });

  it('that hangs is given up after five seconds', async () => {
    const limits: number[] = [];
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      limits.push(ms);
      return AbortSignal.abort(new Error('late'));
    });
    const { send, lines } = scene((signal) => Promise.reject(signal.reason));
    await send(1);
    expect(limits).toEqual([5_000]);
    expect(lines).toEqual([expect.stringContaining('did not answer within 5 s')]);
  });

  it('that hangs does not have ever more requests waiting for it', () => {
    const { sendOnly, asked, lines, pass } = scene(() => new Promise(() => undefined));
    for (let at = 0; at < 200; at++) sendOnly();
    expect(asked()).toBe(64);
    expect(lines).toEqual([expect.stringContaining('is too slow')]);
    // Those are given up by then, even where the runtime ended the requests that they belonged to.
    pass(5_000);
    sendOnly();
    expect(asked()).toBe(65);
  });

  it('that answers without end is not read to it', async () => {
    let cancelled = false;
    const endless = new ReadableStream({
      pull: (to) => to.enqueue(new TextEncoder().encode(' '.repeat(4_096))),
      cancel: () => {
        cancelled = true;
      },
    });
    const { send, lines } = scene(ok(endless));
    await send(1);
    expect([cancelled, lines]).toEqual([true, []]);
  });
});
