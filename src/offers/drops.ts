import type { Call, ChatCall, JsonObject, Message, Parameter, Sampling, ToolChoice } from '../core/index.ts';
import { hash } from './rank.ts';
import type { OutputLimit } from './types.ts';

/** The caller's name for each parameter, for headers and messages. */
const CALLERS_NAME: Readonly<Record<keyof Sampling, string>> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  seed: 'seed',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  repetitionPenalty: 'repetition_penalty',
  logitBias: 'logit_bias',
  logprobs: 'logprobs',
  reasoningEffort: 'reasoning_effort',
  thinking: 'reasoning.enabled',
  parallelToolCalls: 'parallel_tool_calls',
  user: 'user',
};

/** Characters of a name that the caller made up. */
const MAX_NAME = 80;

/** `auto` is what happens without a choice, and for `none` the tools are left out. */
const SERVED_BY_US: ReadonlySet<ToolChoice> = new Set<ToolChoice>(['auto', 'none']);

/** What an offer can do about JSON Schemas beyond what its wire takes. */
export interface Structuring {
  /** The model is one that the API holds to schemas. */
  readonly structured: boolean;
  /** What of a schema it leaves to the model's good will; undefined where it can hold none of it. */
  readonly canHold: (schema: JsonObject) => readonly string[] | undefined;
}

/** What an answer, or a tool's arguments, would not be held to of a schema; undefined where it is held to nothing. */
function leftOf(takes: ReadonlySet<Parameter>, { structured, canHold }: Structuring, schema: JsonObject | undefined) {
  if (takes.has('responseFormat')) return [];
  return takes.has('jsonSchema') && structured && schema !== undefined ? canHold(schema) : undefined;
}

/** As callers are told: the whole field is lost, or some keywords of its schema. */
const lossesOf = (field: string, left: readonly (readonly string[] | undefined)[]): readonly string[] =>
  left.includes(undefined)
    ? [field]
    : [...new Set(left.flatMap((keywords) => keywords ?? []))].map((keyword) => `${field} (${keyword})`);

/** The schema of a response format; undefined where it has none. */
const schemaOf = (format: ChatCall['responseFormat']): JsonObject | undefined =>
  format?.type === 'json_schema' ? format.schema : undefined;

const NO_PARAMETERS: JsonObject = { type: 'object', properties: {} };

/** A call's schemas as JSON. */
export function schemasIn(call: Call): string {
  if (call.kind !== 'chat') return '';
  const strict = call.tools.filter((tool) => tool.strict === true).map(({ parameters }) => parameters);
  return JSON.stringify([schemaOf(call.responseFormat), strict]);
}

/** Stands for a call's schemas: the same for the same ones. */
export function schemasOf(call: Call): string {
  const text = schemasIn(call);
  return `${text.length}.${hash(text).toString(36)}`;
}

/** What holding a call to its schemas comes to at an offer. */
export function structuringOf(call: Call, takes: ReadonlySet<Parameter>, offer: Structuring) {
  if (call.kind !== 'chat' || (!call.responseFormat && call.tools.length === 0)) return { lost: [], compiles: false };
  const format = call.responseFormat?.type === 'text' ? undefined : call.responseFormat;
  const strict = call.toolChoice === 'none' ? [] : call.tools.filter((tool) => tool.strict === true);
  const formats = format ? [leftOf(takes, offer, schemaOf(format))] : [];
  const tools = strict.map((tool) => leftOf(takes, offer, tool.parameters ?? NO_PARAMETERS));
  return {
    lost: [...lossesOf('response_format', formats), ...lossesOf('tools[].function.strict', tools)],
    /** The API makes a grammar of a schema of this call, which a new one takes its time for. */
    compiles: takes.has('jsonSchema') && [...formats, ...tools].some((left) => left !== undefined),
  };
}

/** Whether a wire takes a field that is not ours. */
export const takesExtra = (takes: ReadonlySet<Parameter>, name: string): boolean =>
  takes.has('extra') || (name === 'chat_template_kwargs' && takes.has('templateKwargs'));

/** Nothing is lost of it: several calls at once are what models make unasked, and without tools there are none. */
const isMoot = (call: Call, key: keyof Sampling): boolean =>
  key === 'parallelToolCalls' &&
  (call.sampling.parallelToolCalls === true || call.kind !== 'chat' || call.tools.length === 0);

/** What messages may hold beside their texts, by the caller's name for it. */
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
 * What the caller set and a wire cannot serve, by the caller's names. `n` and `stop` are never dropped: we serve them.
 *
 * @param unserved what else of the call is known not to be served
 */
export function dropsFor(
  call: Call,
  takes: ReadonlySet<Parameter>,
  output: OutputLimit,
  unserved: readonly string[],
): string[] {
  const drops = [...unserved];
  for (const key of Object.keys(call.sampling) as (keyof Sampling)[]) {
    if (call.sampling[key] !== undefined && !takes.has(key) && !isMoot(call, key)) drops.push(CALLERS_NAME[key]);
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
  if (output.clamped) drops.push(`max_tokens (limited to ${output.maxTokens})`);
  const extra = Object.keys(call.extra ?? {}).filter((name) => !takesExtra(takes, name));
  drops.push(...extra.map((name) => name.slice(0, MAX_NAME)));
  drops.push(...call.unknownParameters, ...(call.routing.unmet ?? []));
  return drops;
}
