/** The body of `POST /v1/responses`: its schema, and the call it asks for. */
import * as v from 'valibot';
import { type ChatCall, GatewayError, type JsonObject, type Sampling } from '../../core/index.ts';
import { bodySchema } from '../body-schema.ts';
import { type CallContext, type ParsedRequest, sessionOf } from '../dialect.ts';
import { letters, routing, routingFieldMeant, template, toRouting, toTemplating } from '../routing.ts';
import { between, integer, invalid, modelMissing, name, names, optional, sessionId } from '../validation.ts';
import { vote, withVote } from '../vote.ts';
import { type ItemOrigin, input, readInput, stateless, toolsIn } from './input.ts';
import {
  type CallersTool,
  type ReadTools,
  readToolChoice,
  readTools,
  repeatedFormat,
  textFormat,
  toolChoice,
  tools,
  toResponseFormat,
} from './tools.ts';

const MAX_METADATA = 64;

const schema = v.object({
  model: optional(name),
  // Where it is missing, what refers to a stored conversation is refused first.
  input: optional(input),
  instructions: optional(v.string()),
  tools: optional(tools),
  tool_choice: optional(toolChoice),
  parallel_tool_calls: optional(v.boolean()),
  max_output_tokens: optional(integer(1)),
  temperature: optional(between(0, 2)),
  top_p: optional(between(0, 1)),
  // Open Responses has these two, OpenAI has not.
  presence_penalty: optional(between(-2, 2)),
  frequency_penalty: optional(between(-2, 2)),
  top_logprobs: optional(integer(0, 20)),
  text: optional(
    v.object({
      format: optional(textFormat),
      verbosity: optional(v.picklist(['low', 'medium', 'high'], 'must be "low", "medium" or "high"')),
    }),
  ),
  reasoning: optional(
    v.object({
      effort: optional(v.string()),
      summary: optional(v.string()),
      generate_summary: optional(v.string()),
    }),
  ),
  include: optional(v.array(v.string())),
  stream: optional(v.boolean()),
  // It is about padding, which we never add.
  stream_options: optional(v.object({ include_obfuscation: optional(v.boolean()) })),
  store: optional(v.boolean()),
  metadata: optional(v.record(v.string(), v.string())),
  user: optional(v.string()),
  safety_identifier: optional(v.string()),
  prompt_cache_key: optional(v.string()),
  service_tier: optional(v.string()),
  truncation: optional(v.picklist(['auto', 'disabled'], 'must be "auto" or "disabled"')),
  background: optional(v.boolean()),
  previous_response_id: optional(v.string()),
  conversation: optional(v.unknown()),
  prompt: optional(v.unknown()),
  /** Codex's notes on itself, for OpenAI's records. */
  client_metadata: optional(v.unknown()),
  // Ours.
  models: optional(names),
  provider: optional(routing),
  template: optional(template),
  vote: optional(vote),
  session_id: optional(sessionId),
});

export const create = bodySchema(schema);
type Body = v.InferOutput<typeof schema>;

/** A body of `POST /v1/responses`, read. */
export interface ResponsesRequest extends ParsedRequest<ChatCall> {
  /** The reasoning also comes as `encrypted_content`, which the caller returns in the next turn. */
  readonly carriesReasoning: boolean;
  /** Codex asks: see `failsInStream`. */
  readonly fromCodex: boolean;
  /** What the caller calls a tool, by the name that models know. */
  readonly known: ReadonlyMap<string, CallersTool>;
  /** What an answer repeats of its request. */
  readonly repeated: JsonObject;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Fields that need what this gateway does not keep. */
function assertStateless(body: Body): void {
  if (body.previous_response_id != null) throw stateless('previous_response_id');
  if (body.conversation != null) throw stateless('conversation');
  if (body.background) {
    throw new GatewayError('unsupported_parameter', 'background: not supported. Leave it out, and wait or stream.', {
      param: 'background',
    });
  }
  if (body.prompt != null) {
    throw new GatewayError(
      'unsupported_parameter',
      'prompt: this gateway stores no prompts. Send the text as instructions and input.',
      { param: 'prompt' },
    );
  }
}

const LIMITS = new Set(['max_tokens', 'max_completion_tokens', 'max_new_tokens', 'max_output_token'].map(letters));
const MAX_UNKNOWN = 100;

/** Names of unknown fields, which no provider is sent. Throws for one that must not be ignored. */
function unserved(unknown: readonly string[], limited: boolean): readonly string[] {
  if (unknown.length > MAX_UNKNOWN) {
    throw new GatewayError('invalid_request', `The body has more than ${MAX_UNKNOWN} fields that are not known here.`);
  }
  for (const key of unknown) {
    if (!limited && LIMITS.has(letters(key))) {
      throw invalid(key, 'not known here; the most tokens of output are max_output_tokens.');
    }
    if (key === 'messages') throw invalid(key, 'belongs to POST /v1/chat/completions. Here it is input.');
    const meant = routingFieldMeant(key);
    if (meant !== undefined) {
      throw invalid(
        key,
        `not known here. If it means ${meant}, that belongs into provider: {"provider": {"${meant}": …}}.`,
      );
    }
  }
  return unknown;
}

const ENCRYPTED = 'reasoning.encrypted_content';
const LOGPROBS = 'message.output_text.logprobs';
/** What these would show either never comes (of hosted tools), or is what the caller has sent. */
const SHOWS_NOTHING = /^(?:web_search|file_search|code_interpreter|computer)\w*\.|^message\.input_image\.image_url$/;

/** What the caller asks for beyond what is served, by its own names. */
function unservedIn(body: Body): string[] {
  const { include, text, reasoning, service_tier: tier } = body;
  const known = (one: string): boolean => one === ENCRYPTED || one === LOGPROBS || SHOWS_NOTHING.test(one);
  const dropped = (include ?? []).filter((one) => !known(one)).map((one) => `include (${one.slice(0, 64)})`);
  if (text?.verbosity != null && text.verbosity !== 'medium') dropped.push('text.verbosity');
  if (reasoning?.summary != null && reasoning.summary !== 'auto') dropped.push('reasoning.summary');
  if (body.truncation === 'auto') dropped.push('truncation');
  if (tier != null && tier !== 'auto' && tier !== 'default') dropped.push('service_tier');
  return dropped;
}

/** Open models know three efforts. */
const EFFORTS: Readonly<Record<string, string>> = { minimal: 'low', xhigh: 'high', max: 'high' };

function samplingOf(body: Body): Sampling {
  const sampling: Writable<Sampling> = {};
  if (body.temperature != null) sampling.temperature = body.temperature;
  if (body.top_p != null) sampling.topP = body.top_p;
  if (body.presence_penalty != null) sampling.presencePenalty = body.presence_penalty;
  if (body.frequency_penalty != null) sampling.frequencyPenalty = body.frequency_penalty;
  if (body.top_logprobs || body.include?.includes(LOGPROBS)) sampling.logprobs = body.top_logprobs ?? 0;
  const effort = body.reasoning?.effort;
  if (effort === 'none') sampling.thinking = false;
  else if (effort) sampling.reasoningEffort = EFFORTS[effort] ?? effort;
  if (body.parallel_tool_calls != null) sampling.parallelToolCalls = body.parallel_tool_calls;
  if (body.user != null) sampling.user = body.user;
  return sampling;
}

/** What an answer says of its request. Open Responses wants numbers where OpenAI's types also allow null. */
function repeatedOf(body: Body, { shown }: ReadTools): JsonObject {
  return {
    background: false,
    frequency_penalty: body.frequency_penalty ?? 0,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    presence_penalty: body.presence_penalty ?? 0,
    previous_response_id: null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: 'default',
    store: false,
    temperature: body.temperature ?? 1,
    text: { format: repeatedFormat(body.text?.format), verbosity: body.text?.verbosity ?? 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: shown,
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: 'disabled',
    user: body.user ?? null,
  };
}

/**
 * What the caller calls a field of ours: markers and dropped fields are named by our paths, which are those of chats.
 */
const FIELD_NAMES: readonly (readonly [ours: RegExp, theirs: string])[] = [
  [/\breasoning_effort\b|\breasoning\.enabled\b/g, 'reasoning.effort'],
  [/\bresponse_format\b/g, 'text.format'],
  [/\bmax_tokens\b/g, 'max_output_tokens'],
  [/(?<!_)\blogprobs\b/g, 'top_logprobs'],
  [/\btools\[\]\.function\./g, 'tools[].'],
  [/\bmessages\[\]\.content\[\]\.image_url\.detail\b/g, 'input[].content[].detail'],
  [/\bmessages\[\]\.reasoning\b/g, 'input[] (reasoning)'],
];

const MESSAGE_PATH =
  /\bmessages\[(\d+)\](?:\.content\b|\.tool_calls\[(\d+)\]\.function\.(name|arguments)|(\.reasoning)(?:_content)?)?/g;

/** @param unknown fields of the caller's own that may have a name of ours */
function callersNames(text: string, body: Body, unknown: readonly string[]): string {
  let origins: readonly ItemOrigin[] | undefined;
  let places: readonly string[] | undefined;
  const renamed = text
    .replace(MESSAGE_PATH, (...found) => {
      const [ours, message, call, field, reasoning] = found as (string | undefined)[];
      origins ??= readInput(body.instructions, body.input ?? '').origins;
      const origin = origins[Number(message)];
      if (!origin) return ours ?? '';
      if (reasoning) return origin.reasoning ?? origin.path;
      if (call === undefined) return origin.path;
      return `${origin.calls[Number(call)] ?? origin.path}.${field === 'arguments' ? 'arguments' : 'name'}`;
    })
    .replace(/\btools\[(\d+)\]\.function\b/g, (ours, at: string) => {
      places ??= readTools(listsOf(body)).places;
      return places[Number(at)] ?? String(ours);
    });
  const isTheirs = (ours: RegExp) => unknown.some((name) => name.search(ours) === 0);
  return FIELD_NAMES.reduce((so, [ours, theirs]) => (isTheirs(ours) ? so : so.replace(ours, theirs)), renamed);
}

const listsOf = (body: Body) => [...(body.tools ? [['tools', body.tools] as const] : []), ...toolsIn(body.input ?? '')];

function modelsOf({ model, models }: Body): readonly string[] {
  const all = [...new Set([...(model ? [model] : []), ...(models ?? [])])];
  if (all.length === 0) throw modelMissing();
  return all;
}

/** A body of `POST /v1/responses`. Throws `invalid_request` naming the field. */
export function parseResponses(raw: unknown, context: CallContext): ResponsesRequest {
  const { body, unknown, unknownInside } = create.read(raw);
  assertStateless(body);
  if (body.input == null) throw invalid('input', 'is required: a text, or a list of items.');
  const { messages, dropped } = readInput(body.instructions, body.input);
  const offered = readTools(listsOf(body));
  const chosen = readToolChoice(body.tool_choice, offered);
  const route = toRouting(body.provider ?? {});
  if (context.strict) route.requireParameters = true;
  if (Object.keys(body.metadata ?? {}).length > MAX_METADATA) {
    throw invalid('metadata', `must have at most ${MAX_METADATA} members.`);
  }
  const call: Writable<ChatCall> = {
    kind: 'chat',
    id: context.id,
    models: modelsOf(body),
    sampling: samplingOf(body),
    n: 1,
    stop: [],
    stream: body.stream ?? false,
    routing: route,
    templating: toTemplating(body.template),
    unknownParameters: [
      ...unserved(unknown, body.max_output_tokens != null),
      ...unknownInside,
      ...unservedIn(body),
      ...dropped,
      ...offered.dropped,
      ...chosen.dropped,
    ],
    messages,
    tools: chosen.tools,
  };
  if (chosen.toolChoice) call.toolChoice = chosen.toolChoice;
  if (chosen.allowedTools) call.allowedTools = chosen.allowedTools;
  if (body.max_output_tokens != null) call.maxTokens = body.max_output_tokens;
  const format = body.text?.format;
  if (format && format.type !== 'text') call.responseFormat = toResponseFormat(format);
  const session = sessionOf(context, body);
  if (session) call.session = session;
  if (context.timeoutMs !== undefined) call.timeoutMs = context.timeoutMs;
  return {
    call: withVote(call, body.vote),
    carriesReasoning: body.include?.includes(ENCRYPTED) ?? false,
    fromCodex: /^codex/i.test(context.client ?? ''),
    known: offered.known,
    repeated: repeatedOf(body, offered),
    callersNames: (text) => callersNames(text, body, unknown),
  };
}
