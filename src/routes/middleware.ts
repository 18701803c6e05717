import type { Context, ErrorHandler, Handler, MiddlewareHandler, NotFoundHandler } from 'hono';
import { authenticate } from '../accounts/index.ts';
import { asGatewayError, GatewayError, redactError } from '../core/index.ts';
import { errorBody, retryAfter } from '../dialects/openai/index.ts';
import type { Gateway } from './gateway.ts';
import { foreignApi, methodError, notFoundError } from './paths.ts';
import { headersOf, replyJson } from './reply.ts';

/** A caller's own id is kept where it is harmless to repeat. */
const SAFE_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/** What every answer carries: `x-request-id` (the caller's own, or a new one), and whether the sandbox gave it. */
export const everyAnswer =
  ({ config }: Gateway): MiddlewareHandler =>
  (c, next) => {
    const headers = headersOf(c);
    const given = c.req.header('x-request-id');
    headers['x-request-id'] = given && SAFE_ID.test(given) ? given : `req_${crypto.randomUUID()}`;
    if (config.sandbox) headers['x-chasqui-sandbox'] = '1';
    return next();
  };

const PREFLIGHT_S = '86400';

/**
 * Any origin may ask: a key guards what costs money, and none is ever in a cookie. (Hono's own `cors` makes a second
 * Response of every answer.)
 */
export const anyOrigin: MiddlewareHandler = (c, next) => {
  const headers = headersOf(c);
  headers['access-control-allow-origin'] = '*';
  headers['access-control-expose-headers'] = '*';
  if (c.req.method !== 'OPTIONS') return next();
  headers['access-control-allow-methods'] = 'GET, POST, PUT, DELETE, OPTIONS';
  headers['access-control-allow-headers'] = c.req.header('access-control-request-headers') ?? '*';
  headers['access-control-max-age'] = PREFLIGHT_S;
  return Promise.resolve(new Response(null, { status: 204, headers }));
};

/** Refuses everything while the configuration has mistakes, and whoever has no key. */
export const guard =
  ({ config }: Gateway): MiddlewareHandler =>
  (c, next) => {
    if (config.mistakes.length > 0) throw misconfigured(config);
    authenticate(c.req.raw.headers, config.access);
    return next();
  };

/** Lets nobody ask before the user's own servers have said which models they have, or have had the time to. */
export const servicesReady =
  ({ services }: Gateway): MiddlewareHandler =>
  async (_c, next) => {
    await services.ready();
    return next();
  };

export const misconfigured = ({ mistakes, warnings }: Gateway['config']): GatewayError =>
  new GatewayError('internal', `This deployment's configuration has mistakes. ${[...mistakes, ...warnings].join(' ')}`);

/** Any failure as one JSON error, in OpenAI's envelope. */
function answerError(c: Context, { config }: Gateway, thrown: unknown): Response {
  const known = asGatewayError(thrown);
  const error = redactError(known, config.redact);
  // The name alone: the text of an unforeseen exception may hold what must not be logged.
  if (thrown !== known) console.error(`unforeseen ${thrown instanceof Error ? thrown.name : typeof thrown}`);
  const headers = headersOf(c);
  Object.assign(headers, retryAfter(error));
  if (error.details.attempts) headers['x-chasqui-attempts'] = String(error.details.attempts.length);
  return replyJson(c, error.status, errorBody(error));
}

export const sayError =
  (gateway: Gateway): ErrorHandler =>
  (thrown, c) =>
    answerError(c, gateway, thrown);

/** Nothing is served there. A client of Replicate's shows `detail`, which its own API's errors have. */
export const notFound =
  (gateway: Gateway): NotFoundHandler =>
  (c) => {
    const error = redactError(notFoundError(c), gateway.config.redact);
    const body = errorBody(error);
    if (foreignApi(c.req.path, c.req.header('user-agent')) !== 'Replicate') return replyJson(c, error.status, body);
    const { status, message: detail } = error;
    return replyJson(c, status, { ...body, title: 'Not Found', detail, status });
  };

/** For a route that was asked by a method it does not take. */
export const otherMethod = (gateway: Gateway, path: string, methods: readonly string[]): Handler => {
  const missing = notFound(gateway);
  return (c) => {
    if (foreignApi(c.req.path, c.req.header('user-agent'))) return missing(c);
    headersOf(c).allow = methods.join(', ');
    return answerError(c, gateway, methodError(path, methods));
  };
};

/** Models are asked for by clients of Replicate's, too, which cannot read ours. */
export const ownClients =
  (gateway: Gateway): MiddlewareHandler =>
  async (c, next) => {
    if (foreignApi(c.req.path, c.req.header('user-agent'))) return notFound(gateway)(c);
    return next();
  };

export const notBuilt =
  (gateway: Gateway): Handler =>
  (c) =>
    answerError(
      c,
      gateway,
      new GatewayError('not_implemented', `${c.req.path} is planned and not built yet. The README says what is.`),
    );
