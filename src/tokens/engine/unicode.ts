/**
 * Characters: their classes, as pretokenizers tell them apart, their size in UTF-8, and Unicode's Normalization Form C.
 * The table of classes at the end is written by test/tokens/build-vocab.ts.
 */

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

/*
 * Normalization Form C in linear time. `String.prototype.normalize` takes quadratic time on long runs of combining
 * marks, so such runs are put in canonical order here first.
 */

/** Runs of at least so many marks are ordered here. */
const LONG_RUN = 64;

/** Characters converted to a string at a time. */
const CHUNK = 4096;

/** All combining classes are below this number. */
const COMBINING_CLASSES = 256;

/** The first code point that is a mark. */
const FIRST_MARK = 0x300;

/** Marks of the lowest and of the highest combining class except 0 (1 and 240). */
const LOWEST = 0x334;
const HIGHEST = 0x345;

/** Whether canonical order swaps these two: the right one has a lower class, and neither is of class 0. */
const swaps = (left: number, right: number): boolean =>
  String.fromCodePoint(left, right).normalize('NFD') === String.fromCodePoint(right, left);

/** Whether a mark is of class 0: it stays where it is, and no other mark moves past it. */
const isStarter = (mark: number): boolean => !swaps(mark, LOWEST) && !swaps(HIGHEST, mark);

/** A number per mark, by code point, in the order of their combining classes: 0 for starters, others from 1 on. */
function classesOf(marks: readonly number[]): Uint8Array {
  const found = new Uint8Array(0x110000);
  const moving = marks.filter((mark) => !isStarter(mark));
  let last: number | undefined;
  let current = 1;
  for (const mark of moving.sort((a, b) => Number(swaps(a, b)) - Number(swaps(b, a)))) {
    if (last !== undefined && swaps(mark, last)) current++;
    found[mark] = current;
    last = mark;
  }
  return found;
}

/** A stable counting sort of `items` by their keys, which are below `most`. */
function sorted(items: Int32Array, keys: Int32Array, most: number): Int32Array {
  const places = new Int32Array(most + 1);
  for (let n = 0; n < items.length; n++) {
    const above = (keys[items[n] as number] as number) + 1;
    places[above] = (places[above] as number) + 1;
  }
  for (let key = 0; key < most; key++) places[key + 1] = (places[key + 1] as number) + (places[key] as number);
  const found = new Int32Array(items.length);
  for (let n = 0; n < items.length; n++) {
    const item = items[n] as number;
    const key = keys[item] as number;
    const place = places[key] as number;
    found[place] = item;
    places[key] = place + 1;
  }
  return found;
}

/** The decomposition of a run of marks, and the distinct marks in it. */
function decomposed(run: string): { readonly marks: Int32Array; readonly kinds: readonly number[] } {
  const marks: number[] = [];
  const parts = new Map<number, readonly number[]>();
  const plain = new Uint8Array(0x110000);
  for (let at = 0; at < run.length; at++) {
    const code = run.codePointAt(at) as number;
    if (code >= 0x10000) at++;
    if (plain[code] === 1) {
      marks.push(code);
      continue;
    }
    let codes = parts.get(code);
    if (codes === undefined) {
      codes = Array.from(String.fromCodePoint(code).normalize('NFD'), (mark) => mark.codePointAt(0) as number);
      parts.set(code, codes);
      if (codes.length === 1 && codes[0] === code) plain[code] = 1;
    }
    for (const mark of codes) marks.push(mark);
  }
  return { marks: Int32Array.from(marks), kinds: [...new Set([...parts.values()].flat())] };
}

/**
 * A run of marks in canonical order: those between two starters are sorted by class. Only distinct marks are
 * compared.
 */
function ordered(run: string): string {
  const { marks, kinds } = decomposed(run);
  const classOf = classesOf(kinds);
  const order = new Int32Array(marks.length);
  const byClass = new Int32Array(marks.length);
  const byStretch = new Int32Array(marks.length);
  let stretch = 0;
  for (let at = 0; at < marks.length; at++) {
    const found = classOf[marks[at] as number] as number;
    if (found === 0) stretch++;
    order[at] = at;
    byClass[at] = found;
    byStretch[at] = stretch;
    if (found === 0) stretch++;
  }
  const places = sorted(sorted(order, byClass, COMBINING_CLASSES), byStretch, stretch + 1);
  let text = '';
  for (let from = 0; from < places.length; from += CHUNK) {
    const codes = places.subarray(from, from + CHUNK).map((at) => marks[at] as number);
    text += String.fromCodePoint(...codes);
  }
  return text;
}

/** The text in Normalization Form C. */
export function nfc(text: string): string {
  const table = classes();
  let safe = '';
  let done = 0;
  let from = 0;
  let marks = 0;
  const close = (to: number): void => {
    if (marks >= LONG_RUN) {
      safe += text.slice(done, from) + ordered(text.slice(from, to));
      done = to;
    }
    marks = 0;
  };
  for (let at = 0; at < text.length; at++) {
    const start = at;
    let code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00) code = text.codePointAt(at++) as number;
    if (code < FIRST_MARK || table[code] !== MARK) {
      if (marks > 0) close(start);
    } else if (marks++ === 0) from = start;
  }
  close(text.length);
  return (done === 0 ? text : safe + text.slice(done)).normalize('NFC');
}

/**
 * Every code point's class as runs from U+0000 on: the class's digit, then the length of the run in base 36.
 * Unicode 17.0, written by test/tokens/build-vocab.ts.
 */
const RUNS =
  '09 81 71 82 71 0i 81 1f 6a 17 2q 16 3q 14 06 81 0q 81 19 41 12 01 14 62 11 31 13 61 41 11 63 11 2n 11 27 3o 11 ' +
  '38 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 32 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 32 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 22 31 21 31 21 33 22 31 21 31 22 31 23 32 24 31 22 31 23 33 22 31 22 31 21 31 21 31 22 ' +
  '31 21 32 21 31 22 31 23 31 21 31 22 32 41 21 33 44 22 31 22 31 22 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 32 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 32 22 31 21 31 23 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 37 22 31 22 32 21 31 24 31 21 31 21 31 21 31 21 31x 42 3q 4i 14 4c 1e 45 17 41 11 ' +
  '41 1h 534 21 31 21 31 41 11 21 31 02 41 33 11 21 04 12 21 11 23 01 21 01 22 31 2h 01 29 3z 21 32 23 33 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 35 21 31 11 21 31 22 32 21f 31c 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 11 57 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 22 31 21 31 21 31 21 31 21 31 21 31 21 32 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 01 212 02 41 16 315 12 02 13 01 519 11 51 11 52 11 52 11 51 08 4r 04 44 12 0h 1a ' +
  '5b 11 01 13 417 5l 6a 14 42 51 42r 11 41 57 01 11 56 42 52 11 54 42 6a 43 12 41 1e 02 41 51 4u 5r 02 42h 5b 41 ' +
  '0e 6a 4x 59 42 14 41 02 51 12 4m 54 41 59 41 53 41 55 02 1f 01 4p 53 02 11 01 4b 05 4o 11 47 07 59 416 5o 01 ' +
  '5x 41i 53 41 5i 41 57 4a 52 12 6a 11 4g 53 01 48 02 42 02 4m 01 47 01 41 03 44 02 51 41 57 02 52 02 53 41 08 ' +
  '51 04 42 01 43 52 02 6a 42 12 66 12 41 11 51 02 53 01 46 04 42 02 4m 01 47 01 42 01 42 01 42 02 51 01 55 04 52 ' +
  '02 53 03 51 07 44 01 41 07 6a 52 43 51 11 0a 53 01 49 01 43 01 4m 01 47 01 42 01 45 02 51 41 58 01 53 01 53 02 ' +
  '41 0f 42 52 02 6a 12 07 41 56 01 53 01 48 02 42 02 4m 01 47 01 42 01 45 02 51 41 57 02 52 02 53 07 53 04 42 01 ' +
  '43 52 02 6a 11 41 66 0a 51 41 01 46 03 43 01 44 03 42 01 41 01 42 03 42 03 43 03 4c 04 55 03 53 01 54 02 41 06 ' +
  '51 0e 6d 18 05 55 48 01 43 01 4n 01 4g 02 51 41 57 01 53 01 54 07 52 01 43 01 42 02 42 52 02 6a 07 11 67 11 41 ' +
  '53 11 48 01 43 01 4n 01 4a 01 45 02 51 41 57 01 53 01 54 07 52 05 43 01 42 52 02 6a 01 42 51 0c 54 49 01 43 01 ' +
  '415 52 41 57 01 53 01 54 41 11 04 43 51 67 43 52 02 6j 11 46 01 53 01 4i 03 4o 01 49 01 41 02 47 03 51 04 56 ' +
  '01 51 01 58 06 6a 02 52 11 0c 41c 51 42 57 04 11 47 58 11 6a 12 011 42 01 41 01 45 01 4o 01 41 01 4a 51 42 59 ' +
  '41 02 45 01 41 01 57 01 6a 02 44 0w 41 1n 52 16 6k 11 51 11 51 11 51 14 52 48 01 410 04 5k 11 52 45 5b 01 510 ' +
  '01 18 51 16 01 1d 011 417 5k 41 6a 16 46 54 44 53 41 53 42 57 43 54 4d 5c 41 51 6a 54 12 212 01 21 05 21 02 ' +
  '317 11 41 33 495 01 44 02 47 01 41 01 44 02 415 01 44 02 4x 01 44 02 47 01 41 01 44 02 4f 01 41l 01 44 02 41v ' +
  '02 53 19 6k 03 4g 1a 06 22e 02 36 02 11 4h8 12 4h 81 4q 12 03 423 13 63 48 07 4i 54 09 4j 53 12 09 4i 52 0c 4d ' +
  '01 43 01 52 0c 41g 5w 13 41 14 41 51 02 6a 06 6a 06 1b 53 01 51 6a 06 42h 07 45 52 4y 51 41 05 41y 0a 4v 01 5c ' +
  '04 5c 04 11 03 12 6a 4u 02 45 0b 418 04 4q 06 6b 03 1y 4n 55 02 12 41h 5a 01 5t 02 51 6a 06 6a 06 17 41 16 02 ' +
  '51a 02 5c 0k 55 41b 5h 48 01 12 6a 1h 59 1c 53 4u 5d 42 6a 418 5e 08 14 410 5k 03 15 6a 03 43 6a 410 12 39 21 ' +
  '31 05 217 02 23 18 08 53 11 5l 44 51 46 51 42 53 41 05 318 41r 3d 41 3y 411 51s 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 39 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 39 28 36 02 26 02 38 28 38 28 36 02 26 02 38 01 21 01 21 01 21 01 ' +
  '21 38 28 3e 02 38 28 38 28 38 28 35 01 32 25 11 31 13 33 01 32 25 13 34 02 32 24 01 13 38 25 13 02 33 01 32 25 ' +
  '12 01 8b 05 1o 82 05 81 11b 81 0g 61 41 02 66 15 41 6a 15 01 4d 03 1y 0e 5x 0f 12 21 14 21 12 31 23 32 23 31 ' +
  '11 21 13 25 16 21 11 21 11 21 11 24 11 31 24 31 44 31 12 32 22 15 21 34 14 31 11 61f 21 31 65 12 04 1ii 0m 1b ' +
  '0l 61o 126 6m 1hi 6u 1rk 02 13u 21c 31c 21 31 23 32 21 31 21 31 21 31 24 31 21 32 21 36 42 23 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 32 16 21 31 21 31 53 21 31 05 14 61 12 312 01 31 05 ' +
  '31 02 41k 07 41 11 0e 51 4n 09 47 01 47 01 47 01 47 01 47 01 47 01 47 01 47 01 5w 11b 41 11a 0y 1q 01 12h 0c ' +
  '15y 0q 1g 81 14 42 61 1p 69 56 11 45 12 63 42 13 01 42e 02 52 12 43 11 42i 11 44 05 417 01 42m 01 12 64 1a 4w ' +
  '112 09 11 4g 1v 01 6a 1u 68 11 6f 1w 6a 113 6f 18w 4534 11s 4h3h 03 11j 09 41a 12 47h 13 4g 6a 42 0k 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 41 54 11 5a 11 41 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 42 52 41y 6a 52 16 08 1n 49 12 21 31 21 31 21 31 21 31 21 31 21 31 21 33 21 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 ' +
  '21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 41 38 21 31 21 31 22 31 21 31 21 31 21 31 21 31 41 12 21 31 21 ' +
  '31 41 21 31 21 33 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 25 31 25 31 21 31 21 31 21 31 21 ' +
  '31 21 31 21 31 21 31 24 31 21 31 22 31 21 31 21 31 21 31 21 31 21 31 21 31 21 31 21 0k 44 21 31 43 31 47 51 43 ' +
  '51 44 51 4n 55 14 51 03 66 14 06 41g 14 08 52 41e 5i 08 12 6a 06 5i 46 13 41 11 42 51 6a 4s 58 12 4n 5d 0b 11 ' +
  '4t 03 54 41b 5e 1d 01 41 6a 04 12 45 51 4a 6a 45 01 415 5e 09 43 51 48 52 02 6a 02 14 4n 13 41 53 41e 51 41 53 ' +
  '42 52 45 52 41 51 41 0o 43 12 4b 55 12 43 52 0a 46 02 46 02 46 09 47 01 47 01 317 11 44 39 41 12 04 328 4z 58 ' +
  '11 52 02 6a 06 48mc 0c 4n 04 41d 06is 4a6 02 42y 012 37 0c 35 05 41 51 4a 11 4d 01 45 01 41 01 42 01 42 01 430 ' +
  '1x 4a3 1i 41s 12 41i 18 0w 4c 14 5g 1a 06 5g 1z 01 1j 01 14 04 45 01 43r 04 1f 6a 17 2q 16 3q 1b 42h 03 46 02 ' +
  '46 02 46 02 43 03 17 01 17 0d 12 02 4c 01 4q 01 4j 01 42 01 4f 02 4e 0y 43f 05 13 04 619 03 19 61l 1h 62 13 01 ' +
  '1d 03 11 01b 119 51 03m 4t 03 41d 0f 51 6r 04 4w 64 09 4k 61 48 61 05 412 55 05 4u 01 11 410 04 48 11 65 016 ' +
  '214 314 426 02 6a 06 210 04 310 04 414 08 41g 0b 11 2b 01 2f 01 27 01 22 01 3b 01 3f 01 37 01 32 03 41g 0c 48n ' +
  '09 4m 0a 48 0o 46 01 416 01 49 01x 46 02 41 01 418 01 42 03 41 02 4n 01 11 68 4n 12 67 4v 08 69 01c 4j 01 42 ' +
  '05 65 4m 66 03 11 4q 05 11 4q 012 41k 04 62 42 6g 02 61a 41 53 01 52 05 54 44 01 43 01 4t 02 53 04 51 69 07 19 ' +
  '07 4t 62 11 4t 63 0w 48 11 4s 52 04 65 17 09 41i 03 17 4m 02 68 4j 05 68 4i 07 14 0c 67 028 421 01j 21f 0d 31f ' +
  '07 66 410 54 08 6a 06 6a 46 2m 03 55 11 41 3m 08 12 05s 6v 01 416 01 52 11 02 42 0g 46 08 19 0x 56 4t 6a 41 08 ' +
  '4m 5b 64 15 0m 4i 54 14 012 4l 67 0k 4n 09 53 41h 5f 17 04 6u 51 42 52 41 09 54 419 5b 12 01 14 51 0d 4p 07 6a ' +
  '06 53 410 5e 01 6a 14 41 52 41 08 4z 51 12 41 09 53 41c 5e 44 14 54 11 52 6a 41 11 41 13 01 6k 0b 4i 01 4p 5c ' +
  '16 51 42 51 01q 47 01 41 01 44 01 4f 01 4a 11 06 41b 5c 05 6a 06 54 01 48 02 42 02 4m 01 47 01 42 01 45 01 52 ' +
  '41 57 02 52 02 53 02 41 06 51 05 45 52 02 57 03 55 0b 4a 01 41 02 41 01 412 01 41 59 01 51 02 51 01 54 01 55 ' +
  '41 51 41 12 01 12 08 52 0t 41h 5i 44 15 6a 12 01 11 51 43 0u 41c 5k 42 11 41 08 6a 04m 41b 57 02 59 1n 44 52 ' +
  '0y 41c 5h 13 41 0b 6a 06 1d 0j 417 5d 41 11 06 6a 06 6k 0s 4r 02 5f 04 6c 14 47 055 418 5f 11 02s 2w 3w 6j 0c ' +
  '48 02 41 02 48 01 42 01 4o 56 01 52 02 54 41 51 41 52 13 09 6a 01y 48 02 413 57 02 57 41 11 41 51 0r 41 5a 414 ' +
  '57 41 54 18 51 08 41 5b 41a 5g 13 41 15 0d 421 07 1a 02e 58 02g 4x 11 0e 6a 06 49 01 411 58 01 58 41 15 0a 6t ' +
  '03 12 4u 02 5m 01 5e 021 47 01 42 01 412 56 03 51 01 52 01 57 41 51 08 6a 06 46 01 42 01 4w 55 01 52 01 55 41 ' +
  '07 6a 06 418 04 6a 06u 4j 54 12 07 52 41 51 4d 01 4y 57 03 55 1d 6a 51 02d 41 0f 6l 1t 0d 11 4pm 02u 633 01 15 ' +
  '0b 45g 0218 42p 12 0d 4ts 0g 51 46 5f 0a 432z 05 4g7 05a1 4u 5i 6a 01c6 4ft 07 4v 01 6a 04 12 427 01 6a 06 4u ' +
  '02 55 11 0a 41c 57 19 44 12 0a 6a 01 67 01 4l 05 4j 0c0 419 13 6a 05i 2w 3w 6n 14 05 2p 02 3p 018 423 04 51 41 ' +
  '51j 07 54 4d 01s 42 11 41 51 0b 52 42 63 09 45p2 015 4w 02p 437 06pp 44 01 47 01 42 01 483 0f 41 0t 43 02 41 ' +
  '0e 44 08 4b0 01s4 42z 05 4d 03 49 07 4a 02 11 52 11 031c 16o 6a 13 03 1c4 06 1n 0f 1h 0f 51a 02 5n 09 138 01o ' +
  '16u 0a 113 02 11o 55 13 56 08 58 12 57 1u 54 11p 0l 11u 53 11 03e 6k 0c 6k 0c 12f 09 6p 03r 2q 3q 2q 37 01 3i ' +
  '2q 3q 21 01 22 02 21 02 22 02 24 01 28 34 01 31 01 37 01 3b 2q 3q 22 01 24 02 28 01 27 01 3q 22 01 24 01 25 01 ' +
  '21 03 27 01 3q 2q 3q 2q 3q 2q 3q 2q 3q 2q 3q 2q 3s 02 2p 11 3p 11 36 2p 11 3p 11 36 2p 11 3p 11 36 2p 11 3p 11 ' +
  '36 2p 11 3p 11 36 21 31 02 61e 1e8 51j 14 51e 18 51 1e 51 17 0f 55 01 5f 0uo 3a 41 3k 06 36 05x 57 01 5h 02 57 ' +
  '01 52 01 55 05 41q 0x 51 034 419 03 57 47 02 6a 04 41 11 08w 4u 51 0h 418 54 6a 05 11 0cw 4s 54 6a 05y 4u 52 ' +
  '41 6a 04 11 05c 4v 01 43 51 42 51 47 52 45 51 08 42 068 47 01 44 01 42 01 4f 01 45h 02 69 57 015 2y 3y 57 41 ' +
  '04 6a 04 12 0lt 61n 11 63 11 64 024 619 11 6f 05e 44 01 4r 01 42 01 41 02 41 01 4a 01 44 01 41 01 41 06 41 04 ' +
  '41 01 41 01 41 01 43 01 42 01 41 02 41 01 41 01 41 01 41 01 41 01 42 01 41 02 44 01 47 01 44 01 44 01 41 01 4a ' +
  '01 4h 05 43 01 45 01 4h 01g 12 07i 118 04 12s 0c 1f 02 1f 01 1f 01 111 0a 6d 14h 01k 1t 0d 118 04 19 07 12 0e ' +
  '16 04a 1rd 03 1h 03 1d 03 162 06 1c 04 11 0f 1c 04 11k 08 1a 06 114 08 1u 02 1c 04 12 0e 19 013 19k 08 1e 02 ' +
  '1d 03 1b 03 11l 01 11 04 1g 02 1c 04 1a 07 143 01 12k 6a 11 0sl 4wyo 0w 43dq 02 44ge 02 45rl 0f 4ha 01wi 4f2 ' +
  '015u 43t7 05 46ju 0f62u 56o 047bk';
