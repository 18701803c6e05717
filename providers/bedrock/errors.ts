import {
  abortReason,
  asGatewayError,
  codeForStatus,
  type ErrorCode,
  GatewayError,
  parseRetryAfter,
  promptTooLong,
  sanitise,
  shownId,
} from '../../src/core/index.ts';
import { EXCEPTIONS, type ExceptionKind, exceptionName } from './exceptions.ts';
import type { HttpHead } from './handler.ts';
import { refusalOf } from './refusals.ts';

const provider = 'bedrock';

const UNAVAILABLE = 'AWS Bedrock cannot take the request now. Send it again later, or ask another provider.';
const REJECTED = 'AWS Bedrock did not accept the request. Change what it names, or ask another provider.';

/** What a caller reads, by code. */
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

/** What a thrown value says of itself; the SDK throws its own classes, plain Errors and, in places, strings. */
const member = (thrown: unknown, name: string): unknown =>
  typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined;
const stringIn = (thrown: unknown, name: string): string => {
  const value = member(thrown, name);
  return typeof value === 'string' ? value : '';
};

/** Names that JavaScript gives, and Bedrock does not: what came could not be read. */
const UNREADABLE = new Set(['', 'Error', 'TypeError', 'RangeError', 'SyntaxError', 'AbortError', 'DataCloneError']);

/** The SDK explains itself in whatever message passes through it; an unmodelled exception brings its JSON. */
function saidBy(thrown: unknown): string {
  const message = stringIn(thrown, 'message').split('\n  Deserialization error:', 1)[0] ?? '';
  if (!message.startsWith('{')) return message === 'UnknownError' || message === 'Unknown' ? '' : message;
  try {
    const parsed: unknown = JSON.parse(message);
    return stringIn(parsed, 'message') || stringIn(parsed, 'Message') || message;
  } catch {
    return message;
  }
}

/** What a proxy in front of Bedrock says in another form than AWS's: `{"error": {"message": …}}`, `{"detail": …}`, a text. */
function saidByProxy(text: string | undefined): string {
  let body: unknown;
  try {
    body = JSON.parse(text ?? '');
  } catch {
    return '';
  }
  if (typeof body === 'string') return body;
  const error = member(body, 'error');
  return stringIn(error, 'message') || stringIn(body, 'error') || stringIn(body, 'detail');
}

function kindOf(name: string, said: string, status: number | undefined): ExceptionKind & { param?: string } {
  if (name === 'ValidationException') return refusalOf(said);
  const known = EXCEPTIONS.get(name);
  if (known) return known;
  return { code: status === undefined ? 'provider_error' : codeForStatus(status) };
}

function refused(thrown: unknown, raw: string, head: HttpHead): GatewayError {
  // Inside a stream the status is 200 and says nothing.
  const status = head.status !== undefined && head.status >= 300 ? head.status : undefined;
  const name = UNREADABLE.has(raw) || raw === 'Unknown' ? '' : exceptionName(raw);
  // Where the SDK could not read the answer, its message is about that, and names bytes and classes.
  const said = UNREADABLE.has(raw) ? (head.text ?? '') : saidBy(thrown) || saidByProxy(head.text);
  const { code, retryable, loading, param } = kindOf(name, said, status);
  const upstreamMessage = sanitise(said);
  const upstreamRequestId = requestId(head);
  const retryAfterMs = parseRetryAfter(head.headers['retry-after']);
  return new GatewayError(code, MESSAGES[code] ?? FAILED, {
    provider,
    ...(status === undefined ? {} : { upstreamStatus: status }),
    ...(name ? { upstreamCode: sanitise(name) } : {}),
    ...(upstreamMessage ? { upstreamMessage } : {}),
    ...(upstreamRequestId ? { upstreamRequestId } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(param === undefined ? {} : { param }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(loading ? { loading } : {}),
  });
}

/** What AWS support asks for. */
export const requestId = (head: HttpHead): string | undefined => shownId(head.headers['x-amzn-requestid']);

/** The same error, with what AWS support asks for. */
export const withRequest = (error: GatewayError, head: HttpHead): GatewayError => {
  const upstreamRequestId = requestId(head);
  return error.with({ provider, ...(upstreamRequestId ? { upstreamRequestId } : {}) });
};

/** The answer ended, broke or became unreadable before it was complete. */
export const interrupted = (): GatewayError =>
  new GatewayError('stream_interrupted', 'The answer from AWS Bedrock broke off before it was complete. Retry.', {
    provider,
  });

/** The answer is whole, and not what the API promises. */
export const foreign = (): GatewayError =>
  new GatewayError('provider_error', 'AWS Bedrock answered with something that is not an answer of this API.', {
    provider,
  });

/**
 * Anything thrown on the way of one request, as the one GatewayError it is.
 *
 * @param head of the HTTP answer; without a status there was none
 */
export function fromThrown(thrown: unknown, signal: AbortSignal, head: HttpHead): GatewayError {
  if (signal.aborted) return abortReason(signal);
  if (thrown instanceof GatewayError) return withRequest(thrown, head);
  const cause = member(thrown, 'cause');
  if (cause instanceof GatewayError) return cause;
  // No answer and no failure of the network: the request could not even be made, which is our fault.
  if (head.status === undefined) return asGatewayError(thrown);
  const name = stringIn(thrown, 'name');
  if (head.status >= 300 || !UNREADABLE.has(name)) return refused(thrown, name, head);
  return withRequest(isWhole(name, head) ? foreign() : interrupted(), head);
}

/** All of it came, and it is no JSON or more than is read of any; whatever else fails has failed on the way. */
const isWhole = (name: string, head: HttpHead): boolean =>
  (name === 'SyntaxError' || name === 'RangeError') && (head.headers['content-type'] ?? '').includes('json');
