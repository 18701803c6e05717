/** Things one asks a model for to see its plumbing: an echo, a count, a text of a certain length. */
const ERRANDS: readonly { readonly when: RegExp; readonly say: (match: RegExpExecArray) => string }[] = [
  {
    when: /\b(?:repeat|echo|say)(?: (?:exactly|verbatim|after me))*: *([\s\S]+)$/i,
    say: ([, words = '']) => words.trim(),
  },
  {
    when: /\bwrite (?:exactly |about )?(\d{1,6}) words\b/i,
    say: ([, count]) => numbered(Number(count), (i) => WORDS[i % WORDS.length] ?? ''),
  },
  {
    when: /\bcount (?:from 1 )?to (\d{1,6})\b/i,
    say: ([, count]) => Array.from({ length: Math.min(Number(count), MAX_WORDS) }, (_, i) => i + 1).join(', '),
  },
];

const MAX_WORDS = 100_000;
const WORDS = [
  'swift',
  'runners',
  'carry',
  'knotted',
  'cords',
  'along',
  'the',
  'old',
  'road',
  'from',
  'post',
  'to',
  'post',
];

const numbered = (count: number, word: (i: number) => string): string =>
  Array.from({ length: Math.min(count, MAX_WORDS) }, (_, i) => word(i)).join(' ');

export function errand(question: string): string | undefined {
  for (const { when, say } of ERRANDS) {
    const match = when.exec(question);
    if (match) return say(match);
  }
  return undefined;
}
