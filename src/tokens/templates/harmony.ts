/** Harmony, gpt-oss's prompt format. */
import { isObject, type JsonObject, type Tool } from '../../core/index.ts';
import { rulesOf, type Template, type ToolForm, type Wrap } from './template.ts';

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const NAMES: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
};

function comments(schema: JsonObject, indent: string): string {
  const { title, description, examples } = schema;
  const shown = listOf(examples).filter((example) => typeof example === 'string');
  let lines = '';
  if (typeof title === 'string') lines += `${indent}// ${title}\n${indent}//\n`;
  if (typeof description === 'string') lines += `${indent}// ${description}\n`;
  if (listOf(examples).length > 0) lines += `${indent}// Examples:\n`;
  for (const example of shown) lines += `${indent}// - "${example}"\n`;
  return lines;
}

/** The comment with a property's default value. Values of an enum are written without quotes. */
function defaultOf(schema: JsonObject): string {
  const { default: given } = schema;
  if (given === undefined) return '';
  const bare = typeof given === 'string' && listOf(schema.enum).length > 0;
  return ` // default: ${bare ? given : JSON.stringify(given)}`;
}

function objectType(schema: JsonObject, indent: string): string {
  const required = new Set(listOf(schema.required));
  let type = typeof schema.description === 'string' ? `${indent}// ${schema.description}\n{\n` : '{\n';
  for (const [key, property] of Object.entries(isObject(schema.properties) ? schema.properties : {})) {
    if (!isObject(property)) continue;
    const inner = typeOf(property, `${indent}    `);
    const orNull = property.nullable === true && !inner.includes('null') ? ' | null' : '';
    const name = `${key}${required.has(key) ? '' : '?'}`;
    type += `${comments(property, indent)}${indent}${name}: ${inner}${orNull},${defaultOf(property)}\n`;
  }
  return `${type}${indent}}`;
}

/** A JSON Schema as the TypeScript type that Harmony writes. `indent` is the indentation of the lines inside. */
function typeOf(schema: JsonObject, indent = ''): string {
  const { type } = schema;
  if (Array.isArray(type)) {
    return type.map((one) => (one === 'integer' ? 'number' : String(one))).join(' | ');
  }
  if (type === 'object') return objectType(schema, indent);
  if (type === 'array') return isObject(schema.items) ? `${typeOf(schema.items, indent)}[]` : 'Array<any>';
  if (type === 'string') {
    const values = listOf(schema.enum).filter((value) => typeof value === 'string');
    if (values.length > 0) return values.map((value) => `"${value}"`).join(' | ');
  }
  return typeof type === 'string' ? (NAMES[type] ?? 'any') : 'any';
}

/**
 * The section of Harmony's developer message that describes functions: `template_tools_section` in src/encoding.rs of
 * https://github.com/openai/harmony.
 */
export function toolsSection(tools: readonly Tool[]): string {
  let section = '# Tools\n\n## functions\n\nnamespace functions {\n';
  for (const { name, description, parameters } of tools) {
    section += '\n';
    for (const line of description ? description.replace(/\n$/, '').split('\n') : []) section += `// ${line}\n`;
    section += `type ${name} = (${parameters ? `_: ${typeOf(parameters)}` : ''}) => any;\n`;
  }
  return `${section}\n} // namespace functions`;
}

/** Whether all tools can be rendered exactly. The layout of alternatives (`oneOf`) is not implemented. */
export const isSimple = (tools: readonly Tool[]): boolean =>
  tools.every(({ parameters }) => !JSON.stringify(parameters ?? {}).includes('"oneOf":'));

const message = (header: string): Wrap => ({ before: `<|start|>${header}<|message|>`, after: '<|end|>' });

/**
 * Text beside a call is what the format calls a preamble. Calls and results are written as the library writes them
 * (src/encoding.rs): the recipient after the role, arguments and results unchanged. A thought before a call is a
 * message on the channel `analysis` (docs/format.md, "chain of thought").
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
 * https://github.com/openai/harmony/blob/main/docs/format.md. The system message names the model, the date and the
 * reasoning effort. A caller's system text goes into the developer message. Answers of earlier turns are on the
 * channel `final`, without their thoughts, and so is an answer that the caller has begun.
 */
const harmonyFor = (date: Date, reasoningEffort: string, tools: boolean): Template => ({
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

/** The templates of the current day, by effort and tools. */
const ofDay = new Map<string, Template>();
let currentDay = 0;
const DAY_MS = 86_400_000;

export function harmony(date: Date, reasoningEffort: string, tools: boolean): Template {
  const day = Math.floor(date.getTime() / DAY_MS);
  if (day !== currentDay) ofDay.clear();
  currentDay = day;
  const key = tools ? `${reasoningEffort} tools` : reasoningEffort;
  const template = ofDay.get(key) ?? harmonyFor(date, reasoningEffort, tools);
  ofDay.set(key, template);
  return template;
}
