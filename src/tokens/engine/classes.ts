/**
 * Classes of characters, as pretokenizers tell them apart, and characters in UTF-8.
 */
import { RUNS } from './unicode.ts';

/** None of the other classes: control and format characters, unassigned code points. */
export const OTHER = 0;
/** Punctuation and symbols: P, S */
export const SIGN = 1;
/** Lu, Lt */
export const UPPER = 2;
/** Ll */
export const LOWER = 3;
/** Letters without case: Lm, Lo */
export const UNCASED = 4;
export const MARK = 5;
export const NUMBER = 6;
/** CR and LF only */
export const NEWLINE = 7;
/** The White_Space property without CR and LF. Not JavaScript's `\s`, which has U+FEFF and lacks U+0085. */
export const SPACE = 8;

/** `\p{L}` */
export const isLetter = (kind: number): boolean => kind > SIGN && kind < MARK;

/** `[^\s\p{L}\p{N}]` */
export const isOther = (kind: number): boolean => kind <= SIGN || kind === MARK;

const ZERO = 0x30;
const LETTER_A = 0x61;
const BLANK = 0x20;

let table: Uint8Array | undefined;

/**
 * The class of every code point. The table is part of the source, so that the result does not depend on the runtime's
 * version of Unicode. It is unpacked at the first use.
 */
export function classes(): Uint8Array {
  if (table !== undefined) return table;
  table = new Uint8Array(0x110000);
  let from = 0;
  // A loop over characters: `split` would take longer than everything else here.
  for (let at = 0; at < RUNS.length; at++) {
    const kind = RUNS.charCodeAt(at) - ZERO;
    let length = 0;
    for (at++; at < RUNS.length && RUNS.charCodeAt(at) !== BLANK; at++) {
      const digit = RUNS.charCodeAt(at);
      length = length * 36 + (digit < LETTER_A ? digit - ZERO : digit - LETTER_A + 10);
    }
    if (kind !== OTHER) table.fill(kind, from, from + length);
    from += length;
  }
  return table;
}

let joined: Uint8Array | undefined;

/** The same table with marks as caseless letters, for patterns that have `[\p{L}\p{M}]` where others have `\p{L}`. */
export function classesWithMarksAsLetters(): Uint8Array {
  joined ??= classes().map((kind) => (kind === MARK ? UNCASED : kind));
  return joined;
}

/** Number of bytes of the character that starts with this byte. */
export const sizeOf = (lead: number): number => (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

/** The code point at `at` of well-formed UTF-8. */
export function codeAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return lead;
  const second = (bytes[at + 1] as number) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = (bytes[at + 2] as number) & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f);
}
