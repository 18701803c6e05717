/** Who may use this deployment, and the check of the key that a request brings. */
import { GatewayError } from '../core/index.ts';

export { databaseOf, type ReportDatabase } from './database.ts';

/** Today there is one key. Keys with their own budgets and limits come later. */
export type Access =
  /** Local development against the sandbox: no key is needed, since no call costs anything. */
  | { readonly kind: 'open' }
  | { readonly kind: 'key'; readonly adminKey: string }
  /** Providers are configured, but no key protects them: refuse every call. */
  | { readonly kind: 'unconfigured' };

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

/** Throws `authentication` unless the request may pass. */
export function authenticate(headers: Headers, access: Access): void {
  switch (access.kind) {
    case 'open':
      return;
    case 'unconfigured':
      throw new GatewayError(
        'authentication',
        'This deployment is not configured: set CHASQUI_ADMIN_KEY (wrangler secret put CHASQUI_ADMIN_KEY; locally in .dev.vars) and the credentials of at least one provider.',
      );
    case 'key': {
      const presented = presentedKey(headers);
      if (presented === undefined) {
        throw new GatewayError(
          'authentication',
          'No key. Send it as "Authorization: Bearer <key>" or "x-api-key: <key>".',
        );
      }
      if (!sameSecret(presented, access.adminKey)) {
        throw new GatewayError(
          'authentication',
          'This key is not known here. Check it for a missing character or ask who runs this gateway.',
        );
      }
    }
  }
}
