import { type ChatParts, isObject, type JsonObject } from '../../src/core/index.ts';
import { isMistral } from './about.ts';

/**
 * JSON Schemas as Bedrock takes them. It compiles "a subset of JSON Schema Draft 2020-12" and refuses every other
 * with a 400 (https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html): no open objects, no
 * limits of numbers, texts and lists, no references to elsewhere or in a circle.
 */

/** Schemas nested deeper than this are not walked; none written by hand or by a library is. */
const DEEPEST = 64;

/** Members that are schemas themselves, alone, in a list, or by name. */
const ONE: ReadonlySet<string> = new Set(['items', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']);
const LIST: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const NAMED: ReadonlySet<string> = new Set(['$defs', 'definitions', 'dependentSchemas']);

/** Limits that are not compiled. They go into the description, where the model reads them and may keep to them. */
const LIMITS: ReadonlySet<string> = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'maxItems',
]);

const isLimit = (key: string, value: unknown): boolean =>
  LIMITS.has(key) || (key === 'minItems' && value !== 0 && value !== 1);

/** The schema cannot be expressed with closed objects. */
class Unfit extends Error {}

/** A schema in the form that Bedrock accepts. */
export interface Fit {
  readonly schema: JsonObject;
  /** Keywords that the API does not enforce, each once. */
  readonly left: readonly string[];
}

const describesObject = ({ type, properties }: JsonObject): boolean =>
  type === 'object' || (Array.isArray(type) && type.includes('object')) || properties !== undefined;

/** Bedrock refuses objects with any members, or with members whose names are not listed. */
function assertClosable(schema: JsonObject): void {
  const { additionalProperties: more, patternProperties, properties, allOf, $ref } = schema;
  if (patternProperties !== undefined) throw new Unfit();
  if (typeof $ref === 'string' && !$ref.startsWith('#')) throw new Unfit();
  // If each of several schemas were closed, none would allow the members of the others.
  if (Array.isArray(allOf) && allOf.length > 1) throw new Unfit();
  if (describesObject(schema) && more !== false && (more !== undefined || properties === undefined)) throw new Unfit();
}

/** Adds limits that cannot be compiled to a description. */
function described(description: unknown, limits: readonly string[]): unknown {
  if (limits.length === 0) return description;
  const said = `(${limits.join(', ')})`;
  return typeof description === 'string' && description !== '' ? `${description} ${said}` : said;
}

function fitted(schema: unknown, left: Set<string>, depth: number): unknown {
  if (!isObject(schema)) return schema;
  if (depth > DEEPEST) throw new Unfit();
  assertClosable(schema);
  const limits = Object.keys(schema)
    .filter((key) => isLimit(key, schema[key]))
    .sort();
  const description = described(
    schema.description,
    limits.map((key) => `${key}: ${JSON.stringify(schema[key])}`),
  );
  const all: JsonObject = {
    ...schema,
    ...(description === undefined ? {} : { description }),
    ...(describesObject(schema) ? { additionalProperties: false } : {}),
  };
  const members = Object.keys(all)
    .filter((key) => key !== '$schema' && !limits.includes(key))
    .sort()
    .map((key) => [key, memberOf(key, all[key], left, depth)] as const);
  for (const key of limits) left.add(key);
  return Object.fromEntries(members);
}

function memberOf(key: string, value: unknown, left: Set<string>, depth: number): unknown {
  // A model writes members in the schema's order, so the caller's order is kept.
  if (key === 'properties') return namedFitted(value, left, depth, false);
  if (NAMED.has(key)) return namedFitted(value, left, depth, true);
  if (LIST.has(key) && Array.isArray(value)) return value.map((one) => fitted(one, left, depth + 1));
  return ONE.has(key) ? fitted(value, left, depth + 1) : value;
}

function namedFitted(schemas: unknown, left: Set<string>, depth: number, sorted: boolean): unknown {
  if (!isObject(schemas)) return schemas;
  const names = Object.keys(schemas);
  return Object.fromEntries(
    (sorted ? names.sort() : names).map((name) => [name, fitted(schemas[name], left, depth + 1)]),
  );
}

/** The direct subschemas, without definitions: those are only reached by reference. */
const within = (schema: JsonObject): unknown[] =>
  Object.entries(schema).flatMap(([key, value]) => {
    if (key === 'properties' && isObject(value)) return Object.values(value);
    if (LIST.has(key) && Array.isArray(value)) return value;
    return ONE.has(key) ? [value] : [];
  });

function targetOf(root: JsonObject, ref: string): unknown {
  let at: unknown = root;
  for (const step of ref.slice(1).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

/** Whether references form a cycle, or nest too deep. Each is followed once, however many lead there. */
function circles(root: JsonObject): boolean {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (schema: unknown, followed: number): boolean => {
    if (!isObject(schema)) return false;
    const { $ref: ref } = schema;
    if (typeof ref === 'string') {
      const before = state.get(ref);
      if (before !== undefined) return before === 'open';
      state.set(ref, 'open');
      if (followed > DEEPEST || visit(targetOf(root, ref), followed + 1)) return true;
      state.set(ref, 'done');
    }
    return within(schema).some((one) => visit(one, followed));
  };
  state.set('#', 'open');
  return visit(root, 0);
}

/** Results by schema: every offer of a call asks for it, and the request once more. Null where there is none. */
const fits = new WeakMap<JsonObject, Fit | null>();

/**
 * A JSON Schema as Bedrock takes it: every object closed (`additionalProperties: false`), limits in words, and always
 * with its keywords in one order, so that a schema which means the same is the same text: Bedrock compiles a new text
 * for up to minutes and keeps what it compiled for 24 hours. Undefined for a schema that has no such form.
 */
export function fitSchema(schema: JsonObject): Fit | undefined {
  const known = fits.get(schema);
  if (known !== undefined) return known ?? undefined;
  const fit = makeFit(schema);
  fits.set(schema, fit ?? null);
  return fit;
}

function makeFit(schema: JsonObject): Fit | undefined {
  const left = new Set<string>();
  try {
    const fit = fitted(schema, left, 0);
    return isObject(fit) && !circles(fit) ? { schema: fit, left: [...left].sort() } : undefined;
  } catch (thrown) {
    if (thrown instanceof Unfit) return undefined;
    throw thrown;
  }
}

/**
 * The same JSON, in which no text of the caller's can be a special token: they begin with `<`, and Mistral's with
 * `[`.
 */
function withoutMarkers(json: string, mistral: boolean): string {
  const plain = json.replaceAll('<', '\\u003c');
  return mistral ? plain.replace(/"(?:[^"\\]|\\.)*"/g, (text) => text.replaceAll('[', '\\u005b')) : plain;
}

/**
 * What asks for the answer's format in words, where the API does not enforce it: any JSON object, and a schema on a
 * model outside AWS's list (https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html) or one that
 * Bedrock cannot compile. Asking in words leaves tools and streaming as they are, and guarantees nothing.
 */
export function formatInstruction({
  responseFormat: format,
  family,
  structured = false,
}: ChatParts): string | undefined {
  if (!format || format.type === 'text') return undefined;
  if (format.type === 'json_object' || !format.schema) {
    return 'Answer with one JSON object and nothing else: no prose, no code fence.';
  }
  if (structured && fitSchema(format.schema)) return undefined;
  const schema = withoutMarkers(JSON.stringify(format.schema), isMistral(family));
  return `Answer with JSON that is valid under this JSON Schema and nothing else: no prose, no code fence.\n${schema}`;
}

/**
 * `outputConfig`, which enforces a schema on the models that support it; undefined where the answer is free or asked
 * for in words.
 */
export function outputConfig({ responseFormat: format, structured }: ChatParts): JsonObject | undefined {
  if (format?.type !== 'json_schema' || !format.schema || !structured) return undefined;
  const fit = fitSchema(format.schema);
  if (!fit) return undefined;
  const jsonSchema = {
    schema: JSON.stringify(fit.schema),
    name: format.name,
    ...(format.description ? { description: format.description } : {}),
  };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}
