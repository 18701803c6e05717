import { describe, expect, it } from 'vitest';
import { limitHeaders } from '../../src/routes/limit-headers.ts';

describe('what is left of a key’s limits', () => {
  it('is said in OpenAI’s form and in the IETF’s', () => {
    expect(
      limitHeaders([
        { name: 'rpm', limit: 100, remaining: 99, resetMs: 600 },
        { name: 'tpm', limit: 40_000, remaining: 0, resetMs: 59_001 },
      ]),
    ).toEqual({
      'x-ratelimit-limit-requests': '100',
      'x-ratelimit-remaining-requests': '99',
      'x-ratelimit-reset-requests': '600ms',
      'x-ratelimit-limit-tokens': '40000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '59.001s',
      'ratelimit-policy': '"rpm";q=100;w=60, "tpm";q=40000;w=60',
      ratelimit: '"rpm";r=99;t=1, "tpm";r=0;t=60',
    });
  });

  it.each([
    [0, '0ms'],
    [11.2, '12ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [8_640, '8.64s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [72_300, '1m12.3s'],
  ])('of %i ms is the duration %s', (resetMs, text) => {
    const headers = limitHeaders([{ name: 'rpm', limit: 1, remaining: 0, resetMs }]);
    expect(headers['x-ratelimit-reset-requests']).toBe(text);
  });

  it('is never less than nothing', () => {
    const headers = limitHeaders([{ name: 'tpm', limit: 10, remaining: -5, resetMs: 1 }]);
    expect([headers['x-ratelimit-remaining-tokens'], headers.ratelimit]).toEqual(['0', '"tpm";r=0;t=1']);
  });

  it('is not said of a key that has none', () => {
    expect(limitHeaders([])).toEqual({});
  });
});
