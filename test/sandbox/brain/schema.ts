import { isJson, type Json, list, object, strings } from '../json.ts';
import { isSafeWord, type Values, valuesIn } from './values.ts';

const MAX_DEPTH = 12;

/** What a server might run, open or write. */
export type Danger = 'command' | 'code' | 'text';

const COMMAND = /^(?:commands?|cmd|argv|shell|bash|exec|executable)$/;
const CODE =
  /^(?:script|code|program|paths?|files?|filenames?|filepaths?|dir|directory|folder|cwd|workdir|workspace|root|url|uri|href|link|host|endpoint|patch|diff|edits?|stdin|chars|args|arguments|pattern|glob|regex|sql|expression|formula|eval|snippet|selector|html|xml|json|yaml|template|include|exclude|env)$/;
/** Free texts: of a tool's they may be any of that, in an answer they are what it says. */
const TEXT =
  /^(?:target|dest|destination|source|content|contents|body|old|new|input|queries|prompt|instructions?|task|todos?|message|plan|steps?|explanation|justification|replacement|search|key|token|headers?|payload|data|value)$/;
/** In a description, where more words are harmless. */
const DESCRIBED =
  /\b(?:shell|command|terminal|bash|script|executed?|file ?path|files?|director(?:y|ies)|folder|source code|code to|patch|diff|sql|urls?|regex|regular expression|glob)\b/i;

/** The words of a name: `getWeather` and `get_weather` are `get` and `weather`. */
export const wordsIn = (name: string): string[] =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean);

/** Whether a string of this name could be a command, a path or code where it ends up. */
export function dangerOf(name: string, schema: Json): Danger | undefined {
  const words = wordsIn(name);
  if (words.some((word) => COMMAND.test(word))) return 'command';
  if (words.some((word) => CODE.test(word))) return 'code';
  if (typeof schema.description === 'string' && DESCRIBED.test(schema.description)) return 'code';
  return words.some((word) => TEXT.test(word)) ? 'text' : undefined;
}

/** What a person reads beside what a tool does. */
const EXPLAINS = /^(?:description|reason|title|summary)$/;
const PLACE = /city|cities|location|place|town|country|region/i;
const PERSON = /^(?:name|full_?name|first_?name|user_?name|user|person|customer|author)$/i;

/** Where a command must be given and none may be made of what was said: it says something and does nothing. */
export const INERT = 'echo sandbox';
const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-10-20',
  time: '12:00:00Z',
  'date-time': '2026-10-20T12:00:00Z',
  duration: 'PT1H',
  email: 'ada@example.com',
  uri: 'https://example.com/',
  uuid: '7a1f6f0e-2d0c-4c55-9d2e-4f1b0a9c3e11',
  ipv4: '192.0.2.1',
  hostname: 'example.com',
};
const PLACEHOLDER = 'example';

/** A value, and the names of the strings and numbers in it that neither the schema nor the prompt gave. */
export interface Filled {
  readonly value: unknown;
  readonly madeUp: readonly string[];
  /** Those of them that could be a command, a path or code, and so would not be taken from a prompt. */
  readonly dangerous: readonly string[];
}

interface Filling {
  readonly root: Json;
  readonly values: Values;
  /** For strings of any wording, in an answer's format; undefined for the arguments of tools. */
  readonly said: string | undefined;
  /** The tool runs or writes something, so that any of its strings may be what. */
  readonly powerful: boolean;
  readonly madeUp: Set<string>;
  readonly dangerous: Set<string>;
}

function sized(text: string, { minLength, maxLength }: Json): string {
  const low = typeof minLength === 'number' ? Math.min(minLength, 10_000) : 0;
  const long = text.length < low ? text.padEnd(low, text || 'x') : text;
  return typeof maxLength === 'number' ? long.slice(0, maxLength) : long;
}

/** What the schema itself gives. */
function given(schema: Json): unknown {
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  return list(schema.examples)[0] ?? schema.example;
}

function offered(name: string, { values }: Filling): string | undefined {
  const word = values.word(name);
  if (word !== undefined && isSafeWord(word)) return word;
  if (PLACE.test(name)) return values.place();
  if (PERSON.test(name)) return values.person() ?? values.quoted();
  return values.quoted();
}

function stringFor(name: string, schema: Json, filling: Filling): string {
  const { said, powerful, madeUp, dangerous } = filling;
  const could = dangerOf(name, schema) ?? (powerful && !EXPLAINS.test(name) ? 'text' : undefined);
  const danger = could === 'text' && said !== undefined ? undefined : could;
  const own = given(schema);
  if (danger === undefined) {
    const fromPrompt = schema.format === undefined && schema.pattern === undefined ? offered(name, filling) : undefined;
    if (fromPrompt !== undefined) return sized(fromPrompt, schema);
    if (typeof own === 'string') return own;
  } else {
    if (typeof own === 'string' && danger !== 'command') return own;
    if (said === undefined) dangerous.add(name);
  }
  madeUp.add(name);
  if (typeof schema.format === 'string' && FORMATS[schema.format]) return FORMATS[schema.format] ?? '';
  if (danger === 'command') return INERT;
  if (PLACE.test(name)) return 'Paris';
  return sized(danger === undefined && said !== undefined ? said : PLACEHOLDER, schema);
}

function numberFor(name: string, schema: Json, { values, madeUp }: Filling): number {
  const own = given(schema);
  let said = typeof own === 'number' ? values.assignedNumber(name) : values.number(name);
  if (said === undefined && typeof own === 'number') return own;
  if (said === undefined) {
    madeUp.add(name);
    said = 1;
  }
  return within(schema, said);
}

/** The nearest number that a schema allows. */
function within(schema: Json, said: number): number {
  const low = typeof schema.minimum === 'number' ? schema.minimum : Number.NEGATIVE_INFINITY;
  const above = typeof schema.exclusiveMinimum === 'number' ? schema.exclusiveMinimum + 1 : Number.NEGATIVE_INFINITY;
  const high = typeof schema.maximum === 'number' ? schema.maximum : Number.POSITIVE_INFINITY;
  const below = typeof schema.exclusiveMaximum === 'number' ? schema.exclusiveMaximum - 1 : Number.POSITIVE_INFINITY;
  const value = Math.min(high, below, Math.max(low, above, said));
  return schema.type === 'integer' ? Math.round(value) : value;
}

function booleanFor(name: string, schema: Json, { values, said }: Filling): boolean {
  const flag = values.flag(name);
  if (flag !== undefined) return flag;
  // In a tool's arguments, nothing is switched on that nobody asked for.
  return typeof schema.default === 'boolean' ? schema.default : said !== undefined;
}

function listFor(name: string, schema: Json, filling: Filling, inner: (one: unknown, name: string) => unknown) {
  if (Array.isArray(schema.default)) return schema.default;
  const items = isJson(schema.items) ? schema.items : {};
  // The words of one command, as some tools take it.
  if (dangerOf(name, schema) === 'command' && filling.said === undefined) {
    filling.madeUp.add(name);
    filling.dangerous.add(name);
    return INERT.split(' ');
  }
  const least = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 100) : 1;
  const found: unknown[] = Array.isArray(schema.prefixItems) ? schema.prefixItems.map((one) => inner(one, name)) : [];
  if (items.type === 'number' || items.type === 'integer') {
    const most = typeof schema.maxItems === 'number' ? schema.maxItems : 100;
    for (let next = filling.values.number(name); next !== undefined && found.length < most; ) {
      found.push(within(items, next));
      next = filling.values.number('');
    }
  }
  while (found.length < least) found.push(inner(items, name));
  return found;
}

/** Whether the prompt says something of a property that need not be there. */
function spokenOf(name: string, schema: Json, { values }: Filling): boolean {
  if (schema.type === 'boolean') return values.flag(name) !== undefined;
  if (schema.type === 'number' || schema.type === 'integer') return values.assignedNumber(name) !== undefined;
  if (strings(schema.enum).some((option) => option.length > 2 && values.says(option))) return true;
  if (schema.type !== 'string' || dangerOf(name, schema) !== undefined) return false;
  const word = values.word(name);
  return (word !== undefined && isSafeWord(word)) || (PLACE.test(name) && values.place() !== undefined);
}

function objectFor(schema: Json, filling: Filling, inner: (one: unknown, name: string) => unknown): Json {
  const properties = object(schema.properties);
  const required = strings(schema.required);
  const all = Object.keys(properties);
  const wanted = [
    ...required,
    ...all.filter((key) => !required.includes(key) && spokenOf(key, object(properties[key]), filling)),
  ];
  // A format that requires nothing is asked for because of what it can hold.
  const keys = wanted.length === 0 && filling.said !== undefined ? all : wanted;
  return Object.fromEntries(keys.map((key) => [key, inner(properties[key], key)]));
}

function valueFor(schema: Json, name: string, filling: Filling, depth: number): unknown {
  if (depth > MAX_DEPTH) return null;
  const inner = (one: unknown, called: string) => valueFor(object(one), called, filling, depth + 1);
  if (typeof schema.$ref === 'string') {
    const target = schema.$ref
      .replace(/^#\/?/, '')
      .split('/')
      .reduce<unknown>((at, key) => (key === '' ? at : object(at)[key]), filling.root);
    return inner(target, name);
  }
  if (schema.const !== undefined) return schema.const;
  const options = list(schema.enum);
  if (options.length > 0) {
    const said = options.find((option) => typeof option === 'string' && option !== '' && filling.values.says(option));
    return said ?? (options.includes(schema.default) ? schema.default : options[0]);
  }
  const choices = [...list(schema.anyOf), ...list(schema.oneOf)].filter((one) => object(one).type !== 'null');
  if (choices[0] !== undefined) return inner(choices[0], name);
  const parts = list(schema.allOf).map(object);
  if (parts.length > 0 && schema.properties === undefined) {
    return parts.length === 1 ? inner(parts[0], name) : inner(mergedOf(parts), name);
  }
  const types = Array.isArray(schema.type) ? strings(schema.type) : [schema.type];
  const type = types.find((one) => one !== 'null') ?? (schema.properties ? 'object' : undefined);
  if (type === 'object') return objectFor(schema, filling, inner);
  if (type === 'array') return listFor(name, schema, filling, inner);
  if (type === 'number' || type === 'integer') return numberFor(name, { ...schema, type }, filling);
  if (type === 'boolean') return booleanFor(name, schema, filling);
  return types[0] === 'null' ? null : stringFor(name, schema, filling);
}

const mergedOf = (parts: readonly Json[]): Json => ({
  type: 'object',
  properties: Object.assign({}, ...parts.map((part) => object(part.properties))),
  required: parts.flatMap((part) => strings(part.required)),
});

/** Where one string of a tool's could do harm, no word gets into any other either: numbers and flags alone do. */
const none = (): undefined => undefined;
const WORDLESS: Partial<Values> = { word: none, place: none, person: none, quoted: none };

/**
 * A value that keeps to a JSON Schema, of what the schema itself gives (`const`, `enum`, `default`, `examples`, `type`)
 * and the plain values of a prompt. `said` is for the free texts of an answer; without it the value is for a tool, and no
 * text of the prompt's gets into what could be a command, a path or code.
 */
export function fill(schema: Json, prompt: string, said?: string, powerful = false): Filled {
  const values = valuesIn(prompt);
  const closed = powerful || (said === undefined && isDangerous(schema));
  const filling: Filling = {
    root: schema,
    values: closed ? { ...values, ...WORDLESS } : values,
    said,
    powerful,
    madeUp: new Set(),
    dangerous: new Set(),
  };
  const value = valueFor(schema, 'value', filling, 0);
  return { value, madeUp: [...filling.madeUp], dangerous: [...filling.dangerous] };
}

/** Whether any string of a tool's arguments, wanted or not, could be a command, a path or code. */
export function isDangerous(schema: Json, name = '', depth = 0): boolean {
  if (depth > MAX_DEPTH) return true;
  const inner = (one: unknown, called: string) => isDangerous(object(one), called, depth + 1);
  if (name !== '' && schema.enum === undefined && schema.const === undefined && dangerOf(name, schema)) return true;
  return (
    Object.entries(object(schema.properties)).some(([key, one]) => inner(one, key)) ||
    (isJson(schema.items) && inner(schema.items, name)) ||
    [...list(schema.anyOf), ...list(schema.oneOf), ...list(schema.allOf)].some((one) => inner(one, name)) ||
    [...Object.values(object(schema.$defs)), ...Object.values(object(schema.definitions))].some((one) => inner(one, ''))
  );
}
