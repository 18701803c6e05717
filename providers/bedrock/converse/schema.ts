import { isObject, type JsonObject } from '../../../src/core/index.ts';

/** Deeper than any schema that is written by hand or by a library; what goes deeper is not walked. */
const DEEPEST = 64;

/** Members that are schemas themselves, alone, in a list, or by name. */
const ONE: ReadonlySet<string> = new Set(['items', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']);
const LIST: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const NAMED: ReadonlySet<string> = new Set(['$defs', 'definitions', 'dependentSchemas']);

/** The schema says something that a closed object cannot: there is no fit form of it. */
class Unfit extends Error {}

const describesObject = ({ type, properties }: JsonObject): boolean =>
  type === 'object' || (Array.isArray(type) && type.includes('object')) || properties !== undefined;

/** An object of any members, or of members whose names are not listed, is none that Bedrock takes. */
function assertClosable(schema: JsonObject): void {
  const { additionalProperties: more, patternProperties, properties, allOf, $ref } = schema;
  if (patternProperties !== undefined) throw new Unfit();
  if (typeof $ref === 'string' && !$ref.startsWith('#')) throw new Unfit();
  // Closed one by one, none of several would let the members of the others in.
  if (Array.isArray(allOf) && allOf.length > 1) throw new Unfit();
  if (describesObject(schema) && more !== false && (more !== undefined || properties === undefined)) throw new Unfit();
}

function fitted(schema: unknown, depth: number): unknown {
  if (!isObject(schema)) return schema;
  if (depth > DEEPEST) throw new Unfit();
  assertClosable(schema);
  const fit: Record<string, unknown> = {};
  const put = (key: string, value: unknown) =>
    Object.defineProperty(fit, key, { value, enumerable: true, configurable: true, writable: true });
  const all = describesObject(schema) ? { ...schema, additionalProperties: false } : schema;
  for (const key of Object.keys(all).sort()) {
    const value = Reflect.get(all, key);
    if (key === '$schema') continue;
    // A model writes members in the schema's order, which is the caller's to say.
    if (key === 'properties') put(key, namedFitted(value, depth, false));
    else if (NAMED.has(key)) put(key, namedFitted(value, depth, true));
    else if (LIST.has(key) && Array.isArray(value))
      put(
        key,
        value.map((one) => fitted(one, depth + 1)),
      );
    else put(key, ONE.has(key) ? fitted(value, depth + 1) : value);
  }
  return fit;
}

function namedFitted(schemas: unknown, depth: number, sorted: boolean): unknown {
  if (!isObject(schemas)) return schemas;
  const names = Object.keys(schemas);
  return Object.fromEntries((sorted ? names.sort() : names).map((name) => [name, fitted(schemas[name], depth + 1)]));
}

/**
 * A JSON Schema as Bedrock takes it: every object closed (`additionalProperties: false`), and always with its keywords in one
 * order, so that a schema which means the same is the same text. Bedrock compiles a new text for up to minutes and keeps
 * what it compiled for 24 hours
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html). Undefined for a schema that has no such
 * form: open objects, references to elsewhere. What else is outside of Bedrock's subset of Draft 2020-12 it refuses itself.
 */
export function fitSchema(schema: JsonObject): JsonObject | undefined {
  try {
    const fit = fitted(schema, 0);
    return isObject(fit) ? fit : undefined;
  } catch (thrown) {
    if (thrown instanceof Unfit) return undefined;
    throw thrown;
  }
}
