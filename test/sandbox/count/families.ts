import llama4 from '../../tokens/makers/llama-4.jinja.txt';
import qwen3 from '../../tokens/makers/qwen3.jinja.txt';
import { deepseekV4 } from './deepseek-v4.ts';
import { harmony } from './harmony.ts';
import type { LIBRARIES } from './libraries.ts';
import codeLlama70b from './templates/code-llama-70b.txt';
import llama2 from './templates/llama-2.txt';
import llama31 from './templates/llama-3.1.txt';
import llama3 from './templates/llama-3.txt';
import mistral from './templates/mistral.txt';
import type { Chat } from './types.ts';

/** Models that share a tokenizer, its special tokens and a chat template. */
export interface Family {
  readonly library: keyof typeof LIBRARIES;
  /** Special tokens that the library itself does not read in a text. */
  readonly specials: Readonly<Record<string, number>>;
  /** The token that begins every text; null where the tokenizer has none. */
  readonly bos: number | null;
  /**
   * Jinja: what the model's page on Hugging Face gives, some without the branches that no wire here reaches. A function where
   * the makers published code instead.
   */
  readonly template: string | ((chat: Chat) => string);
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

/** The ids of marks that follow one another. */
const from = (first: number, marks: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(marks.map((mark, at) => [mark, first + at]));

/** Qwen/Qwen3-8B, tokenizer.json. */
const QWEN = from(151_643, [
  ...['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|object_ref_start|>', '<|object_ref_end|>', '<|box_start|>'],
  ...['<|box_end|>', '<|quad_start|>', '<|quad_end|>', '<|vision_start|>', '<|vision_end|>', '<|vision_pad|>'],
  ...['<|image_pad|>', '<|video_pad|>', '<tool_call>', '</tool_call>', '<|fim_prefix|>', '<|fim_middle|>'],
  ...['<|fim_suffix|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>', '<tool_response>', '</tool_response>'],
  ...['<think>', '</think>'],
]);

/** deepseek-ai/DeepSeek-V4-Flash, tokenizer.json: those that a chat can have. */
const DEEPSEEK_V4 = {
  ...from(0, ['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>']),
  ...from(128_803, ['<｜User｜>', '<｜Assistant｜>']),
  ...from(128_821, ['<think>', '</think>']),
  '｜DSML｜': 128_825,
};

/** meta-llama/Llama-4-Scout-17B-16E-Instruct, tokenizer.json: those that a chat can have. */
const LLAMA_4 = {
  ...from(200_000, ['<|begin_of_text|>', '<|end_of_text|>']),
  ...from(200_005, ['<|header_start|>', '<|header_end|>', '<|eom|>', '<|eot|>']),
  ...from(200_016, ['<|python_start|>', '<|python_end|>']),
};

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
  [/gpt-oss/, { library: 'o200k', specials: HARMONY, bos: null, template: harmony, turns: 'system-first' }],
  [
    /llama-?4-(?:scout|maverick)/,
    { library: 'llama4', specials: LLAMA_4, bos: 200_000, template: llama4, turns: 'free' },
  ],
  // Later models, and those that see or write code, have templates of their own.
  [
    /qwen3-(?!.*(?:coder|vl|omni|thinking|embed|rerank))/,
    { library: 'qwen', specials: QWEN, bos: null, template: qwen3, turns: 'free' },
  ],
  [
    /deepseek-?v4(?![.\d])/,
    { library: 'deepseek', specials: DEEPSEEK_V4, bos: 0, template: deepseekV4, turns: 'free' },
  ],
];

/** Distilled models keep the tokenizer of one family and the template of another. */
const MIXED = /distill/;

export function familyOf(model: string): Family | undefined {
  const name = model.toLowerCase();
  return MIXED.test(name) ? undefined : FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
}
