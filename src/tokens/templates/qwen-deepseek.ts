/** ChatML, the Qwen templates built on it, and DeepSeek's: chats whose answers may open with a thought in `<think>`. */
import type { ToolCall } from '../../core/index.ts';
import { type Part, pythonJson, respaced, rulesOf, type Template, type ToolForm } from './template.ts';

const message = (role: string) => ({ before: `<|im_start|>${role}\n`, after: '<|im_end|>\n' });

/** Plain ChatML, and Qwen3 Coder: https://github.com/openai/openai-python/blob/release-v0.28.1/chatml.md */
export const chatml: Template = {
  begin: '',
  system: message('system'),
  user: message('user'),
  assistant: message('assistant'),
  ...rulesOf('chatml'),
  answer: '<|im_start|>assistant\n',
  stop: ['<|im_end|>'],
  specials: ['<|im_start|>', '<|im_end|>', '<think>', '</think>'],
  markers: [
    '<|im_start|>',
    '<|im_end|>',
    '<|endoftext|>',
    '<|object_ref_start|>',
    '<|object_ref_end|>',
    '<|box_start|>',
    '<|box_end|>',
    '<|quad_start|>',
    '<|quad_end|>',
    '<|vision_start|>',
    '<|vision_end|>',
    '<|vision_pad|>',
    '<|image_pad|>',
    '<|video_pad|>',
    '<|fim_prefix|>',
    '<|fim_middle|>',
    '<|fim_suffix|>',
    '<|fim_pad|>',
    '<|repo_name|>',
    '<|file_sep|>',
    '<tool_call>',
    '</tool_call>',
    '<tool_response>',
    '</tool_response>',
  ],
};

const TOOLS =
  '# Tools\n\nYou may call one or more functions to assist with the user query.\n\n' +
  'You are provided with function signatures within <tools></tools> XML tags:\n<tools>';
const CALLING =
  '\n</tools>\n\nFor each function call, return a json object with function name and arguments within ' +
  '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>';

const call = ({ name, arguments: given }: ToolCall): Part[] => [
  { mark: '<tool_call>' },
  { text: `\n{"name": "${name}", "arguments": ${respaced(given)}}\n` },
  { mark: '</tool_call>' },
];

const thoughtParts = (thought: string): Part[] => [
  { mark: '<think>\n' },
  { text: thought.replace(/^\n+|\n+$/g, '') },
  { mark: '\n</think>\n\n' },
];

const toolForm: ToolForm = {
  system: (tools, system) => [
    { mark: '<|im_start|>system\n' },
    { text: system === undefined ? '' : `${system}\n\n` },
    { mark: TOOLS },
    { text: tools.map((tool) => `\n${pythonJson(tool)}`).join('') },
    { mark: `${CALLING}<|im_end|>\n` },
  ],
  calls: (calls, text, thought) => [
    { mark: '<|im_start|>assistant\n' },
    ...(thought === undefined ? [] : thoughtParts(thought)),
    { text: thought === undefined ? text : text.replace(/^\n+/, '') },
    ...calls.flatMap((one, index) => (index > 0 || text !== '' ? [{ mark: '\n' }, ...call(one)] : call(one))),
    { mark: '<|im_end|>\n' },
  ],
  result: (text, { first, last }) => [
    { mark: `${first ? '<|im_start|>user' : ''}\n<tool_response>\n` },
    { text },
    { mark: `\n</tool_response>${last ? '<|im_end|>\n' : ''}` },
  ],
};

const specials = [...chatml.specials, '<tool_call>', '</tool_call>', '<tool_response>', '</tool_response>'];

/** Qwen 2.5: the `chat_template` of its Hugging Face repositories. It has a default system message. */
export const qwen25: Template = {
  ...chatml,
  // Its vocabulary has the tags of calls, but not those of responses.
  specials: ['<|im_start|>', '<|im_end|>', '<tool_call>', '</tool_call>'],
  defaultSystem: 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.',
  tools: { ...toolForm, calls: (calls, text) => toolForm.calls(calls, text) },
};

const afterThought = (answer: string): string => answer.slice(answer.lastIndexOf('</think>') + 8).replace(/^\n+/, '');

/** A thought begins at the last `<think>` before the first end of one. */
function splitThought(answer: string) {
  const before = answer.slice(0, answer.indexOf('</think>')).replace(/\n+$/, '');
  const begin = before.lastIndexOf('<think>');
  const thought = before.slice(begin < 0 ? 0 : begin + 7).replace(/^\n+/, '');
  return { text: afterThought(answer), ...(thought === '' ? {} : { thought }) };
}

/**
 * Qwen3: the `chat_template` of its Hugging Face repositories. `thinking` is its `enable_thinking`. If false, the
 * answer opens with an empty thought. An answer that the caller has begun always does. Earlier thoughts are left out.
 */
export const qwen3 = (thinking: boolean): Template => ({
  ...chatml,
  specials,
  answer: thinking ? chatml.answer : `${chatml.answer}<think>\n\n</think>\n\n`,
  thought: thoughtParts,
  begun: `${chatml.answer}<think>\n\n</think>\n\n`,
  afterThought: (answer) => (answer.includes('</think>') ? afterThought(answer) : answer),
  splitThought: (answer) => (answer.includes('</think>') ? splitThought(answer) : { text: answer }),
  tools: toolForm,
});

/**
 * DeepSeek V3: the `chat_template` of https://huggingface.co/deepseek-ai/DeepSeek-V3. The bars are U+FF5C and the low
 * line is U+2581; their ASCII look-alikes are plain text. All system text stands in front, without marks around it.
 */
export const deepseekV3: Template = {
  begin: '<｜begin▁of▁sentence｜>',
  system: { before: '', after: '' },
  user: { before: '<｜User｜>', after: '' },
  assistant: { before: '<｜Assistant｜>', after: '<｜end▁of▁sentence｜>' },
  ...rulesOf('deepseek'),
  answer: '<｜Assistant｜>',
  stop: ['<｜end▁of▁sentence｜>'],
  specials: [
    '<｜begin▁of▁sentence｜>',
    '<｜end▁of▁sentence｜>',
    '<｜User｜>',
    '<｜Assistant｜>',
    '<think>',
    '</think>',
  ],
  // All special tokens of the family begin like this, except `<|EOT|>`, which also ends an answer.
  markers: ['<｜', '<|EOT|>'],
};

/**
 * DeepSeek R1: V3's template without the thoughts of earlier answers. The repository of January 2025 opens the
 * thought for the model (`thinking`). Since 0528 the model opens it itself.
 */
export const deepseekR1 = (thinking: boolean): Template => ({
  ...deepseekV3,
  answer: thinking ? '<｜Assistant｜><think>\n' : '<｜Assistant｜>',
  afterThought: (answer) => {
    const end = answer.lastIndexOf('</think>');
    return end < 0 ? answer : answer.slice(end + 8);
  },
});

/** DeepSeek V3.1: https://huggingface.co/deepseek-ai/DeepSeek-V3.1. Every answer states whether it has a thought. */
export const deepseekV31 = (thinking: boolean): Template => ({
  ...deepseekV3,
  assistant: { before: '<｜Assistant｜></think>', after: '<｜end▁of▁sentence｜>' },
  assistantAgain: { before: '', after: '<｜end▁of▁sentence｜>' },
  answer: thinking ? '<｜Assistant｜><think>' : '<｜Assistant｜></think>',
  afterThought: (answer) => {
    const end = answer.indexOf('</think>');
    return end < 0 ? answer : answer.slice(end + 8);
  },
});
