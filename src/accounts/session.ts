/**
 * Sessions of the page: what a browser holds in place of a key. A token is `<claims>.<mac>`, both base64url. Nothing is
 * stored, so a session ends when it expires, when its key is revoked, or for all at once with a new admin key.
 */
import { isObject } from '../core/index.ts';
import { base64url, bytesOf, type Caller, derivedMac, utf8 } from './key-text.ts';

export interface Session {
  readonly caller: Caller;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Makes and reads the tokens of sessions. */
export interface Sessions {
  make(session: Session): Promise<string>;
  /** Undefined: the token was not made here, was changed, or has expired. */
  read(token: string, now: number): Promise<Session | undefined>;
}

const LABEL = 'chasqui: sessions of the page, v1';
const TOKEN = /^([A-Za-z0-9_-]{1,1000})\.([A-Za-z0-9_-]{43})$/;

function sessionFrom(claims: unknown): Session | undefined {
  if (!isObject(claims)) return undefined;
  const { account, key, secretHash, admin, expiresAt } = claims;
  if (typeof account !== 'string' || typeof key !== 'string' || typeof expiresAt !== 'number') return undefined;
  const caller: Caller = {
    account,
    key,
    admin: admin === true,
    ...(typeof secretHash === 'string' ? { secretHash } : {}),
  };
  // Without its secret's hash an account could not tell whether a caller's key was revoked.
  return caller.admin || caller.secretHash !== undefined ? { caller, expiresAt } : undefined;
}

/** @param secrets of the deployment: with any of them changed, all sessions end */
export function sessions(secrets: readonly string[]): Sessions {
  const mac = derivedMac(JSON.stringify(secrets), LABEL);
  return {
    async make({ caller, expiresAt }) {
      const claims = base64url(utf8.encode(JSON.stringify({ ...caller, expiresAt })));
      const tag = await crypto.subtle.sign('HMAC', await mac(), utf8.encode(claims));
      return `${claims}.${base64url(new Uint8Array(tag))}`;
    },
    async read(token, now) {
      const [, claims = '', tag = ''] = TOKEN.exec(token) ?? [];
      if (claims === '') return undefined;
      // In constant time: https://www.w3.org/TR/webcrypto-2/#hmac-operations-verify
      const genuine = await crypto.subtle.verify('HMAC', await mac(), bytesOf(tag), utf8.encode(claims));
      if (!genuine) return undefined;
      const session = sessionFrom(JSON.parse(new TextDecoder().decode(bytesOf(claims))));
      return session && session.expiresAt > now ? session : undefined;
    },
  };
}
