import type { Buffer8 } from './buffer.ts';
import { FEW, MergeFew } from './few.ts';
import { hashOf, sameBytes } from './hash.ts';
import { MergeHeap } from './heap.ts';
import { Ranks } from './ranks.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Bytes a long piece grows by in one step, and the tokens before them that are merged again with them. */
const STEP = 72;
const BACK = 3;
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
  readonly #buffer: Buffer8;
  readonly #ranks: Ranks;
  readonly #few: MergeFew;
  /** Symbols are characters to begin with (SentencePiece), else bytes. */
  readonly #characters: boolean;
  readonly #symbols = new Int32Array(WINDOW + 2);
  #heap: MergeHeap | undefined;
  readonly #windows = new Map<number, Window>();

  constructor(vocabulary: Vocabulary, buffer: Buffer8, characters: boolean) {
    this.#buffer = buffer;
    this.#ranks = new Ranks(vocabulary, buffer);
    this.#few = new MergeFew(this.#ranks);
    this.#characters = characters;
  }

  /** Rank of the token that bytes `from..to` spell. */
  rank(from: number, to: number): number {
    return this.#ranks.rank(from, to);
  }

  /**
   * Merges bytes `from..to`; the result is in `starts`. Returns the number of symbols. Once there are more than `most`, and
   * more than any step can take back, it may stop and return those: there are more than `most` then.
   */
  merge(from: number, to: number, most = Number.POSITIVE_INFINITY): number {
    // What a very long piece needed is not kept.
    if (this.starts.length > KEPT) this.starts = new Int32Array(KEPT);
    if (to - from > FEW) return this.#long(from, to, most);
    const count = this.#window(from, to, this.#symbols);
    const symbols = this.#symbols;
    const starts = this.starts;
    for (let n = 0; n <= count; n++) starts[n] = symbols[n] as number;
    return count;
  }

  #long(from: number, to: number, most: number): number {
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
      if (count > most + WINDOW) break;
    }
    return count;
  }

  /** Merges a window, or takes over what the same bytes came to earlier in this piece: repetitive text is merged once. */
  #recalled(start: number, end: number): number {
    const size = end - start;
    const { bytes, view } = this.#buffer;
    const hash = hashOf(bytes, view, start, end);
    const seen = this.#windows.get(hash);
    if (seen !== undefined && seen.size === size && sameBytes(bytes, seen.start, bytes, start, size)) {
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
    if (count <= FEW) return this.#few.merge(symbols, count);
    this.#heap ??= new MergeHeap();
    return this.#heap.merge(symbols, count, (left, right) => this.#ranks.rank(left, right));
  }
}
