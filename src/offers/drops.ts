import {
  type Call,
  type ChatCall,
  type JsonObject,
  type Message,
  type Parameter,
  SAMPLING_NAMES,
  type Sampling,
  type ToolChoice,
} from '../core/index.ts';
import type { OutputLimit } from './types.ts';

/** What of a call an API does not support: parameters that are dropped, and JSON Schemas that are not enforced. */

/** Longest name of an unknown parameter that is repeated to the caller. */
const MAX_NAME = 80;

/** `auto` is the default, and for `none` the gateway leaves the tools out. */
const SERVED_BY_US: ReadonlySet<ToolChoice> = new Set<ToolChoice>(['auto', 'none']);

/** What an offer can do about JSON Schemas. */
interface SchemaSupport {
  /** The API enforces schemas for this model. */
  readonly structured: boolean;
  /** The keywords of a schema that the API does not enforce; undefined if it can enforce none of it. */
  readonly canHold: (schema: JsonObject) => readonly string[] | undefined;
}

/** The keywords of a schema that will not be enforced; undefined if none will. */
function unenforced(
  takes: ReadonlySet<Parameter>,
  { structured, canHold }: SchemaSupport,
  schema: JsonObject | undefined,
) {
  if (takes.has('responseFormat')) return [];
  return takes.has('jsonSchema') && structured && schema !== undefined ? canHold(schema) : undefined;
}

/** For the caller: the whole field is lost, or some keywords of its schema. */
const lossesOf = (field: string, left: readonly (readonly string[] | undefined)[]): readonly string[] =>
  left.includes(undefined)
    ? [field]
    : [...new Set(left.flatMap((keywords) => keywords ?? []))].map((keyword) => `${field} (${keyword})`);

/** The schema of a response format; undefined if it has none. */
const schemaOf = (format: ChatCall['responseFormat']): JsonObject | undefined =>
  format?.type === 'json_schema' ? format.schema : undefined;

const NO_PARAMETERS: JsonObject = { type: 'object', properties: {} };

/** FNV-1a with a final mixing step, so that the high bits depend on the whole text. */
export function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  return mixed(state);
}

/** 32 bits of which each depends on every bit given. */
export function mixed(bits: number): number {
  let state = bits ^ (bits >>> 16);
  state = Math.imul(state, 0x7feb352d);
  state ^= state >>> 15;
  return Math.imul(state, 0x846ca68b) >>> 0;
}

/** A call's schemas as JSON. */
export function schemasIn(call: Call): string {
  if (call.kind !== 'chat') return '';
  const strict = call.tools.filter((tool) => tool.strict === true).map(({ parameters }) => parameters);
  return JSON.stringify([schemaOf(call.responseFormat), strict]);
}

/** A short key for a call's schemas. */
export function schemasOf(call: Call): string {
  const text = schemasIn(call);
  return `${text.length}.${hash(text).toString(36)}`;
}

const NO_SCHEMAS = { lost: [], compiles: false } as const;

/** What an offer cannot enforce of a call's schemas, and whether it compiles any of them. */
export function structuringOf(
  call: Call,
  takes: ReadonlySet<Parameter>,
  offer: SchemaSupport,
): { readonly lost: readonly string[]; readonly compiles: boolean } {
  if (call.kind !== 'chat' || (!call.responseFormat && call.tools.length === 0)) return NO_SCHEMAS;
  const format = call.responseFormat?.type === 'text' ? undefined : call.responseFormat;
  const strict = call.toolChoice === 'none' ? [] : call.tools.filter((tool) => tool.strict === true);
  const formats = format ? [unenforced(takes, offer, schemaOf(format))] : [];
  const tools = strict.map((tool) => unenforced(takes, offer, tool.parameters ?? NO_PARAMETERS));
  return {
    lost: [...lossesOf('response_format', formats), ...lossesOf('tools[].function.strict', tools)],
    /** The API compiles a grammar from a schema of this call, which can take minutes for a new one. */
    compiles: takes.has('jsonSchema') && [...formats, ...tools].some((left) => left !== undefined),
  };
}

const LIMITED = 'max_tokens (limited to ';

/** What is lost of `max_tokens` where an answer may not be as long. */
export const limitedTo = (maxTokens: number | undefined): string => `${LIMITED}${maxTokens})`;

export const isLimit = (drop: string): boolean => drop.startsWith(LIMITED);

/** Whether an API takes an unknown parameter. */
export const takesExtra = (takes: ReadonlySet<Parameter>, name: string): boolean =>
  takes.has('extra') || (name === 'chat_template_kwargs' && takes.has('templateKwargs'));

/**
 * `parallel_tool_calls` is the default when true, and means nothing without tools; a model that never thinks need not
 * be told not to. Dropping these is no loss then.
 */
const isMoot = (call: Call, key: keyof Sampling, reasons: boolean | 'unknown'): boolean =>
  key === 'thinking'
    ? reasons === false && call.sampling.thinking === false
    : key === 'parallelToolCalls' &&
      (call.sampling.parallelToolCalls === true || call.kind !== 'chat' || call.tools.length === 0);

/** Parts of messages that some APIs do not take, by the caller's names. */
const MESSAGE_PARTS: readonly {
  readonly parameter: Parameter;
  readonly name: string;
  readonly isIn: (message: Message) => boolean;
}[] = [
  { parameter: 'names', name: 'messages[].name', isIn: (message) => message.role !== 'tool' && Boolean(message.name) },
  {
    parameter: 'imageDetail',
    name: 'messages[].content[].image_url.detail',
    isIn: ({ content }) =>
      typeof content !== 'string' && content.some((part) => part.type === 'image' && part.detail !== undefined),
  },
];

/**
 * What the caller set and an API does not support, by the caller's names. `n` and `stop` are never dropped, because the
 * gateway does them itself.
 *
 * @param reasons whether the model thinks before it answers
 * @param unserved what else is known to be lost
 */
export function dropsFor(
  call: Call,
  takes: ReadonlySet<Parameter>,
  output: OutputLimit,
  unserved: readonly string[],
  reasons: boolean | 'unknown',
): string[] {
  const drops = [...unserved];
  for (const key of Object.keys(call.sampling) as (keyof Sampling)[]) {
    if (call.sampling[key] !== undefined && !takes.has(key) && !isMoot(call, key, reasons))
      drops.push(SAMPLING_NAMES[key]);
  }
  if (call.kind === 'chat') {
    if (
      call.toolChoice !== undefined &&
      !SERVED_BY_US.has(call.toolChoice) &&
      call.tools.length > 0 &&
      !takes.has('toolChoice')
    ) {
      drops.push('tool_choice');
    }
    for (const { parameter, name, isIn } of MESSAGE_PARTS) {
      if (!takes.has(parameter) && call.messages.some(isIn)) drops.push(name);
    }
  }
  if (call.kind === 'completion' && call.echo && call.sampling.logprobs !== undefined && takes.has('logprobs')) {
    if (!takes.has(call.stream ? 'streamedEcho' : 'echo')) drops.push('echo (the log probabilities of the prompt)');
  }
  if (output.clamped) drops.push(limitedTo(output.maxTokens));
  const extra = Object.keys(call.extra ?? {}).filter((name) => !takesExtra(takes, name));
  drops.push(...extra.map((name) => name.slice(0, MAX_NAME)));
  drops.push(...call.unknownParameters, ...(call.routing.unmet ?? []));
  return drops;
}
