import { codeForStatus, type ErrorCode } from '../../src/core/index.ts';
import type { ErrorBody } from './error-body.ts';

interface Rule {
  readonly code: ErrorCode;
  /** Matched against the body's `code` and `type`. */
  readonly names?: RegExp;
  /** Matched against the body's message. */
  readonly message?: RegExp;
  /** Statuses it holds for; all, if absent. */
  readonly statuses?: readonly number[];
}

/** Statuses that only say "your request", under which servers report things that have a code of their own. */
const VAGUE = [400, 403, 404, 413, 422];
/** llama.cpp, and Ollama with it, reports some of what is wrong with a request as its own failure. */
const LOCAL = [...VAGUE, 500];

/** One server's words for a thing. All of them are looked for, whoever answers: most servers stand behind another's name. */
type Wording = readonly [who: string, says: RegExp];

/**
 * Prompt, or prompt and output, over the context. Sources are the servers' code and the issues and client tests that quote
 * them: vllm-project/vllm (vllm/renderers/params.py, entrypoints/openai), sgl-project/sglang (tokenizer_manager.py),
 * huggingface/text-generation-inference (router/src/validation.rs), ggml-org/llama.cpp (tools/server), ollama/ollama
 * (server/routes.go), ray-project/ray, docs.together.ai/docs/error-codes, stanford-crfm/helm#2079,
 * BerriAI/litellm (exception_mapping_utils.py), earendil-works/pi (utils/overflow.ts).
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

/** A model that is not there, or not for this account. */
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

/** An image for a model that reads none: the caller's to change, and no failure of the server. */
const NO_IMAGES: readonly Wording[] = [
  ['llama.cpp', /(image|audio) input is not supported/i],
  ['vLLM', /(is not a multimodal model|at most 0 (image|audio|video))/i],
  ['SGLang, Ollama, OpenRouter', /(does not|doesn't|no endpoints found that) support (image|vision|multimodal)/i],
];

const wordings = (code: ErrorCode, statuses: readonly number[], list: readonly Wording[]): Rule[] =>
  list.map(([, message]) => ({ code, message, statuses }));

/** What the status alone gets wrong, first match wins. */
const RULES: readonly Rule[] = [
  // Groq's 400 for what its model wrote: a call or a JSON that cannot be read. It is no fault of the request.
  { code: 'provider_error', names: /^(tool_use_failed|json_validate_failed|output_parse_failed)$/i },
  // Groq's 413: a request larger than what the account may send in a minute.
  { code: 'provider_rate_limited', names: /^rate_limit_exceeded$/i, statuses: VAGUE },
  {
    code: 'context_length_exceeded',
    names:
      /^(context_length_exceeded|context_window_exceeded|model_context_window_exceeded|exceed_context_size_error|too_many_prompt_tokens|model_max_prompt_tokens_exceeded|input_too_long|prompt_too_long)$/i,
    statuses: LOCAL,
  },
  // One field that is too long, not the prompt.
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
  // Credit that has run out does not come back by waiting, unlike Together's `credit_limit`, which is a rate.
  {
    code: 'provider_auth',
    names:
      /^(insufficient_quota|insufficient_balance|exceeded_current_quota_error|arrearage|billing_hard_limit_reached|payment_required)$/i,
  },
];

/** For errors inside a stream, where there is no status: what their names say. */
const NAMES: readonly Required<Pick<Rule, 'code' | 'names'>>[] = [
  { code: 'provider_rate_limited', names: /rate_?limit|too_?many_?requests/i },
  { code: 'provider_overloaded', names: /overload|service_?unavailable|engine_?busy/i },
  { code: 'timeout', names: /time_?out/i },
  { code: 'provider_auth', names: /authentication|permission|unauthorized/i },
  { code: 'model_not_found', names: /not_?found/i },
  { code: 'invalid_request', names: /bad_?request|invalid_request|validation/i },
];

/** The one code for an upstream error. `status` is the answer's, absent inside a stream that began with 200. */
export function errorCode(body: ErrorBody, status: number | undefined): ErrorCode {
  const known = status ?? body.status;
  const names = [body.code, body.type].filter((name) => name !== undefined);
  // Long messages are pages and dumps of input; what a rule looks for stands at the start.
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
