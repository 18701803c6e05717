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

const comment = (text: unknown, indent: string): string => (typeof text === 'string' ? `${indent}// ${text}\n` : '');

const titleOf = ({ title }: JsonObject, indent: string): string =>
  typeof title === 'string' ? `${indent}// ${title}\n${indent}//\n` : '';

function examplesOf({ examples }: JsonObject, indent: string): string {
  const shown = listOf(examples).filter((example) => typeof example === 'string');
  const lines = shown.map((example) => `${indent}// - "${example}"\n`);
  return listOf(examples).length > 0 ? `${indent}// Examples:\n${lines.join('')}` : '';
}

/** How a default value is shown. Texts are not escaped, and with `bare` those of an enum have no quotes either. */
function defaultOf(schema: unknown, bare = true): string {
  if (!isObject(schema) || schema.default === undefined) return '';
  const { default: given } = schema;
  if (typeof given !== 'string') return `default: ${JSON.stringify(given)}`;
  return `default: ${bare && listOf(schema.enum).length > 0 ? given : `"${given}"`}`;
}

const trailing = (text: string): string => (text === '' ? '' : ` // ${text}`);

const INNER = '    ';

/** A schema's type, with `null` where the schema allows it in OpenAPI's way. */
function nullableType(schema: unknown, indent: string): string {
  const type = typeOf(schema, indent);
  return isObject(schema) && schema.nullable === true && !type.includes('null') ? `${type} | null` : type;
}

/** One of several types, with what is said of it. */
function alternative(variant: unknown, indent: string, description: unknown, value: string): string {
  const said = [description, value].filter((one) => typeof one === 'string' && one !== '').join(' ');
  return `${indent} | ${nullableType(variant, `${indent}   `)}${trailing(said)}`;
}

const descriptionOf = (schema: unknown): unknown => (isObject(schema) ? schema.description : undefined);

/** A property that can be of several types: one line for each. */
function choiceOf(name: string, schema: JsonObject, variants: readonly unknown[], indent: string): string {
  const { description } = schema;
  const value = defaultOf(schema);
  const lines = variants.map((variant, at) => {
    const own = descriptionOf(variant);
    // The first is taken to be described by what stands above it.
    const above = typeof description === 'string' && (at === 0 || own === description);
    return `${alternative(variant, indent, above ? '' : own, defaultOf(variant))}\n`;
  });
  const repeated = typeof description === 'string' && descriptionOf(variants[0]) === description;
  const above =
    titleOf(schema, indent) + examplesOf(schema, indent) + comment(repeated ? undefined : description, indent);
  return `${above}${comment(value || undefined, indent)}${indent}${name}:\n${lines.join('')}${indent},\n`;
}

function objectType(schema: JsonObject, indent: string): string {
  const required = new Set(listOf(schema.required));
  let type = `${comment(schema.description, indent)}{\n`;
  for (const [key, property] of Object.entries(isObject(schema.properties) ? schema.properties : {})) {
    const name = `${key}${required.has(key) ? '' : '?'}`;
    if (!isObject(property)) type += `${indent}${name}: any,\n`;
    else if (Array.isArray(property.oneOf)) type += choiceOf(name, property, property.oneOf, indent);
    else {
      const inner = nullableType(property, indent + INNER);
      type += titleOf(property, indent) + comment(property.description, indent) + examplesOf(property, indent);
      type += `${indent}${name}: ${inner},${trailing(defaultOf(property))}\n`;
    }
  }
  return `${type}${indent}}`;
}

/** A JSON Schema as the TypeScript type that Harmony writes. `indent` is the indentation of the lines inside. */
function typeOf(schema: unknown, indent = ''): string {
  if (!isObject(schema)) return 'any';
  const { type, oneOf } = schema;
  if (Array.isArray(oneOf)) {
    return oneOf.map((one) => `\n${alternative(one, indent, descriptionOf(one), defaultOf(one, false))}`).join('');
  }
  if (Array.isArray(type)) {
    return type.map((one) => (one === 'integer' ? 'number' : String(one))).join(' | ') || 'any';
  }
  if (type === 'object') return objectType(schema, indent);
  if (type === 'array') return schema.items === undefined ? 'Array<any>' : `${typeOf(schema.items, indent)}[]`;
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
    for (const line of description ? description.replace(/\n$/, '').split(/\r?\n/) : []) section += `// ${line}\n`;
    section += `type ${name} = (${parameters ? `_: ${typeOf(parameters)}` : ''}) => any;\n`;
  }
  return `${section}\n} // namespace functions`;
}

const message = (header: string): Wrap => ({ before: `<|start|>${header}<|message|>`, after: '<|end|>' });

/**
 * Text beside a call is what the format calls a preamble. Calls and results are written as the library writes them
 * (src/encoding.rs): the recipient after the role, arguments and results unchanged. A thought before a call is a
 * message on the channel `analysis` (docs/format.md, "chain of thought").
 */
const toolForm: ToolForm = {
  system: (tools, system) => [
    { mark: '<|start|>developer<|message|>' },
    { text: system ? `# Instructions\n\n${system}\n\n` : '' },
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
  thoughtsSinceFinal: true,
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

/** The effort becomes part of the template's own text, so no other value of a caller may pass. */
const EFFORTS: readonly string[] = ['low', 'medium', 'high'];

export function harmony(date: Date, asked: string | undefined, tools: boolean): Template {
  const reasoningEffort = EFFORTS.find((known) => known === asked) ?? 'medium';
  const day = Math.floor(date.getTime() / DAY_MS);
  if (day !== currentDay) ofDay.clear();
  currentDay = day;
  const key = tools ? `${reasoningEffort} tools` : reasoningEffort;
  const template = ofDay.get(key) ?? harmonyFor(date, reasoningEffort, tools);
  ofDay.set(key, template);
  return template;
}
