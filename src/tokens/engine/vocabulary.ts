/**
 * A vocabulary as look-up: any range of UTF-8 bytes to the rank of the token that spells it.
 *
 * File: u32 token count, u32 bytes of all tokens, one length byte a token, then the tokens' bytes in rank order (little
 * endian). Nothing is parsed into strings or objects: the file stays the storage, and one open-addressing table of
 * (hash, rank + 1) points into it.
 */
export const NONE = 0x7fffffff;

/** Multiplier of the rolling hash over bytes; odd, so that no power of it vanishes modulo 2^32. */
const BASE = 0x01000193;

/** The hash of one byte appended to what went before. */
export const rolled = (hash: number, byte: number): number => (Math.imul(hash, BASE) + byte + 1) | 0;

/** The multiplier's powers from 0 to `most`: what it takes to hash a range of at most so many bytes. */
export function powers(most: number): Int32Array {
  const all = new Int32Array(most + 1);
  all[0] = 1;
  for (let n = 1; n <= most; n++) all[n] = Math.imul(all[n - 1] as number, BASE);
  return all;
}

export class Vocabulary {
  readonly size: number;
  /** All tokens' bytes, one after another. */
  readonly bytes: Uint8Array;
  /** Where each token starts in `bytes`; one more entry than tokens. */
  readonly starts: Uint32Array;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** Powers of the hash's multiplier, up to the longest token. */
  readonly powers: Int32Array;
  /** Rank of every token of two bytes, by `first << 8 | second`: the first look-ups of any merge. */
  readonly pairs: Int32Array;
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #mask: number;

  constructor(file: ArrayBuffer) {
    const header = new DataView(file);
    const size = header.getUint32(0, true);
    if (8 + size + header.getUint32(4, true) !== file.byteLength) throw new Error('This is no vocabulary.');
    const lengths = new Uint8Array(file, 8, size);
    const bytes = new Uint8Array(file, 8 + size, header.getUint32(4, true));
    const starts = new Uint32Array(size + 1);
    const bits = Math.ceil(Math.log2(size * 2));
    const mask = 2 ** bits * 2 - 2;
    const shift = 32 - bits;
    const slots = new Int32Array(mask + 2);
    const pairs = new Int32Array(65536).fill(NONE);
    let at = 0;
    let longest = 0;
    for (let rank = 0; rank < size; rank++) {
      const end = at + (lengths[rank] as number);
      starts[rank] = at;
      if (end - at > longest) longest = end - at;
      if (end - at === 2) pairs[((bytes[at] as number) << 8) | (bytes[at + 1] as number)] = rank;
      let hash = 0;
      for (; at < end; at++) hash = (Math.imul(hash, BASE) + (bytes[at] as number) + 1) | 0;
      let slot = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> shift) << 1;
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      slots[slot] = hash;
      slots[slot + 1] = rank + 1;
    }
    starts[size] = at;
    this.size = size;
    this.bytes = bytes;
    this.starts = starts;
    this.longest = longest;
    this.powers = powers(longest);
    this.pairs = pairs;
    this.#slots = slots;
    this.#shift = shift;
    this.#mask = mask;
  }

  /** Rank of the token spelled by `text[from..to)`, or NONE. A hit is compared byte by byte, so it is exact. */
  find(text: Uint8Array, from: number, to: number, hash: number): number {
    const slots = this.#slots;
    const length = to - from;
    let slot = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> this.#shift) << 1;
    for (;;) {
      const entry = slots[slot + 1] as number;
      if (entry === 0) return NONE;
      if (slots[slot] === hash) {
        const start = this.starts[entry - 1] as number;
        if ((this.starts[entry] as number) - start === length) {
          let n = 0;
          while (n < length && this.bytes[start + n] === text[from + n]) n++;
          if (n === length) return entry - 1;
        }
      }
      slot = (slot + 2) & this.#mask;
    }
  }
}
