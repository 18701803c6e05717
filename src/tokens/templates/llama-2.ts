/** Llama 2 Chat and Code Llama Instruct. */
import { CUT, rulesOf, type Template } from './template.ts';

/**
 * Llama 2 Chat, and Code Llama Instruct 7B, 13B and 34B: `chat_completion` in generation.py of
 * https://github.com/meta-llama/llama and https://github.com/meta-llama/codellama. Every finished turn is a sequence
 * of its own, from `<s>` to `</s>`. There is no stop string: engines stop at the id of `</s>`, and as text it is
 * HTML.
 */
export const llama2: Template = {
  begin: '<s>',
  system: { before: '<<SYS>>\n', after: '\n<</SYS>>\n\n' },
  user: { before: '[INST] ', after: ' [/INST]' },
  assistant: { before: ' ', after: ' </s><s>' },
  ...rulesOf('llama2'),
  answer: '',
  stop: [],
  specials: ['<s>', '</s>'],
  markers: ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>', '<s>', '</s>', '<unk>'],
};

/** Code Llama's generation.py refuses the tags of Llama 2 and `<step>`. */
export const codeLlama: Template = { ...llama2, markers: [...llama2.markers, '<step>'] };

const source = (role: string) => ({ before: ` Source: ${role}`, lead: `${CUT}\n\n `, after: '<step>' });

/**
 * Code Llama Instruct 70B: `dialog_prompt_tokens` in llama/generation.py of https://github.com/meta-llama/codellama.
 * Header and body are encoded separately. A chat without a system message gets an empty one.
 */
export const codeLlama70b: Template = {
  begin: '<s>',
  system: source('system'),
  user: source('user'),
  assistant: source('assistant'),
  defaultSystem: '',
  ...rulesOf('codeLlama70b'),
  answer: ` Source: assistant\nDestination: user${CUT}\n\n `,
  begun: ` Source: assistant\nDestination: user${CUT}\n\n `,
  stop: ['<step>'],
  specials: ['<s>', '</s>', '<step>'],
  markers: codeLlama.markers,
};
