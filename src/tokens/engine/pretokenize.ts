/**
 * Pretokenizers of the byte-level families: each cuts a text into pieces, which are then merged by themselves. The
 * makers define them by regular expressions. Those take quadratic time on some texts, so here each is one linear pass
 * over UTF-8.
 */
import {
  classes,
  classesWithMarksAsLetters,
  codeAt,
  isLetter,
  isOther,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  OTHER,
  SIGN,
  SPACE,
  sizeOf,
  UNCASED,
} from './unicode.ts';

/** Returns the end of the piece that starts at `from`. */
export type Pretokenizer = (bytes: Uint8Array, from: number, end: number) => number;

const APOSTROPHE = 0x27;
const BLANK = 0x20;
const SLASH = 0x2f;

/**
 * Matches `(?i:'s|'t|'re|'ve|'m|'ll|'d)`: returns its end, or `at`. U+017F (long s) counts as s, as in the
 * references.
 */
function contraction(bytes: Uint8Array, at: number, end: number): number {
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

/** Matches `\p{N}{1,most}` where a digit is known to stand. */
function numbers(table: Uint8Array, bytes: Uint8Array, from: number, end: number, most: number): number {
  let at = from;
  for (let digits = 0; digits < most && at < end; digits++) {
    if (table[codeAt(bytes, at)] !== NUMBER) break;
    at += sizeOf(bytes[at] as number);
  }
  return at;
}

/** Matches `\s*[\r\n]+|\s+(?!\S)|\s+` where a space is known to stand. */
function spaces(table: Uint8Array, bytes: Uint8Array, from: number, end: number): number {
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

/**
 * Llama 3:
 *
 *     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py. Qwen has the same with one digit
 * per piece: https://github.com/dashscope/dashscope-sdk-python/blob/main/dashscope/tokenizers/qwen_tokenizer.py
 * Since version 3.5 Qwen counts marks as letters:
 *
 *     [^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+ and  ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*
 *
 * There `[^\r\n\p{L}\p{N}]?` can also match a mark, with the same result: the mark joins the letters either way.
 */
export function llama3Pretokenizer(digits = 3, table = classes()): Pretokenizer {
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

interface O200kOptions {
  /** Most digits in one piece. */
  readonly digits: number;
  /**
   * Whether a contraction belongs to the word before it. If not, its apostrophe is like any punctuation before
   * letters.
   */
  readonly contractions: boolean;
}

/**
 * o200k (gpt-oss, Llama 4). With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}],
 * W = [\p{Ll}\p{Lm}\p{Lo}\p{M}], X = [^\r\n\p{L}\p{N}] and C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
 *
 *     X?U*W+C?|X?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py and
 * https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py. Mistral's tekken has `\p{N}` and
 * no C: the `pattern` in
 * https://github.com/mistralai/mistral-common/blob/main/src/mistral_common/data/tekken_240911.json
 */
function o200kPretokenizer({ digits, contractions }: O200kOptions = { digits: 3, contractions: true }): Pretokenizer {
  const table = classes();
  const isWord = (kind: number): boolean => kind > SIGN && kind < NUMBER;
  const isPrefix = (kind: number): boolean => isOther(kind) || kind === SPACE;
  const isUpper = (kind: number): boolean => isWord(kind) && kind !== LOWER;
  const isLower = (kind: number): boolean => kind >= LOWER && kind < NUMBER;

  /**
   * Matches `U*W+`: returns its end, or `from`. If no W follows the run of U, it ends at the run's last caseless
   * letter or mark.
   */
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

  /** Matches `U+`, which is all that `U+W*` can match where `U*W+` did not. */
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

/** Matches `[一-龥぀-ゟ゠-ヿ]`. */
const isEastAsian = (code: number): boolean => (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);

const isAsciiLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;

/**
 * DeepSeek. Its tokenizer.json cuts three times: first at `\p{N}{1,3}`, then the rest at `[一-龥぀-ゟ゠-ヿ]+`, then all
 * that came out of these two, numbers included, at (with A the ASCII punctuation)
 *
 *     A[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * where text between matches is a piece as well. So a piece lies within one part of the first two cuts, and a
 * look-ahead sees the end of that part as the end of the text.
 *
 * https://huggingface.co/deepseek-ai/DeepSeek-V3/blob/main/tokenizer.json
 */
function deepseekPretokenizer(): Pretokenizer {
  const table = classes();
  /** Whether the current part is one of `[一-龥぀-ゟ゠-ヿ]+`. */
  let eastAsian = false;

  /** Class of the character at `at`. NUMBER stands for the end of the part, because no part has a number inside. */
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
    // The look-ahead sees the end of the part as the end of the text.
    return spaces(table, bytes, from, kindAt(bytes, at, end) === NUMBER ? at : end);
  };

  /**
   * Text that nothing matches. Its last character is left to the next piece if letters follow, which it can precede.
   */
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

/** The pretokenizers by name, each made when an engine first needs it. */
export const PRETOKENIZERS = {
  llama3: () => llama3Pretokenizer(),
  qwen: () => llama3Pretokenizer(1),
  'qwen3.5': () => llama3Pretokenizer(1, classesWithMarksAsLetters()),
  o200k: () => o200kPretokenizer(),
  tekken: () => o200kPretokenizer({ digits: 1, contractions: false }),
  deepseek: deepseekPretokenizer,
} as const satisfies Record<string, () => Pretokenizer>;

export type PretokenizerName = keyof typeof PRETOKENIZERS;
