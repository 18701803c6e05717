import { describe, expect, it } from 'vitest';
import { ERROR_KINDS, type ErrorCode, unreachable } from '../../src/core/index.ts';
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
} from './support.ts';

/** A provider that says nothing of bills: what may have been billed is for the relay to tell, whoever it is. */
const PROVIDERS = ['bedrock', 'together', 'anyscale', 'my-server'];

/** Fails so many milliseconds after it was asked. */
const failsAfter =
  (clock: ReturnType<typeof handClock>, ms: number, thrown: unknown): Behaviour =>
  () =>
    new Promise((_resolve, reject) => clock.after(ms, () => reject(thrown)));

describe.each(PROVIDERS)('a request to %s', (id) => {
  /** How often a provider alone is asked, and whether its one failure stands in the report. */
  async function alone(...script: Behaviour[]): Promise<{ asked: number; billed: boolean | undefined }> {
    const clock = handClock();
    const first = scripted(id, ...script);
    const failed = run({ providers: [first], clock, asked: call({ stream: false }) }).catch((thrown) => thrown);
    await clock.advance(700_000);
    const { details } = await failed;
    return { asked: first.jobs.length, billed: details.attempts?.[0]?.maybe_billed };
  }

  it.each([
    ['is refused with 429', error('provider_rate_limited', { upstreamStatus: 429 })],
    ['is refused with 503', error('provider_overloaded', { upstreamStatus: 503 })],
    ['is refused with 500', error('provider_error', { upstreamStatus: 500 })],
    ['cannot be connected', unreachable('It')],
  ])('that %s is made again', async (_what, refusal) => {
    expect(await alone(fails(refusal))).toEqual({ asked: 3, billed: undefined });
  });

  it.each<[string, Behaviour]>([
    ['is met with silence', hangs],
    ['is met with a gateway’s 504', fails(error('timeout', { upstreamStatus: 504 }))],
    ['is answered with what cannot be read', fails(error('provider_error', { upstreamStatus: 200 }))],
    ['is answered in part', fails(error('stream_interrupted'))],
    ['is limited in the middle of its answer', breaks(error('provider_rate_limited'), [said('Hel')])],
    ['is answered with an error in its middle', breaks(error('provider_error'), [said('Hel')])],
  ])('that %s may have been billed, and is not made again', async (_what, failure) => {
    expect(await alone(failure)).toEqual({ asked: 1, billed: true });
  });

  it('that is closed on after a long silence may have been billed: that is no fresh connection error', async () => {
    const clock = handClock();
    const first = scripted(id, failsAfter(clock, 90_000, unreachable('It')));
    const failed = expect(run({ providers: [first], clock })).rejects.toMatchObject({
      code: 'provider_unavailable',
      details: { attempts: [{ provider: id, maybe_billed: true }] },
    });
    await clock.advance(600_000);
    await failed;
    expect(first.jobs).toHaveLength(1);
  });

  it('that may have been billed stands in the receipt of the answer that came elsewhere', async () => {
    const clock = handClock();
    const offers = [offer(id), offer('second')];
    const carried = run({ providers: [scripted(id, hangs), scripted('second', good)], offers, clock });
    await clock.advance(15_000);
    expect((await carried).maybeBilled).toEqual([offers[0]]);
  });

  it('that was refused does not', async () => {
    const carried = await run({
      providers: [scripted(id, fails(error('provider_auth', { upstreamStatus: 401 }))), scripted('second', good)],
    });
    expect(carried.maybeBilled).toEqual([]);
  });
});

describe('a provider that knows what it bills', () => {
  it('is believed', async () => {
    const made = scripted('replicate', fails(error('provider_error', { upstreamStatus: 500, maybeBilled: true })));
    await expect(run({ providers: [made] })).rejects.toMatchObject({ code: 'provider_error' });
    expect(made.jobs).toHaveLength(1);
    const notStarted = scripted('replicate', fails(error('timeout', { maybeBilled: false, retryable: false })));
    const carried = await run({ providers: [notStarted, scripted('second', good)] });
    expect(carried.maybeBilled).toEqual([]);
  });
});

describe('every error there is', () => {
  it('is asked again of the same offer only if it is a refusal that may pass', async () => {
    const again: ErrorCode[] = [];
    for (const code of Object.keys(ERROR_KINDS) as ErrorCode[]) {
      const clock = handClock();
      const first = scripted('first', fails(error(code, { upstreamStatus: 418 })));
      const failed = run({ providers: [first], clock }).catch(() => undefined);
      await clock.advance(60_000);
      await failed;
      if (first.jobs.length > 1) again.push(code);
    }
    expect(again).toEqual([
      'rate_limit_exceeded',
      'provider_rate_limited',
      'provider_overloaded',
      'provider_unavailable',
      'provider_error',
    ]);
  });
});

describe('an answer in one piece that breaks off', () => {
  it('may have been billed for what it had said, whatever it broke off with', async () => {
    const first = scripted('first', breaks(error('provider_rate_limited'), [said('Hel')]), good);
    const failed = run({ providers: [first], asked: call({ stream: false }) });
    await expect(failed).rejects.toMatchObject({ details: { attempts: [{ maybe_billed: true }] } });
    expect(first.jobs).toHaveLength(1);
  });
});

describe('an answer that never says that it is complete', () => {
  it('is not asked for again where it was begun', async () => {
    const first = scripted('first', answers([said('Hel')]), answers([said('Hello'), finished]));
    await expect(run({ providers: [first], asked: call({ stream: false }) })).rejects.toMatchObject({
      code: 'stream_interrupted',
    });
    expect(first.jobs).toHaveLength(1);
  });
});
