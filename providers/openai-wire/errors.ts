import {
  type ErrorCode,
  type ErrorDetails,
  GatewayError,
  parseRetryAfter,
  promptTooLong,
  sanitise,
  shorten,
  shownId,
} from '../../src/core/index.ts';
import { type ErrorBody, errorBody, errorBodyIn } from './error-body.ts';
import { errorCode } from './error-rules.ts';
import type { Upstream } from './upstream.ts';

/** What to tell the caller, by code. The provider's own words travel beside it, in `details.upstreamMessage`. */
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

/** Where the servers' and their proxies' ids for a request are, most specific first. */
const ID_HEADERS = ['x-request-id', 'x-together-traceid', 'request-id', 'cf-ray'] as const;

/** The provider's id of a request, for its support. */
export function requestId(headers: Headers): string | undefined {
  for (const name of ID_HEADERS) {
    const id = shownId(headers.get(name));
    if (id !== undefined) return id;
  }
  return undefined;
}

/** `Retry-After`, its variant in milliseconds, and under a 429 Together's `x-ratelimit-reset`, in seconds. */
function retryAfterMs(headers: Headers, status: number): number | undefined {
  const ms = Number(headers.get('retry-after-ms') || Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return Math.ceil(ms);
  return (
    parseRetryAfter(headers.get('retry-after')) ??
    (status === 429 ? parseRetryAfter(headers.get('x-ratelimit-reset')) : undefined)
  );
}

/** llama.cpp ("Loading model") and text-generation servers ("Model … is currently loading"), with 503. */
const LOADING = /\bloading model\b|\bmodel\b.{0,200}\b(is (currently |still )?)?loading\b/i;

function gatewayError(body: ErrorBody, upstream: Upstream, status?: number, headers?: Headers): GatewayError {
  const code = errorCode(body, status);
  const message = MESSAGES[code] ?? ((p: string) => `${p} failed to answer. Retry, or choose another provider.`);
  const said = body.message === undefined ? '' : sanitise(body.message);
  const upstreamStatus = status ?? body.status;
  const upstreamCode = shorten(sanitise(body.code ?? body.type ?? ''), 100);
  const id = (headers && requestId(headers)) ?? shownId(body.requestId);
  const retryAfter = headers && status !== undefined ? retryAfterMs(headers, status) : undefined;
  const details: ErrorDetails = {
    provider: upstream.id,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(upstreamCode === '' ? {} : { upstreamCode }),
    ...(said === '' ? {} : { upstreamMessage: said }),
    ...(body.param === undefined ? {} : { param: body.param }),
    ...(id === undefined ? {} : { upstreamRequestId: id }),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
    ...(code === 'provider_overloaded' && LOADING.test(said) ? { loading: true } : {}),
  };
  return new GatewayError(code, message(upstream.name), details);
}

/** An answer whose status is not 2xx. `body` is its JSON, parsed, or its text. */
export const errorFromAnswer = (upstream: Upstream, status: number, headers: Headers, body: unknown): GatewayError =>
  gatewayError(errorBody(body), upstream, status, headers);

/** The error that an object under status 200 is, whole body or chunk of a stream; undefined if it is an answer. */
export function errorIn(wire: unknown, upstream: Upstream): GatewayError | undefined {
  const body = errorBodyIn(wire);
  return body && gatewayError(body, upstream);
}

/** A named `event: error` of a stream, whatever its data. */
export const errorEvent = (data: unknown, upstream: Upstream): GatewayError => gatewayError(errorBody(data), upstream);

/** An answer under status 200 that is none: what it says, if it says something, goes along. */
export function foreignAnswer(message: string, said: unknown, upstream: Upstream): GatewayError {
  const upstreamMessage = sanitise(errorBody(said).message ?? '');
  return new GatewayError('provider_error', message, {
    provider: upstream.id,
    ...(upstreamMessage === '' ? {} : { upstreamMessage }),
  });
}
