import { describe, expect, it } from 'vitest';
import { bundledBook, type Costing, costOf, estimateCost, type Rate, sumOf } from '../../src/catalog/index.ts';
import { formatDollars, parseDollars, type Usage } from '../../src/core/index.ts';
import { priceFor } from '../support/providers.ts';
import { CALL_CASES, COST_CASES, type CostCase } from './costs.ts';
import { rowOf } from './rows.ts';

function rateOf(price: CostCase['price']): Rate {
  switch (price[0]) {
    case 'token': {
      const [, input, output, cacheRead, cacheWrite] = price;
      return {
        kind: 'token',
        input: parseDollars(input),
        output: parseDollars(output),
        ...(cacheRead === undefined ? {} : { cacheRead: parseDollars(cacheRead) }),
        ...(cacheWrite === undefined ? {} : { cacheWrite: parseDollars(cacheWrite) }),
      };
    }
    case 'second':
      return { kind: 'second', perSecond: parseDollars(price[1]) };
    case 'hour':
      return {
        kind: 'hour',
        perHour: parseDollars(price[1]),
        ...(price[2] === undefined ? {} : { tokensPerSecond: price[2] }),
      };
  }
}

const usageOf = (
  [input, cacheRead, cacheWrite, output, reasoning, seconds]: CostCase['usage'][number],
  source: Usage['source'] = 'provider',
): Usage => ({
  input,
  cacheRead,
  cacheWrite,
  output,
  reasoning,
  source,
  ...(seconds === undefined ? {} : { seconds }),
});

const dollars = (amount: bigint | undefined) => (amount === undefined ? undefined : formatDollars(amount));

describe('a cost worked out by hand', () => {
  it.each(COST_CASES)('$name: $byHand', ({ price, usage, parts, total }) => {
    const row = rowOf(rateOf(price));
    const costs = usage.map((one) => costOf(row, usageOf(one)));
    const [first] = costs;
    expect(first?.known ? [first.prompt, first.cached, first.completion].map(dollars) : undefined).toEqual(parts);
    const sum = sumOf(costs);
    expect(sum.known ? dollars(sum.total) : undefined).toBe(total);
  });

  it.each(CALL_CASES)('$name: $byHand', ({ day, attempts, total }) => {
    const costs = attempts.map(([provider, upstream, [input, output, seconds], terms]): Costing => {
      const priced = priceFor(bundledBook(), provider, upstream, day, terms);
      return priced.known ? costOf(priced.row, usageOf([input, 0, 0, output, 0, seconds])) : priced;
    });
    const sum = sumOf(costs);
    expect(sum.known ? dollars(sum.total) : undefined).toBe(total);
  });

  it('is there thirty times and more, in all four shapes', () => {
    expect(COST_CASES.length).toBeGreaterThanOrEqual(30);
    const shape = ({ price }: CostCase) => (price[0] === 'token' && price.length > 3 ? 'token with cache' : price[0]);
    expect(new Set(COST_CASES.map(shape))).toEqual(new Set(['token', 'token with cache', 'second', 'hour']));
  });
});

describe('a cost', () => {
  const token = rowOf(rateOf(['token', '0.3', '0.6']), { id: 'bedrock/x@2026-09-03' });
  const known = (cost: Costing) => {
    if (!cost.known) throw new Error(cost.reason);
    return cost;
  };

  it('names its rule, and who counted', () => {
    expect(known(costOf(token, usageOf([1, 0, 0, 1, 0])))).toMatchObject({
      rule: 'bedrock/x@2026-09-03',
      basis: 'provider_tokens',
      estimate: false,
    });
    expect(known(costOf(token, usageOf([1, 0, 0, 1, 0], 'counted'))).basis).toBe('counted_tokens');
    expect(known(costOf(rowOf(rateOf(['second', '0.001'])), usageOf([1, 0, 0, 1, 0, 2]))).basis).toBe('seconds');
  });

  it('by the hour is an estimate', () => {
    expect(known(costOf(rowOf(rateOf(['hour', '1', 100])), usageOf([1, 0, 0, 1, 0]))).estimate).toBe(true);
  });

  it('is unknown for tokens that are none', () => {
    for (const output of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(costOf(token, usageOf([1, 0, 0, output, 0]))).toMatchObject({ known: false });
    }
  });

  it('is unknown for a time that is none', () => {
    const row = rowOf(rateOf(['second', '0.001']));
    for (const seconds of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(costOf(row, usageOf([1, 0, 0, 1, 0, seconds]))).toMatchObject({ known: false });
    }
  });
});

describe('a call of several attempts', () => {
  const token = rowOf(rateOf(['token', '0.65', '2.75']));
  const answered = costOf(token, usageOf([100, 0, 0, 50, 0]));

  it('costs the failure that was billed and the fallback that served: 0.0014 x 3 + 0.000065 + 0.0001375', () => {
    const failed = costOf(rowOf(rateOf(['second', '0.0014'])), usageOf([0, 0, 0, 0, 0, 3]));
    expect(sumOf([failed, answered])).toEqual({ known: true, total: parseDollars('0.0044025'), estimate: false });
  });

  it('is unknown if one of them is, and says what it costs at least', () => {
    const failed = costOf(rowOf(rateOf(['second', '0.0014'])), usageOf([0, 0, 0, 0, 0]));
    expect(sumOf([failed, answered])).toMatchObject({ known: false, atLeast: parseDollars('0.0002025') });
  });

  it('is an estimate if one of them is', () => {
    const own = costOf(rowOf(rateOf(['hour', '1', 100])), usageOf([1, 0, 0, 1, 0]));
    expect(sumOf([own, answered])).toMatchObject({ known: true, estimate: true });
  });

  it('costs nothing if there was none', () => expect(sumOf([])).toEqual({ known: true, total: 0n, estimate: false }));
});

describe('what a call can come to', () => {
  const range = (price: CostCase['price'], ...tokens: [number, number, number, number]) => {
    const found = estimateCost(rowOf(rateOf(price)), ...tokens);
    return found && [found.min, found.expected, found.max].map(dollars);
  };

  it.each<[string, CostCase['price'], [number, number, number, number], string[] | undefined]>([
    ['tokens', ['token', '2', '10'], [1_000, 0, 100, 500], ['0.002', '0.003', '0.007']],
    [
      'expected output above the limit of the offer',
      ['token', '2', '10'],
      [1_000, 0, 4_096, 2_048],
      ['0.002', '0.02248', '0.02248'],
    ],
    ['a least output above the limit', ['token', '2', '10'], [0, 50, 20, 40], ['0.0004', '0.0004', '0.0004']],
    [
      'a cache: all of the prompt may be read from it',
      ['token', '2', '10', '0.2'],
      [1_000, 0, 0, 0],
      ['0.0002', '0.002', '0.002'],
    ],
    [
      'a cache: all of the prompt may be written to it',
      ['token', '2', '10', '0.2', '2.5'],
      [1_000, 0, 0, 0],
      ['0.0002', '0.002', '0.0025'],
    ],
    ['an hour', ['hour', '3.6', 100], [1_000, 0, 50, 100], ['0', '0.0005', '0.001']],
    ['an hour that nobody divided', ['hour', '3.6'], [1_000, 0, 50, 100], undefined],
    ['an average of tokens', ['token', '2', '10'], [1_000, 0, 99.2, 500], ['0.002', '0.003', '0.007']],
    ['seconds', ['second', '0.0014'], [1_000, 0, 50, 100], undefined],
  ])('%s', (_name, price, tokens, expected) => expect(range(price, ...tokens)).toEqual(expected));

  it('seconds, where the operator says how fast the hardware is', () => {
    const row = rowOf({ kind: 'second', perSecond: parseDollars('0.0014'), tokensPerSecond: 50 });
    expect(estimateCost(row, 1_000, 0, 50, 100)?.max).toBe(parseDollars('0.0028'));
  });
});
