import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatsIn } from '../../src/dialects/openai/floats.ts';

/** Numbers of a wire become the 32-bit floats that a caller would make of them. */

const bitsOf = (floats: Float32Array): number[] => [...new Uint32Array(floats.slice().buffer)];

function parsed(list: string): number[] | 'no list' {
  try {
    return bitsOf(Float32Array.from(JSON.parse(`[${list}]`) as number[]));
  } catch {
    return 'no list';
  }
}

function read(list: string): number[] | 'no list' {
  try {
    return bitsOf(floatsIn(list));
  } catch {
    return 'no list';
  }
}

const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Halfway between two 32-bit floats, give or take a last digit of a 64-bit one. */
const between = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 24 - 1 }), fc.integer({ min: -40, max: 4 }), fc.integer({ min: -1, max: 1 }))
  .map(([mantissa, exponent, last]) => (mantissa + 0.5) * 2 ** exponent * (1 + last * 2 ** -52));
const number = fc.oneof(
  float.map(String),
  double.map(String),
  between.map(String),
  fc.integer().map(String),
  fc.tuple(double, fc.integer({ min: 0, max: 40 })).map(([value, places]) => (value % 1000).toFixed(places)),
  fc.tuple(float, fc.integer({ min: 1, max: 20 })).map(([value, digits]) => value.toPrecision(digits)),
  fc.double({ min: -1, max: 1, noNaN: true }).map((value) => value.toFixed(17)),
  fc.constantFrom('0', '-0', '-0.0', '1e-7', '-2.5E+3', '1e400', '3.4028236e38', '1.4e-45', '7e-46'),
);
const gap = fc.constantFrom(',', ', ', ' ,', ',\n  ', '\t,\r\n');

describe('the floats of a list of numbers', () => {
  it('are those of JSON.parse, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 60 }), gap, (numbers, between) => {
        const list = numbers.join(between);
        expect(read(list)).toEqual(parsed(list));
      }),
      { numRuns: 2_000 },
    );
  });

  it('are read of texts of any length, one after another', () => {
    for (const length of [1, 5_000, 3, 40_000, 2]) {
      const list = Array.from({ length }, (_, at) => Math.sin(at) / 7).join(',');
      expect(read(list)).toEqual(parsed(list));
    }
  });

  it('are none where the text is no list', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'0123456789.,-+eE \n\t\v\u00a0xé'), maxLength: 12 }),
        fc.constantFrom('', '0.25,', '1,'),
        (text, before) => {
          expect(read(before + text)).toEqual(parsed(before + text));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it.each(['1,,2', '1.', '-', '01', '00.5', '+1', '.5', '1,', ',1', 'NaN', '1 2', '0.1234:', '1e', '0x1'])(
    'are none in %s',
    (list) => {
      expect(read(list)).toBe('no list');
    },
  );
});
