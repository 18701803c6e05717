import { codeAt, sizeOf } from './classes.ts';
import type { Vocabulary } from './vocabulary.ts';

const BITS = 18;

/**
 * Which two characters stand side by side inside some token. Where two do not, no merge can ever cross, so the text may
 * be cut there: that makes words of a text that SentencePiece merges as a whole. ASCII pairs are exact; others are
 * hashed, and a false yes only makes a word longer.
 */
export class Joints {
  readonly #ascii = new Uint8Array(1 << 14);
  /** Characters below U+10000 with anything behind them: most Han have nothing, and need no hashing. */
  readonly #lefts = new Uint8Array(1 << 16);
  readonly #others = new Uint8Array(1 << (BITS - 3));

  constructor(vocabulary: Vocabulary) {
    const { bytes, starts, size } = vocabulary;
    for (let rank = 0; rank < size; rank++) {
      const end = starts[rank + 1] as number;
      let at = starts[rank] as number;
      let left = codeAt(bytes, at);
      for (at += sizeOf(bytes[at] as number); at < end; at += sizeOf(bytes[at] as number)) {
        const right = codeAt(bytes, at);
        if (left < 0x10000) this.#lefts[left] = 1;
        if (left < 0x80 && right < 0x80) this.#ascii[(left << 7) | right] = 1;
        else {
          const bit = slot(left, right);
          this.#others[bit >>> 3] = (this.#others[bit >>> 3] as number) | (1 << (bit & 7));
        }
        left = right;
      }
    }
  }

  join(left: number, right: number): boolean {
    if (left < 0x80 && right < 0x80) return this.#ascii[(left << 7) | right] === 1;
    if (left < 0x10000 && this.#lefts[left] === 0) return false;
    const bit = slot(left, right);
    return (((this.#others[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1;
  }
}

const slot = (left: number, right: number): number =>
  Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b) >>> (32 - BITS);
