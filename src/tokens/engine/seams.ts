import type { Vocabulary } from './vocabulary.ts';

const BITS = 18;

/**
 * Boundaries before a character of three or four bytes that no token spans. No merge can cross them, so a long piece of
 * Han, Kana, Hangul or emoji falls into short ones. A spanning token shows three bytes to each side, or fewer where it
 * starts or ends there in mid-character: then its nearest byte stands for that side. Hashed into a bitset, where a false
 * yes only leaves a piece longer.
 */
export class Seams {
  readonly #spanned = new Uint8Array(1 << (BITS - 3));

  constructor({ bytes, starts, size }: Vocabulary) {
    for (let rank = 0; rank < size; rank++) {
      const start = starts[rank] as number;
      const end = starts[rank + 1] as number;
      for (let at = start + 1; at < end; at++) {
        if ((bytes[at] as number) < 0xe0 || (bytes[at - 1] as number) < 0x80) continue;
        const left = at - start >= 3 ? three(bytes, at - 3) : (bytes[at - 1] as number);
        const right = end - at >= 3 ? three(bytes, at) : (bytes[at] as number);
        const bit = slot(left, right);
        this.#spanned[bit >>> 3] = (this.#spanned[bit >>> 3] as number) | (1 << (bit & 7));
      }
    }
  }

  /** The first seam behind `from`, or `to`. */
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
    const bit = slot(left, right);
    return (((this.#spanned[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1;
  }
}

const three = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);

const slot = (left: number, right: number): number =>
  Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b) >>> (32 - BITS);
