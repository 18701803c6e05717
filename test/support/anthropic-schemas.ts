import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import {
  type Arbitrary,
  anything,
  array,
  boolean,
  constant,
  constantFrom,
  dictionary,
  double,
  integer,
  oneof,
  option,
  record,
  string,
} from 'fast-check';

/** The types of Anthropic's client as JSON Schemas: what its answers and events must be, and what may be asked. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

const file: { readonly definitions: Record<string, Schema>; readonly roots: Record<string, Schema> } = JSON.parse(
  readFileSync(new URL('../captures/anthropic-schemas.json', import.meta.url).pathname, 'utf8'),
);

const ajv = new Ajv({ strict: false, allErrors: true });
const validators = new Map<string, ReturnType<Ajv['compile']>>();

/** Asserts that a value is what the published type of that name asks for. */
export function assertAnthropic(name: string, value: unknown): void {
  const validate = validators.get(name) ?? ajv.compile({ ...file.roots[name], definitions: file.definitions });
  validators.set(name, validate);
  if (!validate(value)) throw new Error(`not a ${name}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
}

const MOST_DEEP = 7;

/** Values of a published type. */
export function valuesOf(schema: Schema, depth = 0): Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const name = decodeURIComponent(schema.$ref.replace('#/definitions/', ''));
    return valuesOf(file.definitions[name] ?? {}, depth);
  }
  if ('const' in schema) return constant(schema.const);
  if (schema.enum) return constantFrom(...schema.enum);
  if (schema.anyOf) return oneof(...schema.anyOf.map((one) => valuesOf(one, depth)));
  if (Array.isArray(schema.type)) return oneof(...schema.type.map((type) => valuesOf({ ...schema, type }, depth)));
  switch (schema.type) {
    case 'string':
      return oneof(
        string({ maxLength: 12 }),
        constantFrom('text', 'image/png', 'https://example.com/a.png', '{"a":1}'),
      );
    case 'number':
      return oneof(integer({ min: -1, max: 2000 }), double({ noNaN: true, noDefaultInfinity: true }));
    case 'boolean':
      return boolean();
    case 'null':
      return constant(null);
    case 'array':
      return array(valuesOf(schema.items ?? {}, depth + 1), { maxLength: depth > MOST_DEEP ? 0 : 3 });
    case 'object': {
      const required = new Set(schema.required);
      const fields = Object.entries(schema.properties ?? {}).filter(([key]) => depth < MOST_DEEP || required.has(key));
      if (fields.length === 0) return dictionary(string({ maxLength: 5 }), anything({ maxDepth: 2 }), { maxKeys: 3 });
      return record(
        Object.fromEntries(
          fields.map(([key, value]) => {
            const values = valuesOf(value, depth + 1);
            return [key, required.has(key) ? values : option(values, { nil: undefined, freq: 1 })];
          }),
        ),
      );
    }
    default:
      return anything({ maxDepth: 2, withNullPrototype: false });
  }
}

export const anthropicValues = (name: string): Arbitrary<unknown> => valuesOf(file.roots[name] ?? {});
