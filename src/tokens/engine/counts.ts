import { sameBytes } from './hash.ts';

/** Slots, and bytes of the longest piece that one holds. */
const SLOTS = 8192;
const WIDTH = 32;

/**
 * Remembers into how many tokens short pieces merge. Exact: the piece itself is kept beside its count and compared. Each
 * slot holds the latest piece; nothing grows.
 */
export class PieceCounts {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #counts = new Uint8Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * WIDTH);

  /** The count put for this piece, or 0. */
  get(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const length = to - from;
    const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    if (this.#hashes[slot] !== hash || this.#lengths[slot] !== length) return 0;
    return sameBytes(this.#bytes, slot * WIDTH, bytes, from, length) ? (this.#counts[slot] as number) : 0;
  }

  put(bytes: Uint8Array, from: number, to: number, hash: number, count: number): void {
    const length = to - from;
    if (length > WIDTH) return;
    const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    this.#hashes[slot] = hash;
    this.#lengths[slot] = length;
    this.#counts[slot] = count;
    const start = slot * WIDTH;
    for (let n = 0; n < length; n++) this.#bytes[start + n] = bytes[from + n] as number;
  }
}
