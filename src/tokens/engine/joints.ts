import { codeAt, sizeOf } from './classes.ts';

const BITS = 18;

/** Code points of the planes that texts are written in. */
export const PLANES = 0x20000;

const ASCII = 1 << 14;
const OTHERS = 1 << (BITS - 3);

/**
 * Which two characters stand side by side inside some token. Where two do not, no merge can ever cross, so the text may
 * be cut there: that makes words of a text that SentencePiece merges as a whole. ASCII pairs are exact; others are
 * hashed, and a false yes only makes a word longer. Laid down when the vocabulary is built (`jointsOf`), behind its tokens:
 * to find them takes longer than all the rest of a first use.
 */
export class Joints {
  /** By `left << 7 | right`. */
  readonly ascii: Uint8Array;
  /** Characters with anything behind them: most Han and all emoji have nothing, and need no hashing. */
  readonly #lefts: Uint8Array;
  readonly #others: Uint8Array;

  constructor(laid: Uint8Array) {
    if (laid.length !== ASCII + PLANES + OTHERS) throw new Error('This vocabulary has no joints.');
    this.ascii = laid.subarray(0, ASCII);
    this.#lefts = laid.subarray(ASCII, ASCII + PLANES);
    this.#others = laid.subarray(ASCII + PLANES);
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

/** The joints of these tokens, each as UTF-8, as they are laid down. */
export function jointsOf(tokens: readonly Uint8Array[]): Uint8Array {
  const laid = new Uint8Array(ASCII + PLANES + OTHERS);
  for (const bytes of tokens) {
    let left = -1;
    for (let at = 0; at < bytes.length; at += sizeOf(bytes[at] as number)) {
      const right = codeAt(bytes, at);
      if (left >= 0) {
        if (left < PLANES) laid[ASCII + left] = 1;
        if (left < 0x80 && right < 0x80) laid[(left << 7) | right] = 1;
        else {
          const bit = slot(left, right);
          const byte = ASCII + PLANES + (bit >>> 3);
          laid[byte] = (laid[byte] as number) | (1 << (bit & 7));
        }
      }
      left = right;
    }
  }
  return laid;
}
