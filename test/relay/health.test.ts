import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../src/core/index.ts';
import type { Candidate } from '../../src/offers/index.ts';
import { healthBook } from '../../src/relay/index.ts';
import { rowOf } from '../catalog/rows.ts';

const offer = { provider: 'bedrock', upstream: 'llama', model: 'llama-3-8b-instruct' };
const other = { ...offer, provider: 'replicate' };
const error = (code: ErrorCode) => new GatewayError(code, 'It failed.');
const answered = { ms: 1000, outputTokens: 50, choices: 1 };

describe('a breaker', () => {
  const failing = (times: number, code: ErrorCode = 'provider_error', now = 0) => {
    const book = healthBook();
    for (let n = 0; n < times; n++) book.failed(offer, error(code), now);
    return book;
  };

  it('opens after five failures in a row, for half a minute, and for that offer alone', () => {
    expect(failing(4).breaker('bedrock', 'llama', 0)).toBe('closed');
    const book = failing(5);
    expect(book.breaker('bedrock', 'llama', 29_999)).toBe('open');
    expect(book.breaker('bedrock', 'llama', 30_000)).toBe('half_open');
    expect(book.breaker('replicate', 'llama', 0)).toBe('closed');
    expect(book.breakers(0)).toMatchObject([{ provider: 'bedrock', upstream: 'llama', breaker: 'open' }]);
  });

  it('closes with a success, and opens again with the first failure after it was open', () => {
    const again = failing(5);
    again.failed(offer, error('timeout'), 30_000);
    expect(again.breaker('bedrock', 'llama', 30_001)).toBe('open');
    const well = failing(5);
    well.succeeded(offer, answered, 30_000);
    expect(well.breaker('bedrock', 'llama', 30_001)).toBe('closed');
    well.failed(offer, error('timeout'), 30_002);
    expect(well.breaker('bedrock', 'llama', 30_003)).toBe('closed');
  });

  it.each<ErrorCode>(['invalid_request', 'context_length_exceeded', 'content_policy', 'canceled'])(
    'takes no notice of %s, which is the call’s own fault',
    (code) => {
      expect(failing(9, code).breaker('bedrock', 'llama', 0)).toBe('closed');
    },
  );

  it('is one service’s alone, where a provider has several of one model, as is all that is seen', () => {
    const book = healthBook();
    const service = (id: string) => ({ ...offer, provider: 'anyscale', service: id });
    for (let n = 0; n < 5; n++) book.failed(service('one'), error('timeout'), 0);
    book.succeeded(service('two'), answered, 0);
    book.ignoredN(service('two'));
    expect(book.breaker('anyscale', 'llama', 0, 'one')).toBe('open');
    expect(book.breaker('anyscale', 'llama', 0, 'two')).toBe('closed');
    expect(book.observed('anyscale', 'llama', 'one')).toBeUndefined();
    expect(book.ignoresN('anyscale', 'llama', 'one')).toBe(false);
    expect(book.ignoresN('anyscale', 'llama', 'two')).toBe(true);
    expect(book.breakers(0)).toMatchObject([{ service: 'one' }, { service: 'two' }]);
  });

  it('opens for a model that the upstream has delisted', () => {
    expect(failing(5, 'model_not_found').breaker('bedrock', 'llama', 0)).toBe('open');
  });
});

describe('what has been seen', () => {
  it('is a moving average of the time to the first token, of speed and of length', () => {
    const book = healthBook();
    expect(book.observed('bedrock', 'llama')).toBeUndefined();
    book.succeeded(offer, { ...answered, ttftMs: 100 }, 5);
    expect(book.observed('bedrock', 'llama')).toEqual({ ttftMs: 100, tokensPerSecond: 50, samples: 1, at: 5 });
    book.succeeded(offer, { ttftMs: 200, ms: 500, outputTokens: 50, choices: 1 }, 9);
    expect(book.observed('bedrock', 'llama')).toEqual({ ttftMs: 120, tokensPerSecond: 60, samples: 2, at: 9 });
    expect(book.completionTokens('llama-3-8b-instruct')).toBe(50);
    book.succeeded(other, { ms: 1000, outputTokens: 300, choices: 2 }, 10);
    // Lengths are the model's, whoever serves it: 50 and then 150.
    expect(book.completionTokens('llama-3-8b-instruct')).toBe(70);
    expect(book.observed('replicate', 'llama')?.ttftMs).toBeUndefined();
  });

  it('stays between the least and the most that was seen', () => {
    const times = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1 });
    fc.assert(
      fc.property(times, (all) => {
        const book = healthBook();
        for (const ttftMs of all) book.succeeded(offer, { ...answered, ttftMs }, 0);
        const seen = book.observed('bedrock', 'llama')?.ttftMs ?? -1;
        expect(seen).toBeGreaterThanOrEqual(Math.min(...all) - 1e-6);
        expect(seen).toBeLessThanOrEqual(Math.max(...all) + 1e-6);
      }),
    );
  });

  it('is bounded, whatever is asked for', () => {
    const book = healthBook();
    for (let n = 0; n < 2000; n++) book.succeeded({ ...offer, upstream: `m${n}`, model: `m${n}` }, answered, n);
    expect(book.breakers(0).length).toBeLessThanOrEqual(500);
    expect(book.observed('bedrock', 'm1999')).toBeDefined();
    expect(book.observed('bedrock', 'm0')).toBeUndefined();
  });
});

describe('the token audit', () => {
  it('is the difference between what a provider reports and what we count, on average', () => {
    const book = healthBook();
    for (let n = 0; n < 10; n++) book.reported(offer, 103, 100);
    book.reported(other, 50, 50);
    expect(book.drifts()).toEqual([
      { provider: 'bedrock', upstream: 'llama', samples: 10, tokens: 3, share: expect.closeTo(0.03) },
      { provider: 'replicate', upstream: 'llama', samples: 1, tokens: 0, share: 0 },
    ]);
  });
});

describe('what a cache has of a conversation', () => {
  const price = { kind: 'token', input: 1000n, output: 2000n } as const;
  const candidate = (more: object = {}, of: object = { cacheRead: 100n }): Candidate => {
    const priced = { known: true, row: rowOf({ ...price, ...of }) };
    return { ...offer, priced, conversation: () => 7, ...more } as unknown as Candidate;
  };
  const used = { input: 40, cacheRead: 2, cacheWrite: 0, output: 9, reasoning: 0, source: 'provider' } as const;

  it('is its newest prompt at that offer, for ten minutes', () => {
    const book = healthBook();
    const held = (conversation: number, provider: string, now: number) =>
      book.cachedTokens(conversation, provider, 'llama', now);
    expect(held(7, 'bedrock', 0)).toBe(0);
    book.cached(candidate(), used, 1000);
    expect(held(7, 'bedrock', 600_999)).toBe(42);
    expect(held(7, 'bedrock', 601_000)).toBe(0);
    expect(held(8, 'bedrock', 1000)).toBe(0);
    expect(held(7, 'together', 1000)).toBe(0);
    book.cached(candidate(), { ...used, input: 90 }, 2000);
    expect(held(7, 'bedrock', 2000)).toBe(92);
  });

  it('is nothing once it was asked again and the provider says that nothing was there', () => {
    const book = healthBook();
    const none = { ...used, cacheRead: 0, cacheTold: true } as const;
    const held = () => book.cachedTokens(7, 'bedrock', 'llama', 0);
    // The first time there could be nothing.
    book.cached(candidate(), none, 0);
    expect(held()).toBe(40);
    book.cached(candidate(), none, 0);
    expect(held()).toBe(0);
    book.cached(candidate(), { ...used, cacheTold: true }, 0);
    expect(held()).toBe(42);
  });

  it('is kept only where it has a price, and for no more than 500', () => {
    const book = healthBook();
    const unasked = () => {
      throw new Error('asked');
    };
    book.cached(candidate({ conversation: unasked }, {}), used, 0);
    expect(book.cachedTokens(7, 'bedrock', 'llama', 0)).toBe(0);
    for (let n = 0; n <= 500; n++) book.cached(candidate({ conversation: () => n }), used, 0);
    expect([0, 1, 500].map((n) => book.cachedTokens(n, 'bedrock', 'llama', 0))).toEqual([0, 42, 42]);
  });
});
