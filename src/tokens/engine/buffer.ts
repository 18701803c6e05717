import { rolled } from './vocabulary.ts';

/** Bytes kept between calls. A longer text gets buffers of its own, which go with it. */
const KEPT = 1 << 16;

/**
 * A text as UTF-8 with the hash of every prefix, so that the hash of any range is one multiplication
 * (`hash(i, j) = prefix[j] - prefix[i] * BASE^(j - i)`). One buffer is reused from text to text.
 */
export class Buffer8 {
  bytes = new Uint8Array(KEPT);
  prefix = new Int32Array(KEPT + 1);
  length = 0;
  readonly #encoder = new TextEncoder();

  load(text: string, lead: string): void {
    const room = (text.length + lead.length) * 3;
    if (room > this.bytes.length || this.bytes.length > KEPT) {
      const size = Math.max(room, KEPT);
      this.bytes = new Uint8Array(size);
      this.prefix = new Int32Array(size + 1);
    }
    const { bytes, prefix } = this;
    let length = 0;
    for (; length < lead.length; length++) bytes[length] = lead.charCodeAt(length);
    length += this.#encoder.encodeInto(text, length === 0 ? bytes : bytes.subarray(length)).written;
    let hash = 0;
    for (let at = 0; at < length; at++) {
      hash = rolled(hash, bytes[at] as number);
      prefix[at + 1] = hash;
    }
    this.length = length;
  }
}
