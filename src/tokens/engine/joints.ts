import { codeAt, sizeOf } from './classes.ts';
import type { Vocabulary } from './vocabulary.ts';

const BITS = 18;

/** Code points of the planes that texts are written in. */
export const PLANES = 0x20000;

/**
 * Which two characters stand side by side inside some token. Where two do not, no merge can ever cross, so the text may
 * be cut there: that makes words of a text that SentencePiece merges as a whole. ASCII pairs are exact; others are
 * hashed, and a false yes only makes a word longer.
 */
export class Joints {
  /** By `left << 7 | right`. */
  readonly ascii = new Uint8Array(1 << 14);
  /** Characters with anything behind them: most Han and all emoji have nothing, and need no hashing. */
  readonly #lefts = new Uint8Array(PLANES);
  readonly #others = new Uint8Array(1 << (BITS - 3));

  constructor({ bytes, starts, size }: Vocabulary) {
    for (let rank = 0; rank < size; rank++) {
      const end = starts[rank + 1] as number;
      let left = -1;
      for (let at = starts[rank] as number; at < end; ) {
        // Most of it is ASCII, and this runs before any compiler has seen it.
        let right = bytes[at] as number;
        if (right < 0x80) at++;
        else {
          const lead = right;
          right = codeAt(bytes, at);
          at += sizeOf(lead);
        }
        if (left >= 0) {
          if (left < PLANES) this.#lefts[left] = 1;
          if (left < 0x80 && right < 0x80) this.ascii[(left << 7) | right] = 1;
          else {
            const bit = slot(left, right);
            this.#others[bit >>> 3] = (this.#others[bit >>> 3] as number) | (1 << (bit & 7));
          }
        }
        left = right;
      }
    }
  }

  /** Whether `join` may be true of this character and any other. */
  hasNext(left: number): boolean {
    return left >= PLANES || this.#lefts[left] === 1;
  }

  join(left: number, right: number): boolean {
    if (left < 0x80 && right < 0x80) return this.ascii[(left << 7) | right] === 1;
    const bit = slot(left, right);
    return (((this.#others[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1;
  }
}

const slot = (left: number, right: number): number =>
  Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b) >>> (32 - BITS);
