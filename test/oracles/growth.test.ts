import { describe, expect, it } from 'vitest';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { workOf } from '../support/work.ts';
import { fromDisk } from '../tokens/from-disk.ts';
import { HOSTILE, HOSTILE_TO } from '../tokens/hostile-texts.ts';

const SMALL = 5000;
const LARGE = 50_000;

/** Ten times the text may be at most this much more work: linear is 10, quadratic 100. The bench has the milliseconds. */
const GROWTH = 20;

describe.each(HOSTILE_TO)('%s on a hostile text', (family) => {
  it.each(Object.entries(HOSTILE))('%s: no throw, and growth far from quadratic', async (_, make) => {
    const tokenizer = await tokenizerFor(family, fromDisk);
    const count = (text: string) => workOf(() => tokenizer.count(text, { markers: 'parse' }));
    // Tables are filled by the first text.
    count(make(SMALL - 1000));
    const short = count(make(SMALL));
    const long = count(make(LARGE));
    // A text whose beginning is remembered from the one before is less work than its characters.
    expect(long).toBeLessThan(Math.max(short, SMALL) * GROWTH);
  });
});

describe('the work that is counted', () => {
  it('tells a loop in a loop from a loop', () => {
    const tokens = HOSTILE.punctuation?.(300) ?? '';
    return tokenizerFor('llama2', fromDisk).then((tokenizer) => {
      // What no tokenizer may do: to read the text again from its beginning for every character.
      const quadratic = (text: string) =>
        workOf(() => {
          for (let at = 0; at < text.length; at++) tokenizer.decode(tokenizer.encode(text.slice(0, at)));
        });
      expect(quadratic(tokens)).toBeGreaterThan(quadratic(tokens.slice(0, 30)) * 40);
    });
  });
});
