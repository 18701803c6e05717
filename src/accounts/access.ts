/** Who may use this deployment, and the check of the key that a request brings. */
import { GatewayError } from '../core/index.ts';
import { type Caller, type Keyring, looksLikeKey } from './key-text.ts';

export type Access =
  /** Local development against the sandbox: no key is needed, since no call costs anything. Keys can be tried. */
  | { readonly kind: 'open'; readonly keyring: Keyring }
  | { readonly kind: 'key'; readonly adminKey: string; readonly keyring: Keyring }
  /** Providers are configured, but no key protects them: refuse every call. */
  | { readonly kind: 'unconfigured' };

/** The account of keys that were made without naming one, and of the admin key. */
export const MAIN_ACCOUNT = 'main';

const ADMIN: Caller = { account: MAIN_ACCOUNT, key: 'admin', admin: true };
const LOCAL: Caller = { account: 'local', key: 'local', admin: true };

/** Compares in constant time, so that timing does not reveal how much of a guess was right. */
function sameSecret(presented: string, secret: string): boolean {
  let difference = presented.length ^ secret.length;
  for (let at = 0; at < presented.length; at++) {
    difference |= presented.charCodeAt(at) ^ secret.charCodeAt(at % secret.length);
  }
  return difference === 0;
}

/** The key in `Authorization: Bearer …`, or else in `x-api-key`. */
function presentedKey(headers: Headers): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? (headers.get('x-api-key') || undefined);
}

/** Throws `authentication` for a key that was not made here. */
function known(caller: Caller | undefined): Caller {
  if (caller) return caller;
  throw new GatewayError(
    'authentication',
    'This key was not made here, or a part of it is missing. Copy it again; if the deployment has a new CHASQUI_ADMIN_KEY or CHASQUI_KEY_SECRET since, ask for a new key.',
  );
}

function holderOf(presented: string, keyring: Keyring): Caller | Promise<Caller> {
  const caller = keyring.verify(presented);
  return caller instanceof Promise ? caller.then(known) : caller;
}

/**
 * Who sends a request. Throws `authentication` unless it may pass. Whether a key was revoked is known to its account
 * alone: see terms.ts.
 */
export function authenticate(headers: Headers, access: Access): Caller | Promise<Caller> {
  if (access.kind === 'unconfigured') {
    throw new GatewayError(
      'authentication',
      'This deployment is not configured: set CHASQUI_ADMIN_KEY (wrangler secret put CHASQUI_ADMIN_KEY; locally in .dev.vars) and the credentials of at least one provider.',
    );
  }
  const { keyring } = access;
  const presented = presentedKey(headers);
  if (access.kind === 'open') {
    return presented !== undefined && looksLikeKey(presented) ? holderOf(presented, keyring) : LOCAL;
  }
  if (presented === undefined) {
    throw new GatewayError('authentication', 'No key. Send it as "Authorization: Bearer <key>" or "x-api-key: <key>".');
  }
  if (sameSecret(presented, access.adminKey)) return ADMIN;
  if (looksLikeKey(presented)) return holderOf(presented, keyring);
  throw new GatewayError(
    'authentication',
    'This key is not known here. Check it for a missing character or ask who runs this gateway.',
  );
}
