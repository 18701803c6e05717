import { isJson, type Json, list, object, strings } from '../json.ts';

const MAX_DEPTH = 12;

/** Words for a string property that the prompt offers, by what the property is called. */
function stringFor(name: string, schema: Json, prompt: string): string {
  const options = strings(schema.enum);
  const [first] = options;
  if (first !== undefined) {
    const said = prompt.toLowerCase();
    return options.find((option) => said.includes(option.toLowerCase())) ?? first;
  }
  if (typeof schema.const === 'string') return schema.const;
  if (schema.format === 'date') return '2026-10-20';
  if (schema.format === 'date-time') return '2026-10-20T12:00:00Z';
  if (/city|location|place|town|country|destination/i.test(name)) return places(prompt)[0] ?? 'Paris';
  const quoted = /["'“]([^"'”]{1,80})["'”]/.exec(prompt)?.[1];
  return quoted ?? (prompt.trim().slice(0, 80) || name);
}

/** Names of places: capitalised words after a preposition, and those joined to them. */
export function places(prompt: string): string[] {
  const NAME = String.raw`\p{Lu}[\p{L}'-]+(?: \p{Lu}[\p{L}'-]+)*`;
  const found = new RegExp(`\\b(?:in|for|at|of|to|from|between) (${NAME}(?:(?:, and |, | and | or )${NAME})*)`, 'gu');
  return [...prompt.matchAll(found)].flatMap((match) => (match[1] ?? '').split(/, and |, | and | or /)).filter(Boolean);
}

function numberFor(schema: Json, prompt: string): number {
  const said = Number(/-?\d+(?:\.\d+)?/.exec(prompt)?.[0] ?? 1);
  const low = typeof schema.minimum === 'number' ? schema.minimum : Number.NEGATIVE_INFINITY;
  const high = typeof schema.maximum === 'number' ? schema.maximum : Number.POSITIVE_INFINITY;
  const value = Math.min(high, Math.max(low, said));
  return schema.type === 'integer' ? Math.round(value) : value;
}

/** A value that keeps to a JSON Schema, with what the prompt offers where it fits. */
export function instanceOf(schema: Json, prompt: string, name = 'value', root: Json = schema, depth = 0): unknown {
  if (depth > MAX_DEPTH) return null;
  const inner = (one: unknown, called: string) => instanceOf(object(one), prompt, called, root, depth + 1);
  if (typeof schema.$ref === 'string') {
    const target = schema.$ref
      .replace(/^#\/?/, '')
      .split('/')
      .reduce<unknown>((at, key) => (key === '' ? at : object(at)[key]), root);
    return inner(target, name);
  }
  const [option] = [...list(schema.anyOf), ...list(schema.oneOf), ...list(schema.allOf)];
  if (option !== undefined) return inner(option, name);
  if (schema.const !== undefined) return schema.const;
  const types = Array.isArray(schema.type) ? strings(schema.type) : [schema.type];
  const type =
    types.find((one) => one !== 'null') ?? (schema.properties ? 'object' : schema.enum ? 'string' : undefined);
  if (type === 'object') {
    const properties = object(schema.properties);
    const required = strings(schema.required);
    const wanted = required.length > 0 ? required : Object.keys(properties);
    return Object.fromEntries(wanted.map((key) => [key, inner(properties[key], key)]));
  }
  if (type === 'array') return [inner(isJson(schema.items) ? schema.items : {}, name)];
  if (type === 'number' || type === 'integer') return numberFor({ ...schema, type }, prompt);
  if (type === 'boolean') return true;
  return stringFor(name, schema, prompt);
}
