import type { Buffer8 } from './buffer.ts';
import { sameBytes } from './hash.ts';

/** Characters a block has at least, bytes it may have to be remembered, and blocks remembered: 1 MB at the most. */
const BLOCK = 4096;
const LARGEST = 16_384;
const SLOTS = 64;

const BLANK = 0x20;

const isLetter = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;

/**
 * Where the block that starts at `from` ends: between an ASCII letter and a space before an ASCII letter. There every
 * family here cuts, whatever stands before or behind, so a text's count is the sum of its blocks'.
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
 * Counts of blocks seen lately. Blocks are laid from a text's start, so a long system prompt or few-shot that comes
 * again is counted once, whatever follows it. Exact: a block's bytes are kept and compared.
 */
export class BlockCounts {
  readonly #slots: (Block | undefined)[] = new Array<Block | undefined>(SLOTS).fill(undefined);

  get({ bytes, view, length }: Buffer8): number | undefined {
    if (length < BLOCK || length > LARGEST) return undefined;
    const block = this.#slots[slotOf(view, length)];
    if (block === undefined || block.bytes.length !== length) return undefined;
    return sameBytes(block.bytes, 0, bytes, 0, length) ? block.count : undefined;
  }

  put({ bytes, view, length }: Buffer8, count: number): void {
    if (length < BLOCK || length > LARGEST) return;
    this.#slots[slotOf(view, length)] = { bytes: bytes.slice(0, length), count };
  }
}

/** From four bytes of every sixty-four. */
function slotOf(view: DataView, length: number): number {
  let hash = length;
  for (let at = 0; at + 4 <= length; at += 64)
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1) ^ (hash >>> 15);
  return Math.imul(hash, 0x2c1b3c6d) >>> 26;
}
