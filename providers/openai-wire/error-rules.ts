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

/**
 * What the status alone gets wrong, first match wins. Messages: Together (400, 403 and 422 for the same overflow, see
 * docs.together.ai/docs/error-codes), text-generation-inference, vLLM and SGLang.
 */
const RULES: readonly Rule[] = [
  {
    code: 'context_length_exceeded',
    names: /^(context_length_exceeded|string_above_max_length)$/i,
    statuses: VAGUE,
  },
  {
    code: 'context_length_exceeded',
    message:
      /`inputs` tokens \+ `max_new_tokens` must be <=|`inputs` must have less than \d+ tokens|maximum (context|model|input) length|input token count \+ max_tokens must be|longer than the (maximum )?(model|context)|exceeds? (the )?(model'?s )?(maximum )?context (length|window|size)|is longer than the model's context length|max_model_len/i,
    statuses: VAGUE,
  },
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
    names: /^(model_not_(found|available)|dedicated_endpoint_not_running|model_not_supported)$/i,
    statuses: VAGUE,
  },
  {
    code: 'model_not_found',
    message:
      /unable to access (non-serverless )?model|model .{0,200}(does not exist|not found|is not (available|supported|running)|could not find)/i,
    statuses: VAGUE,
  },
  { code: 'provider_auth', names: /^(invalid_api_key|authentication_error|AuthenticationError|permission_error)$/i },
  // Credit that has run out does not come back by waiting, unlike Together's `credit_limit`, which is a rate.
  { code: 'provider_auth', names: /^(insufficient_quota|billing_hard_limit_reached|payment_required)$/i },
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
