import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../src/offers/index.ts';
import {
  answers,
  breaks,
  call,
  error,
  eventsOf,
  fails,
  finished,
  good,
  handClock,
  hangs,
  ledger,
  offer,
  run,
  said,
  scripted,
  settle,
  stalls,
  textOf,
} from './support.ts';

const usage = { input: 10, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0, source: 'provider' } as const;
const billed = answers([said('Hello')], [finished], [{ type: 'usage', usage }]);

describe('every attempt of a call', () => {
  it('is covered before it is sent, and ends exactly once', async () => {
    const { account, needs, ends } = ledger();
    const providers = [scripted('first', fails(error('provider_overloaded'))), scripted('second', billed)];
    await textOf((await run({ providers, account })).events);
    expect(needs.map(({ attempt }) => attempt)).toMatchObject([
      { provider: 'first', upstream: 'first-llama', api: 'chat', requests: 1 },
      { provider: 'second', upstream: 'second-llama', api: 'chat', requests: 1 },
    ]);
    expect(ends).toMatchObject([
      { attempt: 1, outcome: 'provider_overloaded', money: 'released' },
      // Its price is not known in these tests.
      { attempt: 2, outcome: 'ok', money: 'unknown', usage, finish: 'stop' },
    ]);
    expect(ends[0]).not.toHaveProperty('undelivered');
  });

  it('may have been billed where its provider fell silent, and nobody knows how much', async () => {
    const clock = handClock();
    const { account, ends } = ledger();
    const running = run({ providers: [scripted('first', hangs), scripted('second', good)], clock, account });
    await clock.advance(20_000);
    await textOf((await running).events);
    expect(ends).toMatchObject([
      { attempt: 1, outcome: 'timeout', money: 'unknown', undelivered: true },
      { attempt: 2 },
    ]);
  });

  it('that is a retry is covered anew', async () => {
    const clock = handClock();
    const { account, ends } = ledger();
    const refusals = Array.from({ length: 2 }, () => fails(error('provider_overloaded')));
    const running = run({ providers: [scripted('first', ...refusals, good)], clock, account });
    await clock.advance(60_000);
    await textOf((await running).events);
    expect(ends.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'provider_overloaded'],
      [2, 'provider_overloaded'],
      [3, 'ok'],
    ]);
  });

  it('of a broken stream is counted as far as it came, after what the provider said of itself', async () => {
    const { account, ends } = ledger();
    const broken = breaks(error('stream_interrupted'), [said('one two three')]);
    await expect(eventsOf(await run({ providers: [scripted('first', broken)], account }))).rejects.toThrow();
    expect(ends).toMatchObject([
      { outcome: 'stream_interrupted', undelivered: true, usage: { input: 11, output: 3, source: 'counted' } },
    ]);
    expect(ends[0]).not.toHaveProperty('canceled');
  });

  it('of a reader who leaves is counted as far as it came', async () => {
    const { account, ends } = ledger();
    const carried = await run({ providers: [scripted('first', stalls([said('one two')]))], account });
    const events = carried.events[Symbol.asyncIterator]();
    await events.next();
    await events.return?.();
    await events.return?.();
    expect(ends).toMatchObject([{ outcome: 'canceled', canceled: true, undelivered: true, usage: { output: 2 } }]);
  });

  it('ends even where we fail over its answer ourselves', async () => {
    const { account, ends } = ledger();
    const unloadable = { ...offer('first').counter, load: () => Promise.reject(new Error('no vocabulary')) };
    const offers = [offer('first', { counter: unloadable })];
    const uncounted = answers([said('Hello')], [finished]);
    for (const stream of [false, true]) {
      const asked = call({ stream });
      const carrying = run({ providers: [scripted('first', uncounted)], offers, account, asked });
      await carrying.then(eventsOf).catch(() => undefined);
      await settle();
    }
    const unknown = { money: 'unknown', undelivered: true };
    expect(ends).toMatchObject([
      { attempt: 1, ...unknown },
      { attempt: 2, ...unknown },
    ]);
  });

  it('that an account refuses while it is on its way is aborted, and no other offer is asked', async () => {
    const refused = error('authentication');
    const { account, ends } = ledger({ refusal: Promise.resolve(refused), admitted: () => refused });
    const [first, second] = [scripted('first', stalls()), scripted('second', good)];
    await expect(run({ providers: [first, second], account })).rejects.toBe(refused);
    expect([first.signals[0]?.aborted, second.jobs.length]).toEqual([true, 0]);
    expect(ends).toHaveLength(1);
  });

  it('whose answer is complete before its account refuses it is shown to nobody', async () => {
    const refused = error('authentication');
    const { account, ends } = ledger({ admitted: () => Promise.resolve(refused) });
    for (const stream of [true, false]) {
      const first = scripted('first', stream ? stalls([said('secret')]) : billed);
      await expect(run({ providers: [first], account, asked: call({ stream }) })).rejects.toBe(refused);
    }
    await settle();
    expect(ends).toMatchObject([{ outcome: 'canceled' }, { outcome: 'ok' }]);
  });
});

describe('the tokens of an attempt', () => {
  const counting = (words: number): Candidate['counter'] => ({
    exactness: 'exact',
    count: (text) => text.split(' ').length * words,
  });
  const ofFamily = (provider: string, family: string, words: number) =>
    offer(provider, { family, counter: counting(words), prompt: { largest: 7, total: 7, exactness: 'exact' } });

  it('are those of its usage, under the one tokenizer that its model usually has', async () => {
    const { account, ends } = ledger();
    const offers = [offer('first', { reportsExtra: 4 }), offer('second')];
    await textOf((await run({ providers: [scripted('first', billed)], offers, account })).events);
    expect(ends).toMatchObject([{ counts: { 'llama-3': [6, 2] } }]);
  });

  it('are counted under the others of its model, once the answer has left', async () => {
    const clock = handClock();
    const { account, ends } = ledger();
    const elsewhere = { ...ofFamily('third', 'qwen3', 9), model: 'another-model' };
    const offers = [offer('first'), ofFamily('second', 'mistral', 3), elsewhere];
    const carried = await run({ providers: [scripted('first', billed)], offers, clock, account });
    await textOf(carried.events);
    expect(ends).toEqual([]);
    await clock.advance(1);
    // One word at three tokens, and the end.
    expect(ends.map(({ counts }) => counts)).toEqual([{ 'llama-3': [10, 2], mistral: [7, 4] }]);
  });

  it('are not counted where that would be much work', async () => {
    const clock = handClock();
    const { account, ends } = ledger();
    const offers = [offer('first'), ofFamily('second', 'mistral', 3)];
    const long = answers([said('x'.repeat(100_001))], [finished], [{ type: 'usage', usage }]);
    await textOf((await run({ providers: [scripted('first', long)], offers, clock, account })).events);
    await clock.advance(1);
    expect(ends.map(({ counts }) => counts)).toEqual([{ 'llama-3': [10, 2] }]);
  });
});
