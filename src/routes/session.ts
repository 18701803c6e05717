/**
 * `/session`: signing in to the page, and out. A key is exchanged for a cookie that scripts cannot read. The cookie
 * counts only for requests that the browser says come from this origin's own pages, so no other site can use it.
 */
import type { Context, Handler } from 'hono';
import {
  askAccount,
  authenticate,
  type Caller,
  MAIN_ACCOUNT,
  type Session,
  signInThrottle,
} from '../accounts/index.ts';
import { GatewayError, isObject } from '../core/index.ts';
import { type Gateway, headersOf, misconfigured, readJson, replyJson } from './request.ts';

const SESSION_MS = 12 * 3_600_000;
/** More than any key has. */
const MAX_BYTES = 4_096;

/**
 * Two names: browsers keep the first only with `Secure`, which needs https or a loopback address. The second is for
 * plain HTTP on a local network.
 */
const SECURE_NAME = '__Host-chasqui';
const PLAIN_NAME = 'chasqui-session';

/**
 * Whether a browser says that its request comes from a page of this origin. Browsers send `Sec-Fetch-Site` on https
 * and to loopback addresses (https://www.w3.org/TR/fetch-metadata/); elsewhere `Origin` is compared, which they leave
 * out of GET and HEAD within one origin. An answer to those can be read by no other origin.
 */
function isSameOrigin(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = request.headers.get('origin');
  if (origin === null) return request.method === 'GET' || request.method === 'HEAD';
  return URL.canParse(origin) && new URL(origin).host === new URL(request.url).host;
}

/** Whether the browser takes a `Secure` cookie from here. */
const isTrustworthy = ({ headers }: Request): boolean =>
  headers.has('sec-fetch-site') || /^https:/.test(headers.get('origin') ?? '');

/** The token that a request may act by. The plain cookie counts only where the secure one cannot be had. */
function tokenOf(request: Request): string | undefined {
  const { headers } = request;
  const cookies = headers.get('cookie');
  if (cookies === null || headers.has('authorization') || headers.has('x-api-key')) return undefined;
  const name = isTrustworthy(request) ? SECURE_NAME : PLAIN_NAME;
  for (const cookie of cookies.split(';')) {
    const [key, value] = cookie.trim().split('=', 2);
    if (key === name && value) return isSameOrigin(request) ? value : undefined;
  }
  return undefined;
}

/** Answers that a cookie has a part in are for this origin alone, and are kept nowhere. */
function guardAnswer(c: Context): void {
  const headers = headersOf(c);
  for (const name of Object.keys(headers)) if (name.startsWith('access-control-')) delete headers[name];
  headers['cache-control'] = 'no-store';
  headers['cross-origin-resource-policy'] = 'same-origin';
  headers['x-content-type-options'] = 'nosniff';
}

/** The caller of a request that comes from the page, by its session. Undefined: it must bring a key. */
export function sessionCaller(c: Context, { config, relay }: Gateway): Promise<Caller> | undefined {
  const token = config.sessions && tokenOf(c.req.raw);
  if (token === undefined) return undefined;
  guardAnswer(c);
  return config.sessions?.read(token, relay.clock.now()).then((session) => {
    if (session) return session.caller;
    throw new GatewayError('authentication', 'This session has ended. Sign in again.');
  });
}

function setCookie(c: Context, token: string, seconds: number): void {
  const secure = isTrustworthy(c.req.raw);
  const name = secure ? SECURE_NAME : PLAIN_NAME;
  headersOf(c)['set-cookie'] =
    `${name}=${token}; Path=/; ${secure ? 'Secure; ' : ''}HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
}

/** What the page knows of who uses it. */
const sessionJson = ({ config }: Gateway, session: Session | undefined): Readonly<Record<string, unknown>> => {
  const open = config.access.kind === 'open';
  return {
    object: 'session',
    access: config.access.kind,
    sandbox: config.sandbox,
    signed_in: session !== undefined || open,
    admin: session?.caller.admin ?? open,
    account: session?.caller.account ?? null,
    key: session?.caller.key ?? null,
    expires_at: session ? new Date(session.expiresAt).toISOString() : null,
  };
};

function fromPage(c: Context): void {
  if (isSameOrigin(c.req.raw)) return;
  throw new GatewayError(
    'permission_denied',
    `${c.req.method} /session is for the page of this gateway. Other programs send their key with each request.`,
  );
}

/** `GET /session`: who is signed in, and whether anybody has to. */
export const showSession =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { config, relay, terms } = gateway;
    if (config.mistakes.length > 0) throw misconfigured(config);
    guardAnswer(c);
    const token = tokenOf(c.req.raw);
    const session = token === undefined ? undefined : await config.sessions?.read(token, relay.clock.now());
    if (!session?.caller.secretHash) return replyJson(c, 200, sessionJson(gateway, session));
    try {
      await terms.now(session.caller);
    } catch (thrown) {
      if (!(thrown instanceof GatewayError) || thrown.code !== 'authentication') throw thrown;
      // The key was revoked, and the session with it.
      setCookie(c, '', 0);
      return replyJson(c, 200, sessionJson(gateway, undefined));
    }
    return replyJson(c, 200, sessionJson(gateway, session));
  };

async function presentedKey(c: Context): Promise<string> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
    // What a form cannot send.
    throw new GatewayError('invalid_request', 'POST /session takes JSON: content-type must be application/json.', {
      status: 415,
    });
  }
  const body = await readJson(c.req.raw, MAX_BYTES);
  if (isObject(body) && typeof body.key === 'string' && /^[!-~]{1,1000}$/.test(body.key.trim())) return body.key.trim();
  throw new GatewayError('invalid_request', 'key: must be the text of a key, without spaces.', { param: 'key' });
}

const tooMany = (waitMs: number): GatewayError =>
  new GatewayError('rate_limit_exceeded', 'Too many keys were wrong. Wait before you try again.', {
    retryAfterMs: waitMs,
  });

/** `POST /session`: exchanges `{"key"}`, the admin's or a caller's own, for a cookie. */
export function signIn(gateway: Gateway): Handler {
  const { config, relay, terms } = gateway;
  const here = signInThrottle();

  /** What all isolates have seen. Where the object cannot be reached, this isolate's own count has to do. */
  const everywhere = (address: string, failed: boolean): Promise<number> =>
    askAccount(config.accounts, MAIN_ACCOUNT, (account) => account.signIn(address, failed)).catch(() => 0);

  return async (c) => {
    if (config.mistakes.length > 0) throw misconfigured(config);
    guardAnswer(c);
    fromPage(c);
    const key = await presentedKey(c);
    if (!config.sessions) {
      throw new GatewayError('invalid_request', 'There is nothing to sign in to: this gateway asks for no key.');
    }
    const now = relay.clock.now();
    const address = c.req.header('cf-connecting-ip') ?? '';
    const waitMs = here.waitMs(address, now) || (await everywhere(address, false));
    if (waitMs > 0) throw tooMany(waitMs);
    try {
      const caller = await authenticate(new Headers({ authorization: `Bearer ${key}` }), config.access);
      await terms.now(caller);
      const session: Session = { caller, expiresAt: now + SESSION_MS };
      setCookie(c, await config.sessions.make(session), SESSION_MS / 1000);
      return replyJson(c, 200, sessionJson(gateway, session));
    } catch (thrown) {
      if (thrown instanceof GatewayError && thrown.code === 'authentication') {
        here.failed(address, now);
        await everywhere(address, true);
      }
      throw thrown;
    }
  };
}

/** `DELETE /session`: takes the cookie back. */
export const signOut =
  (gateway: Gateway): Handler =>
  (c) => {
    guardAnswer(c);
    fromPage(c);
    setCookie(c, '', 0);
    return replyJson(c, 200, sessionJson(gateway, undefined));
  };
