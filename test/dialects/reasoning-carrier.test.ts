import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCarrier, writeCarrier } from '../../src/dialects/reasoning-carrier.ts';

const family = fc.constantFrom('gpt-oss', 'deepseek-v4', 'model:acme/own-7b', 'qwen3.5');
const carried = fc.record({ reasoningFamily: family, reasoning: fc.string({ unit: 'grapheme', maxLength: 300 }) });

describe('a carrier of reasoning', () => {
  it('brings back the family and the text', () => {
    fc.assert(
      fc.property(carried, (one) => {
        const carrier = writeCarrier(one) ?? '';
        expect(carrier).toMatch(/^[a-zA-Z0-9_-]+$/);
        expect(readCarrier(carrier)).toEqual(one);
      }),
    );
    const long = { reasoningFamily: 'kimi-k2', reasoning: 'x'.repeat(500_000) };
    expect(readCarrier(writeCarrier(long) ?? '')).toEqual(long);
  });

  it('is read as nothing once any character of it has changed, or it was cut or lengthened', () => {
    const anyChange = fc.tuple(fc.nat(), fc.string({ maxLength: 3 }), fc.nat({ max: 3 }));
    fc.assert(
      fc.property(carried, anyChange, (one, [at, put, gone]) => {
        const carrier = writeCarrier(one) ?? '';
        const from = at % (carrier.length + 1);
        const changed = carrier.slice(0, from) + put + carrier.slice(from + gone);
        const read = readCarrier(changed);
        // The last character may have bits that stand for nothing.
        if (changed !== carrier && read !== undefined) {
          expect(read).toEqual(one);
          expect(changed.slice(0, -1)).toBe(carrier.slice(0, -1));
        }
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['another maker’s signature', 'EqQBCkYIARgCKkBs8Yx3yT=='],
    ['nothing', ''],
    ['the tag alone', 'chasqui1_'],
    ['too much', `chasqui1_${'A'.repeat(1_000_000)}`],
    ['no text at all', 'chasqui1_AAAAAAAA'],
  ])('is not %s', (_what, text) => {
    expect(readCarrier(text)).toBeUndefined();
  });

  it('is not made for what is too long, or for a family that is no name', () => {
    expect(writeCarrier({ reasoningFamily: 'gpt-oss', reasoning: 'x'.repeat(600_000) })).toBeUndefined();
    expect(writeCarrier({ reasoningFamily: 'a\nb', reasoning: '' })).toBeUndefined();
  });
});
