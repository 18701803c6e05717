import {
  abortReason,
  codeForStatus,
  type ErrorCode,
  GatewayError,
  isObject,
  parseRetryAfter,
  promptTooLong,
  sanitise,
  shownId,
} from '../../src/core/index.ts';

/**
 * Bedrock's refusals and exceptions as GatewayErrors. The name comes in the header `x-amzn-errortype`, in the body's
 * `code` or `__type`, or in a frame of a stream; the message in the body.
 */

/** A text in JSON from outside; empty where there is none. */
export function textIn(value: unknown, name: string): string {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : '';
}

const provider = 'bedrock';

const UNAVAILABLE = 'AWS Bedrock cannot take the request now. Send it again later, or ask another provider.';
const REJECTED = 'AWS Bedrock did not accept the request. Change what it names, or ask another provider.';

/** Messages for callers, by code. */
const MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  provider_auth:
    'AWS Bedrock did not accept the gateway’s credentials. Check them, AWS_REGION, and the account’s access to the model.',
  model_not_found:
    'AWS Bedrock does not serve this model under this id in this region. Ask another provider, or correct the id.',
  context_length_exceeded: promptTooLong('AWS Bedrock'),
  unsupported_parameter:
    'This model on AWS Bedrock does not support a part of the request. Leave it out, or ask another provider.',
  content_policy: 'AWS Bedrock blocked this content by its policy. Change the prompt, or ask another provider.',
  invalid_request: REJECTED,
  provider_rate_limited: 'AWS Bedrock limits the rate of requests. Wait and send the request again.',
  provider_overloaded: UNAVAILABLE,
  provider_unavailable: UNAVAILABLE,
  timeout: 'The model on AWS Bedrock did not answer in time. Send the request again, or ask another provider.',
};
const FAILED = 'The model failed on AWS Bedrock. Send the request again, or ask another provider.';

interface ExceptionKind {
  readonly code: ErrorCode;
  /** Only where it differs from the code's default. */
  readonly retryable?: boolean;
  /** The model is being started: asking again helps. */
  readonly loading?: true;
  /** The caller's field at fault, where the wording tells. */
  readonly param?: string;
}

const kind = (code: ErrorCode, retryable?: boolean): ExceptionKind => ({
  code,
  ...(retryable === undefined ? {} : { retryable }),
});

/**
 * Bedrock's exceptions by name, as the API model and
 * https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html name them. In a stream
 * there is no status, so that the name alone decides. `ValidationException` is told apart by its wording.
 */
const EXCEPTIONS: ReadonlyMap<string, ExceptionKind> = new Map([
  ['ThrottlingException', kind('provider_rate_limited')],
  // An account quota, which waiting does not raise.
  ['ServiceQuotaExceededException', kind('provider_rate_limited', false)],
  // A model that is being started: AWS's own SDK asks five times more.
  ['ModelNotReadyException', { code: 'provider_overloaded', loading: true }],
  ['ServiceUnavailableException', kind('provider_overloaded')],
  ['Overloaded_error', kind('provider_overloaded')],
  // It has taken long already, and may be billed.
  ['ModelTimeoutException', kind('timeout', false)],
  ['InternalServerException', kind('provider_error')],
  ['InternalServerError', kind('provider_error')],
  ['InternalFailure', kind('provider_error')],
  ['ModelErrorException', kind('provider_error', false)],
  ['ModelStreamErrorException', kind('provider_error')],
  ['ConflictException', kind('provider_error', false)],
  ['ResourceNotFoundException', kind('model_not_found')],
  ['FTUFormNotFilled', kind('model_not_found')],
  ['SerializationException', kind('invalid_request')],
  ['AccessDeniedException', kind('provider_auth')],
  ['UnrecognizedClientException', kind('provider_auth')],
  ['InvalidSignatureException', kind('provider_auth')],
  ['MissingAuthenticationTokenException', kind('provider_auth')],
  ['ExpiredTokenException', kind('provider_auth')],
  ['IncompleteSignature', kind('provider_auth')],
  ['RequestExpired', kind('provider_auth')],
  ['InvalidClientTokenId', kind('provider_auth')],
  ['NotAuthorized', kind('provider_auth')],
  ['OptInRequired', kind('provider_auth')],
  ['MPAgreementBeingCreated', kind('provider_auth')],
]);

/** `throttlingException` in a frame, `ns#ThrottlingException:http://…` in a header: `ThrottlingException`. */
function exceptionName(raw: string): string {
  const name = raw.slice(0, 200).split(/[:,]/, 1)[0] ?? '';
  const local = name.slice(name.lastIndexOf('#') + 1);
  // Anything else stays as it came, so that a credential in its place is still recognised and redacted.
  return /^[a-z][A-Za-z_]*$/.test(local) ? local.charAt(0).toUpperCase() + local.slice(1) : local;
}

const TOO_MUCH_OUTPUT: ExceptionKind = { code: 'invalid_request', param: 'max_tokens' };

/**
 * The limit in it: "exceeds the model limit of 4096" (sigoden/aichat#813); where InvokeModel checks a body, "#/max_gen_len:
 * 8192 is not less or equal to 2048".
 */
const OUTPUT_LIMIT = /(?:model limit of|not less or equal to) (\d{1,9})\b/i;

function outputLimitIn(message: string): number | undefined {
  const [, limit] = OUTPUT_LIMIT.exec(message.slice(0, 2000)) ?? [];
  return limit === undefined ? undefined : Number(limit);
}

/**
 * `ValidationException` is Bedrock's name for everything from a typing error to a model that does not exist; only the
 * wording tells them apart. Wordings as publicly reported; the apostrophe is straight in some and curly in others.
 * The first that fits decides.
 */
const WORDINGS: readonly (readonly [RegExp, ExceptionKind])[] = [
  [/model identifier is invalid/i, { code: 'invalid_request', param: 'model' }],
  [/on-demand throughput isn.t supported/i, { code: 'model_not_found' }],
  // A limit on the output, not on the context.
  [/maximum tokens you requested exceeds|#\/max_?\w{1,20}: \d+ is not less or equal to/i, TOO_MUCH_OUTPUT],
  [
    /too long|input tokens|too many tokens|(?:maximum|exceeds?) .{0,40}context (?:length|window|limit|size)/i,
    { code: 'context_length_exceeded' },
  ],
  // Schemas of tools and of answers. "output_config.format: Extra inputs are not permitted" (BerriAI/litellm#27846);
  // "output_config.format.schema: property 'minimum' is not supported" (future-agi/future-agi#412); "The format of
  // the value at toolConfig.tools.0.toolSpec.inputSchema.json is invalid" (aws/aws-sdk-net#3377).
  [/toolSpec\.strict|strict mode/i, { code: 'unsupported_parameter', param: 'tools' }],
  [/input_?schema|toolSpec/i, { code: 'invalid_request', param: 'tools' }],
  [/json_?schema|format\.schema/i, { code: 'invalid_request', param: 'response_format' }],
  [/output_?config|text_?format|structured output/i, { code: 'unsupported_parameter', param: 'response_format' }],
  [/doesn.t support tool use/i, { code: 'unsupported_parameter', param: 'tools' }],
  [/(?:doesn.t|does not) support system/i, { code: 'unsupported_parameter', param: 'messages' }],
  [/(?:doesn.t|does not) support (?:the )?(?:tool_?choice)/i, { code: 'unsupported_parameter', param: 'tool_choice' }],
  [/extraneous key \[|(?:doesn.t|does not) support|isn.t supported|not supported/i, { code: 'unsupported_parameter' }],
  [/content filter/i, { code: 'content_policy' }],
];

/** What a `ValidationException` is about. Reads only the beginning of the message. */
function validationKind(message: string): ExceptionKind {
  const text = message.slice(0, 2000);
  return WORDINGS.find(([wording]) => wording.test(text))?.[1] ?? { code: 'invalid_request' };
}

// The error body, parsed.

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: a page of a proxy, or nothing.
    return undefined;
  }
}

/**
 * AWS's message, or what a proxy says in another form: `{"error": {"message": …}}`, `{"error": …}`, `{"detail": …}`,
 * a text.
 */
function messageIn(body: unknown): string {
  if (typeof body === 'string') return body;
  const message = textIn(body, 'message') || textIn(body, 'Message');
  if (!message && isObject(body))
    return textIn(body.error, 'message') || textIn(body, 'error') || textIn(body, 'detail');
  // A model's own error comes as JSON in the message.
  return message.startsWith('{') ? messageIn(parsed(message)) || message : message;
}

/** In the order in which AWS's own SDK looks for it. */
function nameIn(headers: Response['headers'], body: unknown): string {
  const header = headers.get('x-amzn-errortype');
  if (header) return header;
  if (!isObject(body)) return '';
  const code = Object.keys(body).find((name) => name.toLowerCase() === 'code');
  const name = (code === undefined ? undefined : body[code]) ?? body.__type;
  return typeof name === 'string' || typeof name === 'number' ? String(name) : '';
}

const kindOf = (name: string, said: string, status: number | undefined): ExceptionKind =>
  name === 'ValidationException'
    ? validationKind(said)
    : (EXCEPTIONS.get(name) ?? { code: status === undefined ? 'provider_error' : codeForStatus(status) });

/** @param status of a refusal; a stream's is 200 and says nothing */
function failed(rawName: string, said: string, response: Response, status: number | undefined): GatewayError {
  const name = exceptionName(rawName);
  const found = kindOf(name, said, status);
  const { code, retryable, loading, param } = found;
  const outputLimit = found === TOO_MUCH_OUTPUT ? outputLimitIn(said) : undefined;
  const upstreamMessage = sanitise(said);
  const upstreamRequestId = requestId(response);
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'));
  return new GatewayError(code, MESSAGES[code] ?? FAILED, {
    provider,
    ...(status === undefined ? {} : { upstreamStatus: status }),
    ...(name ? { upstreamCode: sanitise(name) } : {}),
    ...(upstreamMessage ? { upstreamMessage } : {}),
    ...(upstreamRequestId ? { upstreamRequestId } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(param === undefined ? {} : { param }),
    ...(outputLimit === undefined ? {} : { outputLimit }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(loading ? { loading } : {}),
  });
}

/** A refusal: an answer whose status is 300 or more. */
export function refusal(response: Response, text: string): GatewayError {
  const body = parsed(text);
  const said = body === undefined ? text : messageIn(body);
  return failed(nameIn(response.headers, body), said, response, response.status);
}

/** An exception or error inside a stream, by its name; `text` is JSON or a plain message. */
export function streamException(name: string, text: string, response: Response): GatewayError {
  return failed(name, messageIn(parsed(text)) || text, response, undefined);
}

/** What AWS support asks for. */
export const requestId = (response: Response): string | undefined => shownId(response.headers.get('x-amzn-requestid'));

/** The answer ended, broke or became unreadable before it was complete. */
export const interrupted = (): GatewayError =>
  new GatewayError('stream_interrupted', 'The answer from AWS Bedrock broke off before it was complete. Retry.', {
    provider,
  });

/** The answer is complete, and not what the API promises. */
export const foreign = (): GatewayError =>
  new GatewayError('provider_error', 'AWS Bedrock answered with something that is not an answer of this API.', {
    provider,
  });

/** Whatever is thrown while an answer is read, as a GatewayError with the id of its request. */
export function answerError(thrown: unknown, signal: AbortSignal, response: Response): GatewayError {
  if (signal.aborted) return abortReason(signal);
  const error = thrown instanceof GatewayError ? thrown : interrupted();
  const upstreamRequestId = requestId(response);
  return error.with({ provider, ...(upstreamRequestId ? { upstreamRequestId } : {}) });
}
