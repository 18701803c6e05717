import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundledBook, layered, type PriceRow } from '../../src/catalog/index.ts';
import { type Call, parseDollars, type Routing, type Sort } from '../../src/core/index.ts';
import type { Candidate, Health, World } from '../../src/offers/index.ts';
import { UNSEEN } from '../../src/offers/index.ts';
import { rowOf } from '../catalog/rows.ts';
import {
  chat,
  completion,
  errorOf,
  exclusion,
  laidOut,
  loadTokenizers,
  momentOn,
  offerOf,
  order,
  reason,
  service,
  sheet,
  TODAY,
  user,
  world,
} from './support.ts';

beforeAll(loadTokenizers);

const bare = world({ services: [] });
/** Bedrock and Together $0.15/$0.60 for a million tokens; Replicate, for raw prompts only, $0.18/$0.72. */
const GPT = { models: ['gpt-oss-120b'] };
/** Bedrock $0.30/$0.60, Replicate $0.05/$0.25. */
const LLAMA = { models: ['llama-3-8b-instruct'] };

const priceOf = (provider: string, offer: string, input: string, output: string): PriceRow =>
  rowOf(
    { kind: 'token', input: parseDollars(input), output: parseDollars(output) },
    { id: `${provider}/${offer}@test`, layer: 'configuration', provider, offer },
  );

const health = (more: Partial<Health>): Health => ({ ...UNSEEN, ...more });

describe('a speed that the caller prefers', () => {
  const seen: Record<string, { ttftMs: number; tokensPerSecond: number }> = {
    bedrock: { ttftMs: 900, tokensPerSecond: 40 },
    together: { ttftMs: 300, tokensPerSecond: 200 },
  };
  const watched = world({
    services: [],
    health: health({ observed: (provider) => (seen[provider] ? { ...seen[provider], samples: 9, at: 0 } : undefined) }),
  });
  const first = (routing: Routing) => order(chat({ ...GPT, routing }), watched)[0];

  it('puts what was seen to be slower behind what was not, whatever it costs, and over many draws', () => {
    for (let n = 0; n < 50; n++) {
      const call = chat({ ...GPT, messages: [user(`Question ${n}`)], routing: { preferredMinThroughput: 100 } });
      expect(order(call, watched)).toEqual(['together', 'bedrock']);
    }
    expect(first({ preferredMaxLatencyMs: 500, sort: 'price' })).toBe('together');
    expect(offerOf(chat({ ...GPT, routing: { preferredMaxLatencyMs: 500 } }), 'bedrock', watched).why).toContain(
      'It has been slower than provider prefers.',
    );
  });

  it('excludes nobody, and an order goes before it', () => {
    expect(order(chat({ ...GPT, routing: { preferredMinThroughput: 1000 } }), watched)).toHaveLength(2);
    expect(first({ preferredMinThroughput: 100, order: ['bedrock'] })).toBe('bedrock');
  });

  it('is not held against what nobody has seen yet', () => {
    expect(
      offerOf(chat({ ...GPT, routing: { preferredMinThroughput: 100 } }), 'together', bare).why.join(),
    ).not.toContain('slower');
  });
});

describe('the default order', () => {
  it('is: one’s own services, what is served by expected cost, then what may not be', () => {
    const own = world({ services: [service({ model: 'gpt-oss-120b', upstream: 'mine' })] });
    expect(order(chat(GPT), own)[0]).toBe('anyscale');
    expect(new Set(order(chat(GPT), own))).toEqual(new Set(['anyscale', 'bedrock', 'together']));
  });

  it('says of a service of one’s own that is paid by the token that it is, and of others that they cost the same', () => {
    const own = { services: [service({ model: 'gpt-oss-120b', upstream: 'mine' })] };
    const paid = { ...own, prices: layered(bundledBook(), [priceOf('anyscale', 'mine/mine', '0.1', '0.2')]) };
    expect(offerOf(chat(GPT), 'anyscale', world(paid)).why).toContain('A service of your own, paid by the token.');
    expect(offerOf(chat(GPT), 'anyscale', world(own)).why.join()).toContain('costs the same whether used or not');
  });

  it('draws the first with a probability proportional to 1 / cost², over many calls', () => {
    const firsts = new Map<string, number>();
    const calls = 2000;
    for (let n = 0; n < calls; n++) {
      const [first = ''] = order(chat({ ...LLAMA, messages: [user(`Question ${n}`)], maxTokens: 100 }), bare);
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    const { eligible } = sheet(chat({ ...LLAMA, messages: [user('Question 0')], maxTokens: 100 }), bare);
    const weight = ({ cost }: Candidate): number => Number(cost?.expected) ** -2;
    const sum = eligible.reduce((total, offer) => total + weight(offer), 0);
    for (const offer of eligible) {
      expect((firsts.get(offer.provider) ?? 0) / calls).toBeCloseTo(weight(offer) / sum, 1);
    }
  });

  it('is the same for the same call in the same minute, and for a session at any time', () => {
    const first = (call: Call, now: number): string | undefined =>
      laidOut(call, bare, { ...momentOn(TODAY), now }).eligible[0]?.provider;
    const now = momentOn(TODAY).now;
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 1 }),
        fc.nat(59_999),
        fc.nat(10 ** 9),
        (text, session, at, later) => {
          const call = chat({ ...GPT, messages: [user(text)] });
          expect(first(call, now + at)).toBe(first(call, now));
          const one = first({ ...call, session }, now);
          expect(first(chat({ ...GPT, messages: [user(`${text} and on`)], session }), now + later)).toBe(one);
        },
      ),
    );
  });

  it('spreads sessions too', () => {
    const firsts = new Set(Array.from({ length: 40 }, (_, n) => order(chat({ ...GPT, session: `s${n}` }), bare)[0]));
    expect(firsts.size).toBeGreaterThan(1);
  });

  it('tries last what fails again and again, unless the caller’s order names it', () => {
    const failing = {
      ...bare,
      health: health({ breaker: (provider) => (provider === 'replicate' ? 'open' : 'closed') }),
    };
    for (let n = 0; n < 20; n++) {
      const call = chat({ ...LLAMA, messages: [user(`Question ${n}`)] });
      expect(order(call, failing)).toEqual(['bedrock', 'replicate']);
    }
    expect(order(chat({ ...LLAMA, routing: { order: ['replicate'] } }), failing)[0]).toBe('replicate');
  });

  it('tries last the one of two services that fails, and not the other, though they serve one model under one id', () => {
    const services = ['one', 'two'].map((id) => service({ service: id, model: 'gpt-oss-120b', upstream: 'mine' }));
    const failing = world({
      services,
      health: health({ breaker: (_provider, _upstream, _now, id) => (id === 'one' ? 'open' : 'closed') }),
    });
    const own = sheet(chat(GPT), failing).eligible.filter(({ provider }) => provider === 'anyscale');
    expect(own.map((offer) => [offer.service, offer.breaker])).toEqual([
      ['two', 'closed'],
      ['one', 'open'],
    ]);
  });

  it('tries what fails again and again after the next model too: its time-out must not be paid on every call', () => {
    const failing = {
      ...bare,
      health: health({ breaker: (provider) => (provider === 'replicate' ? 'open' : 'closed') }),
    };
    const models = ['llama-3-8b-instruct', 'gpt-oss-120b'];
    const call = chat({ models, routing: { only: ['replicate', 'together'] } });
    expect(order(call, failing)).toEqual(['together', 'replicate']);
    const last = sheet(call, failing).eligible.at(-1);
    expect(last?.why.join(' ')).toContain('tried last');
    expect(order({ ...call, routing: { ...call.routing, order: ['replicate'] } }, failing)).toEqual([
      'replicate',
      'together',
    ]);
  });

  it('says why', () => {
    for (const { why } of sheet(chat(GPT), bare).eligible) expect(why.join(' ')).toMatch(/being tried first: \d+ %/);
  });
});

describe('what the sheet says of a draw', () => {
  const drawn = (call: Call, in_: World) =>
    sheet(call, in_).eligible.map(({ provider: id, model, why }) => [
      `${id} ${model}`,
      why.find((one) => one.startsWith('Probability '))?.replace(/\d+ %/, 'p %'),
    ]);
  const FIRST = 'Probability of being tried first: p %, proportional to 1 / cost².';
  const NEXT = 'Probability of being tried next, if those before it fail: p %, proportional to 1 / cost².';

  it('is that calls ask it first, where nothing else comes before', () => {
    expect(drawn(chat(GPT), bare).map(([, why]) => why)).toEqual([FIRST, FIRST]);
  });

  it('is what happens after another offer, where one always comes before', () => {
    const own = world({ services: [service({ model: 'gpt-oss-120b', upstream: 'mine' })] });
    expect(drawn(chat(GPT), own).map(([, why]) => why)).toEqual([undefined, NEXT, NEXT]);
    // The first model's offers are asked before those of the second.
    const both = drawn(chat({ models: ['gpt-oss-120b', 'llama-3-8b-instruct'] }), bare);
    expect(both.map(([, why]) => why)).toEqual([FIRST, FIRST, NEXT, NEXT]);
  });

  it('is the share of calls that do so', () => {
    const shares = sheet(chat(GPT), bare).eligible.map(({ drawn: share = 0 }) => share);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);
  });
});

describe('sort', () => {
  const seen = health({
    observed: (provider) =>
      ({
        bedrock: { ttftMs: 300, tokensPerSecond: 50, samples: 9, at: 0 },
        together: { ttftMs: 100, tokensPerSecond: 90, samples: 9, at: 0 },
      })[provider],
  });

  it('by price, latency and throughput; what has not been seen comes last', () => {
    const by = (sort: Sort, of: object) => order(chat({ ...of, routing: { sort } }), { ...bare, health: seen });
    expect(by('price', LLAMA)).toEqual(['replicate', 'bedrock']);
    expect(by('latency', GPT)).toEqual(['together', 'bedrock']);
    expect(by('throughput', GPT)).toEqual(['together', 'bedrock']);
    expect(by('latency', LLAMA)).toEqual(['bedrock', 'replicate']);
  });

  it('can be a suffix of the name', () => {
    expect(order(chat({ models: ['llama-3-8b-instruct:floor'] }), bare)).toEqual(['replicate', 'bedrock']);
    expect(order(chat({ models: ['gpt-oss-120b:nitro'] }), { ...bare, health: seen })[0]).toBe('together');
    expect(order(chat({ models: ['bedrock/gpt-oss-120b:floor'] }), bare)).toEqual(['bedrock']);
  });

  it('by price never picks an unknown price over a known one', () => {
    const upstreams = ['openai.gpt-oss-120b-1:0', 'openai/gpt-oss-120b'] as const;
    const price = fc.option(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 })));
    fc.assert(
      fc.property(price, price, fc.boolean(), (bedrock, own, pinned) => {
        const rows = [
          ...(bedrock ? [priceOf('bedrock', upstreams[0], `0.${bedrock[0]}`, `0.${bedrock[1]}`)] : []),
          ...(own ? [priceOf('anyscale', 'mine/my-gpt', `0.${own[0]}`, `0.${own[1]}`)] : []),
        ];
        // A service without a price of its own is unknown unless the book has one.
        const services = [
          service({ model: 'gpt-oss-120b', upstream: 'my-gpt', ...(pinned ? { maxOutput: 100 } : {}) }),
        ];
        const in_ = { ...world({ services }), prices: layered(bundledBook(), rows) };
        const costs = sheet(chat({ ...GPT, routing: { sort: 'price' } }), in_).eligible.map(
          ({ cost }) => cost?.expected,
        );
        const known = costs.filter((cost) => cost !== undefined);
        expect(costs.slice(0, known.length)).toEqual(known);
        expect(known).toEqual([...known].sort((a, b) => (a < b ? -1 : Number(a > b))));
      }),
    );
  });
});

describe('what a call comes to', () => {
  // "Once" is one token, and so is the begin-of-sequence that Replicate's server counts besides.
  it('is to the nano-dollar: the least, what to expect, and a bound', () => {
    const call = completion({ ...LLAMA, prompts: ['Once'], maxTokens: 10 });
    expect(offerOf(call, 'bedrock', bare).cost).toEqual({
      min: 300n + 600n,
      expected: 300n + 6000n,
      max: 300n + 6000n,
    });
    expect(offerOf(call, 'replicate', bare).cost).toEqual({
      min: 100n + 250n,
      expected: 100n + 2500n,
      max: 100n + 2500n,
    });
  });

  it('bills a prompt again for each sample where the wire has no n', () => {
    const call = completion({ ...GPT, prompts: ['Once'], maxTokens: 10, n: 3 });
    expect(offerOf(call, 'together', bare).cost?.max).toBe(150n + 3n * 6000n);
    expect(offerOf(call, 'replicate', bare).cost?.max).toBe(3n * 180n + 3n * 7200n);
  });

  it('expects what the model’s answers have taken, within the limit', () => {
    const seen = { ...bare, health: health({ completionTokens: () => 40 }) };
    const cost = (maxTokens: number) =>
      offerOf(completion({ ...LLAMA, prompts: ['Once'], maxTokens }), 'bedrock', seen).cost?.expected;
    expect(cost(100)).toBe(300n + 40n * 600n);
    expect(cost(10)).toBe(300n + 10n * 600n);
  });

  it('is unknown where the price is, and never zero', () => {
    const own = world();
    expect(offerOf(chat(), 'anyscale', own)).toMatchObject({ priced: { known: false } });
    expect(offerOf(chat(), 'anyscale', own).cost).toBeUndefined();
  });

  it('is unknown outside the regions that the price is for', () => {
    const far = { ...bare, region: 'eu-west-2' };
    for (const offer of laidOut(chat({ models: ['llama-3-8b-instruct'] }), far).eligible) {
      if (offer.provider === 'bedrock') expect(offer.priced.known).toBe(false);
    }
  });
});

describe('max_price', () => {
  it('leaves out what asks more, by prompt or completion, and what nobody knows', () => {
    const limit = (maxPrice: Routing['maxPrice']) => chat({ ...LLAMA, routing: { ...(maxPrice ? { maxPrice } : {}) } });
    const dollars = parseDollars;
    expect(order(limit({ prompt: dollars('0.1') }), bare)).toEqual(['replicate']);
    expect(reason(limit({ prompt: dollars('0.1') }), 'bedrock', bare)).toBe('over_max_price');
    expect(order(limit({ completion: dollars('0.6') }), bare)).toContain('bedrock');
    expect(exclusion(limit({ prompt: dollars('0.1') }), 'anyscale', world())).toMatchObject({
      code: 'over_max_price',
      message: expect.stringMatching(/no known price/),
    });
  });
});

describe('max_cost', () => {
  const call = (routing: Routing, more: Partial<Call> = {}) =>
    completion({ ...LLAMA, prompts: ['Once'], maxTokens: 1000, routing, ...more } as object);

  it('leaves out what may come to more', () => {
    const routing = { maxCost: parseDollars('0.0003') };
    expect(order(call(routing), bare)).toEqual(['replicate']);
    expect(exclusion(call(routing), 'bedrock', bare)).toMatchObject({
      code: 'over_max_cost',
      message: expect.stringMatching(/\$0\.0006003, over provider.max_cost of \$0\.0003/),
    });
  });

  it('says how much output is within it, and that it takes a shorter prompt where none is', () => {
    const routing = { maxCost: parseDollars('0.0003') };
    const told = exclusion(call(routing), 'bedrock', bare);
    expect(told).toMatchObject({ message: expect.stringContaining('Lower max_tokens to 499,') });
    expect(order(call(routing, { maxTokens: 499 }), bare)).toContain('bedrock');
    const nothing = parseDollars('0.0000001');
    for (const clampOutput of [true, false])
      expect(errorOf(() => sheet(call({ maxCost: nothing, clampOutput }), bare)).message).toMatch(
        /Not even one token of output of bedrock.* Shorten the prompt/,
      );
  });

  it('cuts the output to what it buys, where the caller allows, and says so', () => {
    const offer = offerOf(call({ maxCost: parseDollars('0.0003'), clampOutput: true }), 'bedrock', bare);
    expect(offer).toMatchObject({ output: { maxTokens: 499, clamped: true }, drops: ['max_tokens (limited to 499)'] });
    expect(offer.cost?.max).toBeLessThanOrEqual(parseDollars('0.0003'));
  });

  it('leaves out what has no bound or no price', () => {
    expect(reason(call({ maxCost: parseDollars('100') }), 'anyscale', world())).toBe('over_max_cost');
  });

  it('holds for whatever is eligible, with and without clamping', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000_000 }),
        fc.option(fc.integer({ min: 1, max: 3000 })),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 500 }),
        (nano, maxTokens, clampOutput, n, words) => {
          const given = completion({
            ...GPT,
            prompts: ['word '.repeat(words)],
            ...(maxTokens === null ? {} : { maxTokens }),
            n,
            routing: { maxCost: BigInt(nano), clampOutput },
          });
          for (const offer of laidOut(given, bare).eligible) {
            expect(offer.cost?.max).toBeLessThanOrEqual(BigInt(nano));
            if (maxTokens !== null) expect(offer.output.most).toBeLessThanOrEqual(maxTokens);
          }
        },
      ),
    );
  });
});

describe('what is excluded', () => {
  it('is never eligible, whatever the preferences', () => {
    const ids = fc.subarray(['bedrock', 'replicate', 'together', 'anyscale'], { minLength: 1 });
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const amount = fc.bigInt({ min: 0n, max: 2_000_000_000n });
    const preferences = fc.record({
      only: maybe(ids),
      ignore: maybe(ids),
      order: maybe(ids),
      sort: maybe(fc.constantFrom<Sort>('price', 'latency', 'throughput')),
      requireParameters: maybe(fc.boolean()),
      maxPrice: maybe(fc.record({ prompt: amount, completion: amount })),
      maxCost: maybe(amount),
    });
    fc.assert(
      fc.property(
        preferences,
        fc.constantFrom('gpt-oss-120b', 'llama-3-8b-instruct'),
        fc.boolean(),
        (given, model, seed) => {
          const routing = Object.fromEntries(
            Object.entries(given).filter(([, value]) => value !== undefined),
          ) as Routing;
          const call = chat({ models: [model], maxTokens: 50, sampling: seed ? { seed: 1 } : {}, routing });
          const { eligible, excluded } = laidOut(call);
          for (const offer of eligible) {
            if (routing.only) expect(routing.only).toContain(offer.provider);
            if (routing.ignore) expect(routing.ignore).not.toContain(offer.provider);
            if (routing.requireParameters) expect(offer.drops).toEqual([]);
            if (routing.maxCost !== undefined) expect(offer.cost?.max).toBeLessThanOrEqual(routing.maxCost);
            if (routing.maxPrice && offer.priced.known && offer.priced.row.price.kind === 'token') {
              expect(offer.priced.row.price.input).toBeLessThanOrEqual(routing.maxPrice.prompt ?? 0n);
              expect(offer.priced.row.price.output).toBeLessThanOrEqual(routing.maxPrice.completion ?? 0n);
            }
            if (routing.maxPrice) expect(offer.priced.known).toBe(true);
          }
          if (eligible.length > 0) return;
          const error = errorOf(() => sheet(call));
          expect(error.code).toBe('no_eligible_offer');
          expect(error.details.offers).toHaveLength(excluded.length);
        },
      ),
    );
  });

  it('is priced all the same for who asks, credentials or not', () => {
    const { excluded } = laidOut(chat(GPT), { ...bare, providers: new Map() });
    expect(excluded.find(({ provider }) => provider === 'bedrock')).toMatchObject({
      code: 'no_credentials',
      prompt: { exactness: 'exact' },
      cost: { min: expect.any(BigInt) },
    });
  });
});
