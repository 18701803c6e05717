/** Bytes kept between calls. A longer text gets a buffer of its own, which goes with it. */
const KEPT = 1 << 16;

/** A text as UTF-8. One buffer is reused from text to text. */
export class Buffer8 {
  bytes = new Uint8Array(KEPT);
  /** The same bytes. */
  view = new DataView(this.bytes.buffer);
  length = 0;
  readonly #encoder = new TextEncoder();

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
