/**
 * Where a text can be cut because no token spans the place: a merge never crosses it, so both sides can be merged
 * apart.
 *
 * `MergePairs` knows pairs of characters (SentencePiece), `CutPoints` places in a byte-level piece. Both are bitsets
 * of hashes. A false "spanned" only leaves a piece longer than it need be.
 */
import { codeAt, sizeOf } from './classes.ts';
import type { Vocabulary } from './vocabulary.ts';

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
