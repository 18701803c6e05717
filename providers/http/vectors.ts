const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?`;
const VECTOR = new RegExp(String.raw`\[\s*(${NUMBER}(?:\s*,\s*${NUMBER})*)\s*\]`, 'g');

/** An answer's JSON without its vectors, and these in their order. */
export interface CutVectors {
  /** The same JSON, in which each list of numbers is its place in `vectors`. */
  readonly json: string;
  /** The numbers as they were written, without brackets. */
  readonly vectors: readonly string[];
}

/**
 * Cuts the lists of numbers out of an answer's JSON, to pass them on as they are: to parse a million numbers and write
 * them again would cost more than the rest of a call. What is no list of JSON numbers stays where it is.
 */
export function cutVectors(text: string): CutVectors {
  const vectors: string[] = [];
  const json = text.replace(VECTOR, (_, numbers: string) => String(vectors.push(numbers) - 1));
  return { json, vectors };
}

const KEY = '"embedding"';
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const KEY_BYTES = encoder.encode(KEY);
const code = (char: string): number => char.charCodeAt(0);
const [QUOTE, OPEN, CLOSE, COLON, BACKSLASH, SPACE] = ['"', '[', ']', ':', '\\', ' '].map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
/** Of a byte, set in letters, braces and brackets alone. */
const LETTER = 0x40;
const FOUR_LETTERS = 0x40404040;
const WORD = Uint32Array.BYTES_PER_ELEMENT;
const EXPONENTS = ['e', 'E'].map(code);

/**
 * The end of a list of numbers: the place of its bracket, or -1 where a letter comes first that no number has (NaN,
 * null, Infinity, true). Four bytes are looked at at a time, because lists are long.
 */
function endOfList(bytes: Uint8Array, from: number): number {
  const { buffer, byteOffset, length } = bytes;
  const words = new Uint32Array(buffer, 0, Math.floor((byteOffset + length) / WORD));
  let at = from;
  while (at < length) {
    if ((byteOffset + at) % WORD === 0) {
      let word = (byteOffset + at) / WORD;
      while (word < words.length && ((words[word] ?? 0) & FOUR_LETTERS) === 0) word++;
      at = word * WORD - byteOffset;
    }
    const end = Math.min(at + WORD - ((byteOffset + at) % WORD), length);
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === CLOSE) return at;
      if (byte >= LETTER && !EXPONENTS.includes(byte)) return -1;
    }
  }
  return -1;
}

/** A vector that was cut out of an answer, as its bytes. */
export type CutBytes = { readonly numbers: Uint8Array } | { readonly base64: Uint8Array };

/** The place of the next `"embedding"`, or -1. */
function nextKey(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let same = 1;
    while (same < KEY_BYTES.length && bytes[at + same] === KEY_BYTES[same]) same++;
    if (same === KEY_BYTES.length) return at;
  }
  return -1;
}

/**
 * Cuts the value of each `"embedding"` out of an answer's bytes, unread: a list of numbers, or base64. Of the first
 * list all is checked; of the others that they have no letters but those of an exponent.
 */
export function cutEmbeddings(bytes: Uint8Array): { readonly json: string; readonly vectors: readonly CutBytes[] } {
  const vectors: CutBytes[] = [];
  let json = '';
  let done = 0;
  for (let key = nextKey(bytes, 0); key >= 0; key = nextKey(bytes, done)) {
    let at = key + KEY_BYTES.length;
    while (bytes[at] === SPACE || bytes[at] === COLON) at++;
    const isList = bytes[at] === OPEN;
    const end = isList ? endOfList(bytes, at + 1) : bytes[at] === QUOTE ? bytes.indexOf(QUOTE, at + 1) : -1;
    const value = bytes.subarray(at + 1, Math.max(end, at + 1));
    const vector = end < 0 ? undefined : isList ? listIn(value, vectors.length === 0) : base64In(value);
    if (!vector) {
      json += decoder.decode(bytes.subarray(done, at));
      done = at;
      continue;
    }
    json += `${decoder.decode(bytes.subarray(done, at))}${vectors.push(vector) - 1}`;
    done = end + 1;
  }
  return { json: json + decoder.decode(bytes.subarray(done)), vectors };
}

function listIn(value: Uint8Array, whole: boolean): CutBytes | undefined {
  if (value.length === 0) return undefined;
  if (whole && cutVectors(`[${decoder.decode(value)}]`).vectors.length !== 1) return undefined;
  return { numbers: value };
}

const base64In = (value: Uint8Array): CutBytes | undefined =>
  value.length === 0 || value.length % 4 !== 0 || value.includes(BACKSLASH) ? undefined : { base64: value };
