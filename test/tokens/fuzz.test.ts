import { describe, expect, it } from 'vitest';
import { llama3Pretokenizer } from '../../src/tokens/engine/pretokenize.ts';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { ORACLES, type OracleFamily } from './oracles.ts';
import { shipped } from './shipped.ts';
import { strings } from './strings.ts';

/** `npm run fuzz:tokens` does the same with 100,000. */
const COUNT = 500;

describe.each(Object.keys(ORACLES) as OracleFamily[])('%s against an independent library', (family) => {
  it(`gives the same ids for ${COUNT} seeded strings`, async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    const oracle = ORACLES[family];
    let compared = 0;
    for (const text of strings(20_261_124, COUNT)) {
      const ids = tokenizer.encode(text);
      expect(tokenizer.count(text), text).toBe(ids.length);
      if (oracle.wrong(text)) continue;
      compared++;
      expect(ids, text).toEqual(oracle.encode(text));
    }
    expect(compared).toBeGreaterThan(COUNT * 0.9);
  });
});

describe('what the libraries get wrong', () => {
  const cut = (text: string): string[] => {
    const bytes = new TextEncoder().encode(text);
    const scan = llama3Pretokenizer();
    const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
    const pieces: string[] = [];
    for (let from = 0; from < bytes.length; ) {
      const to = scan(bytes, from, bytes.length);
      pieces.push(decoder.decode(bytes.subarray(from, to)));
      from = to;
    }
    return pieces;
  };

  it('U+0085 is white space, and U+FEFF is not', () => {
    expect(cut('..\u0085\u0085x')).toEqual(['..', '\u0085', '\u0085x']);
    expect(cut('..\ufeff x')).toEqual(['..\ufeff', ' x']);
  });

  it('a long s folds to s in a contraction', () => {
    expect(cut("it'\u017fx")).toEqual(['it', "'\u017f", 'x']);
  });
});
