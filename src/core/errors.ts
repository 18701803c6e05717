/**
 * The closed list of errors. Every failure of every provider maps to exactly one code. The table says what a caller
 * sees, and whether the relay may retry the same offer. It may always fall back to another offer.
 */
export type ErrorCode =
  | 'invalid_request'
  | 'context_length_exceeded'
  | 'unsupported_parameter'
  | 'model_not_found'
  | 'no_eligible_offer'
  | 'not_found'
  | 'not_implemented'
  | 'authentication'
  | 'permission_denied'
  | 'insufficient_budget'
  | 'request_in_progress'
  | 'already_completed'
  | 'rate_limit_exceeded'
  | 'content_policy'
  | 'provider_rate_limited'
  | 'provider_overloaded'
  | 'provider_unavailable'
  | 'provider_error'
  | 'provider_auth'
  | 'timeout'
  | 'canceled'
  | 'stream_interrupted'
  | 'internal';

export interface ErrorKind {
  /** HTTP status a caller sees. */
  readonly status: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
  /** The same offer may succeed if asked again later. */
  readonly retryable: boolean;
}

const kind = (status: number, type: string, retryable: boolean): ErrorKind => ({
  status,
  type,
  retryable,
});

export const ERROR_KINDS: Readonly<Record<ErrorCode, ErrorKind>> = {
  //                              status  type                     retryable
  invalid_request: /*         */ kind(400, 'invalid_request_error', false),
  context_length_exceeded: /* */ kind(400, 'invalid_request_error', false),
  unsupported_parameter: /*   */ kind(400, 'invalid_request_error', false),
  model_not_found: /*         */ kind(404, 'invalid_request_error', false),
  no_eligible_offer: /*       */ kind(400, 'invalid_request_error', false),
  not_found: /*               */ kind(404, 'invalid_request_error', false),
  not_implemented: /*         */ kind(501, 'api_error', false),
  authentication: /*          */ kind(401, 'authentication_error', false),
  permission_denied: /*       */ kind(403, 'permission_error', false),
  insufficient_budget: /*     */ kind(402, 'insufficient_quota', false),
  request_in_progress: /*     */ kind(409, 'invalid_request_error', false),
  already_completed: /*       */ kind(409, 'invalid_request_error', false),
  rate_limit_exceeded: /*     */ kind(429, 'rate_limit_error', true),
  content_policy: /*          */ kind(400, 'invalid_request_error', false),
  provider_rate_limited: /*   */ kind(429, 'rate_limit_error', true),
  provider_overloaded: /*     */ kind(503, 'api_error', true),
  provider_unavailable: /*    */ kind(502, 'api_error', true),
  provider_error: /*          */ kind(502, 'api_error', true),
  provider_auth: /*           */ kind(502, 'api_error', false),
  timeout: /*                 */ kind(504, 'api_error', true),
  canceled: /*                */ kind(499, 'api_error', false),
  stream_interrupted: /*      */ kind(502, 'api_error', true),
  internal: /*                */ kind(500, 'api_error', false),
};

/** The result of one attempt at one offer. Part of an error's `metadata` and of the debug answer. */
export interface AttemptReport {
  readonly provider: string;
  readonly model: string;
  /** HTTP status the provider answered, if it answered. */
  readonly status?: number;
  readonly type: ErrorCode | 'ok';
  readonly message?: string;
  /** It failed, but may have been billed. */
  readonly maybe_billed?: true;
  readonly ms: number;
}

export interface ErrorDetails {
  /** The request's field at fault, as the caller wrote it: `messages[2].content`. */
  readonly param?: string;
  /** Overrides the kind's status: 413 for a body that is too large, 405 for a method that a route does not take. */
  readonly status?: number;
  readonly provider?: string;
  readonly upstreamStatus?: number;
  /** The provider's own name for the error: `ThrottlingException`, `E1002`. */
  readonly upstreamCode?: string;
  /** The provider's own words, sanitised (see `sanitise`). */
  readonly upstreamMessage?: string;
  readonly upstreamRequestId?: string;
  readonly retryAfterMs?: number;
  /** The provider may have done the work and billed it, so the same request must not be sent to it again. */
  readonly maybeBilled?: boolean;
  /** The server says that it is loading the model. It can be retried until it has. */
  readonly loading?: boolean;
  /** The most tokens of output that the model takes there, where that is why the request was refused. */
  readonly outputLimit?: number;
  /** Overrides the kind's `retryable`. */
  readonly retryable?: boolean;
  readonly attempts?: readonly AttemptReport[];
  /** Why each offer was left out (`no_eligible_offer`). */
  readonly offers?: readonly Readonly<Record<string, unknown>>[];
  /** What an earlier call with the same `Idempotency-Key` came to (`already_completed`). */
  readonly receipt?: Readonly<Record<string, unknown>>;
}

export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'GatewayError';
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }
  get status(): number {
    return this.details.status ?? this.kind.status;
  }
  get retryable(): boolean {
    return this.details.retryable ?? this.kind.retryable;
  }

  /** The same error with other names for the request's fields. */
  renamed(named: (text: string) => string): GatewayError {
    const { param } = this.details;
    return new GatewayError(this.code, named(this.message), {
      ...this.details,
      ...(param === undefined ? {} : { param: named(param) }),
    });
  }

  /** The same error with more known about it. */
  with(details: ErrorDetails): GatewayError {
    return new GatewayError(this.code, this.message, { ...this.details, ...details });
  }
}

/** The error code for an HTTP status, unless a provider has a more specific one. */
export function codeForStatus(status: number): ErrorCode {
  if (status === 401 || status === 402 || status === 403) return 'provider_auth';
  if (status === 404) return 'model_not_found';
  if (status === 408 || status === 504 || status === 524) return 'timeout';
  if (status === 429) return 'provider_rate_limited';
  if (status === 503 || status === 529) return 'provider_overloaded';
  if (status === 502 || (status > 519 && status < 524)) return 'provider_unavailable';
  if (status >= 500) return 'provider_error';
  if (status >= 400) return 'invalid_request';
  return 'provider_error';
}

/** Above these, a number is not a duration but a Unix time, in seconds or in milliseconds. */
const CLOCK_S = 1e9;
const CLOCK_MS = 1e11;

/**
 * The milliseconds that a `Retry-After` header asks for: seconds (fractions too) or an HTTP date. Also reads the Unix
 * times that many services put into `X-RateLimit-Reset`. OpenRouter's is in milliseconds.
 */
export function parseRetryAfter(value: string | null | undefined, now: number = Date.now()): number | undefined {
  if (!value) return undefined;
  const seconds = Number(value);
  if (seconds >= CLOCK_S && seconds < Number.MAX_SAFE_INTEGER) {
    return Math.max(0, Math.ceil(seconds < CLOCK_MS ? seconds * 1000 : seconds) - now);
  }
  if (Number.isFinite(seconds)) return seconds >= 0 && seconds < CLOCK_S ? Math.ceil(seconds * 1000) : undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Anything thrown, as a GatewayError. The text of an unforeseen exception never leaves the gateway. */
export function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError(
    'internal',
    'The gateway failed on its own account. Retry; if it persists, report the x-request-id.',
  );
}

/**
 * Why a signal was aborted. The relay aborts with a GatewayError as the reason. Any other reason means that the
 * caller left.
 */
export function abortReason(signal: AbortSignal): GatewayError {
  if (signal.reason instanceof GatewayError) return signal.reason;
  return new GatewayError('canceled', 'The caller left before the answer was complete.');
}

/**
 * The message for a prompt that is too long, in the words by which clients recognise a context overflow: LiteLLM
 * looks for "prompt is too long", LangChain for "maximum context length", opencode, pi and Cline for "reduce the
 * length of the messages".
 */
export const promptTooLong = (provider: string): string =>
  `The prompt is too long: with its answer it exceeds the model's maximum context length at ${provider}. Please reduce the length of the messages or completion, or use a model with a larger context.`;

/** No answer came: connection refused or reset, unknown host. Never quotes the exception, which may name hosts. */
export function unreachable(provider: string): GatewayError {
  return new GatewayError('provider_unavailable', `${provider} could not be reached.`, { provider });
}
