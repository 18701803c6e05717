import type { Buffer8 } from './buffer.ts';
import { hashOf } from './hash.ts';
import { NONE, type Vocabulary } from './vocabulary.ts';

const FOUR_BITS = 12;
const FOURS = 1 << FOUR_BITS;

/** Ranks of what stands in a buffer. */
export class Ranks {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Buffer8;
  readonly #pairs: Int32Array;
  /** Of four bytes, asked for lately: two characters of Cyrillic, Greek, Hebrew or Arabic, where their merges begin. */
  readonly #fours = new Int32Array(FOURS);
  readonly #ranksOfFours = new Int32Array(FOURS);

  constructor(vocabulary: Vocabulary, buffer: Buffer8) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#pairs = vocabulary.pairs;
  }

  /** Rank of the token that bytes `from..to` spell, or NONE. */
  rank(from: number, to: number): number {
    // Where a merge begins, and with it most often.
    if (to - from !== 2) return to - from === 4 ? this.#four(from, to) : this.#longer(from, to);
    const { bytes } = this.#buffer;
    return this.#pairs[((bytes[from] as number) << 8) | (bytes[from + 1] as number)] as number;
  }

  #four(from: number, to: number): number {
    const four = this.#buffer.view.getInt32(from, true);
    const slot = Math.imul(four, 0x9e3779b1) >>> (32 - FOUR_BITS);
    // An empty slot is of four zeros, which are asked for like all else.
    if (this.#fours[slot] === four && four !== 0) return this.#ranksOfFours[slot] as number;
    const rank = this.#longer(from, to);
    this.#fours[slot] = four;
    this.#ranksOfFours[slot] = rank;
    return rank;
  }

  #longer(from: number, to: number): number {
    if (to - from > this.#vocabulary.longest) return NONE;
    const { bytes, view } = this.#buffer;
    const hash = hashOf(bytes, view, from, to);
    // Most of what a merge asks for is no token.
    return this.#vocabulary.mayHave(hash) ? this.#vocabulary.find(bytes, from, to, hash) : NONE;
  }
}
