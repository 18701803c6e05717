import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  bookFrom,
  bundledBook,
  CATALOG_DATE,
  isServed,
  layered,
  models,
  type PriceRow,
  priceSources,
  REPLICATE_HARDWARE,
  stale,
} from '../../src/catalog/index.ts';
import json from '../../src/catalog/prices.json' with { type: 'json' };
import { formatDollars, parseDollars } from '../../src/core/index.ts';
import { priceFor, registry, upstreamId } from '../support/providers.ts';
import { rowOf, tokens } from './rows.ts';
import { priceLine, wrongIn } from './schema.ts';

const TODAY = CATALOG_DATE;
const { rows } = bundledBook();
const offers = models().flatMap((model) => model.offers);
const offerOf = (row: PriceRow) => offers.find(({ provider, id }) => provider === row.provider && id === row.offer);

const overlap = (a: PriceRow, b: PriceRow): boolean =>
  a.provider === b.provider &&
  a.offer === b.offer &&
  a.tier === b.tier &&
  a.region === b.region &&
  a.profile === b.profile &&
  a.validFrom <= (b.validTo ?? '9999') &&
  b.validFrom <= (a.validTo ?? '9999');

describe('every bundled price', () => {
  it('is written as the schema says, with its inference profile where it holds for that alone', () => {
    expect(wrongIn(v.array(priceLine), json)).toEqual([]);
    const wrong = json.filter((line) => {
      const bare = registry.of(line.provider).modelIn?.(line.offer);
      return line.profile === undefined ? bare !== undefined : line.offer !== `${line.profile}.${bare}`;
    });
    expect(wrong).toEqual([]);
  });

  it('has a source that sources.json explains, and a day on which that was read', () => {
    expect(rows.filter(({ source }) => !(source in priceSources)).map(({ id }) => id)).toEqual([]);
    const now = new Date().toISOString();
    expect(rows.filter(({ checkedAt }) => checkedAt > now).map(({ id }) => id)).toEqual([]);
  });

  it('is above zero, and begins before it ends', () => {
    for (const { id, price, validFrom, validTo = '9999' } of rows) {
      // Embeddings have no output.
      const output = price.kind === 'token' && (price.output > 0n || /embed|e5-/.test(id));
      expect(price.kind === 'token' && price.input > 0n && output, id).toBe(true);
      expect(validFrom <= validTo, id).toBe(true);
    }
  });

  it('is of an offer of the catalogue', () => {
    expect(rows.filter((row) => !offerOf(row)).map(({ id }) => id)).toEqual([]);
  });

  it('has ended if its offer has: no retired offer is priced as live', () => {
    const retired = rows.filter((row) => offerOf(row)?.status.state === 'retired');
    expect(retired.length).toBeGreaterThan(0);
    expect(retired.filter(({ validTo = '9999' }) => validTo > CATALOG_DATE).map(({ id }) => id)).toEqual([]);
    const dated = retired.filter((row) => (row.validTo ?? '9999') > (offerOf(row)?.status.date ?? '9999'));
    expect(dated.map(({ id }) => id)).toEqual([]);
  });

  it('is the only one of its offer, tier and region on any day', () => {
    const pairs = rows.flatMap((a, at) =>
      rows
        .slice(at + 1)
        .filter((b) => overlap(a, b))
        .map((b) => [a.id, b.id]),
    );
    expect(pairs).toEqual([]);
  });

  it('has a name of its own', () => expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length));

  it('is in force for every offer that may be tried and is not known to have none', () => {
    const unpriced = offers.filter(
      (offer) =>
        isServed(offer, TODAY) &&
        offer.billing === 'token' &&
        offer.provider !== 'anyscale' &&
        !priceFor(bundledBook(), offer.provider, offer.id, TODAY).known,
    );
    // Together names no price of Llama Guard that was seen, and zero, which is none, for the other.
    expect(unpriced.map(({ id }) => id).sort()).toEqual([
      'Prism-ML/Ternary-Bonsai-27B',
      'meta-llama/Llama-Guard-4-12B',
    ]);
  });
});

describe("Replicate's hardware", () => {
  it('has a source, a day, and prices by the second above zero', () => {
    expect(priceSources).toHaveProperty([REPLICATE_HARDWARE.source]);
    expect(REPLICATE_HARDWARE.checkedAt).toMatch(/^\d{4}-\d\d-\d\d$/);
    for (const price of Object.values(REPLICATE_HARDWARE.perSecond)) expect(parseDollars(price)).toBeGreaterThan(0n);
  });
});

describe('a price that holds for one inference profile', () => {
  const price = (upstream: string, region: string) => {
    const priced = priceFor(bundledBook(), 'bedrock', upstream, TODAY, { region });
    return priced.known && priced.row.price.kind === 'token' ? formatDollars(priced.row.price.input) : undefined;
  };

  it.each([
    ['us.moonshotai.kimi-k3', 'us-east-1', '3.3'],
    ['global.moonshotai.kimi-k3', 'us-east-1', '3'],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.moonshotai.kimi-k3', 'us-east-1', '3'],
    ['moonshotai.kimi-k3', 'us-east-1', '3.3'],
    ['moonshotai.kimi-k3', 'eu-central-1', '3'],
    ['moonshotai.kimi-k3', 'ap-south-1', '3.3'],
    ['eu.moonshotai.kimi-k3', 'eu-central-1', undefined],
  ])('is that of %s from %s', (upstream, region, expected) => expect(price(upstream, region)).toBe(expected));

  it('is what an offer is sent through, in every region that serves it', () => {
    for (const offer of offers.filter(({ id }) => ['moonshotai.kimi-k3', 'zai.glm-5.3'].includes(id))) {
      for (const region of new Set(Object.values(offer.profiles).flat())) {
        const upstream = upstreamId(offer, region);
        if (!('id' in upstream)) throw new Error(upstream.reason);
        expect(price(upstream.id, region), `${upstream.id} from ${region}`).toBeDefined();
      }
    }
  });

  it('is unknown through a profile of which none is known, with the reason', () => {
    expect(priceFor(bundledBook(), 'bedrock', 'eu.moonshotai.kimi-k3', TODAY, { region: 'eu-central-1' })).toEqual({
      known: false,
      reason: expect.stringMatching(/known through global, in, us, and eu\.moonshotai\.kimi-k3 may differ/),
    });
  });

  it("gives way to the operator's own price of the model", () => {
    const own = rowOf(tokens(7n, 8n), { id: 'own', layer: 'admin', provider: 'bedrock', offer: 'moonshotai.kimi-k3' });
    expect(priceFor(layered(bundledBook(), [own]), 'bedrock', 'us.moonshotai.kimi-k3', TODAY)).toMatchObject({
      known: true,
      row: { id: 'own' },
    });
  });
});

describe('the price on a day', () => {
  const input = (...asked: Parameters<typeof priceFor> extends [unknown, ...infer Rest] ? Rest : never) => {
    const priced = priceFor(bundledBook(), ...asked);
    if (!priced.known) return priced.reason;
    return priced.row.price.kind === 'token' ? formatDollars(priced.row.price.input) : priced.row.price.kind;
  };

  it.each<[string, string, string, string, Parameters<typeof priceFor>[4]]>([
    ['today', 'meta.llama3-8b-instruct-v1:0', TODAY, '0.3', {}],
    ['through an inference profile', 'us.meta.llama3-3-70b-instruct-v1:0', TODAY, '0.72', {}],
    ['through an ARN', 'arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-8b-instruct-v1:0', TODAY, '0.3', {}],
    ['in the batch tier', 'meta.llama3-1-70b-instruct-v1:0', TODAY, '0.36', { tier: 'batch' }],
    ['optimised for latency', 'meta.llama3-1-70b-instruct-v1:0', TODAY, '0.9', { tier: 'latency_optimized' }],
    ['in a US region', 'deepseek.v3.2', TODAY, '0.62', { region: 'us-west-2' }],
    ['in a region with a price of its own', 'deepseek.v3.2', TODAY, '0.74', { region: 'eu-north-1' }],
  ])('at Bedrock, %s', (_name, id, day, price, where) => expect(input('bedrock', id, day, where)).toBe(price));

  it('at Replicate is that of the model, whatever version', () => {
    expect(input('replicate', `meta/llama-2-70b-chat:${'0'.repeat(64)}`, TODAY)).toBe('0.65');
  });

  it('is that of its day: Together raised Llama 3.3 from 0.88 to 1.04', () => {
    const id = 'meta-llama/Llama-3.3-70B-Instruct-Turbo';
    expect(input('together', id, '2025-02-03')).toBe('0.88');
    expect(input('together', id, TODAY)).toBe('1.04');
    expect(input('together', id, '2026-01-01')).toBe(`No price of ${id} at together is known for 2026-01-01.`);
  });

  it('is history where the offer is: Anyscale Endpoints on its last day, and the day after', () => {
    const id = 'meta-llama/Llama-2-70b-chat-hf';
    expect(input('anyscale', id, '2024-05-07')).toBe('1');
    expect(input('anyscale', id, '2024-05-08')).toMatch(/ended on 2024-05-07/);
  });

  it("is never lent by history to a service of one's own", () => {
    const own = { service: 'mine' };
    expect(input('anyscale', 'meta-llama/Llama-2-70b-chat-hf', '2024-05-07', own)).toMatch(/^No price of mine\//);
  });

  it.each<[string, string, string, Parameters<typeof priceFor>[4], RegExp]>([
    [
      'an offer that nobody priced',
      'replicate',
      'meta/codellama-34b',
      {},
      /No price of meta\/codellama-34b at replicate is known/,
    ],
    ['another tier', 'bedrock', 'meta.llama3-8b-instruct-v1:0', { tier: 'flex' }, /for the flex tier/],
    [
      'another region',
      'bedrock',
      'meta.llama3-8b-instruct-v1:0',
      { region: 'eu-central-1' },
      /known for ap-south-1, ca-central-1, eu-west-2, us, and eu-central-1 may differ/,
    ],
    ['GovCloud', 'bedrock', 'meta.llama3-8b-instruct-v1:0', { region: 'us-gov-west-1' }, /us-gov-west-1 may differ/],
    ['a provider that nobody knows', 'nobody', 'x', {}, /No price of x at nobody is known/],
  ])('is unknown for %s, with the reason', (_name, provider, id, where, reason) => {
    expect(priceFor(bundledBook(), provider, id, TODAY, where)).toEqual({
      known: false,
      reason: expect.stringMatching(reason),
    });
  });
});

describe('layers', () => {
  const base = bookFrom([
    rowOf(tokens(1n, 1n), { id: 'us', region: 'us' }),
    rowOf(tokens(2n, 2n), { id: 'paris', region: 'eu-west-3' }),
    rowOf(tokens(3n, 3n), { id: 'batch', tier: 'batch' }),
  ]);
  const over = rowOf(tokens(9n, 9n), { id: 'over', layer: 'admin' });
  const last = rowOf(tokens(8n, 8n), { id: 'last', layer: 'configuration' });
  const rule = (book: typeof base, day = TODAY, where = {}) => {
    const priced = priceFor(book, 'test', 'model', day, where);
    return priced.known ? priced.row.id : undefined;
  };

  it('leave the base alone', () => {
    expect(layered(base, [], []).rows).toEqual(base.rows);
    layered(base, [over]);
    expect(rule(base)).toBe('us');
  });

  it('win from the last to the first, in every region', () => {
    expect(rule(layered(base, [over]))).toBe('over');
    expect(rule(layered(base, [over], [last]))).toBe('last');
    expect(rule(layered(base, [last], [over]), TODAY, { region: 'eu-west-3' })).toBe('over');
  });

  it('answer for their own tier and days only', () => {
    expect(rule(layered(base, [over]), TODAY, { tier: 'batch' })).toBe('batch');
    const until = { ...over, validTo: '2026-12-01' };
    expect(rule(layered(base, [until]), '2026-12-01')).toBe('over');
    expect(rule(layered(base, [until]), '2026-12-02')).toBe('us');
  });

  it('make a price known where there was none', () => {
    const book = layered(base, [rowOf(tokens(4n, 4n), { offer: 'other', id: 'new' })]);
    expect(priceFor(book, 'test', 'other', TODAY)).toMatchObject({ known: true, row: { id: 'new' } });
  });
});

describe('a price that was read long ago', () => {
  it('is stale after 30 days', () => {
    const row = rowOf(tokens(1n, 1n), { checkedAt: '2026-10-23' });
    expect(stale(row, '2026-11-22')).toBe(false);
    expect(stale(row, '2026-11-23')).toBe(true);
  });
});
