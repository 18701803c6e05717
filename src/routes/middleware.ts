import type { Context, ErrorHandler, Handler, MiddlewareHandler, NotFoundHandler } from 'hono';
import type { Result, Router } from 'hono/router';
import { LinearRouter } from 'hono/router/linear-router';
import { asGatewayError, GatewayError, redactError } from '../core/index.ts';
import { messagesError } from '../dialects/messages/index.ts';
import { type ErrorForm, errorAnswer, errorBody } from '../dialects/openai/index.ts';
import { allowed, methodsAt, PATHS } from './access.ts';
import { type Gateway, headersOf, replyJson } from './request.ts';

/**
 * What happens around the handlers: the router finds a path's handler, wrong base URLs are corrected, every answer
 * gets its headers, and failures and unknown paths become errors that say what to do.
 */

/** The first segment after `/v1/` of each route, for clients whose base URL lacks `/v1`. */
const BELOW_V1: ReadonlySet<string> = new Set(
  [...PATHS.keys()].flatMap((path) => (path.startsWith('/v1/') ? path.slice(4).split('/', 1) : [])),
);

const LEADING = /^(?:\/api)?(?:\/v1)+(?=\/|$)/;

/**
 * Corrects the path of a client with a wrong base URL: extra slashes, `/v1` twice or missing, or OpenRouter's
 * `/api/v1`. Any other path is returned as it is.
 */
export function canonicalPath(path: string): string {
  // What a correct client sends.
  if (path.startsWith('/v1/') && !path.startsWith('/v1/v1') && !path.includes('//') && !path.endsWith('/')) return path;
  const plain = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  const rest = plain.replace(LEADING, '');
  if (rest !== plain) return `/v1${rest}`;
  return BELOW_V1.has(rest.slice(1).split('/', 1)[0] ?? '') ? `/v1${rest}` : plain;
}

/** Whether two paths differ only in case, punctuation or a plural. */
const alike = (a: string, b: string): boolean => {
  const bare = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z]/g, '')
      .replace(/s$/, '');
  return bare(a) === bare(b);
};

/** The route that an unknown path was probably meant for. */
function meant(path: string): string | undefined {
  const plain = [...PATHS.keys()].filter((route) => route.length > 1 && !route.includes(':'));
  const short = (route: string) => route.replace(/^\/v1/, '');
  return (
    // Behind a prefix: `/openai/v1/chat/completions`, `/openai/deployments/x/chat/completions`.
    plain.find((route) => path.endsWith(short(route))) ??
    plain.find((route) => alike(short(route), short(path))) ??
    (/message/i.test(path) ? '/v1/messages' : undefined) ??
    (/response/i.test(path) ? '/v1/responses' : undefined) ??
    (/chat|generate/i.test(path) ? '/v1/chat/completions' : undefined)
  );
}

/** Other vendors' APIs, by paths that OpenAI's API does not have. */
const FOREIGN: readonly (readonly [api: string, path: RegExp])[] = [
  ['Replicate', /^\/v1\/(?:predictions|collections|hardware|deployments|trainings|account|webhooks)(?:\/|$)/],
  ['Replicate', /^\/v1\/models\/[^/]+\/[^/]+\/(?:versions|predictions|trainings|examples|readme)(?:\/|$)/],
  ['Ollama', /^\/api\/(?:chat|generate|tags|show|embed|embeddings|ps|pull|version)$/],
  ['Bedrock', /^\/model\/[^/]+\/(?:converse|invoke)/],
];

/** Replicate's clients also call paths that we serve (`GET /v1/models`), so they are known by their user agent. */
const REPLICATE_CLIENT = /^replicate-(?:javascript|python|go|swift|elixir)/i;

/** The other vendor whose API a request is for, if it is not for ours. */
export function foreignApi(path: string, userAgent: string | undefined): string | undefined {
  if (userAgent !== undefined && REPLICATE_CLIENT.test(userAgent)) return 'Replicate';
  return FOREIGN.find(([, pattern]) => pattern.test(path))?.[0];
}

const shown = (path: string): string => path.slice(0, 200);

/** The error for an unknown path. It says which route to use instead. */
export function notFoundError(c: Context): GatewayError {
  const { method, path } = c.req;
  const { origin } = new URL(c.req.url);
  const at = `There is no ${method} ${shown(path)} here.`;
  const api = foreignApi(path, c.req.header('user-agent'));
  const route = api === undefined ? meant(path) : '/v1/chat/completions';
  const methods = PATHS.get(route ?? '') ?? [];
  const next =
    api !== undefined
      ? `That is ${api}'s API, and this gateway speaks OpenAI's: POST /v1/chat/completions or /v1/completions.`
      : route !== undefined
        ? `Did you mean ${methods.join(' or ')} ${route}?`
        : 'The README lists the routes; GET /v1/models is one.';
  const base = speaksMessages(c) ? `Anthropic's is ${origin}` : `OpenAI's is ${origin}/v1`;
  return new GatewayError('not_found', `${at} ${next} The base URL for clients of ${base}`);
}

/** The error for a known path with a wrong method. */
export const methodError = (path: string, methods: readonly string[]): GatewayError =>
  new GatewayError(
    'invalid_request',
    `${path} takes ${methods.join(', ')}${methods.includes('POST') ? ' with a JSON body' : ''}.`,
    { status: 405 },
  );

/** A caller's own request id is repeated only if it looks like this. */
const SAFE_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/** Headers of every answer: `x-request-id` (the caller's own, or a new one), and whether it comes from the sandbox. */
export const everyAnswer =
  ({ config }: Gateway): MiddlewareHandler =>
  (c, next) => {
    const headers = headersOf(c);
    const given = c.req.header('x-request-id');
    headers['x-request-id'] = given && SAFE_ID.test(given) ? given : `req_${crypto.randomUUID()}`;
    if (speaksMessages(c)) headers['request-id'] = headers['x-request-id'];
    if (config.sandbox) headers['x-chasqui-sandbox'] = '1';
    return next();
  };

const PREFLIGHT_S = '86400';
const EVERY_METHOD = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * CORS: any origin may ask, because the key protects what costs money and is never in a cookie. (Hono's own `cors`
 * makes a second Response of every answer.)
 */
export const anyOrigin: MiddlewareHandler = (c, next) => {
  const headers = headersOf(c);
  headers['access-control-allow-origin'] = '*';
  headers['access-control-expose-headers'] = '*';
  if (c.req.method !== 'OPTIONS') return next();
  const methods = methodsAt(c.req.path);
  if (methods) headers.allow = allowed(methods);
  // Also for an unknown path, so that a browser's program can read what the error says.
  headers['access-control-allow-methods'] = methods ? allowed(methods) : EVERY_METHOD;
  headers['access-control-allow-headers'] = c.req.header('access-control-request-headers') ?? '*';
  headers['access-control-max-age'] = PREFLIGHT_S;
  return Promise.resolve(new Response(null, { status: 204, headers }));
};

/** Waits until the operator's own servers have listed their models, or have had the time to. */
export const servicesReady =
  ({ services }: Gateway): MiddlewareHandler =>
  async (_c, next) => {
    await services.ready();
    return next();
  };

/** The caller sent a body of Messages to a route that takes any. */
const SENT_MESSAGES = 'chasqui-sent-messages';

/** Routes that only clients of OpenAI's API call, whatever headers a proxy adds for them. */
const OPENAI_ONLY: ReadonlySet<string> = new Set([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/rerank',
]);

/**
 * Whether the caller uses Anthropic's Messages: the route says so, or where clients of several APIs call it, the header
 * of Anthropic's clients or the body.
 */
export const speaksMessages = (c: Context): boolean =>
  /^\/v1\/messages(?:\/|$)/.test(c.req.path) ||
  (c.req.header('anthropic-version') !== undefined && !OPENAI_ONLY.has(c.req.path)) ||
  c.get(SENT_MESSAGES) === true;

/** Answers this request as one of Anthropic's clients, because its body is one of theirs. */
export function answersAsMessages(c: Context): void {
  c.set(SENT_MESSAGES, true);
  const headers = headersOf(c);
  headers['request-id'] ??= headers['x-request-id'] ?? '';
}

/** How errors are written for this caller. */
const errorForm = (c: Context): ErrorForm => (speaksMessages(c) ? messagesError : errorAnswer);

/** Any failure as one JSON error, in the envelope of the caller's dialect. */
function answerError(c: Context, { config }: Gateway, thrown: unknown): Response {
  const known = asGatewayError(thrown);
  const error = redactError(known, config.redact);
  // Only the name: the message of an unforeseen exception may contain what must not be logged.
  if (thrown !== known) console.error(`unforeseen ${thrown instanceof Error ? thrown.name : typeof thrown}`);
  const headers = headersOf(c);
  const { status, headers: own, body } = errorForm(c)(error, headers['x-request-id'] ?? '');
  Object.assign(headers, own);
  if (error.details.attempts) headers['x-chasqui-attempts'] = String(error.details.attempts.length);
  return replyJson(c, status, body);
}

export const sayError =
  (gateway: Gateway): ErrorHandler =>
  (thrown, c) =>
    answerError(c, gateway, thrown);

/** Answers unknown paths. Replicate's clients show `detail`, as in the errors of Replicate's API. */
export const notFound =
  (gateway: Gateway): NotFoundHandler =>
  (c) => {
    const error = notFoundError(c);
    if (foreignApi(c.req.path, c.req.header('user-agent')) !== 'Replicate') return answerError(c, gateway, error);
    const known = redactError(error, gateway.config.redact);
    const { status, message: detail } = known;
    return replyJson(c, status, { ...errorBody(known), title: 'Not Found', detail, status });
  };

/** Answers OPTIONS where no program of another origin may ask. What a path takes is no secret, so no key is needed. */
export const options =
  (methods: readonly string[]): Handler =>
  (c) =>
    new Response(null, { status: 204, headers: { ...headersOf(c), allow: allowed(methods) } });

/** Answers a route's other methods with 405. Its own come here where its handler has found nothing. */
export const otherMethod = (gateway: Gateway, path: string, methods: readonly string[]): Handler => {
  const missing = notFound(gateway);
  return async (c) => {
    const own = methods.includes(c.req.method === 'HEAD' ? 'GET' : c.req.method);
    if (own || foreignApi(c.req.path, c.req.header('user-agent'))) return missing(c);
    headersOf(c).allow = allowed(methods);
    return answerError(c, gateway, methodError(path, methods));
  };
};

/** Refuses Replicate's clients, which also ask for models but cannot read our answer. */
export const ownClients =
  (gateway: Gateway): MiddlewareHandler =>
  async (c, next) => {
    if (foreignApi(c.req.path, c.req.header('user-agent'))) return notFound(gateway)(c);
    return next();
  };

/** A caller can send any word as a method, so the number of remembered answers is limited. */
const MOST_REMEMBERED = 200;

/**
 * Hono's own router builds one regular expression of all routes at the first request: 7 ms of a cold start. Going
 * through the routes one by one needs no preparation, and what it finds for a path without parameters is always the
 * same.
 */
export function rememberingRouter<T>(): Router<T> {
  const routes = new LinearRouter<T>();
  const fixed = new Set<string>();
  const remembered = new Map<string, Result<T>>();
  return {
    name: 'RememberingRouter',
    add(method, path, handler) {
      if (!/[*:]/.test(path)) fixed.add(path);
      remembered.clear();
      routes.add(method, path, handler);
    },
    match(method, path) {
      if (!fixed.has(path)) return routes.match(method, path);
      const key = `${method} ${path}`;
      const known = remembered.get(key);
      if (known) return known;
      const found = routes.match(method, path);
      if (remembered.size < MOST_REMEMBERED) remembered.set(key, found);
      return found;
    },
  };
}
