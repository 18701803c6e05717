import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../tokens/strings.ts';

/** Texts of one kind, cut into prompts of about this many characters. */
const PROMPT = 4000;

export type Corpus = 'English' | 'code' | 'Chinese' | 'Chinese, no spaces' | 'Russian' | 'emoji';

/** Every file of one extension below node_modules, in the order of names, up to so many bytes. */
function installed(extension: string, bytes: number): string {
  const found: string[] = [];
  let size = 0;
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (size > bytes) return;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith(extension) && !/min\.|zh-|LICENSE|ranks|data/i.test(path)) {
        // A little of many files: more kinds of words than all of a few.
        const text = readFileSync(path, 'utf8').slice(0, 8000);
        found.push(text);
        size += text.length;
      }
    }
  };
  walk('node_modules');
  return found.join('\n');
}

/** Words of a language from the names that ICU knows: languages, places, currencies, scripts, months, days. */
function words(locale: string): string[] {
  const found = new Set<string>();
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const codes = [...letters].flatMap((a) =>
    [...letters].flatMap((b) => [a + b, ...[...letters].map((c) => a + b + c)]),
  );
  for (const type of ['language', 'region', 'currency'] as const) {
    const names = new Intl.DisplayNames(locale, { type, fallback: 'none' });
    for (const code of codes) {
      const fits = type === 'language' || (type === 'region' ? code.length === 2 : code.length === 3);
      const name = fits ? names.of(type === 'language' ? code : code.toUpperCase()) : undefined;
      if (name !== undefined) for (const word of name.split(/[\s()（）-]+/)) if (word !== '') found.add(word);
    }
  }
  return [...found];
}

function sentences(vocabulary: readonly string[], between: string, stop: string, length: number, seed: number): string {
  const random = seeded(seed);
  let text = '';
  while (text.length < length) {
    const count = 4 + Math.floor(random() * 12);
    for (let n = 0; n < count; n++) {
      text += (n === 0 ? '' : between) + (vocabulary[Math.floor(random() * vocabulary.length)] ?? '');
    }
    text += stop;
  }
  return text;
}

function emoji(length: number): string {
  const pictures: string[] = [];
  for (let code = 0x1f300; code < 0x1faff; code++) {
    const picture = String.fromCodePoint(code);
    if (/\p{Emoji_Presentation}/u.test(picture)) pictures.push(picture);
  }
  pictures.push('👩‍👩‍👧‍👦', '👍🏽', '❤️', '🏳️‍🌈', '🇵🇪', '👩🏾‍🚀');
  return sentences(pictures, '', ' ', length, 5);
}

/** Two parts of each kind that share no prompt: one to warm up on, one that is then unseen. */
export function corpora(bytes: number): Readonly<Record<Corpus, readonly [string[], string[]]>> {
  const chinese = words('zh');
  const made: Record<Corpus, string> = {
    English: installed('.md', bytes * 2),
    code: installed('.js', bytes * 2),
    Chinese: sentences(chinese, '，', '。 ', bytes, 1),
    'Chinese, no spaces': sentences(chinese, '', '', bytes, 2),
    Russian: sentences(words('ru'), ' ', '. ', bytes, 3),
    emoji: emoji(bytes),
  };
  const halves = Object.entries(made).map(([name, text]) => {
    const prompts: string[] = [];
    const encoder = new TextEncoder();
    let size = 0;
    for (let at = 0; at + PROMPT <= text.length && size < bytes * 2; at += PROMPT) {
      const prompt = text.slice(at, at + PROMPT).toWellFormed();
      prompts.push(prompt);
      size += encoder.encode(prompt).length;
    }
    const middle = prompts.length >> 1;
    return [name, [prompts.slice(0, middle), prompts.slice(middle)]] as const;
  });
  return Object.fromEntries(halves) as Record<Corpus, readonly [string[], string[]]>;
}
