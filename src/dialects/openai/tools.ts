import * as v from 'valibot';
import { GatewayError, type ResponseFormat, type Tool, type ToolChoice } from '../../core/index.ts';
import { optional } from './fields.ts';

/** OpenAI's rule for function names. */
const functionName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, A-Z, 0-9, _ and -'));
const jsonObject = v.record(v.string(), v.unknown());

export const tools = v.pipe(
  v.array(
    v.object({
      type: v.literal('function', 'must be "function"'),
      function: v.object({
        name: functionName,
        description: optional(v.string()),
        parameters: optional(jsonObject),
        strict: optional(v.boolean()),
      }),
    }),
  ),
  v.maxLength(128, 'must have at most 128 tools'),
);

export const toolChoice = v.union(
  [
    v.picklist(['auto', 'none', 'required']),
    v.object({ type: v.literal('function'), function: v.object({ name: functionName }) }),
  ],
  'must be "auto", "none", "required" or {"type": "function", "function": {"name": …}}',
);

export const responseFormat = v.variant(
  'type',
  [
    v.object({ type: v.literal('text') }),
    v.object({ type: v.literal('json_object') }),
    v.object({
      type: v.literal('json_schema'),
      json_schema: v.object({
        name: functionName,
        description: optional(v.string()),
        schema: optional(jsonObject),
        strict: optional(v.boolean()),
      }),
    }),
  ],
  'must be "text", "json_object" or "json_schema"',
);

/** Deeper than any schema a person writes; JSON.stringify overflows the stack somewhere past it. */
const MAX_DEPTH = 100;

function assertShallow(value: unknown, param: string): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new GatewayError('invalid_request', `${param}: nested more than ${MAX_DEPTH} levels deep.`, { param });
    }
    level = level.flatMap((item) => (item !== null && typeof item === 'object' ? Object.values(item) : []));
  }
}

/** The optional fields of `source` that are set, so that nothing unset is ever sent on. */
function set<T extends object>(source: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const out: { [K in keyof T]?: NonNullable<T[K]> } = {};
  for (const key in source) {
    const value = source[key];
    if (value !== null && value !== undefined) out[key] = value;
  }
  return out;
}

export const toTools = (wire: v.InferOutput<typeof tools>): Tool[] =>
  wire.map(({ function: tool }, index) => {
    assertShallow(tool.parameters, `tools[${index}].function.parameters`);
    const { description, parameters, strict } = tool;
    return { name: tool.name, ...set({ description, parameters, strict }) };
  });

export const toToolChoice = (wire: v.InferOutput<typeof toolChoice>): ToolChoice =>
  typeof wire === 'string' ? wire : { name: wire.function.name };

export function toResponseFormat(wire: v.InferOutput<typeof responseFormat>): ResponseFormat {
  if (wire.type !== 'json_schema') return wire;
  const { name, description, schema, strict } = wire.json_schema;
  assertShallow(schema, 'response_format.json_schema.schema');
  return { type: 'json_schema', name, ...set({ description, schema, strict }) };
}
