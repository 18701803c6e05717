/**
 * A text as bytes, and a vocabulary that maps byte strings to token ranks.
 *
 * Everything in the engine works on UTF-8 bytes and ranges of them, so that counting allocates no strings.
 */

/** Bytes that stay allocated between texts. A longer text gets a larger buffer, which the next text drops. */
const KEPT = 1 << 16;

/** A text encoded as UTF-8. One buffer is reused for text after text. */
export class Utf8Buffer {
  bytes = new Uint8Array(KEPT);
  /** The same bytes as `bytes`. */
  view = new DataView(this.bytes.buffer);
  length = 0;
  readonly #encoder = new TextEncoder();

  /** Replaces the content by `lead` and `text`. `lead` must be ASCII. */
  load(text: string, lead: string): void {
    const room = (text.length + lead.length) * 3;
    if (room > this.bytes.length || this.bytes.length > KEPT) {
      this.bytes = new Uint8Array(Math.max(room, KEPT));
      this.view = new DataView(this.bytes.buffer);
    }
    const { bytes } = this;
    let length = 0;
    for (; length < lead.length; length++) bytes[length] = lead.charCodeAt(length);
    this.length = length + this.#encoder.encodeInto(text, length === 0 ? bytes : bytes.subarray(length)).written;
  }
}

/**
 * A hash of bytes `from..to`. It reads their number, the first four, the last four and four in the middle, so its
 * cost does not depend on the length. Hardly any two tokens of a vocabulary share a hash. A caller must still compare
 * bytes.
 */
export function hashOf(bytes: Uint8Array, view: DataView, from: number, to: number): number {
  const length = to - from;
  let hash = bytes[from] as number;
  if (length > 3) hash = view.getInt32(from, true);
  else if (length > 1) {
    hash |= (bytes[from + 1] as number) << 8;
    if (length > 2) hash |= (bytes[from + 2] as number) << 16;
  }
  hash = Math.imul(hash ^ length, 0x9e3779b1);
  if (length > 4) hash = Math.imul((hash ^ (hash >>> 15)) + view.getInt32(to - 4, true), 0x85ebca6b);
  if (length > 8) hash = Math.imul((hash ^ (hash >>> 15)) + view.getInt32(from + (length >> 1) - 2, true), 0xc2b2ae35);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/** Whether two ranges of one length hold the same bytes. */
export function sameBytes(one: Uint8Array, at: number, other: Uint8Array, from: number, length: number): boolean {
  for (let n = 0; n < length; n++) if (one[at + n] !== other[from + n]) return false;
  return true;
}

/** The rank of bytes that are not a token. Higher than every rank, so that the lowest rank is always a real one. */
export const NONE = 0x7fffffff;

/** Ranks are below 2^18. The other bits of a table entry hold the low bits of the token's hash. */
const RANK_BITS = 18;
const RANK_MASK = 2 ** RANK_BITS - 1;

/** Size of the filter that `mayHave` reads: 2^20 bits are 128 KB, which stay in a processor's cache. */
const KNOWN_BITS = 20;

/**
 * Looks up the rank of the token that a range of UTF-8 bytes spells.
 *
 * File format, little endian: u32 number of tokens, u32 bytes of all tokens, one length byte per token, the tokens'
 * bytes in rank order, then data for the encoder (`tail`). Nothing is parsed into strings or objects. The file stays
 * the storage, and an open-addressing hash table of ranks points into it. Each entry also holds some bits of the
 * token's hash, so that the bytes of a different token are rarely compared.
 */
export class Vocabulary {
  readonly size: number;
  /** All tokens' bytes, one after another. */
  readonly bytes: Uint8Array;
  /** What the file holds after the tokens. */
  readonly tail: Uint8Array;
  /** Where each token starts in `bytes`. One more entry than there are tokens. */
  readonly starts: Uint32Array;
  /** Length of the longest token in bytes. */
  readonly longest: number;
  /** Rank of every two-byte token, by `first << 8 | second`. Every merge starts with these look-ups. */
  readonly pairs: Int32Array;
  /** Rank + 1, and above it the low bits of its hash. 0 marks an empty slot. */
  readonly #slots: Int32Array;
  readonly #known: Int32Array;
  readonly #shift: number;

  constructor(file: ArrayBuffer) {
    const header = new DataView(file);
    const size = header.getUint32(0, true);
    const total = header.getUint32(4, true);
    if (8 + size + total > file.byteLength) throw new Error('This is not a vocabulary file.');
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

  /** False if no token has this hash. True means that one may. */
  mayHave(hash: number): boolean {
    const bit = hash >>> (32 - KNOWN_BITS);
    return (((this.#known[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1;
  }

  /** Rank of the token that `text[from..to)` spells, or NONE. Exact: the bytes are compared. */
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
