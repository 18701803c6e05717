import type { Context, ErrorHandler, MiddlewareHandler, NotFoundHandler } from 'hono';
import { authenticate } from '../accounts/index.ts';
import { asGatewayError, GatewayError } from '../core/index.ts';
import { errorBody, retryAfter } from '../dialects/openai/index.ts';
import type { Gateway } from './gateway.ts';

/** A caller's own id is kept where it is harmless to repeat. */
const SAFE_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/** `x-request-id` on every answer: the caller's own, or a new one. */
export const requestId =
  ({ config }: Gateway): MiddlewareHandler =>
  async (c, next) => {
    const given = c.req.header('x-request-id');
    c.header('x-request-id', given && SAFE_ID.test(given) ? given : `req_${crypto.randomUUID()}`);
    if (config.sandbox) c.header('x-chasqui-sandbox', '1');
    await next();
  };

/** Refuses everything while the configuration has mistakes, and whoever has no key. */
export const guard =
  ({ config }: Gateway): MiddlewareHandler =>
  async (c, next) => {
    if (config.mistakes.length > 0) throw misconfigured(config.mistakes);
    authenticate(c.req.raw.headers, config.access);
    await next();
  };

export const misconfigured = (mistakes: readonly string[]): GatewayError =>
  new GatewayError('internal', `This deployment's configuration has mistakes. ${mistakes.join(' ')}`);

/** Any failure as one JSON error, in OpenAI's envelope. */
export function answerError(c: Context, thrown: unknown): Response {
  const error = asGatewayError(thrown);
  // The name alone: the text of an unforeseen exception may hold what must not be logged.
  if (thrown !== error) console.error(`unforeseen ${thrown instanceof Error ? thrown.name : typeof thrown}`);
  const wait = retryAfter(error);
  if (wait) c.header('retry-after', wait);
  if (error.details.attempts) c.header('x-chasqui-attempts', String(error.details.attempts.length));
  return c.body(JSON.stringify(errorBody(error)), {
    // 499 and 501 are statuses too; Hono's type knows only the registered ones.
    status: error.status as 500,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  });
}

export const sayError: ErrorHandler = (thrown, c) => answerError(c, thrown);

export const notFound: NotFoundHandler = (c) =>
  answerError(
    c,
    new GatewayError(
      'invalid_request',
      `There is no ${c.req.method} ${c.req.path} here. See the README for the routes.`,
      { status: 404 },
    ),
  );

export const postOnly = (c: Context): Response => {
  c.header('allow', 'POST');
  return answerError(
    c,
    new GatewayError('invalid_request', `${c.req.path} takes POST with a JSON body.`, { status: 405 }),
  );
};

export const notBuilt = (c: Context): Response =>
  answerError(
    c,
    new GatewayError('unsupported_parameter', `${c.req.path} is planned and not built yet. The README says what is.`, {
      status: 501,
    }),
  );
