/** The bodies of requests as JSON Schemas, made from the validators that check them. */
import { type JsonSchema, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { accountBody, budget, newKey, settings } from '../../src/dialects/key-body.ts';
import { block } from '../../src/dialects/messages/blocks.ts';
import { message as messagesMessage } from '../../src/dialects/messages/content.ts';
import { count as countMessages, create as createMessage } from '../../src/dialects/messages/request.ts';
import { message as chatMessage } from '../../src/dialects/openai/messages.ts';
import { chat, completion } from '../../src/dialects/openai/request.ts';
import { embeddingsBody, rerankBody } from '../../src/dialects/openai/retrieval.ts';
import { countTextBody, detokenizeBody, tokenizeBody } from '../../src/dialects/openai/token-requests.ts';
import { responseFormat, toolChoice, tools } from '../../src/dialects/openai/tools.ts';
import { create as createResponse } from '../../src/dialects/responses/request.ts';
import { dollars, routing, template } from '../../src/dialects/routing.ts';
import { vote } from '../../src/dialects/vote.ts';
import { ABOUT_FIELDS, ABOUT_SCHEMAS } from './descriptions.ts';
import { isObject, ref, type Schema } from './json.ts';

/** Every schema that has a name in the document. What is used in several bodies stands there once. */
const NAMED: Readonly<Record<string, v.GenericSchema>> = {
  ChatRequest: chat.schema,
  ChatMessage: chatMessage,
  ChatTools: tools,
  ChatToolChoice: toolChoice,
  ResponseFormat: responseFormat,
  CompletionRequest: completion.schema,
  MessagesRequest: createMessage.schema,
  MessagesCountRequest: countMessages.schema,
  MessagesMessage: messagesMessage,
  ContentBlock: block,
  ResponsesRequest: createResponse.schema,
  EmbeddingsRequest: embeddingsBody.schema,
  RerankRequest: rerankBody.schema,
  TokenizeRequest: tokenizeBody.schema,
  DetokenizeRequest: detokenizeBody.schema,
  CountTextRequest: countTextBody.schema,
  RoutingPreferences: routing,
  TemplateOptions: template,
  Vote: vote,
  Amount: dollars,
  NewKey: newKey,
  KeyChange: settings,
  AccountChange: accountBody,
  Budget: budget,
};

/** Bodies in which code, and no validator, asks for one of two fields. */
const NEEDS_MODEL = ['ChatRequest', 'CompletionRequest', 'MessagesRequest', 'MessagesCountRequest', 'ResponsesRequest'];
/** Fields that code, and no validator, requires. */
const ALSO_REQUIRED: Readonly<Record<string, readonly string[]>> = {
  ResponsesRequest: ['input'],
  EmbeddingsRequest: ['model'],
  RerankRequest: ['model'],
  NewKey: ['name'],
  AccountChange: ['budget'],
};

/** Values of which each makes some validator choose another form. */
const PROBES: readonly unknown[] = [
  'text',
  ['text'],
  [1],
  [[1]],
  { type: 'message' },
  { type: 'function_call' },
  { type: 'function', input_schema: {} },
  { type: 'custom' },
  { type: 'namespace' },
  { type: 'web_search_20250305' },
];

/** All forms among which a validator chooses by looking at the value. */
function formsOf(schema: v.GenericSchema): readonly v.GenericSchema[] {
  if (!('getter' in schema) || typeof schema.getter !== 'function') return [];
  const { getter } = schema;
  return [...new Set(PROBES.map((probe) => getter(probe) as v.GenericSchema))];
}

const config: NonNullable<Parameters<typeof toJsonSchema>[1]> = {
  target: 'draft-2020-12',
  typeMode: 'input',
  definitions: NAMED,
  // Conditions of code. What they ask is said in words, or by the schema in `overrideSchema`.
  ignoreActions: ['check', 'finite'],
  overrideSchema({ valibotSchema: schema }) {
    if (schema.type === 'lazy') {
      const { $defs, $schema, ...union } = toJsonSchema(v.union([...formsOf(schema)]), inside);
      return union;
    }
    // Names and texts of metadata.
    if (schema.type === 'custom')
      return { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 16 };
    return undefined;
  },
};

const NAMES = new Map<unknown, string>(Object.entries(NAMED).map(([name, schema]) => [schema, name]));

/** Within a conversion, so that names are references and not converted once more. */
const inside: typeof config = {
  ...config,
  definitions: {},
  overrideSchema(context) {
    const name = NAMES.get(context.valibotSchema);
    return name === undefined ? config.overrideSchema?.(context) : { $ref: `#/$defs/${name}` };
  },
};

/** OpenAI's clients may send null for any field that is not set: said by the type, where there is one. */
function withNull(inner: Schema): Schema {
  if (typeof inner.type === 'string' && inner.const === undefined) {
    const values = Array.isArray(inner.enum) ? { enum: [...inner.enum, null] } : {};
    return { ...inner, type: [inner.type, 'null'], ...values };
  }
  return { anyOf: [inner, { type: 'null' }] };
}

type Made = Readonly<Record<string, unknown>>;

/** Shorter, with references into the document, and with what the converter named by a number in its place. */
function tidy(value: unknown, made: Made): unknown {
  if (Array.isArray(value)) return value.map((member) => tidy(member, made));
  if (!isObject(value)) return value;
  const { $schema, $defs, ...rest } = value;
  const named = typeof rest.$ref === 'string' ? rest.$ref.replace('#/$defs/', '') : undefined;
  if (named !== undefined) return named in NAMED ? ref(named) : tidy(made[named], made);
  const tidied = Object.fromEntries(Object.entries(rest).map(([name, member]) => [name, tidy(member, made)])) as Schema;
  return withoutNoise(tidied);
}

const MEANS_ANY = Number.MAX_SAFE_INTEGER;

/** What says nothing, left out. */
function withoutNoise({ anyOf, required, maximum, propertyNames, ...rest }: Schema): Schema {
  const others: Schema = {
    ...rest,
    ...(Array.isArray(required) && required.length > 0 ? { required } : {}),
    ...(maximum === undefined || maximum === MEANS_ANY ? {} : { maximum }),
  };
  if (!Array.isArray(anyOf)) return others;
  const options = (anyOf as readonly Schema[]).flatMap((option) =>
    Object.keys(option).join() === 'anyOf' ? (option.anyOf as readonly Schema[]) : [option],
  );
  const [first, second] = options;
  if (options.some((option) => Object.keys(option).length === 0)) return others;
  if (options.length === 1 && first) return { ...others, ...first };
  if (options.length === 2 && first && second?.type === 'null') return { ...others, ...withNull(first) };
  return { ...others, anyOf: options };
}

/** A schema with what is known of its fields in words. Throws for words about a field that is not there. */
function worded(name: string, schema: Schema): Schema {
  const { $about, ...fields } = ABOUT_SCHEMAS[name] ?? {};
  const properties = schema.properties as Readonly<Record<string, Schema>> | undefined;
  for (const field of Object.keys(fields)) {
    if (!properties?.[field]) throw new Error(`${name} has no field ${field}; it is described in descriptions.ts`);
  }
  const about: Readonly<Record<string, string>> = { ...(isBody(name) ? ABOUT_FIELDS : {}), ...fields };
  const described = Object.entries(properties ?? {}).map(([field, type]) => [
    field,
    about[field] === undefined ? type : { ...type, description: about[field] },
  ]);
  return {
    ...($about === undefined ? {} : { description: $about }),
    ...schema,
    ...(properties ? { properties: Object.fromEntries(described) } : {}),
  };
}

const isBody = (name: string): boolean => name.endsWith('Request');

/** By the names under which they stand in `components.schemas`. */
export function requestSchemas(): Readonly<Record<string, Schema>> {
  const made = toJsonSchemaDefs({ ...NAMED }, config) as Readonly<Record<string, JsonSchema>>;
  const all = Object.keys(NAMED).map((name) => {
    const schema = tidy(made[name], made) as Schema;
    const required = [...((schema.required as readonly string[] | undefined) ?? []), ...(ALSO_REQUIRED[name] ?? [])];
    const ruled: Schema = {
      ...schema,
      ...(required.length > 0 ? { required } : {}),
      ...(NEEDS_MODEL.includes(name) || name === 'CountTextRequest'
        ? { anyOf: [{ required: ['model'] }, { required: ['models'] }] }
        : {}),
    };
    return [name, worded(name, ruled)] as const;
  });
  return Object.fromEntries(all);
}
