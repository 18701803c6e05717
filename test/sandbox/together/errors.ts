import { type Answer, json } from '../wire/types.ts';

interface Said {
  readonly message: string;
  readonly type: string;
  readonly code: string | null;
}

const OVERLOADED = 'The server is overloaded or not ready yet.';

/** What Together says with a status: recorded bodies where there are any, else docs.together.ai/docs/error-codes. */
const SAID: Readonly<Record<number, Said>> = {
  400: { message: 'Invalid request.', type: 'invalid_request_error', code: null },
  401: {
    message: 'Invalid API key provided. You can find your API key at https://api.together.xyz/settings/api-keys.',
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  },
  402: { message: 'You have reached your spending limit.', type: 'payment_required', code: null },
  403: {
    message: 'Input token count + `max_tokens` must be less than the context length of the model.',
    type: 'invalid_request_error',
    code: null,
  },
  404: { message: 'Not found.', type: 'invalid_request_error', code: null },
  422: { message: 'Input validation error.', type: 'invalid_request_error', code: null },
  429: {
    message:
      'You have been rate limited. Your rate limit is 60 queries per minute. Please navigate to https://api.together.xyz/settings/billing to upgrade to a paid plan.',
    type: 'credit_limit',
    code: null,
  },
  500: { message: 'Internal server error.', type: 'server_error', code: null },
  503: { message: OVERLOADED, type: 'service_unavailable', code: null },
  504: { message: 'The request timed out.', type: 'server_error', code: null },
};

export const bodyOf = (status: number, said: Partial<Said> & { readonly param?: string | null } = {}) => {
  const { message, type, code } = {
    ...(SAID[status] ?? { message: OVERLOADED, type: 'server_error', code: null }),
    ...said,
  };
  return { error: { message, type, param: said.param ?? null, code } };
};

export const refuse = (status: number, said?: Parameters<typeof bodyOf>[1]): Answer =>
  json(status, bodyOf(status, said));

export const unknownModel = (model: string): Answer =>
  refuse(404, {
    message: `Unable to access model ${model}. Please visit https://api.together.ai/models to see the list of supported models or contact the owner to request access.`,
    code: 'model_not_found',
  });

export const retiredModel = (model: string): Answer =>
  refuse(400, {
    message: `Unable to access non-serverless model ${model}. Please visit https://api.together.ai/models/${model} to create and start a new dedicated endpoint for the model.`,
    code: 'model_not_available',
  });

export const tooLong = (limit: number, inputs: number, wanted: number): Answer =>
  refuse(422, {
    message: `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= ${limit}. Given: ${inputs} \`inputs\` tokens and ${wanted} \`max_new_tokens\``,
    param: 'max_tokens',
  });
