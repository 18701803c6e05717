/** DeepSeek V3, R1 and V3.1. */
import { rulesOf, type Template } from './template.ts';

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
