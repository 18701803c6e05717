import type { Buffer8 } from './buffer.ts';
import { MergeHeap } from './heap.ts';
import { NONE, powers, type Vocabulary } from './vocabulary.ts';

/** Symbols up to which the lowest rank is looked for by scanning; above, a heap finds it. */
const SCAN = 80;
/** Bytes a long piece grows by in one step, and the tokens before them that are merged again with them. */
const STEP = 24;
const BACK = 2;
/** Symbols of one merge in a long piece; a piece that needs more in one step is merged as a whole. */
const WINDOW = 2048;
/** Windows remembered while one long piece is merged. */
const WINDOWS = 64;
/** Boundaries that there is always room for. */
const KEPT = 8192;

interface Window {
  readonly start: number;
  readonly size: number;
  /** Where its symbols end, from `start` on. */
  readonly ends: Int32Array;
}

/**
 * Byte-pair encoding: of all neighbours whose bytes together are a token, those of the lowest rank merge first, the
 * leftmost of equals. What comes out are boundaries; nothing is allocated a token.
 *
 * A long piece is merged in steps, in linear time. That is exact because a sequence of tokens is an encoding as soon as
 * each two neighbours are one by themselves (the first merge across a boundary would happen between those two alone as
 * well; corollary II in https://github.com/github/rust-gems/tree/main/crates/bpe). So the last tokens are merged again
 * together with the next bytes, and when the first of them comes out as it was, the pair with its left neighbour is one
 * known to be good. When it does not, the step reaches further back.
 */
export class Merger {
  /** Where the symbols start after `merge`; the entry after the last is the end. */
  starts = new Int32Array(KEPT);
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Buffer8;
  /** Symbols are characters to begin with (SentencePiece), else bytes. */
  readonly #characters: boolean;
  readonly #ranks = new Int32Array(SCAN + 2);
  readonly #symbols = new Int32Array(WINDOW + 2);
  #heap: MergeHeap | undefined;
  readonly #windows = new Map<number, Window>();
  readonly #powers: Int32Array;

  constructor(vocabulary: Vocabulary, buffer: Buffer8, characters: boolean) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#characters = characters;
    this.#powers = powers(WINDOW);
  }

  /** Rank of the token that bytes `from..to` spell. */
  rank(from: number, to: number): number {
    const length = to - from;
    const vocabulary = this.#vocabulary;
    if (length > vocabulary.longest) return NONE;
    const { bytes, prefix } = this.#buffer;
    if (length === 2) return vocabulary.pairs[((bytes[from] as number) << 8) | (bytes[from + 1] as number)] as number;
    const before = Math.imul(prefix[from] as number, vocabulary.powers[length] as number);
    return vocabulary.find(bytes, from, to, ((prefix[to] as number) - before) | 0);
  }

  /** Merges bytes `from..to`; the result is in `starts`. Returns the number of symbols. */
  merge(from: number, to: number): number {
    // What a very long piece needed is not kept.
    if (this.starts.length > KEPT) this.starts = new Int32Array(KEPT);
    if (to - from > SCAN) return this.#long(from, to);
    const count = this.#window(from, to, this.#symbols);
    const symbols = this.#symbols;
    const starts = this.starts;
    for (let n = 0; n <= count; n++) starts[n] = symbols[n] as number;
    return count;
  }

  #long(from: number, to: number): number {
    this.#windows.clear();
    let count = 0;
    let done = from;
    while (done < to) {
      let back = Math.min(BACK, count);
      let start = back === 0 ? from : (this.starts[count - back] as number);
      const end = this.#boundary(Math.min(to, done + Math.max(STEP, done - start)), to);
      let merged = 0;
      for (;;) {
        if (end - start > WINDOW) return this.#whole(from, to);
        merged = this.#recalled(start, end);
        const first = back === 1 ? done : this.starts[count - back + 1];
        if (back === count || this.#symbols[1] === first) break;
        back = Math.min(back * 2, count);
        start = this.starts[count - back] as number;
      }
      count -= back;
      this.#append(count, merged);
      count += merged;
      done = end;
    }
    return count;
  }

  /** Merges a window, or takes over what the same bytes came to earlier in this piece: repetitive text is merged once. */
  #recalled(start: number, end: number): number {
    const size = end - start;
    const { prefix } = this.#buffer;
    const hash = ((prefix[end] as number) - Math.imul(prefix[start] as number, this.#powers[size] as number)) | 0;
    const seen = this.#windows.get(hash);
    if (seen !== undefined && seen.size === size && this.#same(seen.start, start, size)) {
      const { ends } = seen;
      this.#symbols[0] = start;
      for (let n = 0; n < ends.length; n++) this.#symbols[n + 1] = start + (ends[n] as number);
      return ends.length;
    }
    const merged = this.#window(start, end, this.#symbols);
    // Random text never repeats, so not every window is worth keeping.
    if (this.#windows.size < WINDOWS) {
      const ends = this.#symbols.slice(1, merged + 1);
      for (let n = 0; n < merged; n++) ends[n] = (ends[n] as number) - start;
      this.#windows.set(hash, { start, size, ends });
    }
    return merged;
  }

  #append(count: number, merged: number): void {
    if (count + merged + 1 >= this.starts.length) {
      const larger = new Int32Array((count + merged + 1) * 2);
      larger.set(this.starts);
      this.starts = larger;
    }
    for (let n = 0; n <= merged; n++) this.starts[count + n] = this.#symbols[n] as number;
  }

  /** The next place at or after `at` where a step may end: between characters when those are the symbols. */
  #boundary(at: number, to: number): number {
    if (!this.#characters) return at;
    while (at < to && ((this.#buffer.bytes[at] as number) & 0xc0) === 0x80) at++;
    return at;
  }

  #same(one: number, other: number, length: number): boolean {
    const { bytes } = this.#buffer;
    for (let n = 0; n < length; n++) if (bytes[one + n] !== bytes[other + n]) return false;
    return true;
  }

  #whole(from: number, to: number): number {
    if (this.starts.length < to - from + 2) this.starts = new Int32Array(to - from + 2);
    const count = this.#window(from, to, this.starts);
    this.#heap = undefined;
    return count;
  }

  /** Cuts into first symbols, then merges in place. */
  #window(from: number, to: number, symbols: Int32Array): number {
    let count = 0;
    if (this.#characters) {
      const { bytes } = this.#buffer;
      for (let at = from; at < to; at++) if (((bytes[at] as number) & 0xc0) !== 0x80) symbols[count++] = at;
    } else {
      for (let at = from; at < to; at++) symbols[count++] = at;
    }
    symbols[count] = to;
    if (count <= SCAN) return this.#scan(symbols, count);
    this.#heap ??= new MergeHeap();
    return this.#heap.merge(symbols, count, (left, right) => this.rank(left, right));
  }

  #scan(symbols: Int32Array, size: number): number {
    const ranks = this.#ranks;
    let count = size;
    for (let n = 0; n + 1 < count; n++) ranks[n] = this.rank(symbols[n] as number, symbols[n + 2] as number);
    while (count > 1) {
      let lowest = NONE;
      let at = 0;
      for (let n = 0; n + 1 < count; n++) {
        const rank = ranks[n] as number;
        if (rank < lowest) {
          lowest = rank;
          at = n;
        }
      }
      if (lowest === NONE) break;
      for (let n = at + 1; n < count; n++) {
        symbols[n] = symbols[n + 1] as number;
        ranks[n] = ranks[n + 1] as number;
      }
      count--;
      if (at + 1 < count) ranks[at] = this.rank(symbols[at] as number, symbols[at + 2] as number);
      if (at > 0) ranks[at - 1] = this.rank(symbols[at - 1] as number, symbols[at + 1] as number);
    }
    return count;
  }
}
