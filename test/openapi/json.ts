/** The few types of OpenAPI 3.1 that the description of the API is made of. */

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A JSON Schema, draft 2020-12. */
export type Schema = { readonly [keyword: string]: Json };

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

export const text: Schema = { type: 'string' };
export const textOrNull: Schema = { type: ['string', 'null'] };
export const count: Schema = { type: 'integer', minimum: 0 };
export const countOrNull: Schema = { type: ['integer', 'null'] };
export const number: Schema = { type: 'number' };
export const numberOrNull: Schema = { type: ['number', 'null'] };
export const flag: Schema = { type: 'boolean' };
export const anything: Schema = {};
export const someObject: Schema = { type: 'object' };
export const objectOrNull: Schema = { type: ['object', 'null'] };

/** Dollars as a decimal string, exact to the nano-dollar. */
export const dollars: Schema = ref('Dollars');
export const dollarsOrNull: Schema = { anyOf: [dollars, { type: 'null' }] };

export const one = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });
export const constant = (value: string): Schema => ({ type: 'string', const: value });
export const listOf = (items: Schema): Schema => ({ type: 'array', items });
export const mapOf = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
export const described = (schema: Schema, description: string): Schema => ({ ...schema, description });

/** An object with these members. Those whose name ends in `?` may be missing. */
export function object(members: Readonly<Record<string, Schema>>): Schema {
  const named = Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ''), schema] as const);
  const required = Object.keys(members).filter((name) => !name.endsWith('?'));
  return { type: 'object', properties: Object.fromEntries(named), ...(required.length > 0 ? { required } : {}) };
}
