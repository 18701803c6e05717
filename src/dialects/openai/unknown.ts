import type * as v from 'valibot';
import { isObject, memberPath } from '../../core/index.ts';

/** What a schema knows of a value: the fields of an object, the members of a list, or which of several it is. */
interface Shape {
  readonly fields?: ReadonlyMap<string, Shape>;
  readonly item?: Shape;
  /** Objects told apart by the value of one field. */
  readonly variants?: { readonly key: string; readonly of: ReadonlyMap<unknown, Shape> };
}

/** A value that is not looked into: a scalar, or an object whose keys are the caller's. */
const LEAF: Shape = {};

const isSchema = (value: unknown): value is v.GenericSchema => isObject(value) && value.kind === 'schema';
const schemasIn = (value: unknown): v.GenericSchema[] => (Array.isArray(value) ? value.filter(isSchema) : []);

/** What a field must be to choose its variant. */
const literalOf = (schema: v.GenericSchema, key: string): unknown => {
  if (!('entries' in schema) || !isObject(schema.entries)) return undefined;
  const entry = schema.entries[key];
  return isSchema(entry) && 'literal' in entry ? entry.literal : undefined;
};

/**
 * A schema's shape, read from the schema itself so that the two cannot disagree. For schemas of fixed depth; read once.
 * A field that is there to be taken and not used (`v.unknown()`) is known as well.
 */
export function shapeOf(schema: v.GenericSchema): Shape {
  if ('wrapped' in schema && isSchema(schema.wrapped)) return shapeOf(schema.wrapped);
  if ('entries' in schema && isObject(schema.entries)) {
    const fields = new Map<string, Shape>();
    for (const [key, entry] of Object.entries(schema.entries)) fields.set(key, isSchema(entry) ? shapeOf(entry) : LEAF);
    return { fields };
  }
  if ('item' in schema && isSchema(schema.item)) return { item: shapeOf(schema.item) };
  const options = 'options' in schema ? schemasIn(schema.options) : [];
  if ('key' in schema && typeof schema.key === 'string') {
    const { key } = schema;
    return { variants: { key, of: new Map(options.map((option) => [literalOf(option, key), shapeOf(option)])) } };
  }
  // A union here is a scalar, a list or an object: at most one of each.
  return options.length === 0 ? LEAF : Object.assign({}, ...options.map(shapeOf));
}

/** What means nothing although it is there: clients write out fields that are not set. */
export const isUnset = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);

type Step = string | number;

const pathOf = (steps: readonly Step[], step: (index: number) => string): string =>
  steps.reduce<string>((path, one) => {
    if (typeof one === 'number') return path + step(one);
    return path === '' ? memberPath('', one).replace(/^\./, '') : memberPath(path, one);
  }, '');

/** Distinct names that are kept; the rest are counted, so that a hostile body makes no long list. */
const MAX_NAMES = 64;

/** Names of fields nobody reads. One in several members of a list is one name: `messages[].cache_control`. */
interface Names {
  add(steps: readonly Step[]): void;
  list(): string[];
}

function names(): Names {
  const seen = new Map<string, { readonly first: string; many: boolean }>();
  let more = 0;
  return {
    add(steps) {
      // A body with so many is not looked at name by name.
      if (seen.size === MAX_NAMES) {
        more += 1;
        return;
      }
      const pattern = pathOf(steps, () => '[]');
      const known = seen.get(pattern);
      if (known) known.many = true;
      else seen.set(pattern, { first: pathOf(steps, (at) => `[${at}]`), many: false });
    },
    list() {
      const named = [...seen].map(([pattern, { first, many }]) => (many ? pattern : first));
      return more > 0 ? [...named, `and ${more} more fields`] : named;
    },
  };
}

/** Takes a field nobody reads. Most bodies have none. */
type Add = Names['add'];

function walk(value: unknown, shape: Shape, steps: Step[], add: Add): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (!shape.item) return;
    for (let at = 0; at < value.length; at++) {
      steps.push(at);
      walk(value[at], shape.item, steps, add);
      steps.pop();
    }
    return;
  }
  if (!isObject(value)) return;
  const { variants } = shape;
  const fields = variants ? variants.of.get(value[variants.key])?.fields : shape.fields;
  if (!fields) return;
  for (const key of Object.keys(value)) {
    const known = fields.get(key);
    if (known === LEAF) continue;
    steps.push(key);
    if (known) walk(value[key], known, steps, add);
    else if (!isUnset(value[key])) add(steps);
    steps.pop();
  }
}

/**
 * The fields inside a body's own fields that its schema does not have, by path: `messages[0].content[1].cache_control`.
 * Time is linear in the body, and what is found does not grow with it.
 */
export function unknownInside(body: Readonly<Record<string, unknown>>, shape: Shape): string[] {
  let found: Names | undefined;
  const add: Add = (steps) => {
    found ??= names();
    found.add(steps);
  };
  for (const key of Object.keys(body)) {
    const known = shape.fields?.get(key);
    if (known && known !== LEAF) walk(body[key], known, [key], add);
  }
  return found?.list() ?? [];
}
