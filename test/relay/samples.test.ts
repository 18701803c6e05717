import { describe, expect, it } from 'vitest';
import { type Event, GatewayError, type Job, type Usage } from '../../src/core/index.ts';
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
  said,
  scripted,
  settle,
} from './support.ts';

const sampled = offer('first', { api: 'converse', nativeN: false });
const used = (input: number, output: number): Event => ({
  type: 'usage',
  usage: { input, cacheRead: 0, cacheWrite: 0, output, reasoning: 0, source: 'provider' },
});
const usageOf = (events: readonly Event[]): Usage | undefined =>
  events.flatMap((event) => (event.type === 'usage' ? [event.usage] : []))[0];
const textsOf = (events: readonly Event[]): string[] => {
  const texts: string[] = [];
  for (const event of events) if (event.type === 'text') texts[event.choice] = (texts[event.choice] ?? '') + event.text;
  return texts;
};

describe('many samples where the wire has no n', () => {
  it('are asked for five at a time, because Workers lets six requests wait for their headers', async () => {
    const clock = handClock();
    let waiting = 0;
    let most = 0;
    const first = scripted('first', async (job, signal) => {
      most = Math.max(most, ++waiting);
      const answer = await late(clock, 1_000)(job, signal);
      waiting--;
      return answer;
    });
    const carried = run({ providers: [first], offers: [sampled], clock, asked: call({ n: 23, stream: false }) });
    await clock.advance(5_000);
    expect(textsOf(await eventsOf(await carried))).toEqual(Array.from({ length: 23 }, () => 'Hello'));
    expect(most).toBe(5);
    expect(first.jobs).toHaveLength(23);
  });

  it('are timed from their own start each: those that wait for their turn are not late', async () => {
    const clock = handClock();
    const first = scripted('first', late(clock, 9_000));
    const timeouts = { connectMs: 10_000, firstTokenMs: 10_000 };
    const asked = call({ n: 12, stream: false });
    const carried = run({ providers: [first], offers: [sampled], clock, asked, timeouts });
    await clock.advance(27_000);
    expect(textsOf(await eventsOf(await carried))).toHaveLength(12);
  });

  it('end in a time-out when one of them says nothing, and abort the others', async () => {
    const clock = handClock();
    const first = scripted('first', good, hangs, good);
    const failed = run({
      providers: [first],
      offers: [sampled],
      clock,
      asked: call({ n: 3 }),
      timeouts: { connectMs: 10_000 },
    });
    const ended = expect(failed).rejects.toMatchObject({
      code: 'timeout',
      details: { attempts: [{ maybe_billed: true }] },
    });
    await clock.advance(10_000);
    await ended;
    expect(first.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('open the next as soon as one has its headers, where they are streamed', async () => {
    const clock = handClock();
    const first = scripted('first', drips(clock, 1_000, [said('a')], [said('b')], [finished]));
    const carried = run({ providers: [first], offers: [sampled], clock, asked: call({ n: 12 }) });
    await settle();
    expect(first.jobs).toHaveLength(12);
    await clock.advance(1_000);
    const read = eventsOf(await carried);
    await clock.advance(2_000);
    expect(textsOf(await read)).toEqual(Array.from({ length: 12 }, () => 'ab'));
  });

  it('make a refused one again where nobody else can serve: the others are paid for', async () => {
    const clock = handClock();
    const limited = fails(error('provider_rate_limited', { upstreamStatus: 429, retryAfterMs: 500 }));
    const first = scripted('first', good, limited, good, good);
    const carried = run({ providers: [first], offers: [sampled], clock, asked: call({ n: 3, stream: false }) });
    await clock.advance(1_000);
    const answer = await carried;
    expect(textsOf(await eventsOf(answer))).toEqual(['Hello', 'Hello', 'Hello']);
    expect(answer.attempts).toHaveLength(1);
    expect(first.jobs).toHaveLength(4);
  });

  it('are refused as one where each of them is: nothing is said to be billed, and the offer is asked again', async () => {
    const clock = handClock();
    const first = scripted('first', fails(error('provider_rate_limited', { upstreamStatus: 429 })));
    const failed = run({ providers: [first], offers: [sampled], clock, asked: call({ n: 3 }) }).catch(
      (thrown) => thrown,
    );
    await clock.advance(30_000);
    const { attempts } = (await failed).details;
    expect(attempts).toHaveLength(3);
    for (const attempt of attempts) expect(attempt).not.toHaveProperty('maybe_billed');
  });

  it('hand over to another offer at once, and say that those under way may be billed', async () => {
    const clock = handClock();
    const limited = fails(error('provider_rate_limited', { upstreamStatus: 429 }));
    const first = scripted('first', late(clock, 5_000), limited, late(clock, 5_000));
    const both = [offer('second', { nativeN: false })];
    const carried = await run({
      providers: [first, scripted('second', good)],
      offers: [sampled, ...both],
      clock,
      asked: call({ n: 3 }),
    });
    expect(carried.offer.provider).toBe('second');
    expect(carried.maybeBilled).toEqual([sampled]);
    expect(first.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('are no sum where one of them was not counted by the provider: then all are counted here', async () => {
    const first = scripted('first', answers([said('A'), finished, used(5, 1)]), answers([said('B'), finished]));
    const carried = await run({ providers: [first], offers: [sampled], asked: call({ n: 2 }) });
    expect(usageOf(await eventsOf(carried))).toMatchObject({ input: 22, source: 'counted' });
  });

  it('never take another one’s place: what a request says beyond its choice is dropped', async () => {
    const strange: Event[] = [said('A'), { type: 'text', choice: 1, text: 'no' }, finished];
    const first = scripted('first', answers(strange), answers([said('B'), finished]));
    const carried = await run({ providers: [first], offers: [sampled], asked: call({ n: 2 }) });
    expect(textsOf(await eventsOf(carried))).toEqual(['A', 'B']);
  });
});

describe('a server that refuses n', () => {
  // llama.cpp, with fewer slots than that, and Groq.
  it.each(["Field 'n': Value must be between 1 <= value <= 2, but got 3", "'n' : number must be at most 1"])(
    'is asked one by one, and never with n again: %s',
    async (upstreamMessage) => {
      const health = healthBook();
      const refusal = new GatewayError('invalid_request', 'first refused it.', {
        upstreamStatus: 400,
        upstreamMessage,
      });
      const first = scripted('first', (job, signal) =>
        job.n > 1 ? Promise.reject(refusal) : answers([said('Hello')], [finished, used(5, 2)])(job, signal),
      );
      const asked = call({ n: 3, sampling: { seed: 7 } });
      const events = await eventsOf(await run({ providers: [first], asked, health }));
      expect(textsOf(events)).toEqual(['Hello', 'Hello', 'Hello']);
      expect(usageOf(events)).toMatchObject({ input: 15, output: 6 });
      expect(first.jobs.map(({ n, sampling }: Job) => [n, sampling.seed])).toEqual([
        [3, 7],
        [1, 7],
        [1, 8],
        [1, 9],
      ]);
      expect(health.ignoresN('first', 'first-llama')).toBe(true);
    },
  );

  it('is not taken for one that refuses the call for another reason', async () => {
    const refusal = new GatewayError('invalid_request', 'first refused it.', {
      upstreamMessage: "'top_p' must be below 1",
    });
    const first = scripted('first', () => Promise.reject(refusal));
    await expect(run({ providers: [first], asked: call({ n: 3 }) })).rejects.toMatchObject({ code: 'invalid_request' });
    expect(first.jobs).toHaveLength(1);
  });
});

describe('a server that ignores n', () => {
  /** Always one choice, whatever `n` says, as transformers serve does. */
  const one: Behaviour = (job, signal) => answers([said('Hello')], [finished, used(5, 2)])(job, signal);

  it.each([true, false])(
    'is asked for the rest one by one, and all that it bills is accounted (stream: %s)',
    async (stream) => {
      const first = scripted('first', one);
      const asked = call({ n: 3, stream, sampling: { seed: 7 } });
      const carried = await run({ providers: [first], asked });
      const events = await eventsOf(carried);
      expect(textsOf(events)).toEqual(['Hello', 'Hello', 'Hello']);
      expect(events.filter(({ type }) => type === 'finish')).toHaveLength(3);
      expect(usageOf(events)).toMatchObject({ input: 15, output: 6, source: 'provider' });
      expect(first.jobs.map(({ n, sampling }: Job) => [n, sampling.seed])).toEqual([
        [3, 7],
        [1, 8],
        [1, 9],
      ]);
    },
  );

  it('is counted for every prompt that it read, where it does not count', async () => {
    const carried = await run({
      providers: [scripted('first', answers([said('Hello'), finished]))],
      asked: call({ n: 3 }),
    });
    expect(usageOf(await eventsOf(carried))).toMatchObject({ input: 33, source: 'counted' });
  });

  it('is remembered, offer by offer', async () => {
    const health = healthBook();
    expect(health.ignoresN('first', 'first-llama')).toBe(false);
    await eventsOf(await run({ providers: [scripted('first', one)], asked: call({ n: 3 }), health }));
    expect(health.ignoresN('first', 'first-llama')).toBe(true);
    expect(health.ignoresN('second', 'second-llama')).toBe(false);
    expect(health.drifts()).toEqual([]);
  });

  it('is asked no more than the platform lets a call ask, and says so', async () => {
    const first = scripted('first', one);
    await expect(run({ providers: [first], asked: call({ n: 100 }) })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { param: 'n' },
    });
    expect(first.jobs).toHaveLength(1);
  });

  it('is not taken for one that breaks off: two choices begun and one finished is no answer', async () => {
    const broken = answers([said('One'), { type: 'text', choice: 1, text: 'Tw' }], [finished]);
    const first = scripted('first', broken);
    await expect(run({ providers: [first], asked: call({ n: 3, stream: false }) })).rejects.toMatchObject({
      code: 'stream_interrupted',
    });
    expect(first.jobs).toHaveLength(1);
  });
});

describe('the requests that the platform lets one call make', () => {
  it('are counted over all its offers: beyond them nobody is asked in vain', async () => {
    const down = fails(error('provider_unavailable'));
    const second = scripted('second', good);
    const offers = [sampled, offer('second', { nativeN: false })];
    const asked = call({ n: 30, stream: false });
    const failed = run({ providers: [scripted('first', good, down), second], offers, asked });
    await expect(failed).rejects.toMatchObject({ code: 'provider_unavailable' });
    expect(second.jobs).toHaveLength(0);
  });
});
