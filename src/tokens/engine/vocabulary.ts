import { hashOf, sameBytes } from './hash.ts';

/**
 * A vocabulary as look-up: any range of UTF-8 bytes to the rank of the token that spells it.
 *
 * File: u32 token count, u32 bytes of all tokens, one length byte a token, then the tokens' bytes in rank order (little
 * endian); whatever follows is the encoder's own. Nothing is parsed into strings or objects: the file stays the storage, and one open-addressing table of
 * ranks points into it. Beside a rank stand some bits of its hash, so that another token's bytes are hardly ever read.
 */
export const NONE = 0x7fffffff;

/** Ranks stay below 2^18; the rest of an entry is the hash's low bits. */
const RANK_BITS = 18;
const RANK_MASK = 2 ** RANK_BITS - 1;

/** Of the bits that say whether any token has a hash like this one: 128 KB, which stay in a processor's cache. */
const KNOWN_BITS = 20;

export class Vocabulary {
  readonly size: number;
  /** All tokens' bytes, one after another. */
  readonly bytes: Uint8Array;
  /** What the file holds behind them. */
  readonly tail: Uint8Array;
  /** Where each token starts in `bytes`; one more entry than tokens. */
  readonly starts: Uint32Array;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** Rank of every token of two bytes, by `first << 8 | second`: the first look-ups of any merge. */
  readonly pairs: Int32Array;
  /** Rank + 1, and above it the low bits of its hash; 0 where there is nothing. */
  readonly #slots: Int32Array;
  readonly #known: Int32Array;
  readonly #shift: number;

  constructor(file: ArrayBuffer) {
    const header = new DataView(file);
    const size = header.getUint32(0, true);
    const total = header.getUint32(4, true);
    if (8 + size + total > file.byteLength) throw new Error('This is no vocabulary.');
    const lengths = new Uint8Array(file, 8, size);
    const bytes = new Uint8Array(file, 8 + size, total);
    const view = new DataView(file, 8 + size, total);
    const starts = new Uint32Array(size + 1);
    const bits = Math.ceil(Math.log2(size * 2));
    const mask = 2 ** bits - 1;
    const shift = 32 - bits;
    const slots = new Int32Array(mask + 1);
    const known = new Int32Array(2 ** (KNOWN_BITS - 5));
    const pairs = new Int32Array(65536).fill(NONE);
    let at = 0;
    let longest = 0;
    for (let rank = 0; rank < size; rank++) {
      const length = lengths[rank] as number;
      starts[rank] = at;
      if (length > longest) longest = length;
      if (length === 2) pairs[((bytes[at] as number) << 8) | (bytes[at + 1] as number)] = rank;
      const hash = hashOf(bytes, view, at, at + length);
      const bit = hash >>> (32 - KNOWN_BITS);
      known[bit >>> 5] = (known[bit >>> 5] as number) | (1 << (bit & 31));
      let slot = hash >>> shift;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = (hash << RANK_BITS) | (rank + 1);
      at += length;
    }
    starts[size] = at;
    this.size = size;
    this.bytes = bytes;
    this.tail = new Uint8Array(file, 8 + size + total);
    this.starts = starts;
    this.longest = longest;
    this.pairs = pairs;
    this.#slots = slots;
    this.#known = known;
    this.#shift = shift;
  }

  /** False where no token has this hash. True says little. */
  mayHave(hash: number): boolean {
    const bit = hash >>> (32 - KNOWN_BITS);
    return (((this.#known[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1;
  }

  /** Rank of the token spelled by `text[from..to)`, or NONE. A hit is compared byte by byte, so it is exact. */
  find(text: Uint8Array, from: number, to: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const tag = hash << RANK_BITS;
    const length = to - from;
    for (let slot = hash >>> this.#shift; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] as number;
      if (entry === 0) return NONE;
      if (((entry ^ tag) & ~RANK_MASK) !== 0) continue;
      const rank = (entry & RANK_MASK) - 1;
      const start = this.starts[rank] as number;
      if ((this.starts[rank + 1] as number) - start !== length) continue;
      if (sameBytes(this.bytes, start, text, from, length)) return rank;
    }
  }
}
