/**
 * Chat templates as data: what stands around each message in the one string that the model reads. Exact to the space,
 * because a space is a token. `render.ts` puts them together.
 */
export interface Template {
  /** Begin-of-sequence, as text. */
  readonly begin: string;
  readonly system: Wrap;
  readonly user: Wrap;
  readonly assistant: Wrap;
  /** Where system text goes: in messages of its own, or all of it, as one, in front of the first user's. */
  readonly systemIn: 'message' | 'first-user';
  /** Neighbours of one role: left as they are, or merged with a blank line where the model was trained on strict turns. */
  readonly sameRole: 'leave' | 'merge';
  /** After the last message: the words after which the model answers. */
  readonly answer: string;
  /** Strings that end the answer and that a server of raw completions may not know to end it. */
  readonly stop: readonly string[];
  /** Text that the template gives a meaning, which a caller's content must therefore not hold. */
  readonly markers: readonly string[];
}

export interface Wrap {
  readonly before: string;
  readonly after: string;
}

/**
 * Llama 2 Chat, and Code Llama Instruct 7B, 13B and 34B: `chat_completion` in generation.py of
 * https://github.com/meta-llama/llama and https://github.com/meta-llama/codellama. Every finished turn is a sequence of
 * its own, from `<s>` to `</s>`. No stop string: the engines end at `</s>` by its id, and as text it is HTML.
 */
const llama2: Template = {
  begin: '<s>',
  system: { before: '<<SYS>>\n', after: '\n<</SYS>>\n\n' },
  user: { before: '[INST] ', after: ' [/INST]' },
  assistant: { before: ' ', after: ' </s><s>' },
  systemIn: 'first-user',
  sameRole: 'merge',
  answer: '',
  stop: [],
  markers: ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>', '<s>', '</s>', '<unk>'],
};

const header = (role: string): string => `<|start_header_id|>${role}<|end_header_id|>\n\n`;
const llama3Message = (role: string): Wrap => ({ before: header(role), after: '<|eot_id|>' });

/** Llama 3: `ChatFormat` in llama/tokenizer.py of https://github.com/meta-llama/llama3. */
const llama3: Template = {
  begin: '<|begin_of_text|>',
  system: llama3Message('system'),
  user: llama3Message('user'),
  assistant: llama3Message('assistant'),
  systemIn: 'message',
  sameRole: 'leave',
  answer: header('assistant'),
  stop: ['<|eot_id|>'],
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

/**
 * By family, as the catalogue names them. 3.1, 3.2 and 3.3 are rendered in Meta's own format without tools: the system
 * block with the dates that chat endpoints add (Hugging Face's template) is those endpoints' doing and not the model's need.
 */
export const TEMPLATES: ReadonlyMap<string, Template> = new Map([
  ['llama-2', llama2],
  ['code-llama', { ...llama2, markers: [...llama2.markers, '<step>'] }],
  ['llama-3', llama3],
  ['llama-3.1', llama3],
  ['llama-3.2', llama3],
  ['llama-3.3', llama3],
]);
