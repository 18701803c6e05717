import { isObject, type JsonObject, type Tool } from '../../core/index.ts';

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

/** A default is shown behind its property; the values of an enum stand there without quotes. */
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

/** A JSON Schema as the TypeScript that Harmony writes for it. `indent` is that of the lines inside. */
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
 * The section of Harmony's developer message that tells of functions: `template_tools_section` in src/encoding.rs of
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

/** Alternatives (`oneOf`) are laid out by rules that are not built here: such tools cannot be rendered exactly. */
export const isSimple = (tools: readonly Tool[]): boolean =>
  tools.every(({ parameters }) => !JSON.stringify(parameters ?? {}).includes('"oneOf":'));
