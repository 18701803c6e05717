import { codeAt, NEWLINE, NUMBER, SPACE, sizeOf } from './classes.ts';

/** Finds where the piece that starts at `from` ends. Pieces are merged each by itself. */
export type Scan = (bytes: Uint8Array, from: number, end: number) => number;

const APOSTROPHE = 0x27;

/** `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at `at`: its end, or `at`. Case folds U+017F (long s) to s, as the references do. */
export function contraction(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== APOSTROPHE || at + 1 >= end) return at;
  const first = (bytes[at + 1] as number) | 0x20;
  // s, t, m, d
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) {
    return (bytes[at + 1] as number) >= 0x41 ? at + 2 : at;
  }
  if (at + 2 >= end) return at;
  if (bytes[at + 1] === 0xc5 && bytes[at + 2] === 0xbf) return at + 3;
  const second = (bytes[at + 2] as number) | 0x20;
  const pair = (bytes[at + 1] as number) >= 0x41 && (bytes[at + 2] as number) >= 0x41;
  // re, ve, ll
  const known = second === 0x65 ? first === 0x72 || first === 0x76 : first === 0x6c && second === 0x6c;
  return pair && known ? at + 3 : at;
}

/** `\p{N}{1,most}` where one digit is known to be. */
export function numbers(table: Uint8Array, bytes: Uint8Array, from: number, end: number, most: number): number {
  let at = from;
  for (let digits = 0; digits < most && at < end; digits++) {
    if (table[codeAt(bytes, at)] !== NUMBER) break;
    at += sizeOf(bytes[at] as number);
  }
  return at;
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+` where one space is known to be. */
export function spaces(table: Uint8Array, bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  let last = from;
  let afterNewline = from;
  while (at < end) {
    const kind = table[codeAt(bytes, at)] as number;
    if (kind < NEWLINE) break;
    last = at;
    at += sizeOf(bytes[at] as number);
    if (kind !== SPACE) afterNewline = at;
  }
  if (afterNewline > from) return afterNewline;
  return at === end || last === from ? at : last;
}
