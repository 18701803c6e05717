import { hex } from '../random.ts';
import { type Answer, json } from '../wire/types.ts';

export const requestId = (): string => crypto.randomUUID();

interface Said {
  readonly name: string;
  readonly message: string;
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html and recorded answers. */
const SAID: Readonly<Record<number, Said>> = {
  400: { name: 'ValidationException', message: 'The request is invalid.' },
  401: { name: 'UnrecognizedClientException', message: 'The security token included in the request is invalid.' },
  403: { name: 'AccessDeniedException', message: "You don't have access to the model with the specified model ID." },
  404: {
    name: 'ResourceNotFoundException',
    message: 'Could not resolve the foundation model from the provided model identifier.',
  },
  408: {
    name: 'ModelTimeoutException',
    message: 'Model has timed out in processing the request. Try your request again.',
  },
  424: {
    name: 'ModelErrorException',
    message: 'The system encountered an unexpected error during processing. Try your request again.',
  },
  429: { name: 'ThrottlingException', message: 'Too many requests, please wait before trying again.' },
  500: {
    name: 'InternalServerException',
    message: 'The system encountered an unexpected error during processing. Try your request again.',
  },
  503: { name: 'ServiceUnavailableException', message: 'Bedrock is unable to process your request.' },
  529: { name: 'overloaded_error', message: 'Model is overloaded. Try again later.' },
};

const FALLBACK: Said = { name: 'InternalFailure', message: 'An internal failure occurred.' };

/** The name is in a header, with a namespace behind it; the body has the message alone. */
export const refuse = (status: number, said: Partial<Said> = {}): Answer => {
  const { name, message } = { ...(SAID[status] ?? FALLBACK), ...said };
  return json(
    status,
    { message },
    {
      'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
      'x-amzn-requestid': requestId(),
    },
  );
};

export const invalid = (message: string): Answer => refuse(400, { name: 'ValidationException', message });

/** Names of exceptions inside a stream, and what they say. */
export const IN_STREAM: Readonly<Record<string, string>> = {
  internalServerException: 'The system encountered an unexpected error during processing. Try your request again.',
  modelStreamErrorException: 'The model stopped in the middle of its answer. Try your request again.',
  modelTimeoutException: 'Model has timed out in processing the request. Try your request again.',
  serviceUnavailableException: 'Bedrock is unable to process your request.',
  throttlingException:
    'Too many requests, please wait before trying again. You have sent too many requests.  Wait before trying again.',
  validationException: 'The model returned the following errors: the request is invalid.',
};

export const toolUseId = (): string => `tooluse_${hex(22)}`;
