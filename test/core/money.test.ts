import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDollars, parseDollars } from '../../src/core/index.ts';

describe('money', () => {
  it('is written as dollars without trailing zeros', () => {
    expect(formatDollars(0n)).toBe('0');
    expect(formatDollars(1n)).toBe('0.000000001');
    expect(formatDollars(1_320_000n)).toBe('0.00132');
    expect(formatDollars(-2_500_000_000n)).toBe('-2.5');
  });

  it('reads back exactly what it wrote', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), (amount) => {
        expect(parseDollars(formatDollars(amount))).toBe(amount);
      }),
    );
  });

  it.each(['', '-1', '1e-6', '1.', '.5', '0.0000000001', '1,5', ' 1', 'NaN'])('refuses %j', (text) => {
    expect(() => parseDollars(text)).toThrow(RangeError);
  });
});
