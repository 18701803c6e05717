import { seeded } from './strings.ts';

const fill = (length: number, seed: number, make: (random: () => number) => string): string => {
  const random = seeded(seed);
  let text = '';
  while (text.length < length) text += make(random);
  return text.slice(0, length).toWellFormed();
};
const oneOf =
  (characters: string) =>
  (random: () => number): string =>
    characters[Math.floor(random() * characters.length)] as string;
const among =
  (from: number, count: number) =>
  (random: () => number): string =>
    String.fromCodePoint(from + Math.floor(random() * count));

/** Texts of any length that drive pattern matchers and mergers to their worst. */
export const HOSTILE: Readonly<Record<string, (length: number) => string>> = {
  'one letter': (n) => 'a'.repeat(n),
  spaces: (n) => ' '.repeat(n),
  newlines: (n) => '\n'.repeat(n),
  ab: (n) => 'ab'.repeat(n / 2),
  'random a-z': (n) => fill(n, 1, among(0x61, 26)),
  'random a, b': (n) => fill(n, 2, oneOf('ab')),
  'random Han': (n) => fill(n, 3, among(0x4e00, 0x51a0)),
  'one Han sentence': (n) => '我们的命运写在星辰之中但是我们还没有学会阅读'.repeat(n / 22 + 1).slice(0, n),
  punctuation: (n) => fill(n, 4, oneOf('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')),
  'combining marks': (n) => fill(n, 5, among(0x300, 0x70)),
  'marks out of order': (n) => `${'\u0301'.repeat(n / 2)}${'\u0316'.repeat(n / 2)}`,
  'ZWJ emoji': (n) =>
    '👩‍👩‍👧‍👦'
      .repeat(n / 11 + 1)
      .slice(0, n)
      .toWellFormed(),
  'random white space': (n) => fill(n, 6, oneOf(' \n\t\r')),
  'dashes out of step': (n) => `\\)//${'-'.repeat(n - 4)}`,
  'openings of special tokens': (n) => '<|'.repeat(n / 2),
  'openings of many kinds': (n) => '<｜[<｜'.repeat(n / 5),
  'names that do not end': (n) => '<｜place▁holder▁no▁1<|reserved_special_token_'.repeat(n / 45),
  'Han, then capitals': (n) => `日${'A'.repeat(n - 1)}`,
  'random Thai': (n) => fill(n, 7, among(0xe01, 0x3a)),
  'formats that match nothing': (n) => '\u200d'.repeat(n),
  'lone surrogates': (n) => '\ud800'.repeat(n),
};

/** Families with engines, scanners or normal forms of their own. */
export const HOSTILE_TO = [
  'llama2',
  'mistral',
  'llama3',
  'o200k',
  'llama4',
  'tekken',
  'qwen',
  'qwen3.5',
  'deepseek',
] as const;
