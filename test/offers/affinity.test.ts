import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Call, Message, Sort } from '../../src/core/index.ts';
import { affinityOf, keptBy } from '../../src/offers/affinity.ts';
import { type Candidate, type Health, UNSEEN, type World } from '../../src/offers/index.ts';
import {
  assistant,
  chat,
  completion,
  laidOut,
  loadTokenizers,
  momentOn,
  order,
  sheet,
  TODAY,
  user,
  world,
} from './support.ts';

beforeAll(loadTokenizers);

/** Bedrock, Together and Replicate serve it, at different prices. */
const LLAMA = { models: ['llama-3-8b-instruct'] };
const GPT = { models: ['gpt-oss-120b'] };
const bare = world({ services: [] });

const first = (call: Call, in_: World = bare, now = momentOn(TODAY).now): Candidate | undefined =>
  laidOut(call, in_, { ...momentOn(TODAY), now }).eligible[0];
const at = (call: Call, in_?: World, now?: number) => first(call, in_, now)?.provider;

const words = fc.string({ maxLength: 40 });
const system = (content: string): Message => ({ role: 'system', content });

describe('a conversation without an id', () => {
  it('keeps its offer from turn to turn, whenever they come', () => {
    const turns = fc.array(fc.tuple(words, words), { maxLength: 4 });
    fc.assert(
      fc.property(words, words, turns, fc.nat(10 ** 9), (rules, question, later, ms) => {
        const opening = [system(rules), user(question)];
        const turnsAfter = later.flatMap(([answer, next]) => [assistant(answer), system(next), user(next)]);
        const messages = [...opening, ...turnsAfter];
        const now = momentOn(TODAY).now;
        expect(at(chat({ ...GPT, messages }), bare, now + ms)).toBe(at(chat({ ...GPT, messages: opening }), bare, now));
      }),
    );
  });

  it.each<[string, (n: number) => Message[]]>([
    ['first message', (n) => [system('Be brief.'), user(`${'Same. '.repeat(1000)} Question ${n}`)]],
    ['beginning of the first message', (n) => [user(`Question ${n} ${'Same. '.repeat(1000)}`)]],
    ['system prompt', (n) => [system(`You are helper ${n}.`), user('Hi')]],
  ])('is told from others by its %s', (_what, messages) => {
    const firsts = Array.from({ length: 40 }, (_, n) => at(chat({ ...GPT, messages: messages(n) })));
    expect(new Set(firsts).size).toBe(2);
  });

  it('is none where the prompt is raw: many samples of one spread from minute to minute', () => {
    const call = completion({ ...GPT, prompts: ['Once upon a time'] });
    const { now } = momentOn(TODAY);
    expect(new Set(Array.from({ length: 40 }, (_, n) => at(call, bare, now + n * 60_000))).size).toBeGreaterThan(1);
    expect(new Set(Array.from({ length: 40 }, (_, n) => at(call, bare, now + n * 1000)))).toEqual(new Set([at(call)]));
    const session = { ...call, session: 's' };
    expect(new Set(Array.from({ length: 40 }, (_, n) => at(session, bare, now + n * 60_000))).size).toBe(1);
  });
});

const ids = Array.from({ length: 1000 }, (_, n) => `conversation ${n}`);

describe('many conversations', () => {
  it('keep each offer in the share of 1 / cost²', () => {
    const kept = ids.map((session) => at(chat({ ...LLAMA, session })));
    for (const { provider, drawn = 0 } of sheet(chat(LLAMA), bare).eligible) {
      const share = kept.filter((one) => one === provider).length / kept.length;
      // Three standard deviations.
      expect(Math.abs(share - drawn)).toBeLessThan(3 * Math.sqrt((drawn * (1 - drawn)) / kept.length));
    }
  });

  it('keep their offers of several models independently', () => {
    const names = ['gpt-oss-120b', 'llama-3.3-70b-instruct'];
    const pairs = ids.slice(0, 100).map((session) => names.map((name) => at(chat({ models: [name], session }))).join());
    expect(new Set(pairs).size).toBe(4);
  });

  it('go elsewhere while their own offer keeps failing, and come back', () => {
    const health: Health = { ...UNSEEN, breaker: (provider) => (provider === 'bedrock' ? 'open' : 'closed') };
    for (const session of ids.slice(0, 50)) {
      expect(at(chat({ ...GPT, session }), { ...bare, health })).toBe('together');
    }
  });
});

describe('rendezvous', () => {
  const offers = Array.from({ length: 6 }, (_, n) => ({ provider: `provider ${n}`, upstream: 'model' }));
  const weights = fc.array(fc.double({ min: 0.05, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 });
  const conversations = ids.map((session) => affinityOf(chat({ session }), 0));

  it('gives each of many offers a share in proportion to its weight', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const kept = conversations.map((one) => keptBy(one, offers, given));
        const sum = given.reduce((total, weight) => total + weight, 0);
        for (const [index, weight] of given.entries()) {
          const [share, due] = [kept.filter((one) => one === index).length / kept.length, weight / sum];
          // Five standard deviations.
          expect(Math.abs(share - due)).toBeLessThan(5 * Math.sqrt((due * (1 - due)) / kept.length));
        }
      }),
    );
  });

  it('moves only the conversations of an offer that goes, and only to one that comes', () => {
    fc.assert(
      fc.property(weights, fc.nat(5), (given, gone) => {
        const left = offers.filter((_, index) => index !== gone);
        const leftWeights = given.filter((_, index) => index !== gone);
        for (const one of conversations) {
          const [before, after] = [offers[keptBy(one, offers, given)], left[keptBy(one, left, leftWeights)]];
          if (before !== offers[gone]) expect(after).toBe(before);
        }
      }),
    );
  });

  it('moves conversations only to an offer that gets cheaper', () => {
    fc.assert(
      fc.property(weights, fc.nat(5), (given, cheaper) => {
        const now = given.map((weight, index) => (index === cheaper ? 2 * weight : weight));
        for (const one of conversations) {
          const [before, after] = [keptBy(one, offers, given), keptBy(one, offers, now)];
          if (after !== cheaper) expect(after).toBe(before);
        }
      }),
    );
  });
});

describe('what goes before a conversation’s offer', () => {
  const sessions = fc.string({ minLength: 1 });

  it('is the caller’s order and sort, in which it changes nothing', () => {
    const sorts = fc.constantFrom<Sort>('price', 'latency', 'throughput');
    fc.assert(
      fc.property(sessions, sessions, sorts, (one, other, sort) => {
        const sorted = (session: string) => order(chat({ ...LLAMA, session, routing: { sort } }), bare);
        expect(sorted(one)).toEqual(sorted(other));
        const ordered = (session: string) => order(chat({ ...LLAMA, session, routing: { order: ['bedrock'] } }), bare);
        expect(ordered(one)).toEqual(ordered(other));
        expect(ordered(one)[0]).toBe('bedrock');
      }),
    );
  });

  it('is nothing that excludes: whatever the conversation, the same offers are there', () => {
    const all = order(chat(LLAMA), bare).toSorted();
    fc.assert(
      fc.property(sessions, (session) => {
        expect(order(chat({ ...LLAMA, session }), bare).toSorted()).toEqual(all);
      }),
    );
  });
});
