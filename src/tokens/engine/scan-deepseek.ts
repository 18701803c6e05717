import { classes, codeAt, isLetter, MARK, NEWLINE, NUMBER, OTHER, SIGN, sizeOf } from './classes.ts';
import { numbers, type Scan, spaces } from './scan.ts';

const BLANK = 0x20;

/** `[一-龥぀-ゟ゠-ヿ]` */
const isEastAsian = (code: number): boolean => (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);

const isAsciiLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;

/**
 * DeepSeek's pieces, as one pass over UTF-8. Its tokenizer.json cuts three times: at `\p{N}{1,3}`, what is left at
 * `[一-龥぀-ゟ゠-ヿ]+`, and what each of these gave, numbers too, at (with A the ASCII punctuation)
 *
 *     A[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * where a stretch that matches nothing is a piece as well. A piece so lies in one part of the first two cuts, and what
 * looks ahead sees the part's end as the text's.
 *
 * https://huggingface.co/deepseek-ai/DeepSeek-V3/blob/main/tokenizer.json
 */
export function deepseekScan(): Scan {
  const table = classes();
  /** Of the part that is being read. */
  let eastAsian = false;

  /** Class of the character at `at`, or NUMBER, which no part has inside, where the part ends. */
  const kindAt = (bytes: Uint8Array, at: number, end: number): number => {
    if (at >= end) return NUMBER;
    const lead = bytes[at] as number;
    if (lead < 0x80) return eastAsian ? NUMBER : (table[lead] as number);
    const code = codeAt(bytes, at);
    return isEastAsian(code) === eastAsian ? (table[code] as number) : NUMBER;
  };

  const letters = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    for (;;) {
      const kind = kindAt(bytes, at, end);
      if (!isLetter(kind) && kind !== MARK) return at;
      at += sizeOf(bytes[at] as number);
    }
  };

  const signs = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    while (kindAt(bytes, at, end) === SIGN) at += sizeOf(bytes[at] as number);
    while (kindAt(bytes, at, end) === NEWLINE) at++;
    return at;
  };

  const blanks = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    while (kindAt(bytes, at, end) >= NEWLINE) at += sizeOf(bytes[at] as number);
    // The end of the part is an end to what looks ahead; another character is not.
    return spaces(table, bytes, from, kindAt(bytes, at, end) === NUMBER ? at : end);
  };

  /** What matches nothing, up to its last character if that can stand before letters. */
  const unmatched = (bytes: Uint8Array, from: number, end: number): number => {
    let last = from;
    let at = from;
    while (kindAt(bytes, at, end) === OTHER) {
      last = at;
      at += sizeOf(bytes[at] as number);
    }
    const after = kindAt(bytes, at, end);
    return isLetter(after) || after === MARK ? last : at;
  };

  return (bytes, from, end) => {
    const code = codeAt(bytes, from);
    eastAsian = isEastAsian(code);
    const kind = table[code] as number;
    if (kind === NUMBER) return numbers(table, bytes, from, end, 3);
    if (isLetter(kind) || kind === MARK) return letters(bytes, from, end);
    const next = from + sizeOf(bytes[from] as number);
    if (kind === SIGN) {
      if (code >= 0x80 || next >= end || !isAsciiLetter(bytes[next] as number)) return signs(bytes, from, end);
      let at = next;
      while (at < end && isAsciiLetter(bytes[at] as number)) at++;
      return at;
    }
    const after = kindAt(bytes, next, end);
    if (kind !== NEWLINE && (isLetter(after) || after === MARK)) return letters(bytes, next, end);
    if (code === BLANK && after === SIGN) return signs(bytes, next, end);
    return kind >= NEWLINE ? blanks(bytes, from, end) : unmatched(bytes, from, end);
  };
}
