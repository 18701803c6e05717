/**
 * Byte-pair merging of one row of symbols. A symbol is a range of bytes, and a row is given as an array of their
 * starts. Of all neighbours whose bytes together are a token, the pair of the lowest rank merges first, the leftmost
 * of equals. Short rows and long rows have an implementation each; both give the same result.
 */
import { hashOf, NONE, type Utf8Buffer, type Vocabulary } from './vocabulary.ts';

const FOUR_BITS = 12;
const FOURS = 1 << FOUR_BITS;

/** Looks up the ranks of byte ranges of a buffer. */
export class TokenRanks {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Utf8Buffer;
  readonly #pairs: Int32Array;
  /**
   * A cache for four-byte ranges: two characters of Cyrillic, Greek, Hebrew or Arabic, the first look-ups in such
   * text.
   */
  readonly #fours = new Int32Array(FOURS);
  readonly #ranksOfFours = new Int32Array(FOURS);

  constructor(vocabulary: Vocabulary, buffer: Utf8Buffer) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#pairs = vocabulary.pairs;
  }

  /** Rank of the token that bytes `from..to` spell, or NONE. */
  rank(from: number, to: number): number {
    // Two bytes: the first and most frequent look-ups of a merge.
    if (to - from !== 2) return to - from === 4 ? this.#rankOfFour(from, to) : this.#rankOfAny(from, to);
    const { bytes } = this.#buffer;
    return this.#pairs[((bytes[from] as number) << 8) | (bytes[from + 1] as number)] as number;
  }

  #rankOfFour(from: number, to: number): number {
    const four = this.#buffer.view.getInt32(from, true);
    const slot = Math.imul(four, 0x9e3779b1) >>> (32 - FOUR_BITS);
    // An empty slot holds 0, so four zero bytes are never taken from the cache.
    if (this.#fours[slot] === four && four !== 0) return this.#ranksOfFours[slot] as number;
    const rank = this.#rankOfAny(from, to);
    this.#fours[slot] = four;
    this.#ranksOfFours[slot] = rank;
    return rank;
  }

  #rankOfAny(from: number, to: number): number {
    if (to - from > this.#vocabulary.longest) return NONE;
    const { bytes, view } = this.#buffer;
    const hash = hashOf(bytes, view, from, to);
    // Most byte ranges that a merge asks about are not tokens.
    return this.#vocabulary.mayHave(hash) ? this.#vocabulary.find(bytes, from, to, hash) : NONE;
  }
}

/** The longest row for `ShortMerges`. Above it, the heap of `LongMerges` is faster. */
export const MOST_SHORT = 120;

/** A power of two above `MOST_SHORT`. */
const ROOM = 128;

const BLOCK_BITS = 3;
const BLOCK = 1 << BLOCK_BITS;

/**
 * Merges short rows. Symbols form a linked list. Each holds the key of the pair that it forms with its successor, and
 * the lowest key of every eight is kept. A key is `rank * ROOM + position`, so the lowest of equal ranks is the
 * leftmost.
 */
export class ShortMerges {
  readonly #ranks: TokenRanks;
  readonly #keys = new Int32Array(ROOM);
  readonly #lowest = new Int32Array(ROOM / BLOCK);
  readonly #next = new Int32Array(ROOM);
  readonly #before = new Int32Array(ROOM);

  constructor(ranks: TokenRanks) {
    this.#ranks = ranks;
  }

  /** Merges in place and returns the number of symbols left. `symbols[size]` is the end of the last symbol. */
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
    for (let block = 0; block < blocks; block++) this.#updateLowest(block);
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
        if (left >> BLOCK_BITS !== block) this.#updateLowest(left >> BLOCK_BITS);
      }
      this.#updateLowest(block);
      if (gone >> BLOCK_BITS !== block) this.#updateLowest(gone >> BLOCK_BITS);
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

  #updateLowest(block: number): void {
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

/** The lower of two non-negative numbers. Without a branch, because a processor could not predict it. */
function lower(a: number, b: number): number {
  const difference = (b - a) | 0;
  return (a + (difference & (difference >> 31))) | 0;
}

/** A heap key is `rank * 2^32 + position`. Ranks are below 2^21, so a double holds it exactly. */
const SHIFT = 2 ** 32;

/**
 * Merges long rows in O(n log n): a heap of (rank, position) over a linked list of symbols. Stale entries are
 * skipped.
 */
export class LongMerges {
  #keys = new Float64Array(256);
  #next = new Int32Array(256);
  #before = new Int32Array(256);
  #ranks = new Int32Array(256);
  #size = 0;

  /** Merges in place and returns the number of symbols left. `symbols[count]` is the end of the last symbol. */
  merge(symbols: Int32Array, count: number, rank: (from: number, to: number) => number): number {
    this.#reserve(count);
    const next = this.#next;
    const before = this.#before;
    const ranks = this.#ranks;
    this.#size = 0;
    for (let n = 0; n < count; n++) {
      next[n] = n + 1;
      before[n] = n - 1;
      ranks[n] = NONE;
      if (n + 1 < count) this.#offer(n, rank(symbols[n] as number, symbols[n + 2] as number));
    }
    next[count] = count;
    while (this.#size > 0) {
      const key = this.#pop();
      const at = key % SHIFT;
      if (ranks[at] !== (key - at) / SHIFT) continue;
      const gone = next[at] as number;
      const after = next[gone] as number;
      ranks[gone] = NONE;
      next[at] = after;
      before[after] = at;
      ranks[at] = NONE;
      if (after < count) this.#offer(at, rank(symbols[at] as number, symbols[next[after] as number] as number));
      const left = before[at] as number;
      if (left >= 0) {
        ranks[left] = NONE;
        this.#offer(left, rank(symbols[left] as number, symbols[after] as number));
      }
    }
    let kept = 0;
    for (let n = 0; n < count; n = next[n] as number) symbols[kept++] = symbols[n] as number;
    symbols[kept] = symbols[count] as number;
    return kept;
  }

  #offer(at: number, rank: number): void {
    if (rank === NONE) return;
    this.#ranks[at] = rank;
    const keys = this.#keys;
    const key = rank * SHIFT + at;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = keys[parent] as number;
      if (above <= key) break;
      keys[hole] = above;
      hole = parent;
    }
    keys[hole] = key;
  }

  #pop(): number {
    const keys = this.#keys;
    const top = keys[0] as number;
    const size = --this.#size;
    const key = keys[size] as number;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      const below = keys[child] as number;
      if (below >= key) break;
      keys[hole] = below;
      hole = child;
    }
    keys[hole] = key;
    return top;
  }

  /** Each symbol is offered once at first. Each merge removes one entry for good and adds two. */
  #reserve(count: number): void {
    if (this.#next.length > count && this.#keys.length >= 3 * count) return;
    this.#keys = new Float64Array(3 * count);
    this.#next = new Int32Array(count + 1);
    this.#before = new Int32Array(count + 1);
    this.#ranks = new Int32Array(count + 1);
  }
}
