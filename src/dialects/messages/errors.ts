/** Errors, as Anthropic's clients read them. */
import type { ErrorCode, GatewayError } from '../../core/index.ts';
import { type ErrorForm, errorMetadata, messageOf, retryHeaders } from '../dialect.ts';

/** Anthropic's `error.type` (platform.claude.com/docs/en/api/errors). Clients choose by it, and by the status. */
const TYPES: Readonly<Record<ErrorCode, string>> = {
  invalid_request: 'invalid_request_error',
  context_length_exceeded: 'invalid_request_error',
  unsupported_parameter: 'invalid_request_error',
  model_not_found: 'not_found_error',
  no_eligible_offer: 'invalid_request_error',
  not_found: 'not_found_error',
  not_implemented: 'api_error',
  authentication: 'authentication_error',
  permission_denied: 'permission_error',
  insufficient_budget: 'billing_error',
  request_in_progress: 'invalid_request_error',
  already_completed: 'invalid_request_error',
  rate_limit_exceeded: 'rate_limit_error',
  content_policy: 'invalid_request_error',
  provider_rate_limited: 'rate_limit_error',
  provider_overloaded: 'overloaded_error',
  provider_unavailable: 'api_error',
  provider_error: 'api_error',
  provider_auth: 'api_error',
  timeout: 'timeout_error',
  canceled: 'api_error',
  stream_interrupted: 'api_error',
  internal: 'api_error',
};

const TOO_LARGE = 413;
const OVERLOADED = 529;

function typeOf(error: GatewayError): string {
  return error.status === TOO_LARGE ? 'request_too_large' : TYPES[error.code];
}

/** Tokens of a prompt, of the output that was asked for beside it, and of the context that has no room for both. */
interface Sizes {
  readonly tokens: number;
  readonly output: number;
  readonly limit: number;
}

/** The sizes at the offer with the longest context. Without one, all that is known is that the prompt is above it. */
function sizesOf({ details }: GatewayError): Sizes | undefined {
  let largest: Sizes | undefined;
  for (const { prompt_tokens: tokens, context_length, max_tokens } of details.offers ?? []) {
    if (typeof tokens !== 'number') continue;
    const limit = typeof context_length === 'number' ? context_length : Math.max(0, tokens - 1);
    const output = typeof max_tokens === 'number' ? max_tokens : 0;
    if (!largest || limit > largest.limit) largest = { tokens, output, limit };
  }
  return largest;
}

/**
 * Claude Code shortens a conversation, and goes on, if it reads the first of these words and no others; at the second
 * it asks for less output. It takes the numbers from them. (Strings of its 2.1.332.) What else there is to say is in
 * the metadata.
 */
function overflow(error: GatewayError): string | undefined {
  const sizes = sizesOf(error);
  if (!sizes) return undefined;
  const { tokens, output, limit } = sizes;
  if (tokens < limit && tokens + output > limit) {
    return `input length and \`max_tokens\` exceed context limit: ${tokens} + ${output} > ${limit}`;
  }
  return `prompt is too long: ${Math.max(tokens, limit + 1)} tokens > ${limit} maximum`;
}

/** Anthropic's clients wait as long as they are told to. A limit by the minute is free again after 61 s at most. */
const LONGEST_WAIT_MS = 61_000;

/** Any failure, in Anthropic's envelope. `code`, `param` and `metadata` are ours. */
export const messagesError: ErrorForm = (error, requestId) => {
  const status = error.code === 'provider_overloaded' ? OVERLOADED : error.status;
  const message = messageOf(error);
  const words = error.code === 'context_length_exceeded' ? overflow(error) : undefined;
  const metadata = errorMetadata(error);
  return {
    status,
    headers: retryHeaders(error, status, LONGEST_WAIT_MS),
    body: {
      type: 'error',
      error: {
        type: typeOf(error),
        message: words ?? message,
        code: error.code,
        ...(error.details.param === undefined ? {} : { param: error.details.param }),
        metadata: words === undefined ? metadata : { ...metadata, explanation: message },
      },
      request_id: requestId,
    },
  };
};
