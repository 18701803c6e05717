/**
 * SentencePiece BPE with byte fallback: Llama 2, Code Llama, and Mistral's versions 1 to 3.
 */

import { PieceCounts } from './count-caches.ts';
import { MergePairs, Merger, PLANES } from './merger.ts';
import { codeAt, sizeOf } from './unicode.ts';
import { hashOf, NONE, type Utf8Buffer, type Vocabulary } from './vocabulary.ts';

/** No vocabulary has a longer run of spaces. */
const LONGEST_RUN = 16;

/**
 * Runs of spaces. Their tokens have the lowest scores, so they merge last: from the left, each as long as the
 * vocabulary has one.
 */
class SpaceRuns {
  /** Rank of the token that is a run of n spaces, or NONE. */
  readonly #ranks: number[] = [NONE];

  constructor(merger: Merger, buffer: Utf8Buffer) {
    buffer.load(' '.repeat(LONGEST_RUN), '');
    for (let n = 1; n <= LONGEST_RUN; n++) this.#ranks.push(merger.rank(0, n));
  }

  /** Number of tokens of a run. */
  count(spaces: number): number {
    let total = 0;
    for (let left = spaces; left > 0; total++) left -= this.longest(left);
    return total;
  }

  /** Length of the first token of a run. */
  longest(spaces: number): number {
    let n = Math.min(spaces, LONGEST_RUN);
    while (n > 1 && this.#ranks[n] === NONE) n--;
    return n;
  }

  rank(spaces: number): number {
    return this.#ranks[spaces] ?? NONE;
  }
}

const BLANK = 0x20;
/** Ids: `<unk>`, `<s>`, `</s>`, then one for each byte, then the pieces. */
const FIRST_BYTE = 3;
const FIRST_PIECE = 259;
const NOTHING = new Uint8Array();

/**
 * The reference merges a whole text at once. Here it is first cut into words, at places that no token spans
 * (`MergePairs`). No token has a space after another character (build-vocab.ts asserts it), so a word has at most one
 * space, at its start.
 */
export class SentencePiece {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Utf8Buffer;
  readonly #merger: Merger;
  readonly #pairs: MergePairs;
  readonly #runs: SpaceRuns;
  readonly #counts = new PieceCounts();
  /** Number of tokens of a character that stands alone, by code point. 0: not yet known. */
  readonly #characters = new Uint8Array(PLANES);

  constructor(vocabulary: Vocabulary, buffer: Utf8Buffer) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#merger = new Merger(vocabulary, buffer, true);
    this.#pairs = new MergePairs(vocabulary.tail);
    this.#runs = new SpaceRuns(this.#merger, buffer);
  }

  count(limit: number): number {
    const { bytes, length } = this.#buffer;
    let total = 0;
    let from = 0;
    while (from < length && total <= limit) {
      const lead = bytes[from] as number;
      if (lead >= 0xe0) {
        // Most Chinese characters and all emoji are words of one character.
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
      // The word's space did not merge with it: it belongs to the run of spaces before it.
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
    return this.#pairs.canMergeWithNext(code) && next < length && this.#pairs.canMerge(code, codeAt(bytes, next));
  }

  /** Start of the next word: after a run of spaces, whose last space belongs to the word if the two can merge. */
  #wordStart(from: number): number {
    const { bytes, length } = this.#buffer;
    let at = from;
    while (at < length && bytes[at] === BLANK) at++;
    return at > from && at < length && this.#pairs.canMerge(BLANK, codeAt(bytes, at)) ? at - 1 : at;
  }

  #wordEnd(start: number): number {
    const { bytes, length } = this.#buffer;
    const { ascii } = this.#pairs;
    let at = start;
    // Fast path: most words are ASCII.
    for (let left = bytes[at] as number; left < 0x80; ) {
      if (++at >= length) return at;
      const right = bytes[at] as number;
      if (right === BLANK || (right < 0x80 && ascii[(left << 7) | right] === 0)) return at;
      if (right >= 0x80) {
        if (!this.#pairs.canMerge(left, codeAt(bytes, at))) return at;
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
      if (!this.#pairs.canMerge(left, right)) break;
      left = right;
      at += sizeOf(lead);
    }
    return at;
  }

  /** Number of tokens of a word. Negative if the first of them is only its space. */
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

  /** Number of tokens of one character: 1 if it is in the vocabulary, else one per byte. */
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

  /** A token of the vocabulary, or one byte token for each byte of a character that it does not have. */
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
