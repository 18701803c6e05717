import { describe, expect, it } from 'vitest';
import { Merger } from '../../src/tokens/engine/merger.ts';
import { Utf8Buffer, Vocabulary } from '../../src/tokens/engine/vocabulary.ts';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { HOSTILE, HOSTILE_TO } from './hostile-texts.ts';
import { ORACLES } from './oracles.ts';
import { shipped } from './shipped.ts';
import { seeded } from './strings.ts';

// How the work grows with the text is counted in test/oracles/growth.test.ts: the engine's counters are Node's alone.
describe.each(HOSTILE_TO)('%s on a hostile text', (family) => {
  it.each(Object.entries(HOSTILE))('%s: counts what it encodes', async (_, make) => {
    const tokenizer = await tokenizerFor(family, shipped);
    const text = make(30_000);
    expect(tokenizer.count(text)).toBe(tokenizer.encode(text).length);
  });
});

describe.each(['llama2', 'llama3', 'o200k'] as const)('%s with a limit', (family) => {
  it.each(Object.entries(HOSTILE))(
    '%s: tells above from below, and says exactly how many there are below',
    async (_, make) => {
      const tokenizer = await tokenizerFor(family, shipped);
      const text = make(30_000);
      const count = tokenizer.count(text);
      expect(tokenizer.count(text, { limit: count })).toBe(count);
      for (const limit of [0, 10, count >> 1, count - 1]) {
        expect(tokenizer.count(text, { limit }), `limit ${limit}`).toBeGreaterThan(limit);
      }
    },
  );

  it('stops inside a word that goes on for a megabyte', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    const word = HOSTILE['random a-z']?.(1_000_000) ?? '';
    // What it says is what it got to, which is how much it did.
    expect(tokenizer.count(word, { limit: 4096 }) * 4).toBeLessThan(tokenizer.count(word));
  });
});

describe('a text in which the last character decides how the first merges', () => {
  /** Every neighbouring pair is a token, each of a lower rank than the one to its left: merging starts at the end. */
  const chain = (length: number): { text: string; merger: Merger } => {
    const random = seeded(8);
    const seen = new Set<string>();
    let text = 'a';
    while (text.length < length) {
      const next = String.fromCharCode(1 + Math.floor(random() * 126));
      const pair = text.slice(-1) + next;
      if (seen.has(pair)) continue;
      seen.add(pair);
      text += next;
    }
    const tokens = [...Array.from({ length: 128 }, (_, n) => String.fromCharCode(n)), ...[...seen].reverse()];
    const bytes = new TextEncoder().encode(tokens.join(''));
    const file = new Uint8Array(8 + tokens.length + bytes.length);
    new DataView(file.buffer).setUint32(0, tokens.length, true);
    new DataView(file.buffer).setUint32(4, bytes.length, true);
    file.set(
      tokens.map((token) => token.length),
      8,
    );
    file.set(bytes, 8 + tokens.length);
    const buffer = new Utf8Buffer();
    buffer.load(text, '');
    return { text, merger: new Merger(new Vocabulary(file.buffer), buffer, false) };
  };

  it.each([100, 101, 1000, 1001, 6000, 6001])('is still merged exactly: %i characters', (length) => {
    const { text, merger } = chain(length);
    const count = merger.merge(0, text.length);
    const odd = length % 2;
    const expected = Array.from({ length: Math.ceil(length / 2) }, (_, n) => (n === 0 ? 0 : n * 2 - odd));
    expect(count).toBe(expected.length);
    expect([...merger.starts.subarray(0, count)]).toEqual(expected);
  });
});

describe('a long piece merged in steps', () => {
  const pieces = [
    // Gluing windows at an equal token goes wrong on this one.
    ...[64, 65, 100, 250, 1000].map((n) => `\\)//${'-'.repeat(n)}`),
    ...Object.values(HOSTILE).map((make) => make(3000).toWellFormed()),
  ];

  it.each(['llama2', 'mistral', 'llama3'] as const)(
    '%s: is the same as merged at once by another library',
    async (family) => {
      const tokenizer = await tokenizerFor(family, shipped);
      for (const piece of pieces) {
        if (ORACLES[family].wrong(piece)) continue;
        expect(tokenizer.encode(piece), JSON.stringify(piece.slice(0, 40))).toEqual(ORACLES[family].encode(piece));
      }
    },
  );
});
