import { describe, expect, it } from 'vitest';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { fromDisk } from '../tokens/from-disk.ts';
import { MAKER_FAMILIES, makerOracle } from '../tokens/maker-oracles.ts';
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
