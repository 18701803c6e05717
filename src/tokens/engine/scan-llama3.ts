import { classes, codeAt, isLetter, isOther, NEWLINE, NUMBER, SPACE, sizeOf } from './classes.ts';
import { contraction, numbers, type Scan, spaces } from './scan.ts';

const BLANK = 0x20;

/**
 * Llama 3's pieces, as one pass over UTF-8 without a regular expression, which would take quadratic time in places:
 *
 *     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py. Qwen's are the same with each digit
 * by itself: https://github.com/dashscope/dashscope-sdk-python/blob/main/dashscope/tokenizers/qwen_tokenizer.py
 * From 3.5 on Qwen takes marks for letters:
 *
 *     [^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+ and  ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*
 *
 * A mark may also stand in front of letters there, which comes to the same: it joins them either way.
 */
export function llama3Scan(digits = 3, table = classes()): Scan {
  const letters = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    while (at < end) {
      const lead = bytes[at] as number;
      if (lead < 0x80) {
        if (!isLetter(table[lead] as number)) break;
        at++;
      } else {
        if (!isLetter(table[codeAt(bytes, at)] as number)) break;
        at += sizeOf(lead);
      }
    }
    return at;
  };

  const others = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    while (at < end && isOther(table[codeAt(bytes, at)] as number)) at += sizeOf(bytes[at] as number);
    while (at < end && table[bytes[at] as number] === NEWLINE) at++;
    return at;
  };

  return (bytes, from, end) => {
    const lead = bytes[from] as number;
    const kind = table[lead < 0x80 ? lead : codeAt(bytes, from)] as number;
    const next = from + sizeOf(lead);
    if (isLetter(kind)) return letters(bytes, next, end);
    if (kind === NUMBER) return numbers(table, bytes, from, end, digits);
    if (kind === NEWLINE) return spaces(table, bytes, from, end);
    const short = contraction(bytes, from, end);
    if (short > from) return short;
    if (next >= end) return end;
    const after = table[codeAt(bytes, next)] as number;
    if (isLetter(after)) return letters(bytes, next, end);
    if (kind !== SPACE) return others(bytes, from, end);
    return lead === BLANK && isOther(after) ? others(bytes, next, end) : spaces(table, bytes, from, end);
  };
}
