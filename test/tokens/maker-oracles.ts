/** Oracles in Node: the makers' patterns, run by libraries on the makers' vocabularies. */
import { classes, LOWER, MARK, NUMBER, UNCASED, UPPER } from '../../src/tokens/engine/unicode.ts';
import type { VocabularyName } from '../../src/tokens/vocab/index.ts';
import { fromDisk } from './from-disk.ts';
import { huggingFaceBytes, tiktoken, tokensOf } from './libraries.ts';
import type { Oracle } from './oracles.ts';
import { DEEPSEEK, PATTERNS } from './patterns.ts';

/** The classes that patterns name, as tiktoken's tables have them: it drops what a pattern does not match. */
const KINDS: readonly (readonly [kind: number, pattern: string])[] = [
  [UPPER, '[\\p{Lu}\\p{Lt}]'],
  [LOWER, '\\p{Ll}'],
  [UNCASED, '[\\p{Lm}\\p{Lo}]'],
  [MARK, '\\p{M}'],
  [NUMBER, '\\p{N}'],
];

/** Whether a text has characters that tiktoken, whose Unicode is older, takes for something else. */
function newerThanTiktoken(): (text: string) => boolean {
  const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  const matchers = KINDS.map(([kind, pattern]) => [kind, tiktoken(bytes, pattern)] as const);
  const differ = new Map<string, boolean>();
  return (text) => {
    for (const character of text) {
      if (character < '\u0080') continue;
      let differs = differ.get(character);
      if (differs === undefined) {
        const own = classes()[character.codePointAt(0) as number];
        differs = matchers.some(([kind, match]) => match(character).length > 0 !== (own === kind));
        differ.set(character, differs);
      }
      if (differs) return true;
    }
    return false;
  };
}

export type MakerFamily = 'llama3' | 'llama4' | 'tekken' | 'qwen' | 'qwen3.5' | 'deepseek';

const tokens = async (name: VocabularyName): Promise<Uint8Array[]> => tokensOf(await fromDisk(name));

export async function makerOracle(family: MakerFamily): Promise<Oracle> {
  if (family === 'deepseek') {
    const encode = huggingFaceBytes(await tokens(family), DEEPSEEK);
    return { encode: (text) => encode(text).map((id) => id + 3), wrong: () => false };
  }
  const encode = tiktoken(await tokens(family), PATTERNS[family]);
  const wrong = newerThanTiktoken();
  switch (family) {
    case 'tekken':
      return { encode: (text) => encode(text).map((id) => id + 1000), wrong };
    case 'qwen':
    case 'qwen3.5':
      return { encode: (text) => encode(text.normalize('NFC')), wrong };
    default:
      return { encode, wrong };
  }
}

export const MAKER_FAMILIES = [
  'llama3',
  'llama4',
  'tekken',
  'qwen',
  'qwen3.5',
  'deepseek',
] as const satisfies MakerFamily[];
