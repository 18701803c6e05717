import type { ErrorCode } from '../../src/core/index.ts';

export interface ExceptionKind {
  readonly code: ErrorCode;
  /** Only where it differs from the code's own. */
  readonly retryable?: boolean;
  /** It can be asked again until it is there. */
  readonly loading?: true;
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
export const EXCEPTIONS: ReadonlyMap<string, ExceptionKind> = new Map([
  ['ThrottlingException', kind('provider_rate_limited')],
  // A quota of the account that waiting does not raise.
  ['ServiceQuotaExceededException', kind('provider_rate_limited', false)],
  // A model that is being started: AWS's own SDK asks five times more.
  ['ModelNotReadyException', { code: 'provider_overloaded', loading: true }],
  ['ServiceUnavailableException', kind('provider_overloaded')],
  ['Overloaded_error', kind('provider_overloaded')],
  // It has taken its time already, and may be billed.
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
export function exceptionName(raw: string): string {
  const name = raw.slice(0, 200).split(/[:,]/, 1)[0] ?? '';
  const local = name.slice(name.lastIndexOf('#') + 1);
  // What is no name stays as it came: a credential with another first letter is none that is known.
  return /^[a-z][A-Za-z_]*$/.test(local) ? local.charAt(0).toUpperCase() + local.slice(1) : local;
}
