import { isJson, type Json, list, object, parse, strings, text } from '../json.ts';
import type { Model } from './models.ts';

/** Keywords of Draft 2020-12 that AWS's page names as not supported, and those that it names values of. */
const UNSUPPORTED: readonly string[] = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'maxItems',
  'patternProperties',
];

const MAX_DEPTH = 64;

/** What is wrong with one schema of a tree, in the words that a public report has of it (future-agi/future-agi#412). */
function wrongWith(schema: Json): string | undefined {
  const { $ref, minItems } = schema;
  if (typeof $ref === 'string' && !$ref.startsWith('#')) return 'External $ref references are not supported';
  const keyword = UNSUPPORTED.find((one) => schema[one] !== undefined);
  if (keyword !== undefined) return `property '${keyword}' is not supported`;
  if (minItems !== undefined && minItems !== 0 && minItems !== 1)
    return "'minItems' values other than 0 or 1 are not supported";
  const isObject =
    schema.type === 'object' || strings(schema.type).includes('object') || schema.properties !== undefined;
  return isObject && schema.additionalProperties !== false
    ? "For 'object' type, 'additionalProperties' must be explicitly set to false"
    : undefined;
}

const inside = (schema: Json): unknown[] => [
  ...Object.values(object(schema.properties)),
  ...Object.values(object(schema.$defs)),
  ...Object.values(object(schema.definitions)),
  ...list(schema.anyOf),
  ...list(schema.oneOf),
  ...list(schema.allOf),
  ...list(schema.prefixItems),
  schema.items,
];

/** What a reference within the schema points to. */
const target = (root: Json, ref: string): Json =>
  object(
    ref
      .replace(/^#\/?/, '')
      .split('/')
      .reduce<unknown>((at, key) => (key === '' ? at : object(at)[key]), root),
  );

function recursive(root: Json, schema: Json, path: ReadonlySet<string>, depth: number): boolean {
  if (depth > MAX_DEPTH) return true;
  const { $ref } = schema;
  if (typeof $ref === 'string' && $ref.startsWith('#')) {
    return path.has($ref) || recursive(root, target(root, $ref), new Set([...path, $ref]), depth + 1);
  }
  const { $defs: _, definitions: __, ...own } = schema;
  return inside(own).some((one) => isJson(one) && recursive(root, one, path, depth + 1));
}

function wrongIn(schema: Json, depth = 0): string | undefined {
  if (depth > MAX_DEPTH) return 'The schema is nested too deeply';
  const own = wrongWith(schema);
  if (own !== undefined) return own;
  for (const one of inside(schema)) {
    const found = isJson(one) ? wrongIn(one, depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const check = (schema: Json): string | undefined =>
  wrongIn(schema) ?? (recursive(schema, schema, new Set(), 0) ? 'Recursive schemas are not supported' : undefined);

const jsonSchemaIn = (body: Json): Json =>
  object(object(object(object(body.outputConfig).textFormat).structure).jsonSchema);

/** The schema an answer must keep to. */
export function formatOf(body: Json): Json | undefined {
  const schema = parse(text(jsonSchemaIn(body).schema));
  return isJson(schema) ? schema : undefined;
}

const isStrict = (tool: unknown): boolean => object(object(tool).toolSpec).strict === true;

/**
 * What Bedrock finds wrong with a request for structured output: the model must be on AWS's list, and the schema within the
 * subset of JSON Schema that it compiles. The words for a model that is not on the list are not publicly reported: assumed.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function structuredTrouble(body: Json, model: Model): string | undefined {
  const { textFormat } = object(body.outputConfig);
  const tools = list(object(body.toolConfig).tools);
  if (textFormat !== undefined) {
    if (!model.structured)
      return "This model doesn't support the outputConfig.textFormat field. Remove it and try again.";
    if (object(textFormat).type !== 'json_schema') {
      return `1 validation error detected: Value '${text(object(textFormat).type)}' at 'outputConfig.textFormat.type' failed to satisfy constraint: Member must satisfy enum value set: [json_schema]`;
    }
    const schema = formatOf(body);
    if (!schema) return 'The value at outputConfig.textFormat.structure.jsonSchema.schema is not valid JSON.';
    const found = check(schema);
    if (found !== undefined) return `The model returned the following errors: output_config.format.schema: ${found}`;
  }
  for (const [i, tool] of tools.entries()) {
    if (!isStrict(tool)) continue;
    if (!model.structured) return `This model doesn't support the toolConfig.tools.${i}.toolSpec.strict field.`;
    const found = check(object(object(object(object(tool).toolSpec).inputSchema).json));
    if (found !== undefined) return `The model returned the following errors: tools.${i}.custom.input_schema: ${found}`;
  }
  return undefined;
}
