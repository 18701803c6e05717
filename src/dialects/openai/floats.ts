/**
 * Reads the numbers of a vector as 32-bit floats, for callers that want base64 where the wire has numbers. JSON.parse
 * takes nearly twice as long, because it finds the nearest 64-bit float of each.
 */
import { GatewayError } from '../../core/index.ts';

const code = (char: string): number => char.charCodeAt(0);
const ZERO = code('0');
const MINUS = code('-');
const POINT = code('.');
const COMMA = code(',');
const SPACES = [' ', '\t', '\n', '\r'].map(code);

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?[ \t\n\r]*$/;
/** Powers of ten by which less than sixteen places are divided, and that a 64-bit float holds exactly. */
const POWERS = Array.from({ length: 16 }, (_, exponent) => Number(`1e${exponent}`));
const SIXTEEN_PLACES = 1e16;
/** Digits before the point of which the error, at most two roundings for each, stays far below `MARGIN`. */
const MOST_DIGITS = 20;
/** If a number a little smaller and one a little larger are the same 32-bit float, so is what lies between. */
const MARGIN = 2 ** -44;
const LEAST = 1 - MARGIN;
const MOST = 1 + MARGIN;

const encoder = new TextEncoder();
const WORD = Int32Array.BYTES_PER_ELEMENT;
// Shared by all calls, of which none waits for anything.
let bytes = new Uint8Array(32 * 1024);
let view = new DataView(bytes.buffer);

/** Nothing but zeros if the four bytes are digits. Otherwise a bit is set in each byte that is none. */
// The upper half of a digit's byte is 3, and still is with 6 added.
const noDigits = (word: number): number => (word & (word + 0x06060606) & 0xf0f0f0f0) ^ 0x30303030;

/** The number that four bytes of digits write, the first in the lowest place. */
function fourDigits(word: number): number {
  const pairs = Math.imul(word & 0x0f0f0f0f, 10) + ((word >>> 8) & 0x0f0f0f);
  return Math.imul(pairs & 0xff, 100) + ((pairs >>> 16) & 0xff);
}

/** Copies the text into `bytes`, with a comma at its end. False if it is not ASCII. */
function loaded(text: string): boolean {
  const length = text.length + 1 + 5 * WORD;
  if (bytes.length < length) {
    bytes = new Uint8Array(length * 2);
    view = new DataView(bytes.buffer);
  }
  const { written } = encoder.encodeInto(text, bytes);
  bytes.fill(0, text.length, length);
  bytes[text.length] = COMMA;
  // A character that is not ASCII takes two bytes or more.
  return written === text.length;
}

function pastSpace(from: number): number {
  let at = from;
  while (SPACES.includes(bytes[at] ?? 0)) at++;
  return at;
}

/** The 32-bit float that is nearest to all of a range, or NaN if its ends have different ones. */
function floatBetween(least: number, most: number): number {
  const float = Math.fround(least * LEAST);
  return float === Math.fround(most * MOST) ? float : Number.NaN;
}

/** The floats of a list without brackets. Undefined for a text that only the runtime's parser should judge. */
function scanned(text: string): Float32Array | undefined {
  if (!loaded(text)) return undefined;
  const from = bytes;
  const words = view;
  // Each takes two bytes at least, with its comma.
  const floats = new Float32Array((text.length + 1) >> 1);
  let count = 0;
  for (let at = 0; at <= text.length; at++) {
    if ((from[at] ?? 0) < MINUS) at = pastSpace(at);
    const start = at;
    const isNegative = from[at] === MINUS;
    if (isNegative) at++;
    let value = (from[at] ?? 0) - ZERO;
    if (value < 0 || value > 9) return undefined;
    const isZero = value === 0;
    at++;
    for (let digit = (from[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (from[++at] ?? 0) - ZERO) {
      if (isZero) return undefined;
      value = value * 10 + digit;
    }
    let float = Number.NaN;
    if (from[at] !== POINT) {
      if (at - start <= MOST_DIGITS) float = floatBetween(value, value);
    } else {
      const first = ++at;
      const a = words.getInt32(at, true);
      const b = words.getInt32(at + 4, true);
      const c = words.getInt32(at + 8, true);
      const d = words.getInt32(at + 12, true);
      const isLong = (noDigits(a) | noDigits(b) | noDigits(c) | noDigits(d)) === 0;
      if (isLong) {
        // Most numbers. The digits after the sixteenth hardly ever decide which float is meant.
        const upper = fourDigits(a) * 10_000 + fourDigits(b);
        value = value * SIXTEEN_PLACES + upper * 1e8 + (fourDigits(c) * 10_000 + fourDigits(d));
        float = floatBetween(value / SIXTEEN_PLACES, (value + 1) / SIXTEEN_PLACES);
        at += 16;
        for (let wrong = noDigits(words.getInt32(at, true)); ; wrong = noDigits(words.getInt32(at, true))) {
          if (wrong !== 0) {
            // The lowest bit that is set is in the byte of the first that is no digit.
            at += (31 - Math.clz32(wrong & -wrong)) >> 3;
            break;
          }
          at += WORD;
        }
      } else {
        for (let digit = (from[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (from[++at] ?? 0) - ZERO) {
          value = value * 10 + digit;
        }
        if (at === first) return undefined;
        value /= POWERS[at - first] ?? Number.NaN;
        float = floatBetween(value, value);
      }
      if (first - start > MOST_DIGITS) float = Number.NaN;
    }
    if (isNegative) float = -float;
    if (from[at] !== COMMA || Number.isNaN(float)) {
      // An exponent, a space, many digits, or a number that is halfway between two floats.
      at = text.indexOf(',', at);
      if (at < 0) at = text.length;
      const written = text.slice(start, at);
      if (!NUMBER.test(written)) return undefined;
      float = Number(written);
    }
    floats[count++] = float;
  }
  return floats.subarray(0, count);
}

/** The numbers of a JSON list, which is given without its brackets. Throws `provider_error` for what is not one. */
export function floatsIn(list: string): Float32Array {
  const known = scanned(list);
  if (known) return known;
  try {
    const numbers: unknown = JSON.parse(`[${list}]`);
    if (Array.isArray(numbers)) return Float32Array.from(numbers);
  } catch {
    // Said below, like every other text that is no list of numbers.
  }
  throw new GatewayError('provider_error', 'The provider answered with a vector that is no list of numbers.');
}
