import * as v from 'valibot';
import {
  type Call,
  type ChatCall,
  type CompletionCall,
  GatewayError,
  isObject,
  type Prompt,
  type Routing,
  type Sampling,
} from '../../core/index.ts';
import { check } from './check.ts';
import { integer, MAX_CHOICES, MAX_SESSION, optional, shared } from './fields.ts';
import { assertResultsFollowCalls, message, toMessage } from './messages.ts';
import { toRouting } from './routing.ts';
import { straysOf } from './strays.ts';
import { functionCall, functions, responseFormat, toolChoice, tools, toResponseFormat, toTooling } from './tools.ts';
import { shapeOf, unknownInside } from './unknown.ts';

/** OpenRouter's way to say how much to think, and whether to show it (openrouter.ai/docs/use-cases/reasoning-tokens). */
const reasoning = v.object({
  effort: optional(v.string()),
  max_tokens: optional(integer(0)),
  exclude: optional(v.boolean()),
  enabled: optional(v.boolean()),
  summary: optional(v.string()),
});

const chatBody = v.object({
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

/** Which of the forms a prompt has shows in its first member, so that an error names the place where it stops having it. */
function promptForm(prompt: unknown) {
  if (!Array.isArray(prompt)) return promptText;
  const [first]: unknown[] = prompt;
  return typeof first === 'number' ? tokenIds : Array.isArray(first) ? tokenLists : texts;
}

const completionBody = v.object({
  ...shared,
  max_tokens: optional(integer(0)),
  prompt: v.lazy(promptForm),
  logprobs: optional(integer(0, 20)),
  echo: optional(v.boolean()),
  suffix: optional(v.string()),
  best_of: optional(integer(1)),
});

/** What a body may hold, by its schema, in the forms that are asked for it. */
const known = (schema: typeof chatBody | typeof completionBody) => ({
  fields: new Set(Object.keys(schema.entries)),
  shape: shapeOf(schema),
});
const CHAT = known(chatBody);
const COMPLETION = known(completionBody);

/** What the transport says about a call: its id, and what came in headers. */
export interface CallContext {
  readonly id: string;
  readonly timeoutMs?: number;
  /** `x-chasqui-strict: 1` */
  readonly strict: boolean;
  /** `x-session-id` */
  readonly session?: string;
}

/** The body by its schema, and what of the caller's the schema does not have. */
function checkCall<T extends v.GenericSchema>(schema: T, { fields, shape }: typeof CHAT, raw: unknown) {
  const body = check(schema, raw);
  // `check` has seen that it is an object.
  const given = isObject(raw) ? raw : {};
  const { dropped, extra } = straysOf(given, fields);
  return { body, unread: [...dropped, ...unknownInside(given, shape)], extra };
}

function notBuilt(param: string, instead: string): GatewayError {
  return new GatewayError('not_implemented', `${param} is not built yet. ${instead}`, { param });
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

const SAMPLING_FIELDS = Object.entries(SAMPLING);

function samplingOf(body: Shared): Record<string, unknown> {
  const sampling: Record<string, unknown> = {};
  for (const [field, ours] of SAMPLING_FIELDS) {
    const value = body[field as keyof typeof SAMPLING];
    if (value !== null && value !== undefined) sampling[ours] = value;
  }
  return sampling;
}

/** The caller's word for a conversation: its own, or what OpenAI calls its prompt cache. A body goes before a header. */
function sessionOf(body: Shared, context: CallContext): { session?: string } {
  const session = body.session_id || context.session || body.prompt_cache_key?.slice(0, MAX_SESSION);
  return session ? { session } : {};
}

function common(
  body: Shared,
  unread: readonly string[],
  extra: Readonly<Record<string, unknown>>,
  context: CallContext,
) {
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
    unknownParameters: unread,
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
    ...sessionOf(body, context),
    ...(context.timeoutMs === undefined ? {} : { timeoutMs: context.timeoutMs }),
  };
}

/** How an answer is to be written, which no provider needs to know. */
export interface Wishes {
  /** A stream ends with its usage. */
  readonly includeUsage: boolean;
  /** What the model thinks is not shown. */
  readonly hideReasoning: boolean;
  /** Tools were named in the older form, so calls come as `function_call`. */
  readonly legacyFunctions: boolean;
}

/** What a dialect gives the rest of the house, and what it keeps for encoding the answer. */
export interface Parsed<C extends Call = Call> extends Wishes {
  readonly call: C;
}

const wantsUsage = (body: Shared): boolean => body.stream_options?.include_usage ?? body.usage?.include ?? false;

/** What of `reasoning` no wire here can be told. */
function unheardOf(asked: v.InferOutput<typeof reasoning> | null | undefined): string[] {
  if (!asked) return [];
  return [
    ...(asked.max_tokens == null ? [] : ['reasoning.max_tokens']),
    ...(asked.summary == null ? [] : ['reasoning.summary']),
  ];
}

/** How much the model is to think, if at all. */
function thinkingOf(body: v.InferOutput<typeof chatBody>): Pick<Sampling, 'reasoningEffort' | 'thinking'> {
  const { reasoning: asked } = body;
  const effort = body.reasoning_effort || asked?.effort;
  return {
    ...(effort ? { reasoningEffort: effort } : {}),
    // An effort says it already.
    ...(asked?.enabled == null || (asked.enabled && effort) ? {} : { thinking: asked.enabled }),
  };
}

/** A body of `POST /v1/chat/completions`. Throws `invalid_request` naming the field. */
export function parseChat(raw: unknown, context: CallContext): Parsed<ChatCall> {
  const { body, unread, extra } = checkCall(chatBody, CHAT, raw);
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  if (body.top_logprobs && !body.logprobs) {
    const param = 'top_logprobs';
    throw new GatewayError('invalid_request', `${param}: needs logprobs: true.`, { param });
  }
  const sampling: Sampling = {
    ...samplingOf(body),
    ...(body.logprobs ? { logprobs: body.top_logprobs ?? 0 } : {}),
    ...thinkingOf(body),
    ...(body.parallel_tool_calls == null ? {} : { parallelToolCalls: body.parallel_tool_calls }),
  };
  const { legacy, unread: otherForm, ...tooling } = toTooling(body);
  const messages = body.messages.map(toMessage);
  assertResultsFollowCalls(messages);
  return {
    call: {
      kind: 'chat',
      ...common(body, [...unread, ...otherForm, ...unheardOf(body.reasoning)], extra, context),
      sampling,
      messages,
      ...tooling,
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(body.response_format == null || body.response_format.type === 'text'
        ? {}
        : { responseFormat: toResponseFormat(body.response_format) }),
    },
    includeUsage: wantsUsage(body),
    hideReasoning: body.reasoning?.exclude ?? body.include_reasoning === false,
    legacyFunctions: legacy,
  };
}

type WirePrompt = v.InferOutput<typeof completionBody>['prompt'];

const isTokens = (prompt: Exclude<WirePrompt, string>): prompt is number[] => typeof prompt[0] === 'number';

const promptsOf = (prompt: WirePrompt): readonly Prompt[] =>
  typeof prompt === 'string' || isTokens(prompt) ? [prompt] : prompt;

/** A body of `POST /v1/completions`. Throws `invalid_request` naming the field. */
export function parseCompletion(raw: unknown, context: CallContext): Parsed<CompletionCall> {
  const { body, unread, extra } = checkCall(completionBody, COMPLETION, raw);
  const shared = common(body, unread, extra, context);
  if (body.best_of != null && body.best_of !== shared.n) {
    const param = 'best_of';
    throw new GatewayError('unsupported_parameter', 'best_of: no provider here ranks samples. Use n.', { param });
  }
  const prompts = promptsOf(body.prompt);
  if (body.max_tokens === 0 && !body.echo) {
    const param = 'max_tokens';
    throw new GatewayError('invalid_request', `${param}: must be at least 1, or 0 with echo: true.`, { param });
  }
  if (body.suffix && prompts.some((prompt) => typeof prompt !== 'string')) {
    const param = 'suffix';
    throw new GatewayError('invalid_request', `${param}: needs a prompt of text, not of token ids.`, { param });
  }
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
    includeUsage: wantsUsage(body),
    hideReasoning: false,
    legacyFunctions: false,
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
