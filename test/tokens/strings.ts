/** Seeded strings to compare tokenizers on: natural text, and what splitters and mergers trip over. */
import { FAMILIES, type TokenizerFamily } from '../../src/tokens/families.ts';

/** Mulberry32: small, seeded, good enough to vary tests. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NATURAL = [
  "The quick brown fox jumps over the lazy dog, and then it REALLY isn’t sure whether they're grabbed.",
  "Don't you've I'LL he'd WE'RE o'clock 'tis 'S 'ſ 's's 't3 'VErb",
  'def main(argv: list[str]) -> int:\n\tfor i in range(10_000):\n\t\tprint(f"{i:>8} {argv!r}")\n\n\n    return 0\n',
  'const x = await fetch(`https://example.com/v1?q=%s&n=10`); // TODO: retry\r\n',
  '{"id": 12345678, "price": -0.00125e+10, "tags": ["a", "b"], "ok": null}',
  'Наша судьба написана на звёздах, но читать их мы ещё не научились. ПРИВЕТ, МИР!',
  '我们的命运写在星辰之中，但是我们还没有学会阅读。上海的天气很好，今天是2024年7月26日。',
  '私たちの運命は星に書かれている。カタカナとひらがな、漢字も混ざります。',
  '우리의 운명은 별에 쓰여 있다. 안녕하세요, 세계!',
  'مصيرنا مكتوب في النجوم، ولكننا لم نتعلم القراءة بعد.',
  'हमारा भाग्य सितारों में लिखा है। नमस्ते दुनिया',
  'โชคชะตาของเราเขียนไว้ในดวงดาว',
  '👩‍👩‍👧‍👦 🇵🇪🇸🇪 👍🏽 ❤️ 🦙🚀✨ ¯\\_(ツ)_/¯',
  'e\u0301 n\u0303 Z\u0351\u036b\u0343 ﬁ ǅ ª ² ½ Ⅻ ٣ ௧ 𝟘 ＡＢＣ',
  '[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] </s><s> <unk> <0x0A> ▁▁x',
] as const;

const SPECIAL =
  '\u0000\u0007\t\n\r\u000b\u000c\u00a0\u1680\u2003\u2028\u3000\u200b\u200d\ufe0f\u2581\u00ad\u017f\u212a';
/** One or two of each kind of character that some splitter treats by itself. */
const KINDS =
  "aZéßǅªʰאก中カ・゠\u3040\u3099\u0301\u0903١²7½.(/$+€。 \t\n\r\u00a0\u3000\u0085\u200d\ufeff\u0000\u{1f999}'s";
const HAN = (random: () => number): string => String.fromCodePoint(0x4e00 + Math.floor(random() * 0x51a0));

type Make = (random: () => number) => string;

const pick = <T>(random: () => number, from: readonly T[] | string): T | string =>
  from[Math.floor(random() * from.length)] as T | string;
const times = (random: () => number, most: number, make: Make): string => {
  let text = '';
  for (let n = Math.floor(random() * most) + 1; n > 0; n--) text += make(random);
  return text;
};

const natural: Make = (random) => {
  const text = String(pick(random, NATURAL));
  const from = Math.floor(random() * text.length);
  return text.slice(from, from + Math.floor(random() * 60) + 1);
};
const letter: Make = (random) => String.fromCharCode(97 + Math.floor(random() * 26));
const ascii: Make = (random) => String.fromCharCode(32 + Math.floor(random() * 95));
const punctuation: Make = (random) => String(pick(random, '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'));
const anyCharacter: Make = (random) => {
  const plane = random();
  const most = plane < 0.4 ? 0x800 : plane < 0.8 ? 0xffff : 0x1ffff;
  const code = Math.floor(random() * most);
  return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCodePoint(code);
};

const MAKERS: readonly Make[] = [
  (random) => times(random, 4, natural),
  (random) =>
    times(random, 12, (r) => (r() < 0.6 ? ' '.repeat(1 + Math.floor(r() * 40)) : String(pick(r, '\n\r\t a1.中')))),
  (random) => times(random, 3, (r) => ascii(r).repeat(1 + Math.floor(r() * 150))),
  (random) => times(random, 3, (r) => times(r, 4, ascii).repeat(1 + Math.floor(r() * 60))),
  (random) => times(random, 200, letter),
  (random) => times(random, 200, (r) => (r() < 0.5 ? letter(r) : letter(r).toUpperCase())),
  (random) => times(random, 200, ascii),
  (random) => times(random, 150, punctuation),
  (random) => times(random, 60, anyCharacter),
  (random) => times(random, 60, (r) => String(pick(r, [...KINDS])).repeat(r() < 0.8 ? 1 : 3)),
  (random) => times(random, 80, HAN),
  (random) => times(random, 40, (r) => String(pick(r, SPECIAL)) + (r() < 0.5 ? natural(r).slice(0, 3) : '')),
  (random) => times(random, 6, (r) => natural(r) + String(pick(r, SPECIAL)) + ' '.repeat(Math.floor(r() * 20))),
  (random) => times(random, 30, (r) => String(Math.floor(r() * 1e9)) + punctuation(r)),
];

export function* strings(seed: number, count: number): Generator<string> {
  const random = seeded(seed);
  for (let n = 0; n < count; n++) {
    const make = MAKERS[n % MAKERS.length] as Make;
    // The oracles on SentencePiece take one heap over the text: strings stay short.
    yield make(random).slice(0, 1200).toWellFormed();
  }
}

/** What a text comes back as: SentencePiece takes U+2581 for a space, Qwen reads NFC. */
export function decodedFrom(family: TokenizerFamily, text: string): string {
  const { pretokenizer, normalization } = FAMILIES[family];
  if (normalization !== undefined) return text.normalize(normalization);
  return pretokenizer === 'none' ? text.replaceAll('\u2581', ' ') : text;
}
