/** Byte-level BPE, as tiktoken has it: Llama 3 and 4, gpt-oss, Qwen, DeepSeek, Mistral's tekken. */
import { PieceCounts } from './count-caches.ts';
import { CutPoints, Merger } from './merger.ts';
import type { Pretokenizer } from './pretokenize.ts';
import { hashOf, NONE, type Utf8Buffer, type Vocabulary } from './vocabulary.ts';

const NOTHING = new Uint8Array();

/** Bytes of non-ASCII pieces after which computing the cut points, which takes some ms, pays off. */
const WORTH_CUTTING = 2048;

/**
 * A pretokenizer cuts the text into pieces. A piece that is a token is that token; any other piece is merged from its
 * bytes. A token's id is its rank.
 */
export class ByteLevel {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Utf8Buffer;
  readonly #pretokenizer: Pretokenizer;
  readonly #merger: Merger;
  readonly #counts = new PieceCounts();
  #cutPoints: CutPoints | undefined;
  #uncutBytes = 0;

  constructor(vocabulary: Vocabulary, buffer: Utf8Buffer, pretokenizer: Pretokenizer) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#pretokenizer = pretokenizer;
    this.#merger = new Merger(vocabulary, buffer, false);
  }

  count(limit: number): number {
    const { bytes, view, length } = this.#buffer;
    const { longest } = this.#vocabulary;
    let total = 0;
    let from = 0;
    while (from < length && total <= limit) {
      const to = this.#pretokenizer(bytes, from, length);
      const size = to - from;
      if (size === 1) total++;
      else if (size > longest) total += this.#countInCuts(from, to, limit - total);
      else {
        const hash = hashOf(bytes, view, from, to);
        if (this.#vocabulary.find(bytes, from, to, hash) !== NONE) total++;
        else total += this.#counts.get(bytes, from, to, hash) || this.#countInCuts(from, to, limit - total);
      }
      from = to;
    }
    return total;
  }

  /** Number of tokens of a piece that is not a token, merged from one cut point to the next. */
  #countInCuts(from: number, to: number, limit: number): number {
    const { bytes } = this.#buffer;
    if ((bytes[to - 1] as number) < 0x80) return this.#countMerged(from, to, limit);
    if (this.#cutPoints === undefined) {
      this.#uncutBytes += to - from;
      if (this.#uncutBytes < WORTH_CUTTING) return this.#countMerged(from, to, limit);
      this.#cutPoints = new CutPoints(this.#vocabulary);
    }
    let total = 0;
    for (let start = from; start < to; ) {
      const end = this.#cutPoints.next(bytes, start, to);
      total += this.#countMerged(start, end, limit - total);
      start = end;
    }
    return total;
  }

  /** Number of tokens that these bytes merge into. (Only a whole piece may be taken for a token without merging.) */
  #countMerged(from: number, to: number, limit: number): number {
    const { bytes, view } = this.#buffer;
    if (to - from > this.#vocabulary.longest) return this.#merger.merge(from, to, limit);
    const hash = hashOf(bytes, view, from, to);
    const known = this.#counts.get(bytes, from, to, hash);
    if (known !== 0) return known;
    const count = this.#merger.merge(from, to);
    this.#counts.put(bytes, from, to, hash, count);
    return count;
  }

  encode(ids: number[], ends: number[]): void {
    const { bytes, length } = this.#buffer;
    const merger = this.#merger;
    for (let from = 0; from < length; ) {
      const to = this.#pretokenizer(bytes, from, length);
      const whole = merger.rank(from, to);
      if (whole !== NONE) {
        ids.push(whole);
        ends.push(to);
      } else {
        const count = merger.merge(from, to);
        for (let n = 0; n < count; n++) {
          const end = merger.starts[n + 1] as number;
          ids.push(merger.rank(merger.starts[n] as number, end));
          ends.push(end);
        }
      }
      from = to;
    }
  }

  bytesOf(id: number): Uint8Array {
    const { bytes, starts } = this.#vocabulary;
    const start = starts[id];
    const end = starts[id + 1];
    return start === undefined || end === undefined ? NOTHING : bytes.subarray(start, end);
  }
}
