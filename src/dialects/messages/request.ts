/** The bodies of `POST /v1/messages` and `/v1/messages/count_tokens`: their schemas, and the calls they ask for. */
import * as v from 'valibot';
import {
  type ChatCall,
  GatewayError,
  isObject,
  type JsonObject,
  type Sampling,
  type Tool,
  type ToolChoice,
} from '../../core/index.ts';
import { bodySchema } from '../body-schema.ts';
import { type CallContext, type ParsedRequest, sessionIn, sessionOf } from '../dialect.ts';
import { routing, routingFieldMeant, template, toRouting, toTemplating } from '../routing.ts';
import {
  assertShallow,
  between,
  integer,
  invalid,
  modelMissing,
  name,
  names,
  optional,
  sessionId,
} from '../validation.ts';
import { vote, withVote } from '../vote.ts';
import { message, readChat, system } from './content.ts';

const MAX_MESSAGES = 100_000;
const MAX_TOOLS = 1024;
const MAX_STOPS = 64;
const MAX_STOP_LENGTH = 500;

const jsonObject = v.record(v.string(), v.unknown());

const ownTool = v.object({
  type: optional(v.literal('custom')),
  name: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,128}$/, 'must be 1 to 128 of a-z, A-Z, 0-9, _ and -')),
  description: optional(v.string()),
  input_schema: jsonObject,
  strict: optional(v.boolean()),
  // What Anthropic's servers do with a tool: how it is cached, loaded and streamed, and who else may call it.
  cache_control: optional(v.unknown()),
  defer_loading: optional(v.boolean()),
  eager_input_streaming: optional(v.boolean()),
  allowed_callers: optional(v.unknown()),
});
/** A tool that Anthropic defines, by a dated type: `web_search_20250305`. It has no schema to show to a model. */
const definedTool = v.looseObject({ type: v.string() });

const isDefined = (tool: unknown): boolean =>
  isObject(tool) && typeof tool.type === 'string' && tool.type !== 'custom' && !('input_schema' in tool);

const parallel = { disable_parallel_tool_use: optional(v.boolean()) };
const toolChoice = v.variant(
  'type',
  [
    v.object({ type: v.literal('auto'), ...parallel }),
    v.object({ type: v.literal('any'), ...parallel }),
    v.object({ type: v.literal('tool'), name: v.string(), ...parallel }),
    v.object({ type: v.literal('none') }),
  ],
  'must be {"type": "auto"}, "any", "tool" with a name, or "none"',
);

/** How thinking is shown. `omitted` is honoured; the others show it in full, as we make no summaries. */
const display = { display: optional(v.string()) };
const thinking = v.variant(
  'type',
  [
    v.object({ type: v.literal('enabled'), budget_tokens: integer(1024), ...display }),
    v.object({ type: v.literal('adaptive'), ...display }),
    v.object({ type: v.literal('between_tools'), ...display }),
    v.object({ type: v.literal('disabled') }),
  ],
  'must be "enabled", "adaptive", "between_tools" or "disabled"',
);

const format = v.variant('type', [v.object({ type: v.literal('json_schema'), schema: jsonObject })]);

/** Fields of both bodies. What Anthropic's newer version refuses (`temperature`, `top_p`, `top_k`) is taken. */
const shared = {
  model: optional(name),
  messages: v.pipe(
    v.array(message),
    v.minLength(1, 'must have at least one message'),
    v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} messages`),
  ),
  system: optional(system),
  tools: optional(
    v.pipe(
      v.array(v.lazy((tool) => (isDefined(tool) ? definedTool : ownTool))),
      v.maxLength(MAX_TOOLS, `must have at most ${MAX_TOOLS} tools`),
    ),
  ),
  tool_choice: optional(toolChoice),
  thinking: optional(thinking),
  output_config: optional(v.object({ effort: optional(v.string()), format: optional(format) })),
  /** The older place of `output_config.format`. */
  output_format: optional(format),
  temperature: optional(between(0, 2)),
  top_p: optional(between(0, 1)),
  top_k: optional(integer(-1)),
  stop_sequences: optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.maxLength(MAX_STOP_LENGTH, `must be at most ${MAX_STOP_LENGTH} characters`))),
      v.maxLength(MAX_STOPS, `must have at most ${MAX_STOPS} strings`),
    ),
  ),
  stream: optional(v.boolean()),
  metadata: optional(v.object({ user_id: optional(v.string()) })),
  // Ours.
  models: optional(names),
  provider: optional(routing),
  template: optional(template),
  vote: optional(vote),
  session_id: optional(sessionId),
};

const createSchema = v.object({ ...shared, max_tokens: integer(0) });
const countSchema = v.object({ ...shared, max_tokens: optional(integer(0)) });
export const create = bodySchema(createSchema);
export const count = bodySchema(countSchema);
type Body = v.InferOutput<typeof countSchema>;

/** A body of `POST /v1/messages`, read. */
export interface MessagesRequest extends ParsedRequest<ChatCall> {
  /** How the thinking is shown: in full, only in its signature, or not at all. */
  readonly thinking: 'shown' | 'omitted' | 'hidden';
  /** `max_tokens: 0`: the caller wants a cache warmed, and no answer. */
  readonly noOutput: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Edits of Claude Code's that leave all thinking where it is. */
const keepsAll = (value: unknown): boolean =>
  isObject(value) &&
  Array.isArray(value.edits) &&
  value.edits.every((edit) => isObject(edit) && edit.type === 'clear_thinking_20251015' && edit.keep === 'all');

/** Fields that ask for no more than happens anyway, by the values with which they do. */
const ASKS_NOTHING: ReadonlyMap<string, (value: unknown) => boolean> = new Map<string, (value: unknown) => boolean>([
  ['cache_control', () => true],
  ['context_management', keepsAll],
  ['service_tier', (value) => value === 'auto' || value === 'standard_only'],
  ['speed', (value) => value === 'standard'],
]);

const MAX_UNKNOWN = 100;

/** Names of unknown fields, which no provider is sent. Throws for one that must not be ignored. */
function unserved(given: JsonObject, unknown: readonly string[]): string[] {
  if (unknown.length > MAX_UNKNOWN) {
    throw new GatewayError('invalid_request', `The body has more than ${MAX_UNKNOWN} fields that are not known here.`);
  }
  return unknown.filter((key) => {
    if (ASKS_NOTHING.get(key)?.(given[key])) return false;
    if (key === 'safeguards') {
      // A client that is told so makes these checks itself. Ignoring the field would fake them.
      throw new GatewayError('unsupported_parameter', 'safeguards: not supported here. Check on your side.', {
        param: key,
      });
    }
    const meant = routingFieldMeant(key);
    if (meant !== undefined) {
      throw invalid(
        key,
        `not known here. If it means ${meant}, that belongs into provider: {"provider": {"${meant}": …}}.`,
      );
    }
    return true;
  });
}

type WireTools = NonNullable<Body['tools']>;

/** The tools that models can be shown, where each stands in the body, and the names of the others. */
function readTools(wire: WireTools) {
  const tools: Tool[] = [];
  const places: number[] = [];
  const dropped: string[] = [];
  for (const [at, tool] of wire.entries()) {
    if (!('input_schema' in tool)) {
      dropped.push(`tools[${at}] (${String(tool.type)})`);
      continue;
    }
    const { name: called, description, input_schema: parameters, strict } = tool as v.InferOutput<typeof ownTool>;
    assertShallow(parameters, `tools[${at}].input_schema`);
    const one: Writable<Tool> = { name: called, parameters };
    if (description != null) one.description = description;
    if (strict != null) one.strict = strict;
    tools.push(one);
    places.push(at);
  }
  return { tools, places, dropped };
}

function readToolChoice(wire: NonNullable<Body['tool_choice']>, tools: readonly Tool[]): ToolChoice {
  switch (wire.type) {
    case 'auto':
    case 'none':
      return wire.type;
    case 'any':
      if (tools.length === 0) throw invalid('tool_choice', '"any" needs tools to choose from.');
      return 'required';
    case 'tool':
      if (!tools.some((tool) => tool.name === wire.name)) {
        throw invalid(
          'tool_choice.name',
          `"${wire.name.slice(0, 128)}" is not one of the tools that can be called here.`,
        );
      }
      return { name: wire.name };
  }
}

/** Below how many tokens of thinking an effort is meant. */
const EFFORTS: readonly (readonly [below: number, effort: string])[] = [
  [4096, 'low'],
  [16_384, 'medium'],
];

/** Open models know three efforts. */
const KNOWN_EFFORTS: Readonly<Record<string, string>> = { xhigh: 'high', max: 'high' };

const effortOf = (budget: number): string => EFFORTS.find(([below]) => budget < below)?.[1] ?? 'high';

/** @param effort set by a system message, for what follows it */
function samplingOf(body: Body, effort: string | undefined): Sampling {
  const sampling: Writable<Sampling> = {};
  if (body.temperature != null) sampling.temperature = body.temperature;
  if (body.top_p != null) sampling.topP = body.top_p;
  if (body.top_k != null) sampling.topK = body.top_k;
  const { thinking: mode } = body;
  if (mode?.type === 'disabled') sampling.thinking = false;
  else {
    const asked = effort ?? body.output_config?.effort;
    if (asked) sampling.reasoningEffort = KNOWN_EFFORTS[asked] ?? asked;
    else if (mode?.type === 'enabled') sampling.reasoningEffort = effortOf(mode.budget_tokens);
  }
  if (body.tool_choice && 'disable_parallel_tool_use' in body.tool_choice) {
    if (body.tool_choice.disable_parallel_tool_use) sampling.parallelToolCalls = false;
  }
  const user = body.metadata?.user_id;
  if (user && sessionIn(user) === undefined) sampling.user = user;
  return sampling;
}

/** What the caller calls a field of ours: markers and dropped fields are named by our paths, which are OpenAI's. */
const FIELD_NAMES: readonly (readonly [ours: RegExp, theirs: string])[] = [
  [/\breasoning_effort\b/g, 'output_config.effort'],
  [/\breasoning\.enabled\b/g, 'thinking'],
  [/\bparallel_tool_calls\b/g, 'tool_choice.disable_parallel_tool_use'],
  [/\bresponse_format\b/g, 'output_config.format'],
  [/\btools\[\]\.function\./g, 'tools[].'],
  [/\bmessages\[\]\.reasoning\b/g, 'messages[].content[].thinking'],
  [/(?<![.\w])user(?=$|,| for )/g, 'metadata.user_id'],
];

/** @param unknown fields of the caller's own that may have a name of ours */
function callersNames(text: string, body: Body, unknown: readonly string[]): string {
  const { origins } = readChat(body.system, body.messages, true);
  const { places } = readTools(body.tools ?? []);
  const renamed = text
    .replace(
      /\bmessages\[(\d+)\](?:\.content\b|\.tool_calls\[(\d+)\]\.function\.(name|arguments)|(\.reasoning))?/g,
      (...found) => {
        const [ours, message_, call, part, reasoning] = found as (string | undefined)[];
        const origin = origins[Number(message_)];
        if (!origin) return ours ?? '';
        if (reasoning) return `${origin.path} (thinking)`;
        if (call === undefined) return origin.path;
        return `${origin.calls[Number(call)] ?? origin.path}.${part === 'arguments' ? 'input' : 'name'}`;
      },
    )
    .replace(/\btools\[(\d+)\]\.function\.(name|description|parameters)/g, (_ours, at: string, field: string) => {
      return `tools[${places[Number(at)] ?? at}].${field === 'parameters' ? 'input_schema' : field}`;
    });
  const isTheirs = (ours: RegExp) => unknown.some((name) => name.search(ours) === 0);
  return FIELD_NAMES.reduce((so, [ours, theirs]) => (isTheirs(ours) ? so : so.replace(ours, theirs)), renamed);
}

/** The name of a format that comes without one, which is always. */
const FORMAT_NAME = 'answer';

function modelsOf({ model, models }: Body): readonly string[] {
  const all = [...new Set([...(model ? [model] : []), ...(models ?? [])])];
  if (all.length === 0) throw modelMissing();
  return all;
}

function shownThinking(mode: Body['thinking']): MessagesRequest['thinking'] {
  if (mode?.type === 'disabled') return 'hidden';
  return mode?.display === 'omitted' ? 'omitted' : 'shown';
}

/** What becomes of `max_tokens: 0`, for the caller. */
const ONE_TOKEN = 'max_tokens (0 makes one token: billed and not shown)';

function toRequest(body: Body, unknown: readonly string[], context: CallContext): MessagesRequest {
  const { messages, dropped, effort } = readChat(body.system, body.messages);
  const { tools, dropped: noTools } = readTools(body.tools ?? []);
  const route = toRouting(body.provider ?? {});
  if (context.strict) route.requireParameters = true;
  const call: Writable<ChatCall> = {
    kind: 'chat',
    id: context.id,
    models: modelsOf(body),
    sampling: samplingOf(body, effort),
    n: 1,
    stop: (body.stop_sequences ?? []).filter((stop) => stop !== ''),
    stream: body.stream ?? false,
    routing: route,
    templating: toTemplating(body.template),
    unknownParameters: [...unknown, ...dropped, ...noTools, ...(body.max_tokens === 0 ? [ONE_TOKEN] : [])],
    messages,
    tools,
  };
  // No output at all is asked for to warm a cache, which only a request does. Providers generate one token at least.
  if (body.max_tokens != null) call.maxTokens = Math.max(1, body.max_tokens);
  if (body.tool_choice) call.toolChoice = readToolChoice(body.tool_choice, tools);
  const schema = (body.output_config?.format ?? body.output_format)?.schema;
  if (schema) {
    assertShallow(schema, 'output_config.format.schema');
    call.responseFormat = { type: 'json_schema', name: FORMAT_NAME, schema, strict: true };
  }
  const session = sessionOf(context, { session_id: body.session_id, user: body.metadata?.user_id });
  if (session) call.session = session;
  if (context.timeoutMs !== undefined) call.timeoutMs = context.timeoutMs;
  return {
    call: withVote(call, body.vote),
    thinking: shownThinking(body.thinking),
    noOutput: body.max_tokens === 0,
    // Worked out only where something has to be named.
    callersNames: (text) => callersNames(text, body, unknown),
  };
}

/** A body of `POST /v1/messages`. Throws `invalid_request` naming the field. */
export function parseMessages(raw: unknown, context: CallContext): MessagesRequest {
  const { body, given, unknown, unknownInside } = create.read(raw);
  return toRequest(body, [...unserved(given, unknown), ...unknownInside], context);
}

/** A body of `POST /v1/messages/count_tokens`. Throws `invalid_request` naming the field. */
export function parseCount(raw: unknown, context: CallContext): MessagesRequest {
  const { body, given, unknown, unknownInside } = count.read(raw);
  return toRequest(body, [...unserved(given, unknown), ...unknownInside], context);
}
