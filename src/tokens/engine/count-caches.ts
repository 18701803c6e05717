/**
 * Caches of counts: short pieces and blocks of a text (per engine), and whole texts (per tokenizer). All are exact,
 * because the bytes or the text are kept and compared, and none grows beyond a fixed size.
 */
import { sameBytes, type Utf8Buffer } from './vocabulary.ts';

/** Number of slots, and bytes of the longest piece that one holds. */
const PIECE_SLOTS = 8192;
const PIECE_BYTES = 32;

/** Into how many tokens short pieces merge. Each slot holds the latest piece with its hash. */
export class PieceCounts {
  readonly #hashes = new Int32Array(PIECE_SLOTS);
  readonly #lengths = new Uint8Array(PIECE_SLOTS);
  readonly #counts = new Uint8Array(PIECE_SLOTS);
  readonly #bytes = new Uint8Array(PIECE_SLOTS * PIECE_BYTES);

  /** The count put for this piece, or 0. */
  get(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const length = to - from;
    const slot = (hash ^ (hash >>> 16)) & (PIECE_SLOTS - 1);
    if (this.#hashes[slot] !== hash || this.#lengths[slot] !== length) return 0;
    return sameBytes(this.#bytes, slot * PIECE_BYTES, bytes, from, length) ? (this.#counts[slot] as number) : 0;
  }

  put(bytes: Uint8Array, from: number, to: number, hash: number, count: number): void {
    const length = to - from;
    if (length > PIECE_BYTES) return;
    const slot = (hash ^ (hash >>> 16)) & (PIECE_SLOTS - 1);
    this.#hashes[slot] = hash;
    this.#lengths[slot] = length;
    this.#counts[slot] = count;
    const start = slot * PIECE_BYTES;
    for (let n = 0; n < length; n++) this.#bytes[start + n] = bytes[from + n] as number;
  }
}

/** Least characters of a block, most bytes of one that is kept, and how many are kept: 1 MB in all. */
const BLOCK = 4096;
const LARGEST_BLOCK = 16_384;
const BLOCK_SLOTS = 64;

const BLANK = 0x20;

const isLetter = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;

/**
 * The end of the block that starts at `from`: between an ASCII letter and a space that an ASCII letter follows. Every
 * tokenizer here cuts there, whatever the text around it, so the count of a text is the sum of the counts of its
 * blocks.
 */
export function blockEnd(text: string, from: number): number {
  for (let at = from + BLOCK; at + 1 < text.length; at++) {
    if (text.charCodeAt(at) !== BLANK) continue;
    if (isLetter(text.charCodeAt(at - 1)) && isLetter(text.charCodeAt(at + 1))) return at;
  }
  return text.length;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/**
 * Counts of recent blocks. Blocks start at a text's start, so a long system prompt or few-shot prompt that comes
 * again is counted once, whatever follows it.
 */
export class BlockCounts {
  readonly #slots: (Block | undefined)[] = new Array<Block | undefined>(BLOCK_SLOTS).fill(undefined);

  get({ bytes, view, length }: Utf8Buffer): number | undefined {
    if (length < BLOCK || length > LARGEST_BLOCK) return undefined;
    const block = this.#slots[slotOf(view, length)];
    if (block === undefined || block.bytes.length !== length) return undefined;
    return sameBytes(block.bytes, 0, bytes, 0, length) ? block.count : undefined;
  }

  put({ bytes, view, length }: Utf8Buffer, count: number): void {
    if (length < BLOCK || length > LARGEST_BLOCK) return;
    this.#slots[slotOf(view, length)] = { bytes: bytes.slice(0, length), count };
  }
}

/** A hash of four bytes of every sixty-four. */
function slotOf(view: DataView, length: number): number {
  let hash = length;
  for (let at = 0; at + 4 <= length; at += 64)
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1) ^ (hash >>> 15);
  return Math.imul(hash, 0x2c1b3c6d) >>> 26;
}

/** Most texts kept, least and most characters of each, and most characters of all together. */
const TEXTS = 2048;
const SHORTEST_TEXT = 48;
const LONGEST_TEXT = 16_384;
const CHARACTERS = 1_000_000;

/**
 * Counts of recent texts, keyed by the text. A conversation sends all earlier messages again with every turn, and a
 * few-shot prompt its examples with every call. The oldest texts are dropped first.
 */
export class TextCounts {
  readonly #counts = new Map<string, number>();
  #characters = 0;

  get(text: string): number | undefined {
    return text.length < SHORTEST_TEXT || text.length > LONGEST_TEXT ? undefined : this.#counts.get(text);
  }

  /** Returns whether the text was kept. */
  put(text: string, count: number): boolean {
    if (text.length < SHORTEST_TEXT || text.length > LONGEST_TEXT) return false;
    if (!this.#counts.has(text)) this.#characters += text.length;
    this.#counts.set(text, count);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= TEXTS && this.#characters <= CHARACTERS) break;
      this.#counts.delete(oldest);
      this.#characters -= oldest.length;
    }
    return true;
  }
}
