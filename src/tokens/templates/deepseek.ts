import { rulesOf } from './rules.ts';
import type { Template } from './template.ts';

/**
 * DeepSeek V3: the `chat_template` of https://huggingface.co/deepseek-ai/DeepSeek-V3. Bars are U+FF5C and the low line
 * U+2581: the ASCII look-alikes are plain text to it. All system text stands in front, between no marks.
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
  // Every special token of the family begins so, and nothing else does; but for one, which ends an answer too.
  markers: ['<｜', '<|EOT|>'],
};

/**
 * DeepSeek R1: V3's, without the thoughts of earlier answers. January's repository opens the thought for the model
 * (`thinking`); since 0528 the model does it by itself.
 */
export const deepseekR1 = (thinking: boolean): Template => ({
  ...deepseekV3,
  answer: thinking ? '<｜Assistant｜><think>\n' : '<｜Assistant｜>',
  afterThought: (answer) => {
    const end = answer.lastIndexOf('</think>');
    return end < 0 ? answer : answer.slice(end + 8);
  },
});

/** DeepSeek V3.1: https://huggingface.co/deepseek-ai/DeepSeek-V3.1. Every answer says whether it was thought about. */
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
