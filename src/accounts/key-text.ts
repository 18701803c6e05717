/**
 * The text of a key: `ck_<account>_<id>_<secret>_<mac>`. The account is in it, so that its object is found without a
 * look-up, and the MAC covers all that stands before it, so that a forged, cut or foreign key is refused without asking
 * anybody. The account stores only SHA-256 of the secret.
 */

/** Who sends a request. */
export interface Caller {
  readonly account: string;
  /** The key's id; `admin` for the admin key, `local` in the open sandbox. */
  readonly key: string;
  /** SHA-256 of the key's secret, in hex. Absent for `admin` and `local`, which have no row in an account. */
  readonly secretHash?: string;
  /** May change keys, budgets and prices. */
  readonly admin: boolean;
}

export interface MadeKey {
  readonly id: string;
  /** What its holder sends. Shown once and stored nowhere. */
  readonly text: string;
  readonly secretHash: string;
}

/** Makes keys and checks them. */
export interface Keyring {
  /** @param now milliseconds since the epoch; ids sort by it */
  make(account: string, now: number): Promise<MadeKey>;
  /** Whose key a text is. Undefined: it was not made here, or it was changed. */
  verify(text: string): Caller | Promise<Caller | undefined>;
}

/** What an account may be called. Case matters. */
export const ACCOUNT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

const PREFIX = 'ck_';
/** Nine characters of time and nine of chance, in base 36. */
const ID_PART = 9;
export const KEY_ID = /^[0-9a-z]{18}$/;
/** 32 bytes of base64url. The last character carries four bits, so each value has exactly one spelling. */
const BYTES_32 = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]';
/** All parts but the first have a fixed length, so `_` and `-` within them leave no choice. */
const KEY_TEXT = new RegExp(
  `^(${PREFIX}([A-Za-z0-9][A-Za-z0-9._-]{0,62})_([0-9a-z]{18})_(${BYTES_32}))_(${BYTES_32})$`,
);

/** Whether a text means to be a key of this form. It may still be cut or forged. */
export const looksLikeKey = (text: string): boolean => text.startsWith(PREFIX);

export const utf8 = new TextEncoder();

export const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0));

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

const hashOf = async (secret: string): Promise<string> =>
  hex(await crypto.subtle.digest('SHA-256', utf8.encode(secret)));

function idAt(now: number): string {
  const chance = crypto.getRandomValues(new Uint8Array(ID_PART));
  const letters = Array.from(chance, (byte) => (byte % 36).toString(36)).join('');
  return now.toString(36).padStart(ID_PART, '0') + letters;
}

const LABEL = 'chasqui: mac of keys, v1';

/** A MAC's key, derived from the deployment's secret by HKDF (RFC 5869). */
async function macKey(secret: string, label: string): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', utf8.encode(secret), 'HKDF', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8.encode(label) },
    base,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign', 'verify'],
  );
}

/**
 * The same, derived once.
 *
 * @param label another use of the same secret must have another one
 */
export function derivedMac(secret: string, label: string): () => Promise<CryptoKey> {
  // The key itself and not its promise: on Workers a promise belongs to the request in which it was made.
  let derived: CryptoKey | undefined;
  return async () => {
    derived ??= await macKey(secret, label);
    return derived;
  };
}

/** Keys that were verified and are not verified again. */
const MOST_REMEMBERED = 1_000;

/**
 * @param secret the deployment's: whoever knows it can make keys, though none that an account knows
 */
export function keyring(secret: string): Keyring {
  const verified = new Map<string, Caller>();
  const mac = derivedMac(secret, LABEL);

  async function check(text: string): Promise<Caller | undefined> {
    const [, signed = '', account = '', key = '', secretPart = '', tag = ''] = KEY_TEXT.exec(text) ?? [];
    if (signed === '') return undefined;
    // In constant time: https://www.w3.org/TR/webcrypto-2/#hmac-operations-verify
    const genuine = await crypto.subtle.verify('HMAC', await mac(), bytesOf(tag), utf8.encode(signed));
    if (!genuine) return undefined;
    const caller: Caller = { account, key, secretHash: await hashOf(secretPart), admin: false };
    const [oldest] = verified.keys();
    if (verified.size >= MOST_REMEMBERED && oldest !== undefined) verified.delete(oldest);
    verified.set(text, caller);
    return caller;
  }

  return {
    async make(account, now) {
      const id = idAt(now);
      const secretPart = base64url(crypto.getRandomValues(new Uint8Array(32)));
      const signed = `${PREFIX}${account}_${id}_${secretPart}`;
      const tag = await crypto.subtle.sign('HMAC', await mac(), utf8.encode(signed));
      return { id, text: `${signed}_${base64url(new Uint8Array(tag))}`, secretHash: await hashOf(secretPart) };
    },
    verify: (text) => verified.get(text) ?? check(text),
  };
}
