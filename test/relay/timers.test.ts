import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event, Tool } from '../../src/core/index.ts';
import { healthBook } from '../../src/relay/index.ts';
import {
  answers,
  type Behaviour,
  call,
  drips,
  error,
  eventsOf,
  fails,
  finished,
  good,
  handClock,
  hangs,
  late,
  offer,
  run,
  type Scene,
  said,
  scripted,
  settle,
  stalls,
  textOf,
} from './support.ts';

const TEN = { connectMs: 10_000, firstTokenMs: 10_000, idleMs: 10_000 };

/** Milliseconds until a call ends in a time-out, where the first provider says nothing at all. */
async function silenceCosts(scene: Omit<Scene, 'clock' | 'providers'>, second = false): Promise<number> {
  const clock = handClock();
  const begun = clock.now();
  let ended = -1;
  const providers = second ? [scripted('first', hangs), scripted('second', good)] : [scripted('first', hangs)];
  run({ providers, clock, ...scene }).then(
    () => {
      ended = clock.now() - begun;
    },
    () => {
      ended = clock.now() - begun;
    },
  );
  await clock.advance(700_000);
  return ended;
}

describe('timers that the operator has set', () => {
  it.each([
    ['streamed and alone', { stream: true }, false],
    ['streamed, with another offer', { stream: true }, true],
    ['in JSON and alone', { stream: false }, false],
    ['in JSON, with another offer', { stream: false }, true],
    ['in JSON and long', { stream: false, maxTokens: 100_000 }, false],
  ] as const)('hold as written: silence costs ten seconds, %s', async (_what, asked, second) => {
    const offers = second ? undefined : [offer('first', { output: { clamped: false, maxTokens: 100_000 } })];
    const scene = { asked: call(asked), timeouts: TEN, ...(offers ? { offers } : {}) };
    expect(await silenceCosts(scene, second)).toBe(10_000);
  });

  it('give an answer in one piece its own time where that is set', async () => {
    const timeouts = { ...TEN, pieceMs: 60_000 };
    expect(await silenceCosts({ asked: call({ stream: false }), timeouts })).toBe(60_000);
    expect(await silenceCosts({ asked: call({ stream: true }), timeouts })).toBe(10_000);
  });

  it('are a service’s own before the deployment’s', async () => {
    const offers = [offer('first', { timeouts: { connectMs: 3_000 } })];
    expect(await silenceCosts({ timeouts: TEN, offers })).toBe(3_000);
  });

  it('run from the answer for the first token', async () => {
    const clock = handClock();
    const first = scripted('first', late(clock, 9_000, stalls()));
    const ended = expect(run({ providers: [first], clock, timeouts: TEN })).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(18_999);
    expect(first.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    await ended;
  });
});

describe('timers that nobody has set', () => {
  it('let a dead provider cost fifteen seconds while another offer waits', async () => {
    expect(await silenceCosts({}, true)).toBe(15_000);
  });

  it('count those from asking, also where headers came', async () => {
    const clock = handClock();
    const first = scripted('first', late(clock, 14_000, stalls()));
    const carried = run({ providers: [first, scripted('second', good)], clock });
    await clock.advance(15_000);
    expect((await carried).offer.provider).toBe('second');
  });

  it('wait as long for the last offer that is left, once the others have failed for good', async () => {
    const clock = handClock();
    const gone = scripted('first', fails(error('model_not_found')));
    const carried = run({ providers: [gone, scripted('second', late(clock, 60_000))], clock });
    await clock.advance(60_000);
    expect(await textOf((await carried).events)).toBe('Hello');
  });

  it('wait two minutes for a first token where nobody else can serve', async () => {
    expect(await silenceCosts({})).toBe(120_000);
  });

  it('give more to an offer that is known to take its time, and to a prompt that takes long to read', async () => {
    const slow = offer('first', { observed: { ttftMs: 8_000, samples: 9, at: 0 } });
    expect(await silenceCosts({ offers: [slow, offer('second')] }, true)).toBe(24_000);
    const long = offer('first', { prompt: { largest: 36_000, total: 36_000, exactness: 'exact' } });
    expect(await silenceCosts({ offers: [long, offer('second')] }, true)).toBe(25_000);
  });

  it('wait for a start that the provider announces, alone, and not while another can serve', async () => {
    const starts: Behaviour = async (job, signal) => ({ ...(await stalls()(job, signal)), starting: true });
    const clock = handClock();
    const first = scripted('first', starts);
    const failed = run({ providers: [first], clock, timeouts: TEN }).catch(() => undefined);
    await clock.advance(119_999);
    expect(first.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    await failed;
    expect(first.signals[0]?.aborted).toBe(true);
    const swift = handClock();
    const carried = run({ providers: [scripted('first', starts), scripted('second', good)], clock: swift });
    await swift.advance(15_000);
    expect((await carried).offer.provider).toBe('second');
  });
});

describe('a healthy answer in one piece', () => {
  const asked = call({ stream: false });

  it.each([90_000, 250_000, 590_000])('that takes %d ms is not cut where nobody else can serve', async (ms) => {
    const clock = handClock();
    const carried = run({ providers: [scripted('first', late(clock, ms))], clock, asked });
    await clock.advance(ms);
    expect(await textOf((await carried).events)).toBe('Hello');
  });

  it('is not cut while another offer waits, as long as its length may be what takes the time', async () => {
    const clock = handClock();
    const second = scripted('second', good);
    const carried = run({ providers: [scripted('first', late(clock, 290_000)), second], clock, asked });
    await clock.advance(290_000);
    expect((await carried).offer.provider).toBe('first');
    expect(second.jobs).toHaveLength(0);
  });

  it('is cut sooner where its limit, or what the model usually says and how fast, are known', async () => {
    const json = (first: ReturnType<typeof offer>, health = healthBook()) =>
      silenceCosts({ asked, offers: [first, offer('second')], health }, true);
    expect(await json(offer('first', { output: { clamped: false, maxTokens: 100, most: 100 } }))).toBe(21_000);
    const observed = { tokensPerSecond: 100, samples: 5, at: 0 };
    expect(await json(offer('first', { observed, output: { clamped: false, maxTokens: 1000 } }))).toBe(45_000);
    const health = healthBook();
    health.succeeded(offer('other'), { ms: 1000, outputTokens: 500, choices: 1 }, 0);
    expect(await json(offer('first', { observed }), health)).toBe(15_000 + 8 * 500 * 30);
  });

  it('that is known to be under way is not cut for its length, while another offer waits', async () => {
    const clock = handClock();
    const looks = Array.from({ length: 9 }, (): Event[] => []);
    const first = scripted('first', drips(clock, 20_000, ...looks, [said('Hello'), finished]));
    const second = scripted('second', good);
    const short = { output: { clamped: false, maxTokens: 100 } };
    const carried = run({ providers: [first, second], offers: [offer('first', short), offer('second')], clock, asked });
    await clock.advance(200_000);
    expect((await carried).offer.provider).toBe('first');
    expect(second.jobs).toHaveLength(0);
  });

  it('at 240 ms a token is served by a server of one’s own', async () => {
    const clock = handClock();
    const own = offer('first', { standing: 'own', output: { clamped: false, maxTokens: 1000 } });
    const first = scripted('first', late(clock, 240_000));
    const carried = run({ providers: [first, scripted('second', good)], offers: [own, offer('second')], clock, asked });
    await clock.advance(240_000);
    expect((await carried).offer.provider).toBe('first');
  });
});

describe('a tool call that comes in one piece although the caller streams', () => {
  it('gets the time of a piece: Llama on Bedrock refuses tools in a stream', async () => {
    const tool: Tool = { name: 'look', parameters: {} };
    const offers = [
      offer('first', {
        toolStreaming: false,
        sends: { form: 'messages', messages: [{ role: 'user', content: 'Hi' }], tools: [tool] },
        output: { clamped: false, maxTokens: 1000 },
      }),
      offer('second'),
    ];
    const clock = handClock();
    const first = scripted('first', late(clock, 60_000));
    const carried = run({
      providers: [first, scripted('second', good)],
      offers,
      clock,
      asked: call({ tools: [tool] }),
    });
    await clock.advance(60_000);
    expect((await carried).offer.provider).toBe('first');
  });
});

describe('a stream that has begun', () => {
  it('may take five minutes with a token every twenty seconds', async () => {
    const clock = handClock();
    const tokens = Array.from({ length: 15 }, (_, at): Event[] => [said(`${at} `)]);
    const first = scripted('first', drips(clock, 20_000, [said('Hello ')], ...tokens, [finished]));
    const carried = run({ providers: [first], clock });
    await clock.advance(20_000);
    const read = eventsOf(await carried);
    await clock.advance(320_000);
    const events = await read;
    expect(events.filter(({ type }) => type === 'text')).toHaveLength(16);
    expect(events.some(({ type }) => type === 'finish')).toBe(true);
  });

  it('that drips for ever ends in a time-out at the total, with the upstream aborted and nothing held against it', async () => {
    const clock = handClock();
    const health = healthBook();
    const forever = Array.from({ length: 500 }, (): Event[] => [said('and ')]);
    const first = scripted('first', drips(clock, 5_000, ...forever));
    const carried = run({ providers: [first], clock, health, timeouts: { totalMs: 64_000 } });
    await clock.advance(5_000);
    const ended = expect(eventsOf(await carried)).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(58_999);
    expect(first.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    await ended;
    expect(first.signals[0]?.aborted).toBe(true);
    expect(health.breakers(clock.now())).toEqual([]);
  });

  it.each([
    ['asks for more than the deployment’s total', 900_000, 60_000],
    ['asks for less', 20_000, 20_000],
  ])('ends at the lesser of the two totals where the caller %s', async (_what, timeoutMs, totalMs) => {
    const clock = handClock();
    const first = scripted('first', drips(clock, 5_000, ...Array.from({ length: 500 }, (): Event[] => [said('and ')])));
    const carried = run({ providers: [first], clock, timeouts: { totalMs: 60_000 }, asked: call({ timeoutMs }) });
    await clock.advance(5_000);
    const ended = expect(eventsOf(await carried)).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(totalMs - 5_001);
    expect(first.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    await ended;
    expect(first.signals[0]?.aborted).toBe(true);
  });
});

describe('a reader who is slow', () => {
  it('neither breaks the stream nor makes the provider look silent or slow', async () => {
    const clock = handClock();
    const health = healthBook();
    const words = Array.from({ length: 10 }, (_, at): Event[] => [said(`w${at}`)]);
    const first = scripted('first', answers([said('Hello')], ...words, [finished]));
    const carried = await run({ providers: [first], clock, health });
    const events = carried.events[Symbol.asyncIterator]();
    let turn = await events.next();
    let text = '';
    while (!turn.done) {
      for (const event of turn.value) if (event.type === 'text') text += event.text;
      // Longer than the idle timer, before every read; then the time the upstream takes for the next token.
      await clock.advance(45_000);
      turn = await events.next();
    }
    expect(text).toMatch(/^Hello.*w9$/);
    expect(first.signals[0]?.aborted).toBe(false);
    expect(health.breakers(clock.now())).toMatchObject([{ breaker: 'closed' }]);
    // Everything came at once: a speed that says otherwise would be the reader's.
    expect(health.observed('first', 'first-llama')?.tokensPerSecond).toBeUndefined();
  });

  it('still learns of an upstream that falls silent, from when it begins to wait', async () => {
    const clock = handClock();
    const first = scripted('first', stalls([said('Hel')], [said('lo')]));
    const carried = await run({ providers: [first], clock });
    const events = carried.events[Symbol.asyncIterator]();
    await events.next();
    await clock.advance(100_000);
    await events.next();
    await clock.advance(100_000);
    const waiting = expect(events.next()).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(29_999);
    expect(first.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    await waiting;
  });

  it('sees the idle timer ring exactly after the upstream’s own silence, however reads and pauses come', async () => {
    const step = fc.record({ pause: fc.nat(80_000), gap: fc.nat(29_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        const clock = handClock();
        let release: (() => void) | undefined;
        const first = scripted('first', (_job, signal) => ({
          events: (async function* () {
            yield [said('Hello')];
            for (;;) {
              await new Promise<void>((resolve, reject) => {
                release = resolve;
                signal.addEventListener('abort', () => reject(signal.reason));
              });
              yield [said('.')];
            }
          })(),
        }));
        const carried = await run({ providers: [first], clock, timeouts: { totalMs: 100_000_000 } });
        const events = carried.events[Symbol.asyncIterator]();
        await events.next();
        for (const { pause, gap } of steps) {
          await clock.advance(pause);
          const next = events.next();
          await settle();
          await clock.advance(gap);
          release?.();
          expect((await next).done).toBe(false);
        }
        const last = expect(events.next()).rejects.toMatchObject({ code: 'timeout' });
        await settle();
        await clock.advance(29_999);
        expect(first.signals[0]?.aborted).toBe(false);
        await clock.advance(1);
        await last;
      }),
      { numRuns: 25 },
    );
  });
});

describe('an answer with fewer finished choices than it was asked for', () => {
  it.each([true, false])('is not complete (stream: %s)', async (stream) => {
    const both: Event[] = [said('One'), { type: 'text', choice: 1, text: 'Two' }];
    const first = scripted('first', answers(both, [finished]));
    const carried = run({ providers: [first], asked: call({ stream, n: 2 }) });
    const ended = stream ? carried.then(eventsOf) : carried;
    await expect(ended).rejects.toMatchObject({ code: 'stream_interrupted' });
  });
});
