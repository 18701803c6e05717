import { templateFamilies, templateOf } from './templates/index.ts';

const KIMI = ['<|im_', '<|tool_call', '<|media_', '[BOS]', '[EOS]', '[EOT]'];
const GLM = [
  ...['<|system|>', '<|user|>', '<|assistant|>', '<|observation|>', '<|endoftext|>', '<|begin_of_', '<|end_of_'],
  ...['[gMASK]', '[sMASK]', '<sop>', '<eop>'],
];
/** https://ai.google.dev/gemma/docs/core/prompt-structure; Gemma 4 writes its turns as `<|turn>`. */
const GEMMA = [
  '<start_of_turn>',
  '<end_of_turn>',
  '<bos>',
  '<eos>',
  '<start_of_image>',
  '<|turn',
  '<turn|>',
  '<|tool',
  '<|channel',
];
/** https://huggingface.co/MiniMaxAI/MiniMax-M2/blob/main/chat_template.jinja */
const MINIMAX = [']~!b[', ']~b]', '[e~[', '<minimax:tool_call>', '</minimax:tool_call>'];
/** Nano v2's own turns, and the ChatML of Nemotron 3. */
const NEMOTRON = ['<SPECIAL_', '<TOOLCALL>', '<TOOL_RESPONSE>', '<|im_'];
const DEEPSEEK = ['<｜', '<|EOT|>'];

/** Families that have the markers of one whose template is here. */
const as = (family: string, ...others: string[]): [string, readonly string[]][] =>
  others.map((other) => [other, templateOf(family)?.markers ?? []]);

/**
 * What would change who speaks in families that have no template here: their providers render them all the same. Names of
 * special tokens, or how several begin.
 */
const OTHERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['deepseek-v3.2', DEEPSEEK],
  ['deepseek-v4', DEEPSEEK],
  ['deepseek-v4.1', DEEPSEEK],
  ['kimi-k2', KIMI],
  ['kimi-k3', KIMI],
  ['glm-4.5', GLM],
  ['glm-4.6', GLM],
  ['glm-4.7', GLM],
  ['glm-5', GLM],
  ['gemma-3', GEMMA],
  ['gemma-3n', GEMMA],
  ['gemma-4', GEMMA],
  ['minimax-m2', MINIMAX],
  ['minimax-m3', MINIMAX],
  ['nemotron-nano-2', NEMOTRON],
  ['nemotron-3', NEMOTRON],
  ['nemotron-3.5', NEMOTRON],
  ...as('qwen3', 'qwen3-vl', 'qwen3-thinking', 'qwen3.5', 'qwen3.6', 'qwen3.7', 'qwen3.8'),
  ...as('mistral-3', 'devstral-2', 'magistral', 'voxtral', 'mistral-small-3', 'mistral-large-2', 'pixtral-large'),
  ['llama-guard', ['llama-3', 'llama-4'].flatMap((family) => templateOf(family)?.markers ?? [])],
]);

let anybodys: readonly string[] | undefined;

/** Where nobody knows whose model it is: every special token that we know of, but not what is HTML or a word in brackets. */
function ofAnybody(): readonly string[] {
  anybodys ??= [
    ...new Set(
      [
        ...templateFamilies().flatMap((family) => templateOf(family)?.markers ?? []),
        ...[...OTHERS.values()].flat(),
      ].filter((marker) => /^<[|｜]/.test(marker)),
    ),
  ];
  return anybodys;
}

export const otherMarkers = (family: string): readonly string[] => OTHERS.get(family) ?? ofAnybody();
