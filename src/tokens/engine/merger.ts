/**
 * Byte-pair encoding of one piece of a text, in linear time however long it is, and where a text can be cut because
 * no merge crosses the place.
 */
import { LongMerges, MOST_SHORT, ShortMerges, TokenRanks } from './merge-symbols.ts';
import { codeAt, sizeOf } from './unicode.ts';
import { hashOf, sameBytes, type Utf8Buffer, type Vocabulary } from './vocabulary.ts';

/** A long piece is merged in steps of so many bytes, each together with the last tokens before it. */
const STEP = 72;
const BACK = 3;
/** Most bytes of one step. A piece that needs more is merged as a whole. */
const LONGEST_STEP = 2048;
/** Steps that are remembered while one long piece is merged. */
const MOST_STEPS = 64;
/** Boundaries that stay allocated between pieces. */
const KEPT = 8192;

/** The result of a step, for when the same bytes come again in the same piece. */
interface Step {
  readonly start: number;
  readonly size: number;
  /** Ends of its symbols, relative to `start`. */
  readonly ends: Int32Array;
}

/**
 * Byte-pair encoding of one piece of a text, whatever its length. The result is the boundaries between tokens, in a
 * reused array, so nothing is allocated per token.
 *
 * A long piece is merged in steps, which takes linear time. The result is exact: a sequence of tokens is the encoding
 * of its text if every two neighbouring tokens are the encoding of their own text (the first merge across a boundary
 * would also happen between those two alone; corollary II in
 * https://github.com/github/rust-gems/tree/main/crates/bpe). So each step merges the last tokens again together with
 * the next bytes. If the first of those tokens comes out unchanged, its pair with the token before it is still valid.
 * If not, the step starts further back.
 */
export class Merger {
  /** Starts of the symbols after `merge`. The entry after the last one is the end. */
  starts = new Int32Array(KEPT);
  readonly #buffer: Utf8Buffer;
  readonly #ranks: TokenRanks;
  readonly #short: ShortMerges;
  /** Whether merging starts from characters (SentencePiece) or from bytes. */
  readonly #characters: boolean;
  readonly #symbols = new Int32Array(LONGEST_STEP + 2);
  #longMerges: LongMerges | undefined;
  readonly #steps = new Map<number, Step>();

  constructor(vocabulary: Vocabulary, buffer: Utf8Buffer, characters: boolean) {
    this.#buffer = buffer;
    this.#ranks = new TokenRanks(vocabulary, buffer);
    this.#short = new ShortMerges(this.#ranks);
    this.#characters = characters;
  }

  /** Rank of the token that bytes `from..to` spell, or NONE. */
  rank(from: number, to: number): number {
    return this.#ranks.rank(from, to);
  }

  /**
   * Merges bytes `from..to` and returns the number of symbols. Their starts are in `starts`. It may stop early once
   * there are certainly more than `most` symbols; the number returned is then also more than `most`.
   */
  merge(from: number, to: number, most = Number.POSITIVE_INFINITY): number {
    // Drop what a very long piece needed.
    if (this.starts.length > KEPT) this.starts = new Int32Array(KEPT);
    if (to - from > MOST_SHORT) return this.#mergeInSteps(from, to, most);
    const count = this.#mergeSymbols(from, to, this.#symbols);
    const symbols = this.#symbols;
    const starts = this.starts;
    for (let n = 0; n <= count; n++) starts[n] = symbols[n] as number;
    return count;
  }

  #mergeInSteps(from: number, to: number, most: number): number {
    this.#steps.clear();
    let count = 0;
    let done = from;
    while (done < to) {
      let back = Math.min(BACK, count);
      let start = back === 0 ? from : (this.starts[count - back] as number);
      const end = this.#nextBoundary(Math.min(to, done + Math.max(STEP, done - start)), to);
      let merged = 0;
      for (;;) {
        if (end - start > LONGEST_STEP) return this.#mergeWhole(from, to);
        merged = this.#mergeStep(start, end);
        const first = back === 1 ? done : this.starts[count - back + 1];
        if (back === count || this.#symbols[1] === first) break;
        back = Math.min(back * 2, count);
        start = this.starts[count - back] as number;
      }
      count -= back;
      this.#append(count, merged);
      count += merged;
      done = end;
      if (count > most + LONGEST_STEP) break;
    }
    return count;
  }

  /**
   * Merges one step into `#symbols`. Bytes seen before in this piece are not merged again: repetitive text is cheap.
   */
  #mergeStep(start: number, end: number): number {
    const size = end - start;
    const { bytes, view } = this.#buffer;
    const hash = hashOf(bytes, view, start, end);
    const seen = this.#steps.get(hash);
    if (seen !== undefined && seen.size === size && sameBytes(bytes, seen.start, bytes, start, size)) {
      const { ends } = seen;
      this.#symbols[0] = start;
      for (let n = 0; n < ends.length; n++) this.#symbols[n + 1] = start + (ends[n] as number);
      return ends.length;
    }
    const merged = this.#mergeSymbols(start, end, this.#symbols);
    // Random text never repeats, so there is a limit.
    if (this.#steps.size < MOST_STEPS) {
      const ends = this.#symbols.slice(1, merged + 1);
      for (let n = 0; n < merged; n++) ends[n] = (ends[n] as number) - start;
      this.#steps.set(hash, { start, size, ends });
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

  /** The first place at or after `at` where a step may end. With characters as symbols that is between two of them. */
  #nextBoundary(at: number, to: number): number {
    if (!this.#characters) return at;
    while (at < to && ((this.#buffer.bytes[at] as number) & 0xc0) === 0x80) at++;
    return at;
  }

  #mergeWhole(from: number, to: number): number {
    if (this.starts.length < to - from + 2) this.starts = new Int32Array(to - from + 2);
    const count = this.#mergeSymbols(from, to, this.starts);
    this.#longMerges = undefined;
    return count;
  }

  /** Cuts the bytes into their first symbols, then merges these in place. */
  #mergeSymbols(from: number, to: number, symbols: Int32Array): number {
    let count = 0;
    if (this.#characters) {
      const { bytes } = this.#buffer;
      for (let at = from; at < to; at++) if (((bytes[at] as number) & 0xc0) !== 0x80) symbols[count++] = at;
    } else {
      for (let at = from; at < to; at++) symbols[count++] = at;
    }
    symbols[count] = to;
    if (count <= MOST_SHORT) return this.#short.merge(symbols, count);
    this.#longMerges ??= new LongMerges();
    return this.#longMerges.merge(symbols, count, (left, right) => this.#ranks.rank(left, right));
  }
}

/*
 * Where a text can be cut because no token spans the place: a merge never crosses it, so the two sides can be merged
 * separately. `MergePairs` knows pairs of characters (SentencePiece), `CutPoints` places in a byte-level piece. Both
 * are bitsets of hashes. A false "spanned" only leaves a piece longer than it need be.
 */

const BITS = 18;
const BITSET_BYTES = 1 << (BITS - 3);

/** The bit of two neighbours. */
const bitOf = (left: number, right: number): number =>
  Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b) >>> (32 - BITS);

/** Code points of the planes that texts are written in. */
export const PLANES = 0x20000;

const ASCII_PAIRS = 1 << 14;
const TABLE_BYTES = ASCII_PAIRS + PLANES + BITSET_BYTES;

/**
 * Pairs of characters that stand side by side inside some token. Between two characters that never do, the text may be
 * cut. SentencePiece merges a whole text at once; this cuts it into words. ASCII pairs are exact, others are hashed.
 * The table is computed when the vocabulary file is built (`mergePairsOf`) and stored behind the tokens, because
 * computing it would take longer than the rest of the first use.
 */
export class MergePairs {
  /** 1 for each pair of ASCII characters that a token holds, by `left << 7 | right`. */
  readonly ascii: Uint8Array;
  /** 1 for characters that any other follows inside a token. Most Han and all emoji have none and need no hashing. */
  readonly #lefts: Uint8Array;
  readonly #others: Uint8Array;

  constructor(table: Uint8Array) {
    if (table.length !== TABLE_BYTES) throw new Error('This vocabulary has no table of merge pairs.');
    this.ascii = table.subarray(0, ASCII_PAIRS);
    this.#lefts = table.subarray(ASCII_PAIRS, ASCII_PAIRS + PLANES);
    this.#others = table.subarray(ASCII_PAIRS + PLANES);
  }

  /** Whether this character can merge with any character after it. */
  canMergeWithNext(left: number): boolean {
    return left >= PLANES || this.#lefts[left] === 1;
  }

  canMerge(left: number, right: number): boolean {
    if (left < 0x80 && right < 0x80) return this.ascii[(left << 7) | right] === 1;
    const bit = bitOf(left, right);
    return (((this.#others[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1;
  }
}

/** The table of these tokens (UTF-8 each), as the vocabulary file stores it. */
export function mergePairsOf(tokens: readonly Uint8Array[]): Uint8Array {
  const table = new Uint8Array(TABLE_BYTES);
  for (const bytes of tokens) {
    let left = -1;
    for (let at = 0; at < bytes.length; at += sizeOf(bytes[at] as number)) {
      const right = codeAt(bytes, at);
      if (left >= 0) {
        if (left < PLANES) table[ASCII_PAIRS + left] = 1;
        if (left < 0x80 && right < 0x80) table[(left << 7) | right] = 1;
        else {
          const bit = bitOf(left, right);
          const byte = ASCII_PAIRS + PLANES + (bit >>> 3);
          table[byte] = (table[byte] as number) | (1 << (bit & 7));
        }
      }
      left = right;
    }
  }
  return table;
}

/**
 * Boundaries before a character of three or four bytes that no token spans. They cut a long piece of Han, Kana,
 * Hangul or emoji into short ones. A boundary is known by three bytes on each side. A token that starts or ends
 * within those three, in the middle of a character, is entered with its nearest byte alone for that side.
 */
export class CutPoints {
  readonly #spanned = new Uint8Array(BITSET_BYTES);

  constructor({ bytes, starts, size }: Vocabulary) {
    for (let rank = 0; rank < size; rank++) {
      const start = starts[rank] as number;
      const end = starts[rank + 1] as number;
      for (let at = start + 1; at < end; at++) {
        if ((bytes[at] as number) < 0xe0 || (bytes[at - 1] as number) < 0x80) continue;
        const left = at - start >= 3 ? three(bytes, at - 3) : (bytes[at - 1] as number);
        const right = end - at >= 3 ? three(bytes, at) : (bytes[at] as number);
        const bit = bitOf(left, right);
        this.#spanned[bit >>> 3] = (this.#spanned[bit >>> 3] as number) | (1 << (bit & 7));
      }
    }
  }

  /** The first cut point after `from`, or `to` if there is none. */
  next(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from + 3; at + 3 <= to; at++) {
      if ((bytes[at] as number) < 0xe0 || (bytes[at - 1] as number) < 0x80) continue;
      const left = three(bytes, at - 3);
      const right = three(bytes, at);
      if (this.#has(left, right)) continue;
      if (this.#has(left & 0xff, right) || this.#has(left, right >>> 16)) continue;
      if (!this.#has(left & 0xff, right >>> 16)) return at;
    }
    return to;
  }

  #has(left: number, right: number): boolean {
    const bit = bitOf(left, right);
    return (((this.#spanned[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1;
  }
}

const three = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
