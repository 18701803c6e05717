import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { nfc } from '../../src/tokens/engine/unicode.ts';

const original = String.prototype.normalize;

const mark = fc.oneof(
  fc.integer({ min: 0x300, max: 0x36f }),
  fc.integer({ min: 0x591, max: 0x5bd }),
  fc.constantFrom(0x34f, 0x93c, 0x94d, 0xf73, 0x302e, 0x3099, 0x1d165, 0x1d16d, 0x1dce, 0x61, 0xe9),
);
const marks = fc.array(mark, { maxLength: 300, size: 'max' }).map((codes) => String.fromCodePoint(...codes));

describe('Normalization Form C', () => {
  it('is the runtime’s', () => {
    fc.assert(fc.property(marks, (text) => nfc(text) === text.normalize('NFC')));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => nfc(text) === text.normalize('NFC')));
  });

  it('never leaves a long run to the runtime that is out of order: that takes quadratic time there', () => {
    const text = '\u0301'.repeat(50_000) + '\u0316'.repeat(50_000);
    const given: string[] = [];
    const normalize = vi.spyOn(String.prototype, 'normalize').mockImplementation(function (this: string, form) {
      given.push(String(this));
      return original.call(this, form);
    });
    try {
      expect(nfc(text)).toHaveLength(100_000);
    } finally {
      normalize.mockRestore();
    }
    const whole = given.filter((one) => one.length > 1000);
    expect(whole).toHaveLength(1);
    // In order is: no mark goes before its left neighbour. There are two kinds, so one look is enough.
    expect(whole[0]).not.toContain('\u0301\u0316');
  });
});
