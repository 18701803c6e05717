/**
 * The bytes that tokens stand for, from the names that a Hugging Face tokenizer gives them. There are two ways of writing
 * bytes that are no text: byte-level BPE has a letter for each byte (github.com/openai/gpt-2, src/encoder.py,
 * bytes_to_unicode), SentencePiece writes `▁` for a space and `<0xE2>` for a byte.
 */

const encoder = new TextEncoder();

/** The byte of each letter of byte-level BPE: itself where it can be printed, else one of those from U+0100 on, in order. */
function byteLetters(): ReadonlyMap<string, number> {
  const letters = new Map<string, number>();
  let hidden = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    letters.set(String.fromCharCode(printable ? byte : 256 + hidden++), byte);
  }
  return letters;
}

let letters: ReadonlyMap<string, number> | undefined;

function byteLevel(name: string): Uint8Array | undefined {
  letters ??= byteLetters();
  const bytes: number[] = [];
  for (const letter of name) {
    const byte = letters.get(letter);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function sentencePiece(name: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(name)?.[1];
  return byte === undefined ? encoder.encode(name.replaceAll('\u2581', ' ')) : Uint8Array.of(Number.parseInt(byte, 16));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Undefined where the names do not come to the text: then it is not known how they are meant. */
export function tokenBytes(names: readonly string[], text: string): readonly Uint8Array[] | undefined {
  const wanted = encoder.encode(text);
  const level = names.map(byteLevel);
  const known = level.filter((bytes) => bytes !== undefined);
  if (known.length === level.length && same(joined(known), wanted)) return known;
  const parts = names.map(sentencePiece);
  const written = joined(parts);
  if (same(written, wanted)) return parts;
  // Some put a space before a text, which is none of the text's.
  const [first, ...others] = parts;
  return first && written[0] === 32 && same(written.subarray(1), wanted) ? [first.subarray(1), ...others] : undefined;
}
