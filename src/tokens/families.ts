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
  | 'qwen'
  | 'deepseek'
  | 'other';

export interface FamilySpec {
  readonly vocabulary: VocabularyName;
  readonly scan: 'words' | 'llama3' | 'o200k';
  readonly special: Readonly<Record<string, number>>;
  /** Set where the family's own vocabulary is not shipped and the nearest one counts for it: the share it may be off by. */
  readonly errorBound?: number;
}

const range = (name: (n: number) => string, from: number, to: number, first: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, n) => [name(from + n), first + n]));

/** SentencePiece's own; `<unk>` is 0. */
const SENTENCE_PIECE = { '<unk>': 0, '<s>': 1, '</s>': 2 };

/** meta-llama/codellama: the infilling tokens come after the 32,000 of Llama 2, spelt with U+2581 in its tokenizer. */
const CODE_LLAMA = {
  ...SENTENCE_PIECE,
  '<PRE>': 32_007,
  '<SUF>': 32_008,
  '<MID>': 32_009,
  '<EOT>': 32_010,
  '<step>': 32_015,
};

/** https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py */
const LLAMA3 = {
  '<|begin_of_text|>': 128_000,
  '<|end_of_text|>': 128_001,
  '<|reserved_special_token_0|>': 128_002,
  '<|reserved_special_token_1|>': 128_003,
  '<|finetune_right_pad_id|>': 128_004,
  '<|reserved_special_token_2|>': 128_005,
  '<|start_header_id|>': 128_006,
  '<|end_header_id|>': 128_007,
  '<|eom_id|>': 128_008,
  '<|eot_id|>': 128_009,
  '<|python_tag|>': 128_010,
  ...range((n) => `<|reserved_special_token_${n}|>`, 3, 248, 128_011),
};

/** https://github.com/openai/openai-cookbook/blob/main/articles/openai-harmony.md */
const HARMONY = {
  '<|startoftext|>': 199_998,
  '<|endoftext|>': 199_999,
  '<|return|>': 200_002,
  '<|constrain|>': 200_003,
  '<|channel|>': 200_005,
  '<|start|>': 200_006,
  '<|end|>': 200_007,
  '<|message|>': 200_008,
  '<|call|>': 200_012,
};

/**
 * The families, and what counts for each. A bound says how far an estimate may be off on prose or code in the languages
 * that both vocabularies were made for; no bound holds for every text of every script.
 */
export const FAMILIES: Readonly<Record<TokenizerFamily, FamilySpec>> = {
  llama2: { vocabulary: 'llama2', scan: 'words', special: SENTENCE_PIECE },
  codellama: { vocabulary: 'llama2', scan: 'words', special: CODE_LLAMA },
  mistral: { vocabulary: 'mistral', scan: 'words', special: SENTENCE_PIECE },
  llama3: { vocabulary: 'llama3', scan: 'llama3', special: LLAMA3 },
  o200k: { vocabulary: 'o200k', scan: 'o200k', special: HARMONY },
  'mistral-v3': { vocabulary: 'mistral', scan: 'words', special: {}, errorBound: 0.05 },
  llama4: { vocabulary: 'o200k', scan: 'o200k', special: {}, errorBound: 0.3 },
  tekken: { vocabulary: 'llama3', scan: 'llama3', special: {}, errorBound: 0.5 },
  qwen: { vocabulary: 'llama3', scan: 'llama3', special: {}, errorBound: 0.5 },
  deepseek: { vocabulary: 'llama3', scan: 'llama3', special: {}, errorBound: 0.5 },
  other: { vocabulary: 'llama3', scan: 'llama3', special: {}, errorBound: 0.5 },
};

/** The tokenizer behind each family of models in the catalog. */
const OF_MODELS: ReadonlyMap<string, TokenizerFamily> = new Map([
  ['llama-2', 'llama2'],
  ['code-llama', 'codellama'],
  ['code-llama-70b', 'codellama'],
  ['mistral', 'mistral'],
  ['mixtral', 'mistral'],
  ['mixtral-8x22b', 'mistral-v3'],
  ['mistral-3', 'tekken'],
  ['llama-3', 'llama3'],
  ['llama-3.1', 'llama3'],
  ['llama-3.2', 'llama3'],
  ['llama-3.3', 'llama3'],
  ['llama-4', 'llama4'],
  ['gpt-oss', 'o200k'],
  ['qwen2.5', 'qwen'],
  ['qwen3', 'qwen'],
  ['qwen3-coder', 'qwen'],
  ['deepseek-r1', 'deepseek'],
  ['deepseek-v3', 'deepseek'],
  ['deepseek-v3.1', 'deepseek'],
  ['deepseek-v3.2', 'deepseek'],
  ['deepseek-v4', 'deepseek'],
]);

/** Whose tokenizer the models of a family have; `other`, an estimate, where that is not known. */
export const tokenizerFamily = (modelFamily: string): TokenizerFamily => OF_MODELS.get(modelFamily) ?? 'other';
