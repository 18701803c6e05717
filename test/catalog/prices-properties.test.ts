import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bookFrom,
  bundledBook,
  type Costing,
  costOf,
  estimateCost,
  LAYERS,
  layered,
  type PriceRow,
  type Rate,
  rateJson,
  readOverrides,
  sumOf,
  TIERS,
} from '../../src/catalog/index.ts';
import { addUsage, type Usage } from '../../src/core/index.ts';
import { priceableOffers, priceFor } from '../support/providers.ts';
import { rowOf, tokens } from './rows.ts';

const amount = fc.bigInt({ min: 0n, max: 200_000_000_000n });
const speed = fc.integer({ min: 1, max: 10_000_000 }).map((milli) => milli / 1000);
const tokenRate: fc.Arbitrary<Rate & { kind: 'token' }> = fc
  .record({ input: amount, output: amount, cacheRead: fc.option(amount), cacheWrite: fc.option(amount) })
  .map(({ input, output, cacheRead, cacheWrite }) => ({
    kind: 'token',
    input,
    output,
    ...(cacheRead === null ? {} : { cacheRead }),
    ...(cacheWrite === null ? {} : { cacheWrite }),
  }));
const rate: fc.Arbitrary<Rate> = fc.oneof(
  tokenRate,
  amount.map((perSecond): Rate => ({ kind: 'second', perSecond })),
  fc.tuple(amount, speed).map(([perHour, tokensPerSecond]): Rate => ({ kind: 'hour', perHour, tokensPerSecond })),
);
const count = fc.nat({ max: 2_000_000 });
const usage: fc.Arbitrary<Usage> = fc
  .record({
    input: count,
    cacheRead: count,
    cacheWrite: count,
    output: count,
    reasoning: count,
    ms: fc.nat({ max: 1_800_000 }),
  })
  .map(({ ms, ...buckets }) => ({ ...buckets, source: 'provider', seconds: ms / 1000 }));

const known = (cost: Costing) => {
  if (!cost.known) throw new Error(cost.reason);
  return cost;
};

describe('any cost', () => {
  it('is the sum of its parts, and no part is negative', () => {
    fc.assert(
      fc.property(rate, usage, (price, used) => {
        const { total, prompt, completion, cached } = known(costOf(rowOf(price), used));
        expect(total).toBe(prompt + completion + cached);
        expect([prompt, completion, cached].every((part) => part >= 0n)).toBe(true);
      }),
    );
  });

  it('does not fall when more is used', () => {
    fc.assert(
      fc.property(rate, usage, usage, (price, used, more) => {
        const row = rowOf(price);
        expect(known(costOf(row, addUsage(used, more))).total).toBeGreaterThanOrEqual(known(costOf(row, used)).total);
      }),
    );
  });

  it('is the same for one request and for two that add up to it, but for a nano-dollar of rounding for each part', () => {
    fc.assert(
      fc.property(rate, usage, usage, (price, one, other) => {
        const row = rowOf(price);
        const apart = sumOf([costOf(row, one), costOf(row, other)]);
        const together = known(costOf(row, addUsage(one, other))).total;
        const off = apart.known ? apart.total - together : 99n;
        expect(off >= -3n && off <= 3n).toBe(true);
      }),
    );
  });

  it('lies within what was foreseen for its tokens', () => {
    fc.assert(
      fc.property(tokenRate, usage, count, count, (price, used, expected, spare) => {
        const row = rowOf(price);
        const made = used.output + used.reasoning;
        const range = estimateCost(row, used.input + used.cacheRead + used.cacheWrite, made, expected, made + spare);
        const { total } = known(costOf(row, used));
        if (!range) throw new Error('no range');
        expect(range.min <= range.expected && range.expected <= range.max).toBe(true);
        expect(total <= range.max + 1n && total >= range.min - 1n).toBe(true);
      }),
    );
  });

  it('is foreseen to the nano-dollar of rounding, where it is known what a cache holds', () => {
    fc.assert(
      fc.property(tokenRate, usage, (price, used) => {
        const row = rowOf(price);
        const [read, made] = [{ ...used, cacheWrite: 0 }, used.output + used.reasoning];
        const range = estimateCost(row, read.input + read.cacheRead, made, made, made, read.cacheRead);
        const off = (range?.expected ?? -99n) - known(costOf(row, read)).total;
        expect(off >= -2n && off <= 2n).toBe(true);
        if (range) expect(range.min <= range.expected && range.expected <= range.max).toBe(true);
      }),
    );
  });

  it('is unknown, and not zero, where the time is', () => {
    fc.assert(
      fc.property(amount, usage, (perSecond, { seconds: _, ...used }) => {
        expect(costOf(rowOf({ kind: 'second', perSecond }), used).known).toBe(false);
        expect(costOf(rowOf({ kind: 'hour', perHour: perSecond }), used).known).toBe(false);
      }),
    );
  });
});

const day = fc
  .integer({ min: 0, max: 40 })
  .map((days) => new Date(Date.UTC(2026, 9, 1 + days)).toISOString().slice(0, 10));
const region = fc.constantFrom('*', 'us', 'eu-west-1', 'us-east-1');
const row: fc.Arbitrary<PriceRow> = fc
  .record({ region, tier: fc.constantFrom(...TIERS), from: day, to: fc.option(day), price: fc.bigInt(1n, 9n) })
  .map(({ region: place, tier, from, to, price }) =>
    rowOf(tokens(price, price), { region: place, tier, validFrom: from, ...(to === null ? {} : { validTo: to }) }),
  );
const layers = fc.tuple(
  ...LAYERS.map((layer) =>
    fc.array(
      row.map((one) => ({ ...one, layer })),
      { maxLength: 6 },
    ),
  ),
);

describe('any book', () => {
  const question = fc.record({
    day,
    region: fc.constantFrom('eu-west-1', 'us-east-1', 'ap-south-1'),
    tier: fc.constantFrom(...TIERS),
  });
  const fits = (one: PriceRow, asked: { day: string; region: string; tier: string }) =>
    one.tier === asked.tier &&
    one.validFrom <= asked.day &&
    asked.day <= (one.validTo ?? '9999') &&
    (one.region === '*' || one.region === asked.region || (one.region === 'us' && asked.region === 'us-east-1'));

  it('answers from the last layer that has an answer, with a row that fits; else with a reason', () => {
    fc.assert(
      fc.property(layers, question, ([bundled = [], admin = [], own = []], asked) => {
        const book = layered(bookFrom(bundled), admin, own);
        const priced = priceFor(book, 'test', 'model', asked.day, asked);
        const answering = [own, admin, bundled].find((layer) => layer.some((one) => fits(one, asked)));
        if (priced.known) {
          expect(fits(priced.row, asked)).toBe(true);
          expect(answering?.includes(priced.row)).toBe(true);
        } else {
          expect(answering).toBeUndefined();
          expect(priced.reason).toMatch(/\.$/);
        }
      }),
    );
  });

  it('does not change when nothing is laid over it', () => {
    fc.assert(
      fc.property(layers, question, ([bundled = []], asked) => {
        const book = bookFrom(bundled);
        expect(priceFor(layered(book, []), 'test', 'model', asked.day, asked)).toEqual(
          priceFor(book, 'test', 'model', asked.day, asked),
        );
      }),
    );
  });

  it('has a price above zero or none, whatever it is asked', () => {
    const names = fc.oneof(fc.constantFrom(...bundledBook().rows.map(({ offer }) => offer)), fc.string());
    const provider = fc.constantFrom('bedrock', 'replicate', 'together', 'anyscale', '');
    fc.assert(
      fc.property(provider, names, day, question, (asked, name, on, where) => {
        const priced = priceFor(bundledBook(), asked, name, on, where);
        if (!priced.known) expect(priced.reason).not.toBe('');
        else
          expect(priced.row.price.kind === 'token' && priced.row.price.input > 0n && priced.row.price.output > 0n).toBe(
            true,
          );
      }),
    );
  });
});

describe('any rate', () => {
  it('is read back from its JSON as it was', () => {
    const own = priceableOffers([
      { provider: 'own', service: 'own', model: 'm', upstream: 'm', price: { known: false } },
    ]);
    fc.assert(
      fc.property(rate, (price) => {
        const { overrides } = readOverrides({ own: { m: rateJson(price) } }, 'prices', { known: own, judge: false });
        expect(overrides).toEqual([expect.objectContaining({ price })]);
      }),
    );
  });
});
