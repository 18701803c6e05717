import type { Buffer8 } from './buffer.ts';
import type { Merger } from './merger.ts';
import { NONE } from './vocabulary.ts';

/** No vocabulary has a longer run. */
const LONGEST = 16;

/**
 * Runs of spaces in SentencePiece: tokens of the lowest score, so they merge last, from the left, each as long as the
 * vocabulary has it.
 */
export class SpaceRuns {
  /** Rank of the token that is a run of n spaces, or NONE. */
  readonly #ranks: number[] = [NONE];

  constructor(merger: Merger, buffer: Buffer8) {
    buffer.load(' '.repeat(LONGEST), '');
    for (let n = 1; n <= LONGEST; n++) this.#ranks.push(merger.rank(0, n));
  }

  /** Tokens of so many spaces. */
  count(spaces: number): number {
    let total = 0;
    for (let left = spaces; left > 0; total++) left -= this.longest(left);
    return total;
  }

  /** Spaces of the first token of so many. */
  longest(spaces: number): number {
    let n = Math.min(spaces, LONGEST);
    while (n > 1 && this.#ranks[n] === NONE) n--;
    return n;
  }

  rank(spaces: number): number {
    return this.#ranks[spaces] ?? NONE;
  }
}
