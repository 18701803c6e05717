/** Mistral and Mixtral: versions 1, 3 and 13 of their prompt format. */
import { pythonJson, respaced, rulesOf, type Template } from './template.ts';

const MARKERS = [
  '[INST]',
  '[/INST]',
  '<s>',
  '</s>',
  '<unk>',
  '[AVAILABLE_TOOLS]',
  '[/AVAILABLE_TOOLS]',
  '[TOOL_CALLS]',
  '[TOOL_RESULTS]',
  '[/TOOL_RESULTS]',
];

/**
 * Mistral 7B and Mixtral 8x7B: version 1 in https://github.com/mistralai/mistral-common
 * (src/mistral_common/tokens/tokenizers/instruct.py). `[INST]` is plain text. Text between special tokens is encoded
 * by itself, so the space that Mistral's documentation shows after `<s>` and `</s>` is SentencePiece's dummy space.
 */
export const mistralV1: Template = {
  begin: '<s>',
  system: { before: '', after: '\n\n' },
  user: { before: '[INST] ', after: ' [/INST]' },
  assistant: { before: ' ', after: '</s>' },
  ...rulesOf('mistralV1'),
  answer: '',
  stop: [],
  specials: ['<s>', '</s>'],
  markers: MARKERS,
};

/**
 * The `chat_template` of the Hugging Face repositories: the space is written out, and SentencePiece adds its own
 * before it, so every `[INST]` costs one more token. In 2024 Together billed 18 tokens for a question of 9.
 */
export const mistralV1Hf: Template = { ...mistralV1, user: { ...mistralV1.user, before: ' [INST] ' } };

/** Mixtral 8x22B: version 3. The marks are control tokens, and system text goes into the last user message. */
export const mistralV3: Template = {
  ...mistralV1,
  ...rulesOf('mistralV3'),
  user: { before: '[INST]', after: '[/INST]' },
  assistant: { before: '', after: '</s>' },
  writeDummySpace: true,
  specials: ['<s>', '</s>', '[INST]', '[/INST]'],
};

const TEKKEN_MARKERS = [
  ...MARKERS,
  ...['[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]', '[ARGS]', '[CALL_ID]', '[TOOL_CONTENT]', '[IMG]', '[THINK]', '[/THINK]'],
];

/** Mistral Nemo: version 3 with the tekken tokenizer, which has no dummy space. */
export const mistralTekken: Template = { ...mistralV3, writeDummySpace: false, markers: TEKKEN_MARKERS };

/** Ministral 3 and Mistral Large 3: version 13, with marks for system messages and tools. */
export const mistral3: Template = {
  ...mistralTekken,
  ...rulesOf('mistralV13'),
  system: { before: '[SYSTEM_PROMPT]', after: '[/SYSTEM_PROMPT]' },
  specials: [
    ...mistralV3.specials,
    '[SYSTEM_PROMPT]',
    '[/SYSTEM_PROMPT]',
    '[AVAILABLE_TOOLS]',
    '[/AVAILABLE_TOOLS]',
    '[TOOL_CALLS]',
    '[ARGS]',
    '[TOOL_RESULTS]',
    '[/TOOL_RESULTS]',
  ],
  tools: {
    before: (tools) => [
      { mark: '[AVAILABLE_TOOLS]' },
      { text: `[${tools.map((tool) => pythonJson(tool)).join(', ')}]` },
      { mark: '[/AVAILABLE_TOOLS]' },
    ],
    calls: (calls, text) => [
      { text },
      ...calls.flatMap((call) => [
        { mark: '[TOOL_CALLS]' },
        { text: call.name },
        { mark: '[ARGS]' },
        { text: call.arguments === '' ? '{}' : respaced(call.arguments) },
      ]),
      { mark: '</s>' },
    ],
    result: (text) => [{ mark: '[TOOL_RESULTS]' }, { text }, { mark: '[/TOOL_RESULTS]' }],
  },
};
