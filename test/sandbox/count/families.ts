import type { LIBRARIES } from './libraries.ts';
import codeLlama70b from './templates/code-llama-70b.txt';
import gptOss from './templates/gpt-oss.txt';
import llama2 from './templates/llama-2.txt';
import llama31 from './templates/llama-3.1.txt';
import llama3 from './templates/llama-3.txt';
import mistral from './templates/mistral.txt';

/** Models that share a tokenizer, its special tokens and a chat template. */
export interface Family {
  readonly library: keyof typeof LIBRARIES;
  /** Special tokens that the library itself does not read in a text. */
  readonly specials: Readonly<Record<string, number>>;
  /** The token that begins every text; null where the tokenizer has none. */
  readonly bos: number | null;
  /** Jinja: what the model's page on Hugging Face gives, without the branches that no wire here reaches. */
  readonly template: string;
  /**
   * What the template takes: `free`, any messages; `system-first`, one system message and that in front; `alternating`,
   * after it the user's and the assistant's turns by turns.
   */
  readonly turns: 'free' | 'system-first' | 'alternating';
}

const SENTENCEPIECE = { '<unk>': 0, '<s>': 1, '</s>': 2 };

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

const LLAMA_2: Family = {
  library: 'llama2',
  specials: SENTENCEPIECE,
  bos: 1,
  template: llama2,
  turns: 'alternating',
};
const LLAMA_3: Family = { library: 'llama3', specials: {}, bos: 128_000, template: llama3, turns: 'free' };

/** By the name of a model on any wire, the first that fits. Models without a row are estimated. */
const FAMILIES: readonly (readonly [RegExp, Family])[] = [
  [/code-?llama.*70b/, { ...LLAMA_2, specials: { ...SENTENCEPIECE, '<step>': 32_015 }, template: codeLlama70b }],
  [/code-?llama|llama-?2(?!\d)/, LLAMA_2],
  // The versions after 3.0 are written 3.1 and 3-1; 3-1b would be a size.
  [/llama-?3[.-][1-3](?![\db])/, { ...LLAMA_3, template: llama31 }],
  [/llama-?3(?![\d.])/, LLAMA_3],
  // The first vocabulary: version 0.3 of Mistral 7B has another.
  [
    /mixtral-8x7b|mistral-7b.*v0[.:][12]/,
    { library: 'mistral', specials: SENTENCEPIECE, bos: 1, template: mistral, turns: 'alternating' },
  ],
  [/gpt-oss/, { library: 'o200k', specials: HARMONY, bos: null, template: gptOss, turns: 'system-first' }],
];

/** Distilled models keep the tokenizer of one family and the template of another. */
const MIXED = /deepseek|distill|qwen/;

export function familyOf(model: string): Family | undefined {
  const name = model.toLowerCase();
  return MIXED.test(name) ? undefined : FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
}
