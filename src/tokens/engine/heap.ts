import { NONE } from './vocabulary.ts';

/** Ranks stay below 2^21 and positions below 2^32, so both fit one double, ordered by rank and then by position. */
const SHIFT = 2 ** 32;

/** Merges long rows of symbols in n log n: a heap of (rank, position), stale entries skipped, symbols as a linked list. */
export class MergeHeap {
  #keys = new Float64Array(256);
  #next = new Int32Array(256);
  #before = new Int32Array(256);
  #ranks = new Int32Array(256);
  #size = 0;

  /** `symbols[count]` is the end. Merges in place and returns how many symbols are left. */
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

  /** Each symbol is offered once at first, and each merge takes one entry out for good and puts two in. */
  #reserve(count: number): void {
    if (this.#next.length > count && this.#keys.length >= 3 * count) return;
    this.#keys = new Float64Array(3 * count);
    this.#next = new Int32Array(count + 1);
    this.#before = new Int32Array(count + 1);
    this.#ranks = new Int32Array(count + 1);
  }
}
