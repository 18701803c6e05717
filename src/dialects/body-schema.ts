/**
 * Reads request bodies by valibot schemas, without valibot unless something is wrong. A schema is compiled into a tree
 * of plain nodes. One walk over a body tells whether it is valid and whether it has unknown fields inside; the body is
 * then used as it came, without a copy. A second walk names the unknown fields, and valibot what is not valid.
 */
import * as v from 'valibot';
import { GatewayError, isObject, type JsonObject, memberPath } from '../core/index.ts';
import { routingFieldMeant } from './routing.ts';
import { isUnset, problemOf, toError } from './validation.ts';

type Kind = 'any' | 'string' | 'number' | 'oneOf' | 'object' | 'record' | 'array' | 'union' | 'variant' | 'lazy';

/** A schema, compiled. One shape for all kinds, so that the walk reads the same properties of each. */
interface SchemaNode {
  kind: Kind;
  /** It may be left out of an object. */
  optional: boolean;
  takesNull: boolean;
  /** Of a number; of the length of a string or a list. */
  min: number;
  max: number;
  whole: boolean;
  pattern: RegExp | undefined;
  /** A further condition, of text or numbers. */
  test: ((value: unknown) => boolean) | undefined;
  values: readonly unknown[];
  /**
   * Of an object, its fields by name, compiled when a body first has them; of a variant, the objects by their
   * literal.
   */
  members: Map<unknown, SchemaNode>;
  /** Of an object. */
  entries: JsonObject;
  /** How many of the fields must be there. */
  required: number;
  /** Unknown fields are an error, and not merely ignored. */
  strict: boolean;
  /** Any other fields are kept. None of them counts as unknown. */
  loose: boolean;
  /** Of the members of a list or a record. */
  item: SchemaNode | undefined;
  /** Of a union. */
  options: readonly SchemaNode[];
  /** The field by whose value an object's variant is chosen. */
  key: string;
  choose: ((value: unknown) => SchemaNode) | undefined;
}

const isSchema = (value: unknown): value is v.GenericSchema => isObject(value) && value.kind === 'schema';

const unsupported = (what: unknown): TypeError =>
  new TypeError(`body-schema.ts does not know valibot's ${String(what)}`);

/** What a field must be to choose its variant. */
function literalOf(schema: v.GenericSchema, key: string): unknown {
  if (!('entries' in schema) || !isObject(schema.entries)) throw unsupported('variant without entries');
  const entry = schema.entries[key];
  if (!isSchema(entry) || !('literal' in entry)) throw unsupported('variant without a literal');
  return entry.literal;
}

/** Adds what a pipe asks beyond the type. */
function constrain(node: SchemaNode, action: unknown): void {
  if (!isObject(action) || action.kind === 'schema') return;
  const { type, requirement } = action;
  if (type === 'integer') node.whole = true;
  else if (type === 'finite') node.test = Number.isFinite;
  else if (type === 'regex' && requirement instanceof RegExp) node.pattern = requirement;
  else if (type === 'check' && typeof requirement === 'function') node.test = (value) => requirement(value) === true;
  else if (typeof requirement !== 'number') throw unsupported(type);
  else if (type === 'min_value' || type === 'min_length') node.min = Math.max(node.min, requirement);
  else if (type === 'max_value' || type === 'max_length') node.max = Math.min(node.max, requirement);
  else throw unsupported(type);
}

/** Throws for a schema that the walk below does not know. */
function compile(schema: v.GenericSchema): SchemaNode {
  if ('wrapped' in schema && isSchema(schema.wrapped)) {
    const inner = compile(schema.wrapped);
    return { ...inner, optional: true, takesNull: inner.takesNull || schema.type === 'nullish' };
  }
  const node: SchemaNode = {
    kind: 'any',
    optional: false,
    takesNull: false,
    min: Number.NEGATIVE_INFINITY,
    max: Number.POSITIVE_INFINITY,
    whole: false,
    pattern: undefined,
    test: undefined,
    values: [],
    members: new Map(),
    entries: {},
    required: 0,
    strict: false,
    loose: false,
    item: undefined,
    options: [],
    key: '',
    choose: undefined,
  };
  const root = 'pipe' in schema && Array.isArray(schema.pipe) ? schema.pipe[0] : schema;
  if (!isSchema(root)) throw unsupported('pipe');
  if (root !== schema) Object.assign(node, compile(root));
  else if (schema.type === 'unknown') node.takesNull = true;
  else if (schema.type === 'string' || schema.type === 'number') node.kind = schema.type;
  else if (schema.type === 'boolean' || 'literal' in schema) {
    node.kind = 'oneOf';
    node.values = 'literal' in schema ? [schema.literal] : [true, false];
  } else if (schema.type === 'picklist' && 'options' in schema && Array.isArray(schema.options)) {
    node.kind = 'oneOf';
    node.values = schema.options;
  } else if ('entries' in schema && isObject(schema.entries)) {
    node.kind = 'object';
    node.strict = schema.type === 'strict_object';
    node.loose = schema.type === 'loose_object';
    node.entries = schema.entries;
    node.required = Object.values(schema.entries).filter((entry) => isSchema(entry) && !('wrapped' in entry)).length;
  } else if (schema.type === 'record' && 'value' in schema && isSchema(schema.value)) {
    node.kind = 'record';
    node.item = compile(schema.value);
  } else if ('item' in schema && isSchema(schema.item)) {
    node.kind = 'array';
    node.item = compile(schema.item);
  } else if (
    'key' in schema &&
    typeof schema.key === 'string' &&
    'options' in schema &&
    Array.isArray(schema.options)
  ) {
    const { key } = schema;
    node.kind = 'variant';
    node.key = key;
    node.members = new Map(schema.options.filter(isSchema).map((option) => [literalOf(option, key), compile(option)]));
  } else if (schema.type === 'union' && 'options' in schema && Array.isArray(schema.options)) {
    node.kind = 'union';
    node.options = schema.options.filter(isSchema).map(compile);
  } else if ('getter' in schema && typeof schema.getter === 'function') {
    const { getter } = schema;
    const compiled = new Map<v.GenericSchema, SchemaNode>();
    node.kind = 'lazy';
    node.choose = (value) => {
      const chosen: unknown = getter(value);
      if (!isSchema(chosen)) throw unsupported('lazy');
      const known = compiled.get(chosen) ?? compile(chosen);
      compiled.set(chosen, known);
      return known;
    };
  } else throw unsupported(schema.type);
  if ('pipe' in schema && Array.isArray(schema.pipe)) for (const action of schema.pipe) constrain(node, action);
  return node;
}

/** The field of an object, if it has one of that name. */
function fieldOf({ members, entries }: SchemaNode, name: string): SchemaNode | undefined {
  const known = members.get(name);
  if (known || !Object.hasOwn(entries, name)) return known;
  const entry = entries[name];
  if (!isSchema(entry)) return undefined;
  const compiled = compile(entry);
  members.set(name, compiled);
  return compiled;
}

/** Keys that valibot leaves out of a record. */
const isOddKey = (key: string): boolean => key === '__proto__' || key === 'prototype' || key === 'constructor';

interface Walk {
  /** There may be an unknown field that is set. */
  metUnknown: boolean;
}

/** Whether a value from JSON.parse is certainly valid. */
function fits(node: SchemaNode, value: unknown, walk: Walk): boolean {
  if (value === null || value === undefined) return value === null && node.takesNull;
  switch (node.kind) {
    case 'string':
      return (
        typeof value === 'string' &&
        value.length >= node.min &&
        value.length <= node.max &&
        (node.pattern === undefined || node.pattern.test(value)) &&
        (node.test === undefined || node.test(value))
      );
    case 'number':
      return (
        typeof value === 'number' &&
        value >= node.min &&
        value <= node.max &&
        (!node.whole || Number.isInteger(value)) &&
        (node.test === undefined || node.test(value))
      );
    case 'oneOf':
      return node.values.includes(value);
    case 'object':
      return isObject(value) && fieldsFit(node, value, walk);
    case 'array': {
      const { item } = node;
      if (!item || !Array.isArray(value) || value.length < node.min || value.length > node.max) return false;
      for (let at = 0; at < value.length; at++) if (!fits(item, value[at], walk)) return false;
      return true;
    }
    case 'record': {
      const { item } = node;
      if (!item || !isObject(value)) return false;
      for (const key in value) if (isOddKey(key) || !fits(item, value[key], walk)) return false;
      return true;
    }
    case 'union':
      return node.options.some((option) => fits(option, value, walk)) && (node.test === undefined || node.test(value));
    case 'variant': {
      const variant = isObject(value) ? node.members.get(value[node.key]) : undefined;
      return variant !== undefined && fits(variant, value, walk);
    }
    case 'lazy':
      return node.choose !== undefined && fits(node.choose(value), value, walk);
    case 'any':
      return true;
  }
}

function fieldsFit(node: SchemaNode, value: JsonObject, walk: Walk): boolean {
  let missing = node.required;
  for (const key in value) {
    const field = fieldOf(node, key);
    if (field === undefined) {
      if (node.strict) return false;
      if (!node.loose && !isUnset(value[key])) walk.metUnknown = true;
    } else {
      if (!field.optional) missing -= 1;
      if (!fits(field, value[key], walk)) return false;
    }
  }
  return missing === 0;
}

type Step = string | number;

const pathOf = (steps: readonly Step[], step: (index: number) => string): string =>
  steps.reduce<string>((path, one) => {
    if (typeof one === 'number') return path + step(one);
    return path === '' ? memberPath('', one).replace(/^\./, '') : memberPath(path, one);
  }, '');

/** Distinct names that are kept. The rest are counted, so that a hostile body makes no long list. */
const MAX_NAMES = 64;

/** Names of unknown fields. One in several members of a list has one name: `messages[].cache_control`. */
function unknownNames() {
  const seen = new Map<string, { readonly first: string; many: boolean }>();
  let more = 0;
  return {
    add(steps: readonly Step[]): void {
      if (seen.size === MAX_NAMES) {
        more += 1;
        return;
      }
      const pattern = pathOf(steps, () => '[]');
      const known = seen.get(pattern);
      if (known) known.many = true;
      else seen.set(pattern, { first: pathOf(steps, (at) => `[${at}]`), many: false });
    },
    list(): string[] {
      const named = [...seen].map(([pattern, { first, many }]) => (many ? pattern : first));
      return more > 0 ? [...named, `and ${more} more fields`] : named;
    },
  };
}

function nameUnknown(value: unknown, node: SchemaNode, steps: Step[], names: ReturnType<typeof unknownNames>): void {
  if (typeof value !== 'object' || value === null) return;
  // Of a union's options at most one is a list, and one an object.
  const options = node.kind === 'union' ? node.options : [node.choose?.(value) ?? node];
  if (Array.isArray(value)) {
    const item = options.find(({ kind }) => kind === 'array')?.item;
    if (!item) return;
    for (let at = 0; at < value.length; at++) {
      steps.push(at);
      nameUnknown(value[at], item, steps, names);
      steps.pop();
    }
    return;
  }
  if (!isObject(value)) return;
  const object = options.find(({ kind }) => kind === 'object' || kind === 'variant');
  const fields = object?.kind === 'variant' ? object.members.get(value[object.key]) : object;
  if (!fields || fields.loose) return;
  for (const key of Object.keys(value)) {
    const known = fieldOf(fields, key);
    steps.push(key);
    if (known) nameUnknown(value[key], known, steps, names);
    else if (!isUnset(value[key])) names.add(steps);
    steps.pop();
  }
}

/** A body that is valid. */
export interface ReadBody<T> {
  readonly body: T;
  /** The body as it came. */
  readonly given: JsonObject;
  /** Top-level fields that the schema does not have and that are set. */
  readonly unknown: readonly string[];
  /** The paths of unknown fields further inside: `messages[0].content[1].cache_control`. */
  readonly unknownInside: readonly string[];
}

export interface BodySchema<T> {
  /** What it was compiled from. The description of the API (`/openapi.json`) is made of it. */
  readonly schema: v.GenericSchema;
  /** Throws `invalid_request` naming the field that is not as the schema says. */
  read(raw: unknown): ReadBody<T>;
  /** A quick check without valibot. True: the body is valid. False: valibot must decide. */
  accepts(given: JsonObject): boolean;
}

const NONE: readonly string[] = [];

/** Compiles the schema of a body. It must not transform what it checks. */
export function bodySchema<T extends v.GenericSchema>(schema: T): BodySchema<v.InferOutput<T>> {
  const root = compile(schema);
  const isValid = (given: JsonObject, walk: Walk): given is JsonObject & v.InferOutput<T> =>
    fieldsFit(root, given, walk);
  const check = (given: JsonObject, walk: Walk): v.InferOutput<T> => {
    if (isValid(given, walk)) return given;
    walk.metUnknown = true;
    const result = v.safeParse(schema, given, { abortEarly: true });
    if (!result.success) throw toError(problemOf(result.issues[0], (field) => routingFieldMeant(field, 3)));
    return result.output;
  };
  return {
    schema,
    accepts: (given) => isValid(given, { metUnknown: false }),
    read(given) {
      if (!isObject(given)) throw new GatewayError('invalid_request', 'The body must be a JSON object.');
      const walk: Walk = { metUnknown: false };
      const body = check(given, walk);
      if (!walk.metUnknown) return { body, given, unknown: NONE, unknownInside: NONE };
      const unknown: string[] = [];
      const names = unknownNames();
      for (const key of Object.keys(given)) {
        const known = fieldOf(root, key);
        if (known) nameUnknown(given[key], known, [key], names);
        else if (!isUnset(given[key])) unknown.push(key);
      }
      return { body, given, unknown, unknownInside: names.list() };
    },
  };
}
