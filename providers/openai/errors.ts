/**
 * Turns errors of servers with an OpenAI API into one `GatewayError`: which code an error gets (rules as data, below),
 * what the caller is told, and what else the answer says (status, request id, when to retry).
 */
import {
  codeForStatus,
  type ErrorCode,
  type ErrorDetails,
  GatewayError,
  parseRetryAfter,
  promptTooLong,
  sanitise,
  shorten,
  shownId,
} from '../../src/core/index.ts';
import { errorBody, errorBodyIn, type UpstreamErrorBody } from './error-body.ts';

/** The two fields in which servers send a model's reasoning. */
export type ReasoningField = 'reasoning' | 'reasoning_content';

/** The server at the other end. */
export interface Upstream {
  /** Provider id, as in `Provider.id`. */
  readonly id: string;
  /** The name that callers read in error messages. */
  readonly name: string;
  /** Called with the field in which the server sent reasoning. */
  readonly reasoningSeen?: (field: ReasoningField) => void;
}

/** The answer ended, broke off or became unreadable before it was complete. */
export const interrupted = (upstream: Upstream): GatewayError =>
  new GatewayError('stream_interrupted', `The answer from ${upstream.name} broke off before it was complete. Retry.`, {
    provider: upstream.id,
  });

interface Rule {
  readonly code: ErrorCode;
  /** Matched against the body's `code` and `type`. */
  readonly names?: RegExp;
  /** Matched against the body's message. */
  readonly message?: RegExp;
  /** HTTP statuses for which the rule holds. Absent: all. */
  readonly statuses?: readonly number[];
}

/**
 * Statuses that only say "something about your request". Servers use them for errors that have a code of their own
 * here.
 */
const VAGUE = [400, 403, 404, 413, 422];
/** llama.cpp and Ollama report some invalid requests as a server error. */
const LOCAL = [...VAGUE, 500];

/** One server's wording. Every wording is tried whoever answers, because most servers are used behind a proxy. */
type Wording = readonly [who: string, says: RegExp];

/**
 * The prompt, or prompt and output together, exceed the context. Sources: the servers' code, and issues and client
 * tests that quote it: vllm-project/vllm (vllm/renderers/params.py, entrypoints/openai), sgl-project/sglang
 * (tokenizer_manager.py), huggingface/text-generation-inference (router/src/validation.rs), ggml-org/llama.cpp
 * (tools/server), ollama/ollama (server/routes.go), ray-project/ray, docs.together.ai/docs/error-codes,
 * stanford-crfm/helm#2079, BerriAI/litellm (exception_mapping_utils.py), earendil-works/pi (utils/overflow.ts).
 */
const OVERFLOWS: readonly Wording[] = [
  ['OpenAI, vLLM, DeepSeek, Together, OpenRouter', /maximum (context|model|input|prompt) length/i],
  ['vLLM since 0.11, NVIDIA NIM', /model'?s context length is only \d+/i],
  ['vLLM, max_tokens worked out below 1', /max_tokens must be at least 1, got -\d/i],
  ['vLLM, the engine', /max_model_len|maximum model length/i],
  ['SGLang, Together', /longer than the (maximum )?(model|context)|longer than the model'?s context length/i],
  ['SGLang, LiteLLM', /exceeds? (the )?(model'?s )?(maximum )?(allowed )?(context|input) (length|window|size)/i],
  ['TGI, Together', /`inputs` tokens \+ `max_new_tokens` must be <=|`inputs` must have less than \d+ tokens/i],
  ['Together', /input token count \+ max_tokens must be/i],
  ['llama.cpp', /exceeds? the available context size|context size has been exceeded/i],
  ['Ollama', /prompt too long; exceeded (max )?context length/i],
  ['LM Studio', /when context overflows|greater than the context length/i],
  ['Mistral', /too large for model with \d+ maximum context length/i],
  ['Groq, Cerebras', /reduce the length of (the|your) (messages|prompt|input)|current length is \d+ while limit is/i],
  ['Fireworks, Anthropic, Bedrock', /(prompt|input) is too long/i],
  ['RayLLM', /input too long\.? rec/i],
  ['OpenAI', /input tokens? exceeds? the configured limit|exceeds the context window/i],
  ['Azure, Copilot', /prompt token count of \d+ exceeds the limit/i],
  ['Gemini', /exceeds the maximum number of tokens allowed/i],
  ['Moonshot, MiniMax', /exceeded model token limit|context window exceeds limit/i],
  ['DashScope', /range of input length should be/i],
  ['Cohere', /too many tokens: size limit exceeded/i],
  ['Cloudflare Workers AI', /exceeded this model context window limit/i],
  ['Perplexity', /user input tokens exceeds|total length of all messages is too long/i],
];

/** The model does not exist, or this account may not use it. */
const UNKNOWN_MODELS: readonly Wording[] = [
  ['OpenAI, vLLM, Groq, Cerebras', /model .{0,200}(does not exist|is not (available|supported|running))/i],
  ['Ollama, LM Studio, llama.cpp', /model .{0,200}not found|no models? (is |are )?loaded/i],
  ['Ray Serve', /(could not|unable to) find (base )?(model|\S+\. please ensure that the model exists)/i],
  ['Together', /unable to access (non-serverless )?model/i],
  ['Mistral', /^invalid model: /i],
  ['Groq', /model .{0,200}has been decommissioned/i],
  ['Fireworks', /model not found, inaccessible, and\/or not deployed/i],
  ['OpenRouter', /is not a valid model id|no endpoints found for/i],
  ['Hugging Face', /model .{0,200}is not supported by (any )?provider/i],
  ['Cloudflare Workers AI', /no such model/i],
];

/** The request has an image and the model takes none. The caller must change the request; the server did not fail. */
const NO_IMAGES: readonly Wording[] = [
  ['llama.cpp', /(image|audio) input is not supported/i],
  ['vLLM', /(is not a multimodal model|at most 0 (image|audio|video))/i],
  ['SGLang, Ollama, OpenRouter', /(does not|doesn't|no endpoints found that) support (image|vision|multimodal)/i],
];

/**
 * The model writes less than `max_tokens`; the group is the most that it does. From what the services' users report:
 * ChatGPTNextWeb/NextChat#3195 for OpenAI's, the others likewise.
 */
const OUTPUT_LIMITS: readonly Wording[] = [
  ['OpenAI, Azure', /max_(?:completion_)?tokens is too large: \d+\. This model supports at most (\d{1,9}) completion/i],
  ['Anthropic', /max_tokens: \d+ > (\d{1,9}), which is the maximum allowed number of output tokens/i],
  ['Groq', /`max_(?:completion_)?tokens` must be less than or equal to `(\d{1,9})`/i],
  ['DeepSeek, DashScope', /range of max_tokens (?:is|should be) \[1, ?(\d{1,9})\]/i],
];

function outputLimitIn(message: string): number | undefined {
  for (const [, says] of OUTPUT_LIMITS) {
    const [, limit] = says.exec(message) ?? [];
    if (limit !== undefined) return Number(limit);
  }
  return undefined;
}

const wordings = (code: ErrorCode, statuses: readonly number[], list: readonly Wording[]): Rule[] =>
  list.map(([, message]) => ({ code, message, statuses }));

/** Errors that the HTTP status alone would get wrong. The first match wins. */
const RULES: readonly Rule[] = [
  // Groq's 400 for a tool call or JSON of its model that it cannot parse. The request is not at fault.
  { code: 'provider_error', names: /^(tool_use_failed|json_validate_failed|output_parse_failed)$/i },
  // Groq's 413: the request is larger than the account's limit for a minute.
  { code: 'provider_rate_limited', names: /^rate_limit_exceeded$/i, statuses: VAGUE },
  {
    code: 'context_length_exceeded',
    names:
      /^(context_length_exceeded|context_window_exceeded|model_context_window_exceeded|exceed_context_size_error|too_many_prompt_tokens|model_max_prompt_tokens_exceeded|input_too_long|prompt_too_long)$/i,
    statuses: LOCAL,
  },
  // One field is too long, not the prompt.
  { code: 'invalid_request', names: /^string_above_max_length$/i, statuses: VAGUE },
  ...wordings('context_length_exceeded', VAGUE, OVERFLOWS),
  { code: 'context_length_exceeded', message: /exceeds? the available context size/i, statuses: LOCAL },
  ...wordings('unsupported_parameter', LOCAL, NO_IMAGES),
  {
    code: 'content_policy',
    names: /^(content_policy_violation|content_filter|moderation_blocked|input_moderation)/i,
    statuses: VAGUE,
  },
  {
    code: 'content_policy',
    message:
      /content (management |moderation )?policy|flagged (as|by|for) |safety (system|filter|model)|responsible ?ai ?policy/i,
    statuses: VAGUE,
  },
  {
    code: 'unsupported_parameter',
    names: /^(unsupported_parameter|unsupported_value|extra_forbidden|unknown_parameter)$/i,
    statuses: VAGUE,
  },
  {
    code: 'unsupported_parameter',
    message:
      /extra (inputs|fields) (are )?not permitted|unrecognized request argument|(parameter|argument|field) .{0,80}(is )?(not supported|unsupported)|does not support (tools|tool|function|json|response_format|logprobs|images)/i,
    statuses: VAGUE,
  },
  {
    code: 'model_not_found',
    names:
      /^(model_not_(found|available)|dedicated_endpoint_not_running|model_not_supported|invalid_model|model_decommissioned|deploymentnotfound)$/i,
    statuses: VAGUE,
  },
  ...wordings('model_not_found', VAGUE, UNKNOWN_MODELS),
  { code: 'provider_auth', names: /^(invalid_api_key|authentication_error|AuthenticationError|permission_error)$/i },
  // The account has no credit left, so waiting does not help. Together's `credit_limit` is a rate limit, and not here.
  {
    code: 'provider_auth',
    names:
      /^(insufficient_quota|insufficient_balance|exceeded_current_quota_error|arrearage|billing_hard_limit_reached|payment_required)$/i,
  },
];

/** Errors inside a stream have no status: their `code` or `type` decides. */
const NAMES: readonly Required<Pick<Rule, 'code' | 'names'>>[] = [
  { code: 'provider_rate_limited', names: /rate_?limit|too_?many_?requests/i },
  { code: 'provider_overloaded', names: /overload|service_?unavailable|engine_?busy/i },
  { code: 'timeout', names: /time_?out/i },
  { code: 'provider_auth', names: /authentication|permission|unauthorized/i },
  { code: 'model_not_found', names: /not_?found/i },
  { code: 'invalid_request', names: /bad_?request|invalid_request|validation/i },
];

/** The code of an upstream error. `status` is the HTTP status, absent for an error inside a stream. */
function errorCode(body: UpstreamErrorBody, status: number | undefined): ErrorCode {
  const known = status ?? body.status;
  const names = [body.code, body.type].filter((name) => name !== undefined);
  // Long messages are HTML pages or quote the input. What a rule looks for stands at the start.
  const message = body.message?.slice(0, 2000) ?? '';
  for (const rule of RULES) {
    if (known !== undefined && rule.statuses && !rule.statuses.includes(known)) continue;
    if (rule.names && names.some((name) => rule.names?.test(name))) return rule.code;
    if (rule.message?.test(message)) return rule.code;
  }
  if (known !== undefined) return codeForStatus(known);
  for (const rule of NAMES) if (names.some((name) => rule.names.test(name))) return rule.code;
  return 'provider_error';
}

/** What the caller is told, by code. The provider's own message goes along in `details.upstreamMessage`. */
const MESSAGES: Readonly<Partial<Record<ErrorCode, (name: string) => string>>> = {
  invalid_request: (p) => `${p} refused the request as invalid. Its reason is in the error's metadata.`,
  context_length_exceeded: promptTooLong,
  content_policy: (p) => `${p} refused the request under its content policy.`,
  model_not_found: (p) => `${p} does not serve this model under the configured id, or not to this account.`,
  unsupported_parameter: (p) => `${p} does not take one of the parameters for this model. Leave it out.`,
  provider_auth: (p) =>
    `${p} refused the gateway's credentials or its account is out of credit. Renew them: GET /v1/health?probe=1 says what is wrong.`,
  provider_rate_limited: (p) => `${p} is limiting the rate of requests. Retry later.`,
  provider_overloaded: (p) => `${p} has no capacity for this model at the moment. Retry later.`,
  provider_unavailable: (p) => `${p} is not available at the moment. Retry later.`,
  timeout: (p) => `${p} did not answer in time. Retry.`,
};

/** Headers with an id of the request, most specific first. */
const ID_HEADERS = ['x-request-id', 'x-together-traceid', 'request-id', 'cf-ray'] as const;

/** The provider's id of a request, which its support asks for. */
export function requestId(headers: Headers): string | undefined {
  for (const name of ID_HEADERS) {
    const id = shownId(headers.get(name));
    if (id !== undefined) return id;
  }
  return undefined;
}

/** `retry-after-ms`, `Retry-After`, and with a 429 Together's `x-ratelimit-reset` (seconds). */
function retryAfterMs(headers: Headers, status: number): number | undefined {
  const ms = Number(headers.get('retry-after-ms') || Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return Math.ceil(ms);
  return (
    parseRetryAfter(headers.get('retry-after')) ??
    (status === 429 ? parseRetryAfter(headers.get('x-ratelimit-reset')) : undefined)
  );
}

/** Sent with 503 while a model loads: llama.cpp ("Loading model"), TGI ("Model … is currently loading"). */
const LOADING = /\bloading model\b|\bmodel\b.{0,200}\b(is (currently |still )?)?loading\b/i;

function gatewayError(body: UpstreamErrorBody, upstream: Upstream, status?: number, headers?: Headers): GatewayError {
  const code = errorCode(body, status);
  const message = MESSAGES[code] ?? ((p: string) => `${p} failed to answer. Retry, or choose another provider.`);
  const said = body.message === undefined ? '' : sanitise(body.message);
  const upstreamStatus = status ?? body.status;
  const upstreamCode = shorten(sanitise(body.code ?? body.type ?? ''), 100);
  const id = (headers && requestId(headers)) ?? shownId(body.requestId);
  const outputLimit = code === 'invalid_request' ? outputLimitIn(body.message?.slice(0, 2000) ?? '') : undefined;
  const retryAfter = headers && status !== undefined ? retryAfterMs(headers, status) : undefined;
  const details: ErrorDetails = {
    provider: upstream.id,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(upstreamCode === '' ? {} : { upstreamCode }),
    ...(said === '' ? {} : { upstreamMessage: said }),
    ...(body.param === undefined ? {} : { param: body.param }),
    ...(outputLimit === undefined ? {} : { outputLimit }),
    ...(id === undefined ? {} : { upstreamRequestId: id }),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
    ...(code === 'provider_overloaded' && LOADING.test(said) ? { loading: true } : {}),
  };
  return new GatewayError(code, message(upstream.name), details);
}

/** The error of an answer whose status is not 2xx. `body` is its parsed JSON, or its text. */
export const errorFromAnswer = (upstream: Upstream, status: number, headers: Headers, body: unknown): GatewayError =>
  gatewayError(errorBody(body), upstream, status, headers);

/** The error in a body or chunk that came with status 200. Undefined if it is a normal answer. */
export function errorIn(wire: unknown, upstream: Upstream): GatewayError | undefined {
  const body = errorBodyIn(wire);
  return body && gatewayError(body, upstream);
}

/** The error of an SSE event named `error`, whatever its data. */
export const errorEvent = (data: unknown, upstream: Upstream): GatewayError => gatewayError(errorBody(data), upstream);

/** The error for an answer with status 200 that is not OpenAI's format. Its message, if there is one, goes along. */
export function foreignAnswer(message: string, said: unknown, upstream: Upstream): GatewayError {
  const upstreamMessage = sanitise(errorBody(said).message ?? '');
  return new GatewayError('provider_error', message, {
    provider: upstream.id,
    ...(upstreamMessage === '' ? {} : { upstreamMessage }),
  });
}
