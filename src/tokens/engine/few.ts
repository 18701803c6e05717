import type { Ranks } from './ranks.ts';
import { NONE } from './vocabulary.ts';

/** Symbols that are few: above, a heap is faster. */
export const FEW = 120;

/** A power of two above it. */
const ROOM = 128;

const BLOCK_BITS = 3;
const BLOCK = 1 << BLOCK_BITS;

/**
 * Merges few symbols: a linked list of them, with the rank of each and its follower, and the lowest of every eight ranks.
 * Ranks are kept as keys that say where they are, so that of equals the leftmost is the lowest.
 */
export class MergeFew {
  readonly #ranks: Ranks;
  readonly #keys = new Int32Array(ROOM);
  readonly #lowest = new Int32Array(ROOM / BLOCK);
  readonly #next = new Int32Array(ROOM);
  readonly #before = new Int32Array(ROOM);

  constructor(ranks: Ranks) {
    this.#ranks = ranks;
  }

  /** `symbols[size]` is the end. Merges in place and returns how many symbols are left. */
  merge(symbols: Int32Array, size: number): number {
    const keys = this.#keys;
    const lowest = this.#lowest;
    const next = this.#next;
    const before = this.#before;
    const blocks = (size + BLOCK - 1) >> BLOCK_BITS;
    for (let n = 0; n + 1 < size; n++) {
      next[n] = n + 1;
      before[n] = n - 1;
      keys[n] = this.#key(symbols[n] as number, symbols[n + 2] as number, n);
    }
    next[size - 1] = size;
    before[size - 1] = size - 2;
    for (let n = size - 1; n < blocks << BLOCK_BITS; n++) keys[n] = NONE;
    for (let block = 0; block < blocks; block++) this.#settle(block);
    let count = size;
    for (;;) {
      let key = lowest[0] as number;
      for (let block = 1; block < blocks; block++) key = lower(key, lowest[block] as number);
      if (key === NONE) break;
      const at = key & (ROOM - 1);
      const gone = next[at] as number;
      const after = next[gone] as number;
      const left = before[at] as number;
      count--;
      next[at] = after;
      keys[gone] = NONE;
      if (after < size) {
        before[after] = at;
        keys[at] = this.#key(symbols[at] as number, symbols[next[after] as number] as number, at);
      } else keys[at] = NONE;
      const block = at >> BLOCK_BITS;
      if (left >= 0) {
        keys[left] = this.#key(symbols[left] as number, symbols[after] as number, left);
        if (left >> BLOCK_BITS !== block) this.#settle(left >> BLOCK_BITS);
      }
      this.#settle(block);
      if (gone >> BLOCK_BITS !== block) this.#settle(gone >> BLOCK_BITS);
    }
    let kept = 0;
    for (let n = 0; n < size; n = next[n] as number) symbols[kept++] = symbols[n] as number;
    symbols[kept] = symbols[size] as number;
    return count;
  }

  #key(from: number, to: number, at: number): number {
    const rank = this.#ranks.rank(from, to);
    return rank === NONE ? NONE : rank * ROOM + at;
  }

  #settle(block: number): void {
    const keys = this.#keys;
    const at = block << BLOCK_BITS;
    const one = lower(
      lower(keys[at] as number, keys[at + 1] as number),
      lower(keys[at + 2] as number, keys[at + 3] as number),
    );
    const two = lower(
      lower(keys[at + 4] as number, keys[at + 5] as number),
      lower(keys[at + 6] as number, keys[at + 7] as number),
    );
    this.#lowest[block] = lower(one, two);
  }
}

/** Of two numbers that are not negative, without a branch, which nobody could predict. */
function lower(a: number, b: number): number {
  const difference = (b - a) | 0;
  return (a + (difference & (difference >> 31))) | 0;
}
