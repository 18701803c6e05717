import type { GatewayError } from '../../core/index.ts';

/** OpenAI's error envelope with our metadata. Holds only what was made to be shown. */
export interface ErrorBody {
  error: {
    message: string;
    type: string;
    param: string | null;
    code: string;
    metadata: Record<string, unknown>;
  };
}

/** Most clients show the message alone, so what the provider said (sanitised long before) belongs in it. */
function messageOf({ message, details }: GatewayError): string {
  const { provider, upstreamMessage } = details;
  return upstreamMessage && !message.includes(upstreamMessage)
    ? `${message} ${provider ?? 'The provider'} said: ${upstreamMessage}`
    : message;
}

export function errorBody(error: GatewayError): ErrorBody {
  const { details } = error;
  const metadata: Record<string, unknown> = { retryable: error.retryable };
  if (details.provider !== undefined) metadata.provider = details.provider;
  if (details.upstreamStatus !== undefined) metadata.upstream_status = details.upstreamStatus;
  if (details.upstreamCode !== undefined) metadata.upstream_code = details.upstreamCode;
  if (details.upstreamMessage !== undefined) metadata.upstream_message = details.upstreamMessage;
  if (details.upstreamRequestId !== undefined) metadata.upstream_request_id = details.upstreamRequestId;
  if (details.attempts !== undefined) metadata.attempts = details.attempts;
  if (details.offers !== undefined) metadata.offers = details.offers;
  return {
    error: {
      message: messageOf(error),
      type: error.kind.type,
      param: details.param ?? null,
      code: error.code,
      metadata,
    },
  };
}

const DEFAULT_RETRY_AFTER_S = 1;

/**
 * On 429 and 503: `Retry-After` in whole seconds, rounded up, and where it is known the same to the millisecond, which OpenAI's
 * clients prefer (openai-node, `retryRequest`).
 */
export function retryAfter(error: GatewayError): Record<string, string> {
  if (error.status !== 429 && error.status !== 503) return {};
  const ms = error.details.retryAfterMs;
  if (ms === undefined) return { 'retry-after': String(DEFAULT_RETRY_AFTER_S) };
  return { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))), 'retry-after-ms': String(Math.ceil(ms)) };
}
