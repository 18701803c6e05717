import * as v from 'valibot';
import {
  type Call,
  type ChatCall,
  type CompletionCall,
  GatewayError,
  type Routing,
  type Sampling,
} from '../../core/index.ts';
import { check } from './check.ts';
import { integer, MAX_CHOICES, optional, shared } from './fields.ts';
import { message, toMessage } from './messages.ts';
import { toRouting } from './routing.ts';
import { responseFormat, toolChoice, tools, toResponseFormat, toToolChoice, toTools } from './tools.ts';

const chatBody = v.object({
  ...shared,
  messages: v.pipe(v.array(message), v.minLength(1, 'must have at least one message')),
  max_completion_tokens: optional(integer(1)),
  logprobs: optional(v.boolean()),
  top_logprobs: optional(integer(0, 20)),
  tools: optional(tools),
  tool_choice: optional(toolChoice),
  parallel_tool_calls: optional(v.boolean()),
  response_format: optional(responseFormat),
  reasoning_effort: optional(v.string()),
});

const completionBody = v.object({
  ...shared,
  prompt: v.union(
    [
      v.string(),
      v.pipe(v.array(v.string()), v.minLength(1, 'must have at least one prompt'), v.maxLength(MAX_CHOICES)),
    ],
    'must be a string or a list of strings; token ids are not taken, because each provider has its own',
  ),
  logprobs: optional(integer(0, 5)),
  echo: optional(v.boolean()),
  suffix: optional(v.string()),
  best_of: optional(integer(1)),
});

/** Fields of OpenAI's API that mean nothing to an open model: taken, and not counted as dropped. */
const HARMLESS = new Set([
  'store',
  'metadata',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
]);

const CHAT_FIELDS = new Set(Object.keys(chatBody.entries));
const COMPLETION_FIELDS = new Set(Object.keys(completionBody.entries));

/** What the transport says about a call: its id, and what came in headers. */
export interface CallContext {
  readonly id: string;
  readonly timeoutMs?: number;
  /** `x-chasqui-strict: 1` */
  readonly strict: boolean;
  /** `x-session-id` */
  readonly session?: string;
}

/** The body by its schema, and the caller's fields that the schema does not have. */
function checkCall<T extends v.GenericSchema>(schema: T, fields: ReadonlySet<string>, raw: unknown) {
  const body = check(schema, raw);
  const unknown = Object.keys(raw as object).filter((key) => !fields.has(key) && !HARMLESS.has(key));
  return { body, unknown };
}

function notBuilt(param: string, instead: string): GatewayError {
  return new GatewayError('unsupported_parameter', `${param} is not built yet. ${instead}`, { param, status: 501 });
}

type Shared = v.InferOutput<typeof chatBody> | v.InferOutput<typeof completionBody>;

function modelsOf(body: Shared): string[] {
  const names = [...new Set([...(body.model ? [body.model] : []), ...(body.models ?? [])])];
  if (names.length === 0) {
    throw new GatewayError('invalid_request', 'model: is required. GET /v1/models lists what can be asked for.', {
      param: 'model',
    });
  }
  return names;
}

/** Strict is what a header asks for, whatever the body says. */
const routingOf = (body: Shared, strict: boolean): Routing => ({
  ...toRouting(body.provider ?? {}),
  ...(strict ? { requireParameters: true } : {}),
});

/** The caller's name for each of our sampling fields. */
const SAMPLING = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  min_p: 'minP',
  seed: 'seed',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  repetition_penalty: 'repetitionPenalty',
  logit_bias: 'logitBias',
  user: 'user',
} as const satisfies Partial<Record<keyof Shared, keyof Sampling>>;

function samplingOf(body: Shared): Record<string, unknown> {
  const sampling: Record<string, unknown> = {};
  for (const [field, ours] of Object.entries(SAMPLING)) {
    const value = body[field as keyof typeof SAMPLING];
    if (value !== null && value !== undefined) sampling[ours] = value;
  }
  return sampling;
}

function common(body: Shared, unknownParameters: readonly string[], context: CallContext) {
  if (body.vote != null) throw notBuilt('vote', 'Ask for n samples and count them in your own code.');
  const stop = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  return {
    id: context.id,
    models: modelsOf(body),
    n: body.n ?? 1,
    stop: stop.filter((text) => text !== ''),
    stream: body.stream ?? false,
    routing: routingOf(body, context.strict),
    templating: {
      ...(body.template?.name == null ? {} : { name: body.template.name }),
      ...(body.template?.markers == null ? {} : { markers: body.template.markers }),
    },
    unknownParameters,
    ...(context.session === undefined ? {} : { session: context.session }),
    ...(context.timeoutMs === undefined ? {} : { timeoutMs: context.timeoutMs }),
  };
}

/** What a dialect gives the rest of the house, and what it keeps for encoding the answer. */
export interface Parsed<C extends Call = Call> {
  readonly call: C;
  readonly includeUsage: boolean;
}

/** A body of `POST /v1/chat/completions`. Throws `invalid_request` naming the field. */
export function parseChat(raw: unknown, context: CallContext): Parsed<ChatCall> {
  const { body, unknown } = checkCall(chatBody, CHAT_FIELDS, raw);
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  const sampling: Sampling = {
    ...samplingOf(body),
    ...(body.logprobs ? { logprobs: body.top_logprobs ?? 0 } : {}),
    ...(body.reasoning_effort ? { reasoningEffort: body.reasoning_effort } : {}),
    ...(body.parallel_tool_calls == null ? {} : { parallelToolCalls: body.parallel_tool_calls }),
  };
  const toolList = toTools(body.tools ?? []);
  const choice = body.tool_choice == null ? undefined : toToolChoice(body.tool_choice);
  if (typeof choice === 'object' && !toolList.some((tool) => tool.name === choice.name)) {
    const param = 'tool_choice.function.name';
    throw new GatewayError('invalid_request', `${param}: "${choice.name}" is not one of the tools.`, { param });
  }
  if (choice === 'required' && toolList.length === 0) {
    throw new GatewayError('invalid_request', 'tool_choice: "required" needs tools to choose from.', {
      param: 'tool_choice',
    });
  }
  return {
    call: {
      kind: 'chat',
      ...common(body, unknown, context),
      sampling,
      messages: body.messages.map(toMessage),
      tools: toolList,
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(choice === undefined ? {} : { toolChoice: choice }),
      ...(body.response_format == null || body.response_format.type === 'text'
        ? {}
        : { responseFormat: toResponseFormat(body.response_format) }),
    },
    includeUsage: body.stream_options?.include_usage ?? false,
  };
}

/** A body of `POST /v1/completions`. Throws `invalid_request` naming the field. */
export function parseCompletion(raw: unknown, context: CallContext): Parsed<CompletionCall> {
  const { body, unknown } = checkCall(completionBody, COMPLETION_FIELDS, raw);
  const shared = common(body, unknown, context);
  if (body.best_of != null && body.best_of !== shared.n) {
    const param = 'best_of';
    throw new GatewayError('unsupported_parameter', 'best_of: no provider here ranks samples. Use n.', { param });
  }
  const prompts = typeof body.prompt === 'string' ? [body.prompt] : body.prompt;
  if (prompts.length * shared.n > MAX_CHOICES) {
    throw new GatewayError('invalid_request', `n: prompts times n must be at most ${MAX_CHOICES}.`, { param: 'n' });
  }
  return {
    call: {
      kind: 'completion',
      ...shared,
      sampling: { ...samplingOf(body), ...(body.logprobs == null ? {} : { logprobs: body.logprobs }) },
      prompts,
      echo: body.echo ?? false,
      // An empty suffix is a gap at the end, which is what any completion fills.
      ...(body.suffix ? { suffix: body.suffix } : {}),
      ...(body.max_tokens == null ? {} : { maxTokens: body.max_tokens }),
    },
    includeUsage: body.stream_options?.include_usage ?? false,
  };
}

/** A body of either of the two calls, told apart by what they must have. */
export function parseCall(raw: unknown, context: CallContext): Call {
  const has = (key: string): boolean => typeof raw === 'object' && raw !== null && key in raw;
  if (has('messages')) return parseChat(raw, context).call;
  if (has('prompt')) return parseCompletion(raw, context).call;
  throw new GatewayError(
    'invalid_request',
    'messages: is required, or prompt: send the body of a chat or a completion.',
    {
      param: 'messages',
    },
  );
}
