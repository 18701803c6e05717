import type { Buffer8 } from './buffer.ts';
import { PieceCounts } from './counts.ts';
import type { Encoder } from './encoder.ts';
import { hashOf } from './hash.ts';
import { Merger } from './merger.ts';
import type { Scan } from './scan.ts';
import { Seams } from './seams.ts';
import { NONE, type Vocabulary } from './vocabulary.ts';

const NOTHING = new Uint8Array();

/** Bytes of pieces outside ASCII that are merged whole before the seams, which take some ms to find, are worth it. */
const WORTH_SEAMS = 2048;

/**
 * The tiktoken family: a scan cuts the text into pieces; a piece that is a token is that token, any other is merged from
 * its bytes. A token's id is its rank.
 */
export class ByteLevel implements Encoder {
  readonly #vocabulary: Vocabulary;
  readonly #buffer: Buffer8;
  readonly #scan: Scan;
  readonly #merger: Merger;
  readonly #counts = new PieceCounts();
  #seams: Seams | undefined;
  #unseamed = 0;

  constructor(vocabulary: Vocabulary, buffer: Buffer8, scan: Scan) {
    this.#vocabulary = vocabulary;
    this.#buffer = buffer;
    this.#scan = scan;
    this.#merger = new Merger(vocabulary, buffer, false);
  }

  count(limit: number): number {
    const { bytes, view, length } = this.#buffer;
    const { longest } = this.#vocabulary;
    let total = 0;
    let from = 0;
    while (from < length && total <= limit) {
      const to = this.#scan(bytes, from, length);
      const size = to - from;
      if (size === 1) total++;
      else if (size > longest) total += this.#cut(from, to, limit - total);
      else {
        const hash = hashOf(bytes, view, from, to);
        if (this.#vocabulary.find(bytes, from, to, hash) !== NONE) total++;
        else total += this.#counts.get(bytes, from, to, hash) || this.#cut(from, to, limit - total);
      }
      from = to;
    }
    return total;
  }

  /** Tokens of a piece that is none itself, seam by seam. */
  #cut(from: number, to: number, limit: number): number {
    const { bytes } = this.#buffer;
    if ((bytes[to - 1] as number) < 0x80) return this.#merged(from, to, limit);
    if (this.#seams === undefined) {
      this.#unseamed += to - from;
      if (this.#unseamed < WORTH_SEAMS) return this.#merged(from, to, limit);
      this.#seams = new Seams(this.#vocabulary);
    }
    let total = 0;
    for (let start = from; start < to; ) {
      const end = this.#seams.next(bytes, start, to);
      total += this.#merged(start, end, limit - total);
      start = end;
    }
    return total;
  }

  /** Tokens that these bytes merge into; not one because they are a token, as only a whole piece is taken for that. */
  #merged(from: number, to: number, limit: number): number {
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
      const to = this.#scan(bytes, from, length);
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
