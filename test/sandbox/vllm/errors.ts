import { type Answer, json } from '../wire/types.ts';

/** Python's class names, which are the `type` of vLLM's and Ray Serve's errors. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  403: 'PermissionDeniedError',
  404: 'NotFoundError',
  408: 'HTTPException',
  422: 'UnprocessableEntityError',
  429: 'RateLimitError',
  503: 'ServiceUnavailableError',
};

const typeOf = (status: number): string => TYPES[status] ?? 'InternalServerError';

/** The envelope of vLLM and of Ray Serve: `code` is the status, a number; `param` may be anything. */
export const errorOf = (status: number, message: string, param: unknown = null, type = typeOf(status)) => ({
  error: { message, type, param, code: status },
});

export const refuse = (status: number, message: string, param: unknown = null): Answer =>
  json(status, errorOf(status, message, param));

/** Ray Serve tells its callers of its internals: whoever shows this on must clean it. */
export const outage = (status: number, what: string): string =>
  `Message: ${what}, Internal exception: ray.exceptions.RayTaskError(${typeOf(status)}) at /home/ray/anaconda3/lib/python3.12/site-packages/ray/serve/_private/replica.py:1203, original exception: ${what} (Request ID: 5f3c1c1e-0f4b-4a0e-9d6c-8a1f2b3c4d5e)`;
