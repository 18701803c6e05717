import { classes, codeAt, isOther, LOWER, MARK, NEWLINE, NUMBER, SIGN, SPACE, sizeOf, UNCASED } from './classes.ts';
import { contraction, numbers, type Scan, spaces } from './scan.ts';

const BLANK = 0x20;
const SLASH = 0x2f;

export interface O200kOptions {
  /** Digits of one piece at the most. */
  readonly digits: number;
  /** Whether a contraction belongs to the word before it; else it is as any punctuation before letters. */
  readonly contractions: boolean;
}

/**
 * o200k's pieces (gpt-oss, Llama 4), as one pass over UTF-8. With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}],
 * W = [\p{Ll}\p{Lm}\p{Lo}\p{M}], X = [^\r\n\p{L}\p{N}] and C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
 *
 *     X?U*W+C?|X?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py and
 * https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py. Mistral's tekken has `\p{N}` and no C:
 * the `pattern` in https://github.com/mistralai/mistral-common/blob/main/src/mistral_common/data/tekken_240911.json
 */
export function o200kScan({ digits, contractions }: O200kOptions = { digits: 3, contractions: true }): Scan {
  const table = classes();
  const isWord = (kind: number): boolean => kind > SIGN && kind < NUMBER;
  const isPrefix = (kind: number): boolean => isOther(kind) || kind === SPACE;
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

  const ended = contractions ? contraction : (_: Uint8Array, at: number): number => at;

  const others = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    while (at < end && isOther(table[codeAt(bytes, at)] as number)) at += sizeOf(bytes[at] as number);
    while (at < end && (bytes[at] === SLASH || table[bytes[at] as number] === NEWLINE)) at++;
    return at;
  };

  return (bytes, from, end) => {
    const lead = bytes[from] as number;
    const kind = table[lead < 0x80 ? lead : codeAt(bytes, from)] as number;
    if (kind === NUMBER) return numbers(table, bytes, from, end, digits);
    if (kind === NEWLINE) return spaces(table, bytes, from, end);
    const next = from + sizeOf(lead);
    if (!isPrefix(kind)) {
      const word = lowered(bytes, from, end);
      return ended(bytes, word > from ? word : uppered(bytes, from, end), end);
    }
    let word = lowered(bytes, next, end);
    if (word > next) return ended(bytes, word, end);
    if (kind === MARK) {
      word = lowered(bytes, from, end);
      if (word > from) return ended(bytes, word, end);
    }
    word = uppered(bytes, next, end);
    if (word > next) return ended(bytes, word, end);
    if (kind !== SPACE) return others(bytes, from, end);
    if (lead !== BLANK || next >= end) return spaces(table, bytes, from, end);
    return isOther(table[codeAt(bytes, next)] as number) ? others(bytes, next, end) : spaces(table, bytes, from, end);
  };
}
