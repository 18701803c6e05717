/** Bytes of an answer in one piece; the longest outputs of any model are a hundredth of it. */
const MAX_BODY = 32 * 1024 * 1024;
/** Digits of an exponent: doubles have three. */
const MAX_EXPONENT = 4;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/**
 * Whether a JSON text has a number like `1e99999999`. The SDK expands such a number in a tool's input to a BigInt of
 * as many digits, which would stall everybody on this machine, and a model writes what its user asks for.
 */
export function hasGiantNumber(json: Uint8Array): boolean {
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted && byte === BACKSLASH) at++;
    else if (!quoted && (byte === 0x65 || byte === 0x45) && isDigit(json[at - 1] ?? 0)) {
      let digits = at + 1;
      if (json[digits] === 0x2b || json[digits] === 0x2d) digits++;
      const first = digits;
      while (isDigit(json[digits] ?? 0)) digits++;
      if (digits - first >= MAX_EXPONENT) return true;
      at = digits - 1;
    }
  }
  return false;
}

/**
 * Reads a whole body.
 * @throws RangeError beyond `limit` bytes
 */
export async function bytesOf(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new RangeError('The body is larger than the gateway takes.');
    }
    pieces.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Reads an answer for the SDK, which by itself knows no limit. */
export async function collect(body: ReadableStream<Uint8Array> | Blob): Promise<Uint8Array> {
  const bytes = await bytesOf(body instanceof Blob ? body.stream() : body, MAX_BODY);
  if (hasGiantNumber(bytes)) throw new SyntaxError('A number is beyond any range.');
  return bytes;
}
