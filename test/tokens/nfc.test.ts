import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nfc } from '../../src/tokens/nfc.ts';

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

  it('does not take quadratic time where the runtime does', () => {
    const text = '\u0301'.repeat(50_000) + '\u0316'.repeat(50_000);
    const start = performance.now();
    expect(nfc(text)).toHaveLength(100_000);
    // The runtime takes 10 s.
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
