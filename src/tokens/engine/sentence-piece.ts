import type { Buffer8 } from './buffer.ts';
import { codeAt, sizeOf } from './classes.ts';
import { PieceCounts } from './counts.ts';
import type { Encoder } from './encoder.ts';
import { hashOf } from './hash.ts';
import { Joints, PLANES } from './joints.ts';
import { Merger } from './merger.ts';
import { SpaceRuns } from './space-runs.ts';
import { NONE, type Vocabulary } from './vocabulary.ts';

const BLANK = 0x20;
/** `<unk>`, `<s>`, `</s>`, then one token for each byte, then the pieces. */
const FIRST_BYTE = 3;
const FIRST_PIECE = 259;
const NOTHING = new Uint8Array();

/**
 * SentencePiece BPE with byte fallback (Llama 2, Code Llama, Mistral v1). The reference merges the whole text at once;
 * here it is cut into words first, where no token crosses (see Joints). No token has a space behind another character
 * (asserted when the vocabulary is built), so a word takes at most one space, at its head.
 */
export class SentencePiece implements Encoder {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Buffer8;
  readonly #merger: Merger;
  readonly #joints: Joints;
  readonly #runs: SpaceRuns;
  readonly #counts = new PieceCounts();
  /** Tokens of the characters seen alone, by code point. */
  readonly #characters = new Uint8Array(PLANES);

  constructor(vocabulary: Vocabulary, buffer: Buffer8) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#merger = new Merger(vocabulary, buffer, true);
    this.#joints = new Joints(vocabulary.tail);
    this.#runs = new SpaceRuns(this.#merger, buffer);
  }

  count(limit: number): number {
    const { bytes, length } = this.#buffer;
    let total = 0;
    let from = 0;
    while (from < length && total <= limit) {
      const lead = bytes[from] as number;
      if (lead >= 0xe0) {
        // Most of Chinese, and all emoji: words of one character.
        const code = codeAt(bytes, from);
        const next = from + (lead < 0xf0 ? 3 : 4);
        if (!this.#joinsNext(code, next)) {
          total += this.#countCharacter(code, from, next);
          from = next;
          continue;
        }
      }
      const start = this.#wordStart(from);
      if (start === length) return total + this.#runs.count(length - from);
      const end = this.#wordEnd(start);
      let tokens = this.#countWord(start, end, limit - total);
      let spaces = start - from;
      // A space that did not merge with its word belongs to the run before it.
      if (tokens < 0) {
        tokens = -tokens - 1;
        spaces++;
      }
      total += tokens;
      if (spaces > 0) total += this.#runs.count(spaces);
      from = end;
    }
    return total;
  }

  #joinsNext(code: number, next: number): boolean {
    const { bytes, length } = this.#buffer;
    return this.#joints.hasNext(code) && next < length && this.#joints.join(code, codeAt(bytes, next));
  }

  /** Start of the next word: where `from` is no space, itself; else the last space of the run, if that can join. */
  #wordStart(from: number): number {
    const { bytes, length } = this.#buffer;
    let at = from;
    while (at < length && bytes[at] === BLANK) at++;
    return at > from && at < length && this.#joints.join(BLANK, codeAt(bytes, at)) ? at - 1 : at;
  }

  #wordEnd(start: number): number {
    const { bytes, length } = this.#buffer;
    const { ascii } = this.#joints;
    let at = start;
    // Most words are ASCII to their end.
    for (let left = bytes[at] as number; left < 0x80; ) {
      if (++at >= length) return at;
      const right = bytes[at] as number;
      if (right === BLANK || (right < 0x80 && ascii[(left << 7) | right] === 0)) return at;
      if (right >= 0x80) {
        if (!this.#joints.join(left, codeAt(bytes, at))) return at;
        break;
      }
      left = right;
    }
    let left = codeAt(bytes, at);
    at += sizeOf(bytes[at] as number);
    while (at < length) {
      const lead = bytes[at] as number;
      if (lead === BLANK) break;
      const right = lead < 0x80 ? lead : codeAt(bytes, at);
      if (!this.#joints.join(left, right)) break;
      left = right;
      at += sizeOf(lead);
    }
    return at;
  }

  /** Tokens of a word; negative when the first is its space alone. */
  #countWord(from: number, to: number, limit: number): number {
    const { bytes, view } = this.#buffer;
    const size = to - from;
    if (size === 1) return 1;
    if (size > this.#vocabulary.longest) return this.#countMerged(from, to, limit);
    const hash = hashOf(bytes, view, from, to);
    if (this.#vocabulary.find(bytes, from, to, hash) !== NONE) return 1;
    const known = this.#counts.get(bytes, from, to, hash);
    if (known !== 0) return known > 127 ? known - 256 : known;
    const count = this.#countMerged(from, to, limit);
    if (count < 128 && count > -128) this.#counts.put(bytes, from, to, hash, count);
    return count;
  }

  /** One character: in the vocabulary, or its bytes. */
  #countCharacter(code: number, from: number, to: number): number {
    const known = code < PLANES ? (this.#characters[code] as number) : 0;
    if (known !== 0) return known;
    const count = this.#merger.rank(from, to) === NONE ? to - from : 1;
    if (code < PLANES) this.#characters[code] = count;
    return count;
  }

  #countMerged(from: number, to: number, limit: number): number {
    const { bytes } = this.#buffer;
    const merger = this.#merger;
    const symbols = merger.merge(from, to, limit);
    let count = 0;
    for (let n = 0; n < symbols; n++) {
      const start = merger.starts[n] as number;
      const end = merger.starts[n + 1] as number;
      const single = end - start > 1 && end - start === sizeOf(bytes[start] as number);
      count += single && merger.rank(start, end) === NONE ? end - start : 1;
    }
    return bytes[from] === BLANK && merger.starts[1] === from + 1 ? -count : count;
  }

  encode(ids: number[], ends: number[]): void {
    const { length } = this.#buffer;
    const merger = this.#merger;
    for (let from = 0; from < length; ) {
      const start = this.#wordStart(from);
      if (start === length) {
        this.#encodeRun(from, length, ids, ends);
        return;
      }
      const end = this.#wordEnd(start);
      const symbols = merger.merge(start, end);
      const lone = this.#buffer.bytes[start] === BLANK && merger.starts[1] === start + 1 ? 1 : 0;
      this.#encodeRun(from, start + lone, ids, ends);
      for (let n = lone; n < symbols; n++) {
        this.#encodeSymbol(merger.starts[n] as number, merger.starts[n + 1] as number, ids, ends);
      }
      from = end;
    }
  }

  #encodeRun(from: number, to: number, ids: number[], ends: number[]): void {
    for (let at = from; at < to; ) {
      const n = this.#runs.longest(to - at);
      at += n;
      ids.push(FIRST_PIECE + this.#runs.rank(n));
      ends.push(at);
    }
  }

  /** A piece of the vocabulary, or each byte of the one character that it does not have. */
  #encodeSymbol(from: number, to: number, ids: number[], ends: number[]): void {
    const rank = this.#merger.rank(from, to);
    if (rank !== NONE) {
      ids.push(FIRST_PIECE + rank);
      ends.push(to);
      return;
    }
    for (let at = from; at < to; at++) {
      ids.push(FIRST_BYTE + (this.#buffer.bytes[at] as number));
      ends.push(at + 1);
    }
  }

  bytesOf(id: number): Uint8Array {
    if (id >= FIRST_BYTE && id < FIRST_PIECE) return Uint8Array.of(id - FIRST_BYTE);
    const { bytes, starts } = this.#vocabulary;
    const start = starts[id - FIRST_PIECE];
    const end = starts[id - FIRST_PIECE + 1];
    return start === undefined || end === undefined ? NOTHING : bytes.subarray(start, end);
  }
}
