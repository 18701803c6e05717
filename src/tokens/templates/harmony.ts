import { isSimple, toolsSection } from './harmony-tools.ts';
import { rulesOf } from './rules.ts';
import type { Template, ToolForm, Wrap } from './template.ts';

const message = (header: string): Wrap => ({ before: `<|start|>${header}<|message|>`, after: '<|end|>' });

/**
 * A caller's words beside a call are what the format calls a preamble. Calls and results are written as the library
 * writes them (src/encoding.rs): the recipient behind the role, the arguments and results as they came. What was thought
 * before a call is a message on the channel `analysis` (docs/format.md, "chain of thought").
 */
const toolForm: ToolForm = {
  knows: isSimple,
  system: (tools, system) => [
    { mark: '<|start|>developer<|message|>' },
    { text: system === '' ? '' : `# Instructions\n\n${system}\n\n` },
    { text: toolsSection(tools) },
    { mark: '<|end|>' },
  ],
  calls: (calls, text, thought) => [
    ...(thought === undefined
      ? []
      : [{ mark: '<|start|>assistant<|channel|>analysis<|message|>' }, { text: thought }, { mark: '<|end|>' }]),
    ...(text === ''
      ? []
      : [{ mark: '<|start|>assistant<|channel|>commentary<|message|>' }, { text }, { mark: '<|end|>' }]),
    ...calls.flatMap((call) => [
      { mark: '<|start|>assistant to=functions.' },
      { text: call.name },
      { mark: '<|channel|>commentary json<|message|>' },
      { text: call.arguments },
      { mark: '<|call|>' },
    ]),
  ],
  result: (text, { name }) => [
    { mark: '<|start|>functions.' },
    { text: name },
    { mark: ' to=assistant<|channel|>commentary<|message|>' },
    { text },
    { mark: '<|end|>' },
  ],
};

const SPECIALS = ['<|start|>', '<|end|>', '<|message|>', '<|channel|>', '<|constrain|>', '<|return|>', '<|call|>'];

const MARKERS = [
  '<|start|>',
  '<|end|>',
  '<|message|>',
  '<|channel|>',
  '<|constrain|>',
  '<|return|>',
  '<|call|>',
  '<|startoftext|>',
  '<|endoftext|>',
  '<|endofprompt|>',
  '<|reserved_',
];

/**
 * Harmony, gpt-oss's format: https://github.com/openai/harmony/blob/main/docs/format.md. The system message says who the
 * model is, the date and how much to think; what callers call system goes into the developer message. Answers of earlier
 * turns are on the channel `final`, without their thoughts. An answer that the caller has begun is on `final` too.
 */
export const harmony = (date: Date, reasoningEffort: string, tools: boolean): Template => ({
  begin: '',
  preamble:
    '<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n' +
    `Current date: ${date.toISOString().slice(0, 10)}\n\nReasoning: ${reasoningEffort}\n\n` +
    '# Valid channels: analysis, commentary, final. Channel must be included for every message.' +
    `${tools ? "\nCalls to these tools must go to the commentary channel: 'functions'." : ''}<|end|>`,
  system: { before: '<|start|>developer<|message|># Instructions\n\n', after: '<|end|>' },
  user: message('user'),
  assistant: message('assistant<|channel|>final'),
  ...rulesOf('harmony'),
  answer: '<|start|>assistant',
  answerIsMarked: true,
  stop: ['<|return|>', '<|call|>'],
  specials: SPECIALS,
  markers: MARKERS,
  tools: toolForm,
});
