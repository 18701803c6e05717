import type { Buffer8 } from './buffer.ts';
import { hashOf } from './hash.ts';
import { NONE, type Vocabulary } from './vocabulary.ts';

/** Ranks of what stands in a buffer. */
export class Ranks {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Buffer8;
  readonly #pairs: Int32Array;

  constructor(vocabulary: Vocabulary, buffer: Buffer8) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#pairs = vocabulary.pairs;
  }

  /** Rank of the token that bytes `from..to` spell, or NONE. */
  rank(from: number, to: number): number {
    // Where a merge begins, and with it most often.
    if (to - from !== 2) return this.#longer(from, to);
    const { bytes } = this.#buffer;
    return this.#pairs[((bytes[from] as number) << 8) | (bytes[from + 1] as number)] as number;
  }

  #longer(from: number, to: number): number {
    if (to - from > this.#vocabulary.longest) return NONE;
    const { bytes, view } = this.#buffer;
    const hash = hashOf(bytes, view, from, to);
    // Most of what a merge asks for is no token.
    return this.#vocabulary.mayHave(hash) ? this.#vocabulary.find(bytes, from, to, hash) : NONE;
  }
}
