/** Maps Replicate's errors, of requests and of predictions, to GatewayErrors. */
import {
  codeForStatus,
  type ErrorCode,
  type ErrorDetails,
  GatewayError,
  parseRetryAfter,
  promptTooLong,
  sanitise,
  shownId,
} from '../../src/core/index.ts';

const provider = 'replicate';

/** What a caller reads, by code, if Replicate refused a request. */
const MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  provider_auth:
    'Replicate did not accept the gateway’s token or its credit. Check REPLICATE_API_TOKEN and the account.',
  model_not_found: 'Replicate does not have this model or version. Ask another provider, or correct its id.',
  invalid_request: 'Replicate did not accept the input. Check the parameters of the request.',
  provider_rate_limited: 'Replicate limits the rate of requests. Wait and send the request again.',
  timeout: 'Replicate did not answer in time. Send the request again.',
};

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly retryAfterMs?: number;
}

/** Problem details (RFC 9457), `{"detail": …}` alone, or no JSON at all. */
function problemOf(body: string): Problem {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { detail: body };
  }
  if (typeof json !== 'object' || json === null) return { detail: body };
  const title = 'title' in json && typeof json.title === 'string' ? json.title : undefined;
  const detail = 'detail' in json ? json.detail : undefined;
  const retryAfter = 'retry_after' in json ? json.retry_after : undefined;
  return {
    ...(title === undefined ? {} : { title }),
    detail: typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? title ?? ''),
    ...(typeof retryAfter === 'number' && retryAfter >= 0 ? { retryAfterMs: Math.ceil(retryAfter * 1000) } : {}),
  };
}

/** "Your rate limit resets in ~30s." https://replicate.com/docs/topics/predictions/rate-limits */
function resetsIn(detail: string | undefined): number | undefined {
  const seconds = /~(\d{1,6})s\b/.exec(detail?.slice(0, 2000) ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** It goes away by itself after a while. */
const isPassing = (code: ErrorCode): boolean => code === 'provider_rate_limited' || code === 'provider_overloaded';

/** The error of a request that did not succeed. `body` is the text of the answer, as far as it could be read. */
export function httpError(request: 'create' | 'get', response: Response, body: string): GatewayError {
  const { status } = response;
  const problem = problemOf(body);
  const words = `${problem.title ?? ''} ${problem.detail ?? ''}`.slice(0, 2000);
  const mapped = status === 422 && NO_SUCH_VERSION.test(words) ? 'model_not_found' : codeForStatus(status);
  // It is not the caller's fault if we cannot read a prediction that we made.
  const code =
    request === 'get' && (mapped === 'model_not_found' || mapped === 'invalid_request') ? 'provider_error' : mapped;
  const retryAfterMs =
    parseRetryAfter(response.headers.get('retry-after')) ?? problem.retryAfterMs ?? resetsIn(problem.detail);
  const upstreamMessage = sanitise(problem.detail ?? '');
  const upstreamRequestId = shownId(response.headers.get('cf-ray'));
  return new GatewayError(
    code,
    MESSAGES[code] ?? 'Replicate failed. Send the request again, or ask another provider.',
    {
      provider,
      upstreamStatus: status,
      ...(problem.title === undefined ? {} : { upstreamCode: sanitise(problem.title) }),
      ...(upstreamMessage ? { upstreamMessage } : {}),
      ...(upstreamRequestId ? { upstreamRequestId } : {}),
      ...(isPassing(code) && retryAfterMs !== undefined ? { retryAfterMs } : {}),
      // A create is not idempotent: a server that failed may still have made the prediction.
      ...(request === 'create' ? { maybeBilled: status >= 500 || status === 408 } : {}),
    },
  );
}

/** The code in an error: an engine's (`E1002`, replicate/cog-triton README) or the platform's (`code: PA`). */
export const engineCode = (error: string): string | undefined =>
  /\b(E\d{3,4})\b|\(code: ([A-Z]{1,8})\)/.exec(error.slice(0, 2000))?.slice(1).find(Boolean);

/** cog-vllm also raises this when it reaches the context limit while it writes. Then the answer is complete. */
export const PROMPT_TOO_LONG = 'E1002';
/** The same from models on vLLM or transformers, which have no code for it. */
const OVERFLOW = /maximum (context|model) length|prompt (is )?too long|longer than the (maximum|model)|max_model_len/i;

/**
 * "The input or output was flagged as sensitive. Please try again with different inputs. (E005)", as Replicate's users
 * quote it.
 */
const SENSITIVE = /\bE005\b|flagged as sensitive/i;

/** "Invalid version or not permitted", under 422: https://replicate.com/docs/reference/http#predictions.create */
const NO_SUCH_VERSION = /invalid version or not permitted|version does not exist/i;

const refused = 'The model on Replicate did not accept the input. Check the prompt and the parameters.';
const broke = 'The model failed on Replicate. Send the request again, or ask another provider.';

/** The error of a prediction that failed, from its `error` text. */
export function predictionError(error: string): GatewayError {
  const upstreamCode = engineCode(error);
  const upstreamMessage = sanitise(error);
  const details: ErrorDetails = {
    provider,
    ...(upstreamCode === undefined ? {} : { upstreamCode }),
    ...(upstreamMessage ? { upstreamMessage } : {}),
  };
  if (upstreamCode === PROMPT_TOO_LONG || OVERFLOW.test(error.slice(0, 2000))) {
    return new GatewayError('context_length_exceeded', promptTooLong('Replicate'), details);
  }
  if (SENSITIVE.test(error.slice(0, 2000))) {
    return new GatewayError(
      'content_policy',
      'Replicate refused the content by its policy. Change the prompt.',
      details,
    );
  }
  if (upstreamCode !== undefined && /^E1\d{3}$/.test(upstreamCode))
    return new GatewayError('invalid_request', refused, details);
  return new GatewayError('provider_error', broke, details);
}

const ended =
  (code: ErrorCode, upstreamCode: string, message: string, details: ErrorDetails = {}) =>
  () =>
    new GatewayError(code, message, { provider, upstreamCode, ...details });

/** Cancelled while running: by `Cancel-After`, from Replicate's dashboard, or by us (then no caller is waiting). */
export const canceledError = ended(
  'canceled',
  'canceled',
  'The prediction was canceled at Replicate before it was complete. Send the request again.',
);
/** `Cancel-After` passed before it started. Public models do not bill that. */
export const abortedError = ended(
  'timeout',
  'aborted',
  'The model did not start on Replicate before the deadline. Send the request again, with more time.',
  { maybeBilled: false },
);
export const lostError = ended(
  'provider_error',
  'data_removed',
  'Replicate has no text for this prediction any more. Send the request again.',
);

export const interrupted = (): GatewayError =>
  new GatewayError(
    'stream_interrupted',
    'Replicate’s stream ended early and the rest of the answer could not be had. Send the request again.',
    { provider },
  );

/** A request of ours took longer than its limit. */
export const tooLate = (): GatewayError =>
  new GatewayError('timeout', 'Replicate did not answer in time.', { provider });
