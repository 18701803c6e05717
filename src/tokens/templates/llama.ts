/** Llama 2 Chat, Code Llama Instruct, Llama 3, 3.1 to 3.3, and 4. */

import type { Tool, ToolCall } from '../../core/index.ts';
import { CUT, type Part, pythonJson, respaced, rulesOf, type Template, type ToolForm, type Wrap } from './template.ts';

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

/** Llama 3 and 4 share one grammar, with different tokens. */
interface GrammarTokens {
  readonly head: string;
  readonly tail: string;
  readonly end: string;
}
const LLAMA_3: GrammarTokens = { head: '<|start_header_id|>', tail: '<|end_header_id|>', end: '<|eot_id|>' };
const LLAMA_4: GrammarTokens = { head: '<|header_start|>', tail: '<|header_end|>', end: '<|eot|>' };

const header = ({ head, tail }: GrammarTokens, role: string): string => `${head}${role}${tail}\n\n`;
const around = (tokens: GrammarTokens, role: string): Wrap => ({ before: header(tokens, role), after: tokens.end });

const base = (tokens: GrammarTokens) =>
  ({
    begin: '<|begin_of_text|>',
    system: around(tokens, 'system'),
    user: around(tokens, 'user'),
    assistant: around(tokens, 'assistant'),
    answer: header(tokens, 'assistant'),
    stop: [tokens.end],
  }) as const;

/** Llama 3: `ChatFormat` in llama/tokenizer.py of https://github.com/meta-llama/llama3. */
export const llama3: Template = {
  ...base(LLAMA_3),
  ...rulesOf('llama3'),
  specials: ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
  markers: [
    '<|begin_of_text|>',
    '<|end_of_text|>',
    '<|start_header_id|>',
    '<|end_header_id|>',
    '<|eot_id|>',
    '<|eom_id|>',
    '<|step_id|>',
    '<|python_tag|>',
    '<|image|>',
    '<|finetune_right_pad_id|>',
    '<|reserved_special_token_',
  ],
};

const GUIDANCE =
  'Given the following functions, please respond with a JSON for a function call with its proper arguments that best ' +
  'answers the given prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument ' +
  'name and its value}.Do not use variables.\n\n';

const guidance = (tools: readonly Tool[]): Part[] => [
  { mark: GUIDANCE },
  ...tools.map((tool) => ({ text: `${pythonJson(tool, 4)}\n\n` })),
];

const called = ({ name, arguments: given }: ToolCall): string =>
  `{"name": "${name}", "parameters": ${respaced(given)}}`;

/** The reference writes every iterable result as JSON, and a string is iterable. */
const toolForm = (tokens: GrammarTokens): ToolForm => ({
  maxCalls: 1,
  user: guidance,
  calls: (calls) => [{ mark: header(tokens, 'assistant') }, { text: calls.map(called).join('') }, { mark: tokens.end }],
  result: (text) => [{ mark: header(tokens, 'ipython') }, { text: JSON.stringify(text) }, { mark: tokens.end }],
});

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const dayOf = (date: Date): string =>
  `${String(date.getUTCDate()).padStart(2, '0')} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;

const forDay = (day: string, tools: boolean): Template => ({
  ...llama3,
  opening: {
    before: `${header(LLAMA_3, 'system')}${tools ? 'Environment: ipython\n' : ''}Cutting Knowledge Date: December 2023\nToday Date: ${day}\n\n`,
    after: LLAMA_3.end,
  },
  defaultSystem: '',
  toolStop: ['<|eom_id|>'],
  tools: toolForm(LLAMA_3),
});

/** The templates of the current day. */
let ofDay: { readonly number: number; readonly plain: Template; readonly withTools: Template } | undefined;
const DAY_MS = 86_400_000;

/**
 * Llama 3.1, 3.2 and 3.3: the `chat_template` of their Hugging Face repositories, which chat servers render and bill.
 * There is always a system block with two dates. Tools go into the first user message.
 */
export function llama31(date: Date, tools: boolean): Template {
  const number = Math.floor(date.getTime() / DAY_MS);
  if (ofDay?.number !== number) {
    const day = dayOf(date);
    ofDay = { number, plain: forDay(day, false), withTools: forDay(day, true) };
  }
  return tools ? ofDay.withTools : ofDay.plain;
}

const LLAMA_4_SPECIALS = [
  '<|begin_of_text|>',
  '<|header_start|>',
  '<|header_end|>',
  '<|eot|>',
  '<|python_start|>',
  '<|python_end|>',
];

const LLAMA_4_MARKERS = [
  '<|begin_of_text|>',
  '<|end_of_text|>',
  '<|header_start|>',
  '<|header_end|>',
  '<|eom|>',
  '<|eot|>',
  '<|step|>',
  '<|python_start|>',
  '<|python_end|>',
  '<|image_start|>',
  '<|image_end|>',
  '<|image|>',
  '<|patch|>',
  '<|tile_x_separator|>',
  '<|tile_y_separator|>',
  '<|finetune_right_pad|>',
  '<|fim_prefix|>',
  '<|fim_middle|>',
  '<|fim_suffix|>',
  '<|text_post_train_reserved_special_token_',
  '<|vision_reserved_special_token_',
  '<|reasoning_',
  '<|reserved_special_token_',
];

/**
 * Llama 4: `ChatFormat` in models/llama4/chat_format.py of https://github.com/meta-llama/llama-models, and the
 * `chat_template` in its Hugging Face repository, which differ only in tools. Contents are not stripped, except an
 * opening system message.
 */
export const llama4 = (tools: boolean): Template => ({
  ...base(LLAMA_4),
  ...rulesOf('llama4'),
  opening: { before: `${header(LLAMA_4, 'system')}${tools ? 'Environment: ipython\n' : ''}`, after: LLAMA_4.end },
  toolStop: ['<|eom|>'],
  specials: LLAMA_4_SPECIALS,
  markers: LLAMA_4_MARKERS,
  tools: {
    ...toolForm(LLAMA_4),
    maxCalls: Number.POSITIVE_INFINITY,
    calls: (calls, text) => [
      { mark: `${header(LLAMA_4, 'assistant')}<|python_start|>` },
      { text },
      { mark: '<|python_end|>' },
      { text: calls.map(called).join('') },
      { mark: LLAMA_4.end },
    ],
  },
});
