/** The bodies of `POST /v1/chat/completions` and `POST /v1/completions`: their schemas, and the calls they ask for. */
import * as v from 'valibot';
import {
  type Call,
  type ChatCall,
  type CompletionCall,
  GatewayError,
  isObject,
  type JsonObject,
  type Prompt,
  type Sampling,
} from '../../core/index.ts';
import { type BodySchema, bodySchema } from '../body-schema.ts';
import { type CallContext, type ParsedRequest, sessionOf } from '../dialect.ts';
import { routing, template, toRouting, toTemplating } from '../routing.ts';
import { between, integer, invalid, modelMissing, name, names, optional, sessionId } from '../validation.ts';
import { vote, withVote } from '../vote.ts';
import { assertResultsFollowCalls, message, toMessage } from './messages.ts';
import { functionCall, functions, responseFormat, toolChoice, tools, toResponseFormat, toTools } from './tools.ts';
import { sortUnknownFields } from './unknown-fields.ts';

/** Providers differ in how many they take; OpenAI takes 4. */
const MAX_STOPS = 16;
const MAX_STOP_LENGTH = 500;
/** As many as OpenAI's. Where the provider has no `n`, each is a request of its own. */
const MAX_CHOICES = 128;

const stopString = v.pipe(v.string(), v.maxLength(MAX_STOP_LENGTH, `must be at most ${MAX_STOP_LENGTH} characters`));

/** Fields of both bodies, under OpenAI's names and those that servers of open models have added. */
const shared = {
  model: optional(name),
  models: optional(names),
  provider: optional(routing),
  template: optional(template),
  max_tokens: optional(integer(1)),
  temperature: optional(between(0, 2)),
  top_p: optional(between(0, 1)),
  top_k: optional(integer(-1)),
  min_p: optional(between(0, 1)),
  seed: optional(v.pipe(v.number(), v.integer('must be a whole number'))),
  frequency_penalty: optional(between(-2, 2)),
  presence_penalty: optional(between(-2, 2)),
  repetition_penalty: optional(between(0, 10)),
  logit_bias: optional(v.record(v.string(), between(-100, 100))),
  n: optional(integer(1, MAX_CHOICES)),
  stop: optional(
    v.union(
      [stopString, v.pipe(v.array(stopString), v.maxLength(MAX_STOPS, `must have at most ${MAX_STOPS} strings`))],
      'must be a string or a list of strings',
    ),
  ),
  stream: optional(v.boolean()),
  // `include_obfuscation` is about padding, which we never add.
  stream_options: optional(
    v.object({ include_usage: optional(v.boolean()), include_obfuscation: optional(v.boolean()) }),
  ),
  /** OpenRouter's older way to ask for usage in a stream. */
  usage: optional(v.object({ include: optional(v.boolean()) })),
  user: optional(v.string()),
  session_id: optional(sessionId),
  prompt_cache_key: optional(v.string()),
  vote: optional(vote),
};

/** OpenRouter's field: how much to think, and whether to show it (openrouter.ai/docs/use-cases/reasoning-tokens). */
const reasoning = v.object({
  effort: optional(v.string()),
  max_tokens: optional(integer(0)),
  exclude: optional(v.boolean()),
  enabled: optional(v.boolean()),
  summary: optional(v.string()),
});

export const chatSchema = v.object({
  ...shared,
  messages: v.pipe(v.array(message), v.minLength(1, 'must have at least one message')),
  max_completion_tokens: optional(integer(1)),
  logprobs: optional(v.boolean()),
  top_logprobs: optional(integer(0, 20)),
  tools: optional(tools),
  tool_choice: optional(toolChoice),
  functions: optional(functions),
  function_call: optional(functionCall),
  parallel_tool_calls: optional(v.boolean()),
  response_format: optional(responseFormat),
  reasoning_effort: optional(v.string()),
  reasoning: optional(reasoning),
  include_reasoning: optional(v.boolean()),
});

const promptText = v.string('must be a string, a list of strings, a list of token ids or a list of such lists');
const tokenIds = v.pipe(v.array(integer(0, 2 ** 31)), v.minLength(1, 'must have at least one token'));
const severalOf = <T extends v.GenericSchema>(one: T) =>
  v.pipe(v.array(one), v.minLength(1, 'must have at least one prompt'), v.maxLength(MAX_CHOICES));
const texts = severalOf(promptText);
const tokenLists = severalOf(tokenIds);

/** The first member tells which form a list has, so that an error names the member that does not fit. */
function promptForm(prompt: unknown) {
  if (!Array.isArray(prompt)) return promptText;
  const [first]: unknown[] = prompt;
  return typeof first === 'number' ? tokenIds : Array.isArray(first) ? tokenLists : texts;
}

export const completionSchema = v.object({
  ...shared,
  max_tokens: optional(integer(0)),
  prompt: v.lazy(promptForm),
  logprobs: optional(integer(0, 20)),
  echo: optional(v.boolean()),
  suffix: optional(v.string()),
  best_of: optional(integer(1)),
});

type ChatBody = v.InferOutput<typeof chatSchema>;
type CompletionBody = v.InferOutput<typeof completionSchema>;
type Body = ChatBody | CompletionBody;

export const chat = bodySchema(chatSchema);
export const completion = bodySchema(completionSchema);

/** A body of `POST /v1/chat/completions`, read. */
export interface ChatRequest extends ParsedRequest<ChatCall> {
  /** A stream ends with its usage. */
  readonly includeUsage: boolean;
  readonly hideReasoning: boolean;
  readonly legacyFunctions: boolean;
}

/** A body of `POST /v1/completions`, read. */
export interface CompletionRequest extends ParsedRequest<CompletionCall> {
  readonly includeUsage: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A valid body, the names of its fields that no provider is sent, and its fields for self-hosted servers. */
function readCall<B extends Body>(schema: BodySchema<B>, kind: Call['kind'], raw: unknown) {
  const { body, given, unknown, unknownInside } = schema.read(raw);
  const { dropped, extra } = sortUnknownFields(given, unknown, kind);
  return { body, ignored: [...dropped, ...unknownInside], extra };
}

function modelsOf({ model, models }: Body): readonly string[] {
  if (model && !models) return [model];
  const all = [...new Set([...(model ? [model] : []), ...(models ?? [])])];
  if (all.length === 0) throw modelMissing();
  return all;
}

/** The sampling parameters that both kinds of call have. */
function samplingOf(body: Body): Writable<Sampling> {
  const sampling: Writable<Sampling> = {};
  if (body.temperature != null) sampling.temperature = body.temperature;
  if (body.top_p != null) sampling.topP = body.top_p;
  if (body.top_k != null) sampling.topK = body.top_k;
  if (body.min_p != null) sampling.minP = body.min_p;
  if (body.seed != null) sampling.seed = body.seed;
  if (body.frequency_penalty != null) sampling.frequencyPenalty = body.frequency_penalty;
  if (body.presence_penalty != null) sampling.presencePenalty = body.presence_penalty;
  if (body.repetition_penalty != null) sampling.repetitionPenalty = body.repetition_penalty;
  if (body.logit_bias != null) sampling.logitBias = body.logit_bias;
  if (body.user != null) sampling.user = body.user;
  return sampling;
}

function stopsOf({ stop }: Body): readonly string[] {
  const stops = typeof stop === 'string' ? [stop] : (stop ?? []);
  return stops.filter((text) => text !== '');
}

type SharedFields = Pick<
  Call,
  | 'id'
  | 'models'
  | 'n'
  | 'stop'
  | 'stream'
  | 'routing'
  | 'templating'
  | 'unknownParameters'
  | 'extra'
  | 'session'
  | 'timeoutMs'
>;

/** What both kinds of call have beside their sampling. */
function sharedOf(
  body: Body,
  unknownParameters: readonly string[],
  extra: JsonObject | undefined,
  context: CallContext,
): Writable<SharedFields> {
  const route = toRouting(body.provider ?? {});
  // The header asks for strict treatment, whatever the body says.
  if (context.strict) route.requireParameters = true;
  const shared: Writable<SharedFields> = {
    id: context.id,
    models: modelsOf(body),
    n: body.n ?? 1,
    stop: stopsOf(body),
    stream: body.stream ?? false,
    routing: route,
    templating: toTemplating(body.template),
    unknownParameters,
  };
  if (extra) shared.extra = extra;
  const session = sessionOf(context, body);
  if (session) shared.session = session;
  if (context.timeoutMs !== undefined) shared.timeoutMs = context.timeoutMs;
  return shared;
}

const wantsUsage = (body: Body): boolean => body.stream_options?.include_usage ?? body.usage?.include ?? false;

/** Fields of `reasoning` that no provider here takes. */
function ignoredReasoning({ reasoning: asked }: ChatBody): string[] {
  if (!asked) return [];
  return [
    ...(asked.max_tokens == null ? [] : ['reasoning.max_tokens']),
    ...(asked.summary == null ? [] : ['reasoning.summary']),
  ];
}

function chatSamplingOf(body: ChatBody): Sampling {
  const sampling = samplingOf(body);
  if (body.logprobs) sampling.logprobs = body.top_logprobs ?? 0;
  const { reasoning: asked } = body;
  const effort = body.reasoning_effort || asked?.effort;
  if (effort) sampling.reasoningEffort = effort;
  // An effort implies thinking.
  if (asked?.enabled != null && !(asked.enabled && effort)) sampling.thinking = asked.enabled;
  if (body.parallel_tool_calls != null) sampling.parallelToolCalls = body.parallel_tool_calls;
  return sampling;
}

/** A body of `POST /v1/chat/completions`. Throws `invalid_request` naming the field. */
export function parseChat(raw: unknown, context: CallContext): ChatRequest {
  const { body, ignored, extra } = readCall(chat, 'chat', raw);
  if (body.top_logprobs && !body.logprobs) throw invalid('top_logprobs', 'needs logprobs: true.');
  const { tools: offered, toolChoice: choice, allowedTools, legacy, ignored: otherForm } = toTools(body);
  const messages = body.messages.map(toMessage);
  assertResultsFollowCalls(messages);
  const unknown = [...ignored, ...otherForm, ...ignoredReasoning(body)];
  const call: Writable<ChatCall> = {
    kind: 'chat',
    ...sharedOf(body, unknown, extra, context),
    sampling: chatSamplingOf(body),
    messages,
    tools: offered,
  };
  if (choice) call.toolChoice = choice;
  if (allowedTools) call.allowedTools = allowedTools;
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  if (maxTokens != null) call.maxTokens = maxTokens;
  const format = body.response_format;
  if (format && format.type !== 'text') call.responseFormat = toResponseFormat(format);
  return {
    call: withVote(call, body.vote),
    includeUsage: wantsUsage(body),
    hideReasoning: body.reasoning?.exclude ?? body.include_reasoning === false,
    legacyFunctions: legacy,
  };
}

type WirePrompt = CompletionBody['prompt'];

const isTokens = (prompt: Exclude<WirePrompt, string>): prompt is number[] => typeof prompt[0] === 'number';

const promptsOf = (prompt: WirePrompt): readonly Prompt[] =>
  typeof prompt === 'string' || isTokens(prompt) ? [prompt] : prompt;

/** A body of `POST /v1/completions`. Throws `invalid_request` naming the field. */
export function parseCompletion(raw: unknown, context: CallContext): CompletionRequest {
  const { body, ignored, extra } = readCall(completion, 'completion', raw);
  const shared = sharedOf(body, ignored, extra, context);
  if (body.best_of != null && body.best_of !== shared.n) {
    const text = 'best_of: no provider here ranks samples. Use n.';
    throw new GatewayError('unsupported_parameter', text, { param: 'best_of' });
  }
  const prompts = promptsOf(body.prompt);
  if (body.max_tokens === 0 && !body.echo) throw invalid('max_tokens', 'must be at least 1, or 0 with echo: true.');
  if (body.suffix && prompts.some((prompt) => typeof prompt !== 'string')) {
    throw invalid('suffix', 'needs a prompt of text, not of token ids.');
  }
  if (prompts.length * shared.n > MAX_CHOICES) throw invalid('n', `prompts times n must be at most ${MAX_CHOICES}.`);
  const sampling = samplingOf(body);
  if (body.logprobs != null) sampling.logprobs = body.logprobs;
  const call: Writable<CompletionCall> = { kind: 'completion', ...shared, sampling, prompts, echo: body.echo ?? false };
  // An empty suffix means the gap is at the end, as in any completion.
  if (body.suffix) call.suffix = body.suffix;
  if (body.max_tokens != null) call.maxTokens = body.max_tokens;
  return { call: withVote(call, body.vote), includeUsage: wantsUsage(body) };
}

/** A body of either kind, told apart by its required field. */
export function parseCall(raw: unknown, context: CallContext): Call {
  if (isObject(raw) && 'messages' in raw) return parseChat(raw, context).call;
  if (isObject(raw) && 'prompt' in raw) return parseCompletion(raw, context).call;
  throw invalid('messages', 'is required, or prompt: send the body of a chat or a completion.');
}
