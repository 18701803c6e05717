import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundledBook, layered } from '../../src/catalog/index.ts';
import {
  type Call,
  type ChatCall,
  formatDollars,
  type Message,
  parseDollars,
  type Sort,
} from '../../src/core/index.ts';
import { affinityOf, keptBy } from '../../src/offers/affinity.ts';
import { type Candidate, type Health, UNSEEN, type World } from '../../src/offers/index.ts';
import { rowOf } from '../catalog/rows.ts';
import {
  assistant,
  chat,
  completion,
  laidOut,
  loadTokenizers,
  momentOn,
  offerOf,
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

describe('a warm offer', () => {
  /** Together asks less for input of it that its cache has. */
  const CACHED = { models: ['together/deepseek-v4-pro'], maxTokens: 100 };
  const ratesOf = (offer: Candidate) => {
    if (!offer.priced.known || offer.priced.row.price.kind !== 'token') throw new Error('no price by the token');
    const { input, cacheRead = input } = offer.priced.row.price;
    return { input, cacheRead };
  };
  const messages = [user('What color is the sky? '.repeat(200))];
  const warm = (tokens: number, more: Partial<Health> = {}) =>
    world({ services: [], health: { ...UNSEEN, cachedTokens: () => tokens, ...more } });
  const costAt = (in_: World, more: Partial<ChatCall> = {}) =>
    offerOf(chat({ ...CACHED, messages, ...more }), 'together', in_).cost;

  it('is expected to cost what its cache costs, for what was sent before; its limits are the same', () => {
    const cold = costAt(warm(0));
    const half = costAt(warm(500));
    expect(cold?.cached).toBeUndefined();
    expect(half?.cached).toBe(500);
    const offer = offerOf(chat({ ...CACHED, messages }), 'together', bare);
    const { prompt } = offer;
    const { input, cacheRead } = ratesOf(offer);
    const saved = (500n * (input - cacheRead)) / 1_000_000n;
    expect(saved).toBeGreaterThan(0n);
    expect(half?.expected).toBe((cold?.expected ?? 0n) - saved);
    expect([half?.min, half?.max]).toEqual([cold?.min, cold?.max]);
    // No more than the prompt has, and as often as it is sent.
    expect(costAt(warm(10 ** 6))?.cached).toBe(prompt.total);
    const [twice, twiceCold] = [costAt(warm(500), { n: 2 }), costAt(warm(0), { n: 2 })];
    const times = offerOf(chat({ ...CACHED, messages, n: 2 }), 'together', bare).nativeN ? 1n : 2n;
    expect(twice?.expected).toBe((twiceCold?.expected ?? 0n) - times * saved);
  });

  it('says so in a sentence', () => {
    const offer = offerOf(chat({ ...CACHED, messages }), 'together', warm(500));
    expect(offer.why).toContain(
      `It has just served this conversation, so 500 tokens of its prompt are expected to come from its cache, at $${formatDollars(ratesOf(offer).cacheRead)} a million.`,
    );
    expect(offerOf(chat({ ...CACHED, messages }), 'together', warm(0)).why.join()).not.toContain('cache');
  });

  it('is as cold where the provider has no price for its cache, and then nobody asks what is in it', () => {
    const asked = {
      cachedTokens: () => {
        throw new Error('asked');
      },
    };
    expect(offerOf(chat(GPT), 'together', warm(0, asked)).cost).toEqual(offerOf(chat(GPT), 'together', bare).cost);
  });

  it('is asked about by the conversation and the offer', () => {
    const asked: unknown[] = [];
    const call = chat({ ...CACHED, messages, session: 's' });
    const { now } = momentOn(TODAY);
    const cachedTokens: Health['cachedTokens'] = (...of) => {
      asked.push(of);
      return 0;
    };
    const found = offerOf(call, 'together', warm(0, { cachedTokens }));
    expect(found.cost).toBeDefined();
    expect(asked).toEqual([[affinityOf(call, now), 'together', found.upstream, now, undefined]]);
  });

  it('keeps its conversation: a lower cost never drives it away', () => {
    const prices = layered(bundledBook(), [
      rowOf(
        { kind: 'token', input: parseDollars('0.15'), output: parseDollars('0.6'), cacheRead: parseDollars('0.01') },
        { id: 'test', layer: 'configuration', provider: 'together', offer: 'openai/gpt-oss-120b' },
      ),
    ]);
    const seen = { ...warm(500), prices };
    const cold = { ...warm(0), prices };
    let moved = 0;
    for (const session of ids.slice(0, 200)) {
      const call = chat({ ...GPT, messages, session });
      if (at(call, cold) === 'together') expect(at(call, seen)).toBe('together');
      else if (at(call, seen) === 'together') moved++;
    }
    // Where it has the conversation all the same, because the other offer had failed, some stay with it.
    expect(moved).toBeGreaterThan(0);
  });

  it('is not said to keep what is no conversation', () => {
    const KEEPS = 'This conversation keeps it, so that its beginning stays in the provider’s cache.';
    const keeping = (call: Call) => sheet(call, bare).eligible.filter(({ why }) => why.includes(KEEPS)).length;
    expect(keeping(chat(GPT))).toBe(1);
    expect(sheet(chat(GPT), bare).eligible[0]?.why).toContain(KEEPS);
    expect(keeping(completion(GPT))).toBe(0);
    expect(keeping(completion({ ...GPT, session: 's' }))).toBe(1);
    expect(keeping(chat({ ...GPT, routing: { sort: 'price' } }))).toBe(0);
    expect(keeping(chat({ ...GPT, routing: { order: ['bedrock'] } }))).toBe(0);
  });
});
