import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode, GatewayError, Generation } from '../../src/core/index.ts';
import { healthBook, retryBudget } from '../../src/relay/index.ts';
import { call, error, fails, good, handClock, offer, run, scripted, settle, stalls } from './support.ts';

/** Offers of two models: the first model's offers, and then one of another. */
const other = offer('elsewhere', { model: 'mixtral-8x7b', upstream: 'mixtral' });

describe('a call that names two models, when the only offer of the first', () => {
  const temporary: [string, GatewayError][] = [
    ['fails once inside', error('provider_error', { upstreamStatus: 500 })],
    ['resets the connection once', error('provider_unavailable')],
    [
      'is over its rate limit for two seconds',
      error('provider_rate_limited', { upstreamStatus: 429, retryAfterMs: 2_000 }),
    ],
    ['has no capacity for a moment', error('provider_overloaded', { upstreamStatus: 503 })],
  ];

  it.each(temporary)('%s: the same model serves it, not another one', async (_what, failure) => {
    const clock = handClock();
    const first = scripted('first', fails(failure), good);
    const second = scripted('elsewhere', good);
    const carried = run({ providers: [first, second], offers: [offer('first'), other], clock });
    await clock.advance(2_000);
    expect((await carried).offer.provider).toBe('first');
    expect(second.jobs).toHaveLength(0);
  });

  it('keeps failing: another model serves it after two quick retries', async () => {
    const clock = handClock();
    const first = scripted('first', fails(error('provider_error', { upstreamStatus: 500 })));
    const carried = run({ providers: [first, scripted('elsewhere', good)], offers: [offer('first'), other], clock });
    await clock.advance(2_000);
    expect((await carried).offer).toBe(other);
    expect(first.jobs).toHaveLength(3);
  });

  it('asks for a longer wait than a person has: another model serves it at once', async () => {
    const first = scripted('first', fails(error('provider_rate_limited', { retryAfterMs: 10_000 })));
    const carried = await run({ providers: [first, scripted('elsewhere', good)], offers: [offer('first'), other] });
    expect(carried.offer).toBe(other);
    expect(first.jobs).toHaveLength(1);
  });

  it.each(['provider_auth', 'model_not_found', 'invalid_request'] as const)(
    'refuses with %s: another model serves it at once',
    async (code) => {
      const first = scripted('first', fails(error(code)));
      const carried = await run({ providers: [first, scripted('elsewhere', good)], offers: [offer('first'), other] });
      expect(carried.offer).toBe(other);
      expect(first.jobs).toHaveLength(1);
    },
  );
});

describe('a call whose first model has two offers', () => {
  it('goes to the second of them at once, without a wait', async () => {
    const clock = handClock();
    const carried = await run({
      providers: [scripted('first', fails(error('provider_error', { upstreamStatus: 500 }))), scripted('twin', good)],
      offers: [offer('first'), offer('twin'), other],
      clock,
    });
    expect(carried.offer.provider).toBe('twin');
    expect(carried.attempts).toHaveLength(2);
  });

  it('asks each of them before it asks one again, and another model last', async () => {
    const clock = handClock();
    const down = fails(error('provider_error', { upstreamStatus: 500 }));
    const carried = run({
      providers: [scripted('first', down), scripted('twin', down), scripted('elsewhere', good)],
      offers: [offer('first'), offer('twin'), other],
      clock,
    });
    await clock.advance(10_000);
    const { attempts } = await carried;
    expect(attempts.slice(0, 2).map(({ provider }) => provider)).toEqual(['first', 'twin']);
    expect(attempts).toHaveLength(5);
    expect(attempts.at(-1)?.provider).toBe('elsewhere');
  });
});

describe('any call over any offers that fail', () => {
  const CODES: ErrorCode[] = ['provider_error', 'provider_overloaded', 'provider_auth', 'model_not_found', 'timeout'];
  const scenes = fc.array(fc.record({ model: fc.nat(2), code: fc.constantFrom(...CODES) }), {
    minLength: 1,
    maxLength: 8,
  });

  it('asks every model at least once within six attempts, in the order of the sheet, and no offer more than thrice', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async (drawn) => {
        const scene = [...drawn].sort((a, b) => a.model - b.model);
        const clock = handClock();
        const asked: number[] = [];
        const providers = scene.map(({ code }, at) =>
          scripted(`p${at}`, () => {
            asked.push(at);
            return Promise.reject(error(code, { upstreamStatus: code === 'timeout' ? 504 : 500 }));
          }),
        );
        const offers = scene.map(({ model }, at) => offer(`p${at}`, { model: `m${model}`, upstream: `u${at}` }));
        const failed = run({ providers, offers, clock }).catch(() => undefined);
        await clock.advance(120_000);
        await failed;
        expect(asked.length).toBeLessThanOrEqual(6);
        const firsts = asked.filter((at, index) => asked.indexOf(at) === index);
        expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
        for (let at = 0; at < scene.length; at++)
          expect(asked.filter((one) => one === at).length).toBeLessThanOrEqual(3);
        const models = new Set(scene.map(({ model }) => model));
        // Room is left for the first offer of every model that comes later.
        const before = scene.findIndex(({ model }) => model === scene.at(-1)?.model);
        if (before + models.size <= 6) expect(new Set(asked.map((at) => scene[at]?.model))).toEqual(models);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a refusal by content policy', () => {
  const refusal = fails(error('content_policy', { upstreamStatus: 400 }));

  it('is the answer: another provider is not asked, and the error says how it would be', async () => {
    const second = scripted('second', good);
    await expect(run({ providers: [scripted('first', refusal), second] })).rejects.toMatchObject({
      code: 'content_policy',
      message: expect.stringContaining('provider.allow_policy_fallbacks'),
      details: { attempts: [{ provider: 'first' }] },
    });
    expect(second.jobs).toHaveLength(0);
  });

  it('is told although another offer failed before it', async () => {
    const limited = scripted('first', fails(error('provider_rate_limited', { retryAfterMs: 60_000 })));
    await expect(run({ providers: [limited, scripted('second', refusal)] })).rejects.toMatchObject({
      code: 'content_policy',
    });
  });

  it('goes to the next where the caller allows it', async () => {
    const offers = [offer('first', { policyFallbacks: true }), offer('second')];
    const carried = await run({ providers: [scripted('first', refusal), scripted('second', good)], offers });
    expect(carried.offer.provider).toBe('second');
  });
});

describe('a server that says it is loading the model', () => {
  const loading = fails(error('provider_overloaded', { upstreamStatus: 503, loading: true }));

  it('is waited for when nobody else can serve, without spending retries, and reported once', async () => {
    const clock = handClock();
    const budget = retryBudget();
    const first = scripted('first', ...Array.from({ length: 8 }, () => loading), good);
    const carried = run({ providers: [first], clock, budget });
    await clock.advance(60_000);
    const { attempts } = await carried;
    expect(first.jobs).toHaveLength(9);
    expect(attempts.map(({ type }) => type)).toEqual(['provider_overloaded', 'ok']);
    for (let n = 0; n < 10; n++) expect(budget.take('first')).toBe(true);
  });

  it('is not waited for while another can', async () => {
    const carried = await run({ providers: [scripted('first', loading), scripted('second', good)] });
    expect(carried.offer.provider).toBe('second');
  });

  it('takes no attempt from other offers, however often it is looked at', async () => {
    const clock = handClock();
    const busy = scripted('busy', fails(error('provider_rate_limited', { retryAfterMs: 29_000 })), good);
    const carried = run({ providers: [scripted('first', loading), busy], clock });
    await clock.advance(29_000);
    expect((await carried).offer.provider).toBe('busy');
  });

  it('is given up after two minutes', async () => {
    const clock = handClock();
    const begun = clock.now();
    let ended = 0;
    const failed = run({ providers: [scripted('first', loading)], clock }).catch((thrown) => {
      ended = clock.now() - begun;
      return thrown;
    });
    await clock.advance(300_000);
    expect(await failed).toMatchObject({ code: 'provider_overloaded' });
    expect(ended).toBeGreaterThan(100_000);
    expect(ended).toBeLessThanOrEqual(120_000);
  });
});

describe('the budget of retries', () => {
  it('is spent when a retry is made, not when it is planned', async () => {
    const budget = retryBudget();
    const caller = new AbortController();
    const first = scripted('first', fails(error('provider_overloaded', { retryAfterMs: 5_000 })));
    // Twenty callers leave while they wait for their retry: none was made.
    for (let n = 0; n < 20; n++) {
      const leaving = new AbortController();
      const left = run({ providers: [first], budget, caller: leaving.signal }).catch(() => undefined);
      await settle();
      leaving.abort();
      await left;
    }
    expect(first.jobs).toHaveLength(20);
    const clock = handClock();
    const served = scripted('first', fails(error('provider_overloaded', { retryAfterMs: 5_000 })), good);
    const carried = run({ providers: [served], budget, clock, caller: caller.signal });
    await clock.advance(5_000);
    expect((await carried).attempts).toHaveLength(2);
  });
});

describe('an empty budget of retries', () => {
  it('makes nobody wait for a retry that will not be made', async () => {
    const budget = retryBudget();
    while (budget.take('first'));
    const first = scripted('first', fails(error('provider_overloaded', { retryAfterMs: 2_000 })));
    // The clock stands still: a wait would never end.
    const carried = await run({
      providers: [first, scripted('elsewhere', good)],
      offers: [offer('first'), other],
      budget,
    });
    expect(carried.offer).toBe(other);
    expect(first.jobs).toHaveLength(1);
  });
});

describe('the wait that is passed on', () => {
  it('is the shortest that any provider asked for', async () => {
    const waits = [90_000, 45_000, 200_000];
    const providers = waits.map((retryAfterMs, at) =>
      scripted(`p${at}`, fails(error('provider_rate_limited', { retryAfterMs }))),
    );
    await expect(run({ providers })).rejects.toMatchObject({ details: { retryAfterMs: 45_000 } });
  });
});

describe('what tells nothing of an offer', () => {
  it('does not count against it: a caller’s own short deadline', async () => {
    const health = healthBook();
    const hang = () => new Promise<never>(() => undefined);
    for (let n = 0; n < 10; n++) {
      const clock = handClock();
      const failed = run({ providers: [scripted('first', hang)], clock, health, asked: call({ timeoutMs: 2_000 }) });
      const ended = expect(failed).rejects.toMatchObject({ code: 'timeout' });
      await clock.advance(2_000);
      await ended;
    }
    expect(health.breaker('first', 'first-llama', 0)).toBe('closed');
  });

  it('does not count against it: that deadline while its provider starts the model', async () => {
    const health = healthBook();
    for (let n = 0; n < 10; n++) {
      const clock = handClock();
      const starts = scripted('first', (job, signal) => ({ ...(stalls()(job, signal) as Generation), starting: true }));
      const failed = run({ providers: [starts], clock, health, asked: call({ timeoutMs: 2_000 }) });
      const ended = expect(failed).rejects.toMatchObject({ code: 'timeout' });
      await clock.advance(2_000);
      await ended;
    }
    expect(health.breaker('first', 'first-llama', 0)).toBe('closed');
  });

  it('and silence for as long as anybody would wait does', async () => {
    const health = healthBook();
    const hang = () => new Promise<never>(() => undefined);
    let now = 0;
    for (let n = 0; n < 5; n++) {
      const clock = handClock();
      const failed = run({ providers: [scripted('first', hang)], clock, health, asked: call({ timeoutMs: 500_000 }) });
      const ended = expect(failed).rejects.toMatchObject({ code: 'timeout' });
      await clock.advance(120_000);
      await ended;
      now = clock.now();
    }
    expect(health.breaker('first', 'first-llama', now)).toBe('open');
  });
});
