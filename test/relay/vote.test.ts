import { describe, expect, it } from 'vitest';
import type { Call, Event, Provider, Vote } from '../../src/core/index.ts';
import type { Candidate } from '../../src/offers/index.ts';
import { type Clock, carryVote, DEFAULT_TIMEOUTS, healthBook, type Relay, retryBudget } from '../../src/relay/index.ts';
import {
  answers,
  type Behaviour,
  call,
  error,
  fails,
  finished,
  handClock,
  hangs,
  late,
  offer,
  said,
  scripted,
  settle,
  textOf,
} from './support.ts';

const usage: Event = {
  type: 'usage',
  usage: { input: 10, cacheRead: 0, cacheWrite: 0, output: 5, reasoning: 0, source: 'provider' },
};
const says = (text: string): Behaviour => answers([said(text)], [finished, usage]);
const apart = (provider: string, more: Partial<Candidate> = {}) => offer(provider, { nativeN: false, ...more });

interface Scene {
  readonly providers: Provider[];
  readonly vote: Vote;
  readonly offers?: Candidate[];
  readonly clock?: Clock;
  readonly caller?: AbortSignal;
  readonly more?: Partial<Call>;
  readonly relay?: Partial<Relay>;
}
function voted({ providers, vote, offers, clock = handClock(), caller, more, relay }: Scene) {
  return carryVote(
    { ...call(), ...more, kind: 'chat', vote, stream: false } as Parameters<typeof carryVote>[0],
    { eligible: offers ?? providers.map(({ id }) => apart(id)), excluded: [] },
    caller ?? new AbortController().signal,
    {
      providers: new Map(providers.map((provider) => [provider.id, provider])),
      subrequests: 50,
      timeouts: DEFAULT_TIMEOUTS,
      budget: retryBudget(),
      health: healthBook(),
      clock,
      ...relay,
    },
  );
}

describe('a vote whose samples are requests of their own', () => {
  it('ends with the sample that decides it, and aborts those under way', async () => {
    const clock = handClock();
    const first = scripted(
      'first',
      late(clock, 100, says('50')),
      hangs,
      late(clock, 300, says('50')),
      hangs,
      late(clock, 200, says('50')),
    );
    const asked = voted({ providers: [first], vote: { samples: 5 }, clock });
    await clock.advance(300);
    const { vote, events } = await asked;
    expect(vote).toMatchObject({ outcome: '50', samples: 3, cancelled: 2, failed: 0, agreement: 1, decided: true });
    expect(first.jobs).toHaveLength(5);
    expect(first.signals.map(({ aborted }) => aborted)).toEqual([false, true, false, true, false]);
    expect(await textOf(events)).toBe('50');
  });

  it('goes on where the answers differ, and answers with a sample that agrees', async () => {
    const first = scripted('first', says('750'), says('50'), says('none'), says('50'), says('50'));
    const { vote, events } = await voted({ providers: [first], vote: { samples: 5 } });
    expect(vote).toMatchObject({ outcome: '50', cancelled: 0 });
    expect(vote.votes[0]).toEqual({ answer: '50', votes: 3 });
    const all: Event[] = [];
    for await (const batch of events) all.push(...batch);
    expect(all.filter(({ type }) => type === 'finish')).toHaveLength(1);
    expect(all.at(-1)).toMatchObject({ usage: { input: 10 * vote.samples, output: 5 * vote.samples } });
  });

  it('has no more than five under way, and of further ones no more than could decide it', async () => {
    const clock = handClock();
    const first = scripted('first', late(clock, 100, says('7')));
    const asked = voted({ providers: [first], vote: { samples: 9 }, clock });
    await settle();
    expect(first.jobs).toHaveLength(5);
    await clock.advance(100);
    expect((await asked).vote).toMatchObject({ outcome: '7', samples: 5, cancelled: 0 });
    expect(first.jobs).toHaveLength(5);

    const split = scripted('first', ...[1, 2, 1, 2, 1, 1].map((n) => late(clock, 100, says(String(n)))));
    const longer = voted({ providers: [split], vote: { samples: 9 }, clock });
    await clock.advance(100);
    // 1 has three, 2 has two: it takes two more of the four that are left.
    expect(split.jobs.length).toBe(7);
    await clock.advance(100);
    expect((await longer).vote).toMatchObject({ outcome: '1', samples: 7 });
    expect(split.jobs).toHaveLength(7);
  });

  it('never asks for more samples than the vote has, whatever they say', async () => {
    for (let samples = 2; samples <= 12; samples++) {
      const answersOf = Array.from({ length: 20 }, (_, at) => says(String((at * 7) % 3)));
      const first = scripted('first', ...answersOf);
      const { vote } = await voted({ providers: [first], vote: { samples } });
      expect(first.jobs.length).toBeLessThanOrEqual(samples);
      expect(vote.samples + vote.cancelled + vote.failed).toBe(first.jobs.length);
    }
  });

  it('gives each sample a seed of its own, the same in every run', async () => {
    const first = scripted('first', says('a'), says('b'), says('c'));
    await voted({ providers: [first], vote: { samples: 3 }, more: { sampling: { seed: 7 } } });
    expect(first.jobs.map(({ sampling }) => sampling.seed)).toEqual([7, 8, 9]);
    expect(first.jobs.every(({ n, stream }) => n === 1 && !stream)).toBe(true);
  });

  it('hands a sample over to the next offer where one fails, and goes on without those nobody can serve', async () => {
    const refuses = fails(error('provider_unavailable', { upstreamStatus: 503 }));
    const bad = fails(error('invalid_request', { upstreamStatus: 400 }));
    const over = await voted({
      providers: [scripted('first', refuses), scripted('second', says('50'))],
      vote: { samples: 3 },
    });
    expect(over.vote).toMatchObject({ outcome: '50', failed: 0 });
    expect(over.offer.provider).toBe('second');
    const some = scripted('first', says('The answer is 50'), bad, says('The answer is 50'));
    expect((await voted({ providers: [some], vote: { samples: 3 } })).vote).toMatchObject({ outcome: '50' });
    const most = scripted('first', bad, bad, says('The answer is 50'));
    expect((await voted({ providers: [most], vote: { samples: 3 } })).vote).toMatchObject({ samples: 1, failed: 2 });
  });

  it('fails as the call would if no sample is served, and says so of each', async () => {
    const first = scripted('first', fails(error('invalid_request', { upstreamStatus: 400 })));
    await expect(voted({ providers: [first], vote: { samples: 3 } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/^None of the 3 samples/),
      details: { attempts: [1, 2, 3].map(() => ({ provider: 'first', type: 'invalid_request', status: 400 })) },
    });
  });

  it('aborts every sample when the caller leaves, and asks for no further one', async () => {
    const caller = new AbortController();
    const first = scripted('first', hangs);
    const asked = voted({ providers: [first], vote: { samples: 8 }, caller: caller.signal });
    const ended = expect(asked).rejects.toMatchObject({ code: 'canceled' });
    await settle();
    caller.abort();
    await ended;
    expect(first.jobs).toHaveLength(5);
    expect(first.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('keeps within the deadline of the call, also with samples that are asked for later', async () => {
    const clock = handClock();
    const one = [1, 2, 3, 4, 5].map((n) => late(clock, 600, says(String(n))));
    const first = scripted('first', ...one, hangs);
    const asked = voted({ providers: [first], vote: { samples: 7 }, clock, more: { timeoutMs: 1000 } });
    await clock.advance(1000);
    expect((await asked).vote).toMatchObject({ samples: 5, failed: 2 });
  });

  it('says so where too few agree, and answers all the same', async () => {
    const first = scripted('first', says('1'), says('2'), hangs);
    const { vote, events } = await voted({ providers: [first], vote: { samples: 3, minAgreement: 1 } });
    expect(vote).toMatchObject({ outcome: null, cancelled: 1 });
    expect(await textOf(events)).toBe('1');
  });

  it('shares out the requests that the platform allows', async () => {
    const first = scripted('first', fails(error('provider_unavailable', { upstreamStatus: 503 })));
    const second = scripted('second', says('1'));
    const clock = handClock();
    const asked = voted({ providers: [first, second], vote: { samples: 5 }, clock, relay: { subrequests: 9 } });
    const ended = asked.catch(() => undefined);
    await clock.advance(60_000);
    await ended;
    expect(first.jobs.length + second.jobs.length).toBeLessThanOrEqual(9);
  });
});

describe('a vote whose samples come from one request', () => {
  const three: Behaviour = answers(
    ['750', '50', 'It is 50 then'].flatMap((text, choice): Event[] => [
      { type: 'text', choice, text },
      { type: 'finish', choice, reason: 'stop' },
    ]),
    [usage],
  );
  it('asks once, for all of them', async () => {
    const first = scripted('first', three);
    const { vote, events } = await voted({ providers: [first], vote: { samples: 3 }, offers: [offer('first')] });
    expect(first.jobs.map(({ n }) => n)).toEqual([3]);
    expect(vote).toMatchObject({ outcome: '50', samples: 3, together: true, cancelled: 0 });
    const all: Event[] = [];
    for await (const batch of events) all.push(...batch);
    expect(all).toEqual([
      { type: 'text', choice: 0, text: '50' },
      { type: 'finish', choice: 0, reason: 'stop' },
      usage,
    ]);
  });
});
