import { isJson, type Json, list, object, text } from '../json.ts';
import type { Chat, Message } from './types.ts';

/**
 * gpt-oss's prompt: a transcription of openai/harmony, src/encoding.rs, which vLLM and others render with. What the library
 * itself makes of many chats is in test/tokens/golden.
 */

const quoted = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : JSON.stringify(value));

const isEnum = (schema: Json): boolean => list(schema.enum).length > 0;

/** `default: …`; the values of an enum stand there without quotes. */
function defaultIn(schema: Json, enumsToo: boolean): string[] {
  if (schema.default === undefined) return [];
  const bare = enumsToo && isEnum(schema) && typeof schema.default === 'string';
  return [`default: ${bare ? schema.default : quoted(schema.default)}`];
}

const isText = (value: unknown): value is string => typeof value === 'string';
const comment = (words: readonly string[]): string => (words.length > 0 ? ` // ${words.join(' ')}` : '');
const orNull = (schema: unknown, type: string): string =>
  object(schema).nullable === true && !type.includes('null') ? `${type} | null` : type;

function simple(schema: Json): string {
  if (schema.type === 'string') {
    const values = list(schema.enum).filter(isText);
    return values.length > 0 ? values.map((value) => `"${value}"`).join(' | ') : 'string';
  }
  if (schema.type === 'number' || schema.type === 'integer') return 'number';
  return schema.type === 'boolean' ? 'boolean' : 'any';
}

/** `json_schema_to_typescript`. */
function typescript(schema: unknown, indent: string): string {
  if (!isJson(schema)) return 'any';
  if (Array.isArray(schema.oneOf)) {
    return schema.oneOf
      .map((variant) => {
        const said = [object(variant).description].filter(isText).filter((one) => one !== '');
        const type = orNull(variant, typescript(variant, `${indent}   `));
        return `\n${indent} | ${type}${comment([...said, ...defaultIn(object(variant), false)])}`;
      })
      .join('');
  }
  if (Array.isArray(schema.type)) {
    if (schema.type.length === 0) return 'any';
    return schema.type.map((one) => (one === 'integer' ? 'number' : String(one))).join(' | ');
  }
  if (schema.type === 'array')
    return schema.items === undefined ? 'Array<any>' : `${typescript(schema.items, indent)}[]`;
  return schema.type === 'object' ? members(schema, indent) : simple(schema);
}

function members(schema: Json, indent: string): string {
  const out: string[] = [];
  if (isText(schema.description)) out.push(`${indent}// ${schema.description}\n`);
  out.push('{\n');
  for (const [key, value] of Object.entries(object(schema.properties))) {
    const property = object(value);
    const mark = list(schema.required).includes(key) ? '' : '?';
    const variants = Array.isArray(property.oneOf) ? property.oneOf : undefined;
    if (isText(property.title)) out.push(`${indent}// ${property.title}\n${indent}//\n`);
    if (!variants && isText(property.description)) out.push(`${indent}// ${property.description}\n`);
    if (list(property.examples).length > 0) {
      out.push(`${indent}// Examples:\n`);
      for (const example of list(property.examples)) if (isText(example)) out.push(`${indent}// - "${example}"\n`);
    }
    if (!variants) {
      const type = orNull(property, typescript(value, `${indent}    `));
      out.push(`${indent}${key}${mark}: ${type},${comment(defaultIn(property, true))}\n`);
      continue;
    }
    const shown = property.description;
    if (isText(shown) && object(variants[0]).description !== shown) out.push(`${indent}// ${shown}\n`);
    for (const line of defaultIn(property, true)) out.push(`${indent}// ${line}\n`);
    out.push(`${indent}${key}${mark}:\n`);
    for (const [at, variant] of variants.entries()) {
      const own = object(variant).description;
      const repeats = isText(shown) && (at === 0 || own === shown);
      const said = repeats ? [] : [own].filter(isText).filter((one) => one !== '');
      const type = orNull(variant, typescript(variant, `${indent}   `));
      out.push(`${indent} | ${type}${comment([...said, ...defaultIn(object(variant), true)])}\n`);
    }
    out.push(`${indent},\n`);
  }
  return `${out.join('')}${indent}}`;
}

/** Rust's `str::lines`. */
const linesOf = (value: string): string[] => (value === '' ? [] : value.replace(/\n$/, '').split(/\r?\n/));

function functions(tools: readonly Json[]): string {
  const described = tools.map((tool) => {
    const { name, description, parameters } = object(tool.function);
    const comments = linesOf(text(description)).map((line) => `// ${line}\n`);
    const takes = parameters === undefined || parameters === null ? '' : `_: ${typescript(parameters, '')}`;
    return `${comments.join('')}type ${text(name)} = (${takes}) => any;\n\n`;
  });
  return `# Tools\n\n## functions\n\nnamespace functions {\n\n${described.join('')}} // namespace functions`;
}

const EFFORTS = ['low', 'medium', 'high'];

/** `chat_template`-like entry: system, developer, the turns, and the beginning of the answer. */
export function harmony({ messages, tools, effort, begun }: Chat): string {
  const [first] = messages;
  const opening = first?.role === 'system' ? first.content : '';
  const turns = first?.role === 'system' ? messages.slice(1) : messages;
  const reasoning = EFFORTS.includes(effort ?? '') ? effort : 'medium';
  const lines = [
    'You are ChatGPT, a large language model trained by OpenAI.',
    'Knowledge cutoff: 2024-06',
    `Current date: ${new Date().toISOString().slice(0, 10)}`,
    '',
    `Reasoning: ${reasoning}`,
    '',
    '# Valid channels: analysis, commentary, final. Channel must be included for every message.',
    ...(tools.length > 0 ? ["Calls to these tools must go to the commentary channel: 'functions'."] : []),
  ];
  const sections = [
    ...(opening ? [`# Instructions\n\n${opening}`] : []),
    ...(tools.length > 0 ? [functions(tools)] : []),
  ];
  const out = [`<|start|>system<|message|>${lines.join('\n')}<|end|>`];
  if (sections.length > 0) out.push(`<|start|>developer<|message|>${sections.join('\n\n')}<|end|>`);
  const lastFinal = turns.findLastIndex(({ role, tool_calls: calls }) => role === 'assistant' && !calls);
  const said = (channel: string, content: string) =>
    `<|start|>assistant<|channel|>${channel}<|message|>${content}<|end|>`;
  let called: Message['tool_calls'] = [];
  for (const [
    at,
    { role, content, reasoning_content: thought, tool_calls: calls, tool_call_id: id },
  ] of turns.entries()) {
    if (role === 'tool') {
      const name = called.find((one) => one.id === id)?.function.name ?? called.at(-1)?.function.name ?? '';
      out.push(`<|start|>functions.${name} to=assistant<|channel|>commentary<|message|>${content}<|end|>`);
    } else if (role !== 'assistant') {
      out.push(`<|start|>${role === 'system' ? 'developer' : 'user'}<|message|>${content}<|end|>`);
    } else {
      if (thought && at > lastFinal) out.push(said('analysis', thought));
      if (!calls) out.push(said('final', content));
      else if (content) out.push(said('commentary', content));
      for (const call of calls ?? []) {
        out.push(`<|start|>assistant to=functions.${call.function.name}<|channel|>commentary json<|message|>`);
        out.push(`${call.written}<|call|>`);
      }
      called = [...called, ...(calls ?? [])];
    }
  }
  return out.join('') + (begun ? '' : '<|start|>assistant');
}
