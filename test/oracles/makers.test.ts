import { describe, expect, it } from 'vitest';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { bytePairs } from '../sandbox/count/byte-pairs.ts';
import { fromDisk } from '../tokens/from-disk.ts';
import { MAKER_FAMILIES, makerOracle } from '../tokens/maker-oracles.ts';
import { DEEPSEEK, PATTERNS } from '../tokens/patterns.ts';
import { decodedFrom, strings } from '../tokens/strings.ts';

/** `npm run fuzz:tokens` does the same with 100,000. */
const COUNT = 500;

describe.each(MAKER_FAMILIES)('%s against a library with the maker’s pattern', (family) => {
  it(`gives the same ids for ${COUNT} seeded strings, and the strings back`, async () => {
    const tokenizer = await tokenizerFor(family, fromDisk);
    const oracle = await makerOracle(family);
    let compared = 0;
    for (const text of strings(20_261_127, COUNT)) {
      const ids = tokenizer.encode(text);
      expect(tokenizer.count(text), text).toBe(ids.length);
      expect(tokenizer.decode(ids)).toBe(decodedFrom(family, text));
      if (oracle.wrong(text)) continue;
      compared++;
      expect(ids, text).toEqual(oracle.encode(text));
    }
    expect(compared).toBeGreaterThan(COUNT * 0.99);
  });
});

const SANDBOX = {
  llama4: [[PATTERNS.llama4], 0],
  qwen: [[PATTERNS.qwen], 0],
  deepseek: [DEEPSEEK, 3],
} as const satisfies Readonly<Record<string, readonly [readonly string[], number]>>;

describe.each(['llama4', 'qwen', 'deepseek'] as const)('%s as the sandbox counts it', (family) => {
  it(`has the same ids for ${COUNT} seeded strings as with that library, and gives the strings back`, async () => {
    const [patterns, first] = SANDBOX[family];
    const library = bytePairs(await fromDisk(family), patterns, first);
    const oracle = await makerOracle(family);
    for (const given of strings(20_261_128, COUNT)) {
      const text = family === 'qwen' ? given.normalize('NFC') : given;
      if (oracle.wrong(text) || library.slowOn?.test(text)) continue;
      const ids = library.encode(text);
      expect(ids, text).toEqual(oracle.encode(text));
      expect(library.decode(ids)).toBe(text.toWellFormed());
    }
  });
});
