import { classes, codeAt, LOWER, MARK, NEWLINE, NUMBER, OTHER, SPACE, sizeOf, UNCASED } from './classes.ts';
import { contraction, numbers, type Scan, spaces } from './scan.ts';

const BLANK = 0x20;
const SLASH = 0x2f;

/**
 * o200k's pieces (gpt-oss, GPT-4o), as one pass over UTF-8. With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}],
 * W = [\p{Ll}\p{Lm}\p{Lo}\p{M}], X = [^\r\n\p{L}\p{N}] and C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
 *
 *     X?U*W+C?|X?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py
 */
export function o200kScan(): Scan {
  const table = classes();
  const isWord = (kind: number): boolean => kind !== OTHER && kind < NUMBER;
  const isUpper = (kind: number): boolean => isWord(kind) && kind !== LOWER;
  const isLower = (kind: number): boolean => kind >= LOWER && kind < NUMBER;

  /** `U*W+` at `from`, or `from`. Of a run of U without W behind it, all up to its last caseless letter or mark. */
  const lowered = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    let lastBoth = from;
    while (at < end) {
      const kind = table[codeAt(bytes, at)] as number;
      if (!isUpper(kind)) break;
      at += sizeOf(bytes[at] as number);
      if (kind >= UNCASED) lastBoth = at;
    }
    if (at >= end || table[codeAt(bytes, at)] !== LOWER) return lastBoth;
    while (at < end && isLower(table[codeAt(bytes, at)] as number)) at += sizeOf(bytes[at] as number);
    return at;
  };

  /** `U+`, which is all that `U+W*` can be where `U*W+` was not. */
  const uppered = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    while (at < end && isUpper(table[codeAt(bytes, at)] as number)) at += sizeOf(bytes[at] as number);
    return at;
  };

  const others = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    for (; at < end; at += sizeOf(bytes[at] as number)) {
      const kind = table[codeAt(bytes, at)] as number;
      if (kind !== OTHER && kind !== MARK) break;
    }
    while (at < end && (bytes[at] === SLASH || table[bytes[at] as number] === NEWLINE)) at++;
    return at;
  };

  return (bytes, from, end) => {
    const lead = bytes[from] as number;
    const kind = table[lead < 0x80 ? lead : codeAt(bytes, from)] as number;
    if (kind === NUMBER) return numbers(table, bytes, from, end);
    if (kind === NEWLINE) return spaces(table, bytes, from, end);
    const next = from + sizeOf(lead);
    const prefixed = kind === OTHER || kind === MARK || kind === SPACE;
    if (!prefixed) {
      const word = lowered(bytes, from, end);
      return contraction(bytes, word > from ? word : uppered(bytes, from, end), end);
    }
    let word = lowered(bytes, next, end);
    if (word > next) return contraction(bytes, word, end);
    if (kind === MARK) {
      word = lowered(bytes, from, end);
      if (word > from) return contraction(bytes, word, end);
    }
    word = uppered(bytes, next, end);
    if (word > next) return contraction(bytes, word, end);
    if (kind !== SPACE) return others(bytes, from, end);
    if (lead !== BLANK || next >= end) return spaces(table, bytes, from, end);
    const after = table[codeAt(bytes, next)] as number;
    return after === OTHER || after === MARK ? others(bytes, next, end) : spaces(table, bytes, from, end);
  };
}
