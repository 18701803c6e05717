import { type Answer, json } from '../wire/types.ts';

interface Problem {
  readonly title?: string;
  readonly detail: string;
}

/** Problem details (RFC 7807), as recorded answers have them; 402 and 422 after the client's tests and field reports. */
const PROBLEMS: Readonly<Record<number, Problem & Readonly<Record<string, unknown>>>> = {
  401: { title: 'Unauthenticated', detail: 'You did not pass a valid authentication token' },
  402: {
    title: 'Insufficient credit',
    detail:
      'You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, please wait a few minutes before trying again.',
  },
  404: { detail: 'The requested resource could not be found.' },
  422: { title: 'Input validation failed', detail: '- input: prompt is required\n' },
  429: { detail: 'Request was throttled. Your rate limit resets in ~5s.', retry_after: 5 },
  500: { detail: 'Internal server error' },
  503: { title: 'Service unavailable', detail: 'The service is temporarily unavailable. Please try again later.' },
};

const RATE_LIMIT = { 'ratelimit-remaining': '0', 'ratelimit-reset': '5' };

export const refuse = (
  status: number,
  said: Partial<Problem> = {},
  more: Readonly<Record<string, unknown>> = {},
): Answer =>
  json(
    status,
    { ...(PROBLEMS[status] ?? { detail: 'Something went wrong.' }), ...said, status, ...more },
    { 'content-type': 'application/problem+json', ...(status === 429 ? RATE_LIMIT : {}) },
  );

export const invalidField = (field: string, type: string, description: string): Answer =>
  refuse(
    422,
    { title: 'Input validation failed', detail: `- ${field}: ${description}\n` },
    { invalid_fields: [{ type, field, description }] },
  );

export const unknownVersion = (): Answer =>
  refuse(422, {
    title: 'Invalid version or not permitted',
    detail: "The specified version does not exist (or perhaps you don't have permission to use it?)",
  });
