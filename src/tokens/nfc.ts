/**
 * Unicode Normalization Form C in linear time. `String.prototype.normalize` takes quadratic time on long runs of
 * combining marks, so such runs are put in canonical order here first.
 */
import { classes, MARK } from './engine/unicode.ts';

/** Runs of at least so many marks are ordered here. */
const LONG_RUN = 64;

/** Characters converted to a string at a time. */
const CHUNK = 4096;

/** All combining classes are below this number. */
const CLASSES = 256;

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
  const places = sorted(sorted(order, byClass, CLASSES), byStretch, stretch + 1);
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
