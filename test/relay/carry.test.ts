import { describe, expect, it } from 'vitest';
import { type Event, usageFromTotals } from '../../src/core/index.ts';
import { carry, DEFAULT_TIMEOUTS, healthBook, retryBudget } from '../../src/relay/index.ts';
import {
  answers,
  type Behaviour,
  breaks,
  call,
  error,
  fails,
  finished,
  good,
  handClock,
  hangs,
  offer,
  run,
  said,
  scripted,
  settle,
  stalls,
  textOf,
} from './support.ts';

describe('a call whose first provider fails before its first content', () => {
  const failures: [string, Behaviour][] = [
    ['refuses the connection', fails(error('provider_unavailable'))],
    ['refuses the credentials', fails(error('provider_auth', { upstreamStatus: 401 }))],
    ['does not know the model', fails(error('model_not_found', { upstreamStatus: 404 }))],
    ['is over its rate limit', fails(error('provider_rate_limited', { upstreamStatus: 429, retryAfterMs: 60_000 }))],
    ['fails inside', fails(error('provider_error', { upstreamStatus: 500 }))],
    ['refuses the request', fails(error('invalid_request', { upstreamStatus: 400 }))],
    ['throws what nobody foresaw', fails(new TypeError('x is undefined'))],
    ['throws a string', fails('Region is missing')],
    ['answers 200 and then an exception frame', breaks(error('provider_overloaded'))],
    ['answers 200 and then ends', answers()],
    [
      'sends usage and then ends',
      answers([
        {
          type: 'usage',
          usage: { input: 1, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, source: 'provider' },
        },
      ]),
    ],
    ['sends empty text and then breaks', breaks(error('stream_interrupted'), [said('')])],
  ];

  it.each(failures)('%s: the second serves it, streamed', async (_what, failure) => {
    const second = scripted('second', good);
    const carried = await run({ providers: [scripted('first', failure), second] });
    expect(carried.offer.provider).toBe('second');
    expect(carried.attempts.map(({ provider, type }) => [provider, type === 'ok'])).toEqual([
      ['first', false],
      ['second', true],
    ]);
    expect(await textOf(carried.events)).toBe('Hello');
  });

  it.each(failures)('%s: the second serves it, as JSON', async (_what, failure) => {
    const carried = await run({
      providers: [scripted('first', failure), scripted('second', good)],
      asked: call({ stream: false }),
    });
    expect(await textOf(carried.events)).toBe('Hello');
    expect(carried.offer.provider).toBe('second');
  });

  it('hangs before it answers: the second serves it once the connect timer has rung', async () => {
    const clock = handClock();
    const first = scripted('first', hangs);
    const carried = run({ providers: [first, scripted('second', good)], clock, timeouts: { connectMs: 5_000 } });
    await clock.advance(4_999);
    expect(first.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(await textOf((await carried).events)).toBe('Hello');
    expect(first.signals[0]?.aborted).toBe(true);
  });

  it('answers and sends no token: the second serves it once the first-token timer has rung', async () => {
    const clock = handClock();
    const carried = run({
      providers: [scripted('first', stalls()), scripted('second', good)],
      clock,
      timeouts: { firstTokenMs: 7_000 },
    });
    await clock.advance(7_000);
    expect((await carried).attempts[0]).toMatchObject({ provider: 'first', type: 'timeout' });
  });

  it('breaks in the middle of a JSON answer: nothing was said yet, so the second serves it', async () => {
    const first = scripted('first', breaks(error('stream_interrupted'), [said('Hel')]));
    const carried = await run({ providers: [first, scripted('second', good)], asked: call({ stream: false }) });
    expect(await textOf(carried.events)).toBe('Hello');
  });
});

describe('a call whose deadline is short', () => {
  it('leaves time for the next offer', async () => {
    const clock = handClock();
    const carried = run({
      providers: [scripted('first', hangs), scripted('second', good)],
      clock,
      asked: call({ timeoutMs: 4_000 }),
    });
    await clock.advance(2_000);
    expect((await carried).offer.provider).toBe('second');
  });

  it('ends in a timeout that lists the attempts when all hang', async () => {
    const clock = handClock();
    const carried = run({
      providers: [scripted('first', hangs), scripted('second', hangs)],
      clock,
      asked: call({ timeoutMs: 4_000 }),
    });
    const failed = expect(carried).rejects.toMatchObject({
      code: 'timeout',
      details: { attempts: [{ provider: 'first' }, { provider: 'second' }] },
    });
    await clock.advance(4_000);
    await failed;
  });
});

describe('a stream that has begun', () => {
  it('ends in the error of the provider when it breaks', async () => {
    const carried = await run({
      providers: [scripted('first', breaks(error('provider_overloaded'), [said('Hel')])), scripted('second', good)],
    });
    await expect(textOf(carried.events)).rejects.toMatchObject({
      code: 'provider_overloaded',
      details: { provider: 'first' },
    });
  });

  it('ends in stream_interrupted when it stops without a finish', async () => {
    const carried = await run({ providers: [scripted('first', answers([said('Hel')]))] });
    await expect(textOf(carried.events)).rejects.toMatchObject({ code: 'stream_interrupted' });
  });

  it('ends in a timeout when it goes silent, and aborts the upstream', async () => {
    const clock = handClock();
    const first = scripted('first', stalls([said('Hel')]));
    const carried = await run({ providers: [first], clock, timeouts: { idleMs: 3_000 } });
    const read = expect(textOf(carried.events)).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(3_000);
    await read;
    expect(first.signals[0]?.aborted).toBe(true);
  });

  it('aborts the upstream when its reader leaves', async () => {
    const first = scripted('first', stalls([said('Hel')], [said('lo')]));
    const carried = await run({ providers: [first] });
    for await (const _batch of carried.events) break;
    expect(first.signals[0]?.aborted).toBe(true);
  });

  it('aborts the upstream when the caller leaves, and is canceled', async () => {
    const caller = new AbortController();
    const first = scripted('first', stalls([said('Hel')]));
    const carried = await run({ providers: [first], caller: caller.signal });
    const read = expect(textOf(carried.events)).rejects.toMatchObject({ code: 'canceled' });
    await settle();
    caller.abort();
    await read;
    expect(first.signals[0]?.aborted).toBe(true);
  });

  it('drops what follows a finish', async () => {
    const carried = await run({
      providers: [scripted('first', answers([said('Hello'), finished, said(' again'), finished]))],
    });
    const events: Event[] = [];
    for await (const batch of carried.events) events.push(...batch);
    expect(events.filter((event) => event.type !== 'usage')).toEqual([said('Hello'), finished]);
  });
});

describe('an answer whose provider does not count', () => {
  it.each([true, false])('gets a usage that says it is not the provider’s (stream: %s)', async (stream) => {
    const carried = await run({ providers: [scripted('first', good)], asked: call({ stream }) });
    const events: Event[] = [];
    for await (const batch of carried.events) events.push(...batch);
    expect(events.at(-1)).toMatchObject({ type: 'usage', usage: { input: 11, output: 2, source: 'counted' } });
  });
});

describe('a caller that leaves before the first content', () => {
  it('ends the call without asking the next provider', async () => {
    const caller = new AbortController();
    const second = scripted('second', good);
    const carried = run({ providers: [scripted('first', hangs), second], caller: caller.signal });
    await settle();
    caller.abort();
    await expect(carried).rejects.toMatchObject({ code: 'canceled' });
    expect(second.jobs).toHaveLength(0);
  });
});

describe('a single offer that fails', () => {
  it('is asked again after a jittered wait, and no sooner than it asked for', async () => {
    const clock = handClock();
    const first = scripted('first', fails(error('provider_rate_limited', { retryAfterMs: 2_000 })), good);
    const carried = run({ providers: [first], clock });
    await clock.advance(1_999);
    expect(first.jobs).toHaveLength(1);
    await clock.advance(1);
    expect(await textOf((await carried).events)).toBe('Hello');
    expect(first.jobs).toHaveLength(2);
  });

  it('is not asked again when it may have billed the work', async () => {
    const first = scripted('first', fails(error('provider_unavailable', { maybeBilled: true })));
    await expect(run({ providers: [first] })).rejects.toMatchObject({ code: 'provider_unavailable' });
    expect(first.jobs).toHaveLength(1);
  });

  it.each([
    'provider_auth',
    'invalid_request',
    'context_length_exceeded',
    'model_not_found',
    'content_policy',
  ] as const)('is not asked again for %s', async (code) => {
    const first = scripted('first', fails(error(code)));
    await expect(run({ providers: [first] })).rejects.toMatchObject({ code });
    expect(first.jobs).toHaveLength(1);
  });

  it('is not waited for longer than a caller would wait: its Retry-After is passed on instead', async () => {
    const first = scripted('first', fails(error('provider_rate_limited', { retryAfterMs: 120_000 })));
    await expect(run({ providers: [first] })).rejects.toMatchObject({
      code: 'provider_rate_limited',
      details: { retryAfterMs: 120_000, attempts: [{ provider: 'first', type: 'provider_rate_limited' }] },
    });
    expect(first.jobs).toHaveLength(1);
  });

  it('is asked three times at the most', async () => {
    const clock = handClock();
    const first = scripted('first', fails(error('provider_overloaded')));
    const failed = expect(run({ providers: [first], clock })).rejects.toMatchObject({ code: 'provider_overloaded' });
    await clock.advance(60_000);
    await failed;
    expect(first.jobs).toHaveLength(3);
  });
});

describe('the waits between two tries', () => {
  it('double, by a share that chance decides', async () => {
    const clock = handClock(0.8);
    const first = scripted('first', fails(error('provider_overloaded')));
    const failed = expect(run({ providers: [first], clock })).rejects.toMatchObject({ code: 'provider_overloaded' });
    for (const wait of [200, 400]) {
      const tries = first.jobs.length || 1;
      await clock.advance(wait - 1);
      expect(first.jobs).toHaveLength(tries);
      await clock.advance(1);
      expect(first.jobs).toHaveLength(tries + 1);
    }
    await failed;
  });

  it('are not begun where the deadline comes first: the error is told at once', async () => {
    const refusal = error('provider_rate_limited', { retryAfterMs: 10_000 });
    const failed = run({ providers: [scripted('first', fails(refusal))], asked: call({ timeoutMs: 5_000 }) });
    await expect(failed).rejects.toMatchObject({ code: 'provider_rate_limited', details: { retryAfterMs: 10_000 } });
  });
});

describe('several errors', () => {
  it('become the one that asks for a wait, although another came last', async () => {
    const limited = scripted('first', fails(error('provider_rate_limited', { retryAfterMs: 90_000 })));
    const failed = run({ providers: [limited, scripted('second', fails(error('provider_auth')))] });
    await expect(failed).rejects.toMatchObject({ code: 'provider_rate_limited', details: { retryAfterMs: 90_000 } });
  });
});

describe('an answer that is complete', () => {
  it('is never ended again, by no timer', async () => {
    const clock = handClock();
    const health = healthBook();
    const first = scripted('first', good);
    await textOf((await run({ providers: [first], clock, health })).events);
    await clock.advance(3_600_000);
    expect(first.signals[0]?.aborted).toBe(false);
    expect(health.breaker('first', 'first-llama', clock.now())).toBe('closed');
  });

  it.each([
    ['exact', 1],
    ['estimate', 0],
  ] as const)('shows by its usage how far off our count is where that is %s', async (exactness, drifts) => {
    const health = healthBook();
    const usage = usageFromTotals({ prompt: 20, completion: 2 });
    const first = scripted('first', answers([said('Hello')], [finished, { type: 'usage', usage }]));
    const prompt = { largest: 11, total: 11, exactness };
    await textOf((await run({ providers: [first], offers: [offer('first', { prompt })], health })).events);
    expect(health.drifts()).toHaveLength(drifts);
  });
});

describe('retries in an outage', () => {
  it('are at most a tenth of the requests, once the bucket is empty', async () => {
    const budget = retryBudget();
    const clock = handClock();
    const first = scripted('first', fails(error('provider_overloaded')));
    const CALLS = 200;
    for (let i = 0; i < CALLS; i++) {
      const failed = carry(call(), { eligible: [offer('first')], excluded: [] }, new AbortController().signal, {
        providers: new Map([['first', first]]),
        subrequests: 50,
        timeouts: DEFAULT_TIMEOUTS,
        budget,
        health: healthBook(),
        clock,
      }).catch(() => undefined);
      await clock.advance(20_000);
      await failed;
    }
    expect(first.jobs.length - CALLS).toBeLessThanOrEqual(10 + first.jobs.length / 10);
  });
});

describe('several samples where the wire has no n', () => {
  const sampled = offer('first', { api: 'converse', nativeN: false });

  it('are requests of their own, and commit only when each has begun', async () => {
    const texts = ['A', 'B', 'C'];
    let made = 0;
    const first = scripted('first', () =>
      answers([said(texts[made++] ?? '?')], [finished])({} as never, new AbortController().signal),
    );
    const carried = await run({ providers: [first], offers: [sampled], asked: call({ n: 3 }) });
    const byChoice = new Map<number, string>();
    let finishes = 0;
    for await (const batch of carried.events) {
      for (const event of batch) {
        if (event.type === 'text') byChoice.set(event.choice, (byChoice.get(event.choice) ?? '') + event.text);
        if (event.type === 'finish') finishes++;
      }
    }
    expect([...byChoice].sort()).toEqual([
      [0, 'A'],
      [1, 'B'],
      [2, 'C'],
    ]);
    expect(finishes).toBe(3);
  });

  it('fail together before the commit: the next offer serves all', async () => {
    const first = scripted('first', good, fails(error('provider_overloaded')), good);
    const second = scripted(
      'second',
      answers([
        said('x'),
        finished,
        { ...said('y'), choice: 1 } as Event,
        { ...finished, choice: 1 } as Event,
        { ...said('z'), choice: 2 } as Event,
        { ...finished, choice: 2 } as Event,
      ]),
    );
    const carried = await run({
      providers: [first, second],
      offers: [sampled, offer('second')],
      asked: call({ n: 3 }),
    });
    expect(carried.offer.provider).toBe('second');
    expect(first.signals.every((signal) => signal.aborted)).toBe(true);
  });

  it('add up to one usage', async () => {
    const usage: Event = {
      type: 'usage',
      usage: { input: 5, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0, source: 'provider' },
    };
    const first = scripted('first', answers([said('A')], [finished, usage]));
    const carried = await run({ providers: [first], offers: [sampled], asked: call({ n: 3 }) });
    const usages: Event[] = [];
    for await (const batch of carried.events) usages.push(...batch.filter((event) => event.type === 'usage'));
    expect(usages).toEqual([
      { type: 'usage', usage: { input: 15, cacheRead: 0, cacheWrite: 0, output: 6, reasoning: 0, source: 'provider' } },
    ]);
  });
});
