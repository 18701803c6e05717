import type { Context, Handler, MiddlewareHandler } from 'hono';
import { authenticate, type Caller, type KeyTerms } from '../accounts/index.ts';
import { type Call, GatewayError, type RetrievalCall } from '../core/index.ts';
import { type Gateway, misconfigured } from './request.ts';
import { sessionCaller } from './session.ts';

/** Every route, who may use it, and the check of that. */

/**
 * Who may use a route:
 * - `anyone`: no key is needed;
 * - `call`: every key. The call reserves its cost with the account before anything is sent to a provider;
 * - `key`: every key that its account knows. The account is asked, so a revoked key is refused at once;
 * - `admin`: the admin key alone.
 */
export type Level = 'anyone' | 'call' | 'key' | 'admin';

/** `:id` may contain slashes. */
export const ROUTES = {
  'POST /v1/chat/completions': 'call',
  'POST /v1/completions': 'call',
  'POST /v1/messages': 'call',
  'POST /v1/messages/count_tokens': 'key',
  'POST /v1/responses': 'call',
  'POST /v1/embeddings': 'call',
  'POST /v1/rerank': 'call',
  'POST /v1/offers': 'key',
  'POST /v1/count_tokens': 'key',
  'POST /v1/tokenize': 'key',
  'POST /v1/detokenize': 'key',
  'GET /v1/models': 'key',
  'GET /v1/models/:id': 'key',
  'GET /v1/prices': 'key',
  'PUT /v1/prices': 'admin',
  'DELETE /v1/prices': 'admin',
  'GET /v1/usage': 'key',
  'GET /v1/whatif': 'key',
  'GET /v1/generations': 'key',
  'GET /v1/generations/:id': 'key',
  'GET /v1/live': 'key',
  'GET /v1/key': 'key',
  'POST /v1/keys': 'admin',
  'GET /v1/keys': 'admin',
  'GET /v1/keys/:id': 'admin',
  'PATCH /v1/keys/:id': 'admin',
  'DELETE /v1/keys/:id': 'admin',
  'GET /v1/accounts/:id': 'admin',
  'PATCH /v1/accounts/:id': 'admin',
  'GET /v1/health': 'key',
  'GET /metrics': 'admin',
  'GET /healthz': 'anyone',
  'GET /openapi.json': 'anyone',
  'GET /docs': 'anyone',
  'GET /': 'anyone',
  'GET /ui/:id': 'anyone',
  'GET /session': 'anyone',
  'POST /session': 'anyone',
  'DELETE /session': 'anyone',
} as const satisfies Readonly<Record<string, Level>>;

export type RouteName = keyof typeof ROUTES;

/** The methods of each path. */
export const PATHS: ReadonlyMap<string, readonly string[]> = Object.keys(ROUTES).reduce((paths, name) => {
  const [method = '', path = ''] = name.split(' ');
  return paths.set(path, [...(paths.get(path) ?? []), method]);
}, new Map<string, string[]>());

/** Paths that need no key, whatever is asked of them. */
export const OPEN_PATHS: ReadonlySet<string> = new Set(
  [...PATHS].flatMap(([path, methods]) =>
    methods.every((method) => ROUTES[`${method} ${path}` as RouteName] === 'anyone') ? [path] : [],
  ),
);

/** What `Allow` says of a path with these methods: where GET is, HEAD is too, and OPTIONS is everywhere. */
export const allowed = (methods: readonly string[]): string =>
  [...methods.flatMap((method) => (method === 'GET' ? [method, 'HEAD'] : [method])), 'OPTIONS'].join(', ');

/** The methods of the route that a path belongs to; undefined for an unknown path. */
export function methodsAt(path: string): readonly string[] | undefined {
  const exact = PATHS.get(path);
  if (exact) return exact;
  for (const [route, methods] of PATHS) {
    const [parent = '', rest] = route.split(':id');
    if (rest !== undefined && path.length > parent.length && path.startsWith(parent)) return methods;
  }
  return undefined;
}

const CALLER = 'chasqui-caller';
const TERMS = 'chasqui-terms';

/** Who sends this request. Set by `guard` on every route but those for anyone. */
export const callerOf = (c: Context): Caller => c.get(CALLER) as Caller;

/** The terms of the caller's key, on routes of level `key`. Undefined: it may do anything. */
export const termsOf = (c: Context): KeyTerms | undefined => c.get(TERMS) as KeyTerms | undefined;

/** A call as its key may make it: with what it may use, who pays, and its own handling of template markers. */
export function withTerms<C extends Call | RetrievalCall>(call: C, terms: KeyTerms | undefined): C {
  if (!terms) return call;
  const { models, providers, markers, budgeted } = terms;
  const rights = { ...(models ? { models } : {}), ...(providers ? { providers } : {}) };
  const marked =
    markers !== undefined && 'templating' in call && call.templating.markers === undefined
      ? { templating: { ...call.templating, markers } }
      : {};
  const own = models || providers || markers !== undefined ? { ...call, ...marked, rights } : call;
  return budgeted ? { ...own, routing: { ...own.routing, budgeted } } : own;
}

/**
 * Refuses every request while the configuration has mistakes, and requests without a key that was made here or a
 * session of the page.
 */
export const guard =
  (gateway: Gateway): MiddlewareHandler =>
  (c, next) => {
    const { config } = gateway;
    if (config.mistakes.length > 0) throw misconfigured(config);
    const caller = sessionCaller(c, gateway) ?? authenticate(c.req.raw.headers, config.access);
    if (!(caller instanceof Promise)) {
      c.set(CALLER, caller);
      return next();
    }
    return caller.then((known) => {
      c.set(CALLER, known);
      return next();
    });
  };

export const forAdmins = (c: Context): GatewayError =>
  new GatewayError(
    'permission_denied',
    `${c.req.method} ${c.req.path.slice(0, 200)} needs the admin key (CHASQUI_ADMIN_KEY). This key is a caller's.`,
  );

/** A route's handler, behind the check of its level. */
export function allowing(level: Level, { terms }: Gateway, handler: Handler): Handler {
  switch (level) {
    case 'anyone':
    case 'call':
      return handler;
    case 'admin':
      return (c, next) => {
        if (!callerOf(c).admin) throw forAdmins(c);
        return handler(c, next);
      };
    case 'key':
      return async (c, next) => {
        const caller = callerOf(c);
        if (caller.secretHash === undefined) return handler(c, next);
        const known = await terms.now(caller);
        c.set(TERMS, known);
        return handler(c, next);
      };
  }
}
