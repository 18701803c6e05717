/** Removes the credentials of this deployment from texts that leave the gateway. */
import { GatewayError } from './errors.ts';
import { REDACTED, withoutKnownKeys } from './sanitise.ts';

/** A text without this deployment's credentials. */
export type Redact = (text: string) => string;

/** Anything shorter occurs in ordinary text by chance. */
const LEAST_CHARACTERS = 6;
/** A shorter credential is redacted only where it stands as a whole word. */
const ANYWHERE_FROM = 12;

/** What documentation tells people to write if a server needs no key. These are public and ordinary words. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'anything',
  'dummy-key',
  'lm-studio',
  'no-key',
  'no-key-required',
  'not-needed',
  'ollama',
  'sk-no-key-required',
  'token-abc123',
]);

/** The UTF-8 bytes of a text, one character per byte: percent encoding and base64 are about bytes, too. */
const bytesOf = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/** A text with escapes decoded, and where in the original text each byte came from. */
interface Decoded {
  readonly bytes: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The text as it is, without decoding. */
function plain(text: string): Decoded {
  let bytes = '';
  const from: number[] = [];
  const to: number[] = [];
  let at = 0;
  for (const character of text) {
    const next = at + character.length;
    for (const byte of character < '\x80' ? character : bytesOf(character)) {
      bytes += byte;
      from.push(at);
      to.push(next);
    }
    at = next;
  }
  return { bytes, from, to };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const ESCAPE =
  /%([0-9a-f]{2})|\\u\{?([0-9a-f]{4,6})\}?|\\x([0-9a-f]{2})|\\([^ux\w\s])|&#(\d{1,7});|&#x([0-9a-f]{1,6});|&(amp|lt|gt|quot|apos);/gi;

const character = (code: number): string => bytesOf(String.fromCodePoint(Math.min(code, 0x10ffff)));

/** Decodes percent encoding and the escapes of JSON, JavaScript and HTML. Undefined if there are none. */
function unescaped({ bytes, from, to }: Decoded): Decoded | undefined {
  let out = '';
  const outFrom: number[] = [];
  const outTo: number[] = [];
  let last = 0;
  const copy = (end: number): void => {
    for (let at = last; at < end; at++) {
      out += bytes.charAt(at);
      outFrom.push(from[at] ?? 0);
      outTo.push(to[at] ?? 0);
    }
  };
  for (const match of bytes.matchAll(ESCAPE)) {
    const [whole, percent, unicode, hex, char, decimal, hexEntity, entity] = match;
    copy(match.index);
    last = match.index + whole.length;
    const meant =
      percent !== undefined || hex !== undefined
        ? String.fromCharCode(Number.parseInt(percent ?? hex ?? '', 16))
        : unicode !== undefined || hexEntity !== undefined
          ? character(Number.parseInt(unicode ?? hexEntity ?? '', 16))
          : decimal !== undefined
            ? character(Number(decimal))
            : (char ?? ENTITIES[(entity ?? '').toLowerCase()] ?? '');
    for (const byte of meant) {
      out += byte;
      outFrom.push(from[match.index] ?? 0);
      outTo.push(to[last - 1] ?? 0);
    }
  }
  if (last === 0) return undefined;
  copy(bytes.length);
  return { bytes: out, from: outFrom, to: outTo };
}

/** How many levels of nested escapes are decoded. */
const DEPTH = 4;

function* decodedForms(first: Decoded): Generator<Decoded> {
  let form: Decoded | undefined = first;
  for (let depth = 0; form && depth < DEPTH; depth++) {
    yield form;
    form = unescaped(form);
  }
}

/** A run of base64, of either alphabet, long enough for the shortest credential. It may start at any alignment. */
const BASE64 = /[A-Za-z0-9+/_-]{8,}/g;

function* decodings(run: string): Generator<string> {
  const standard = run.replaceAll('-', '+').replaceAll('_', '/');
  for (let skip = 0; skip < 4; skip++) {
    const part = standard.slice(skip);
    yield atob(part.slice(0, part.length - (part.length % 4 === 1 ? 1 : 0)));
  }
}

const isWordPart = (byte: string): boolean => /[\w-]/.test(byte);

/** A credential to look for. */
interface Secret {
  readonly bytes: string;
  /** Match it case-sensitively: a short credential of only letters may be an ordinary word in another case. */
  readonly word: boolean;
}

const secretOf = (credential: string): Secret => {
  const word = credential.length < ANYWHERE_FROM && /^[A-Za-z]+$/.test(credential);
  return { bytes: word ? credential : bytesOf(credential).toLowerCase(), word };
};

/** Where a credential occurs in `bytes`. `small` is the same text in lower case. */
function* placesOf({ bytes: secret, word }: Secret, bytes: string, small: string): Generator<number> {
  const text = word ? bytes : small;
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
    const end = at + secret.length;
    const alone = !isWordPart(text.charAt(at - 1)) && !isWordPart(text.charAt(end));
    if (secret.length >= ANYWHERE_FROM || alone) yield at;
  }
}

/**
 * Removes credentials from texts by value: in any case, percent-encoded, in JSON or HTML escapes, in base64 at any
 * alignment, and in several of these at once. For error texts that leave the gateway. Model output is never touched.
 */
export function redactor(credentials: readonly string[]): Redact {
  const secrets = [...new Set(credentials.map((credential) => credential.trim()))]
    .filter((credential) => credential.length >= LEAST_CHARACTERS && !PLACEHOLDERS.has(credential.toLowerCase()))
    .map(secretOf);
  const shortest = Math.min(...secrets.map(({ bytes }) => bytes.length));
  /** Four characters of base64 are three bytes, so most words are too short. */
  const couldHold = (run: string): boolean => run.length * 3 >= shortest * 4;
  /** Whether decoded base64 contains a credential, or more base64 that does. */
  const reveals = (decoded: string, deeper: boolean): boolean => {
    for (const { bytes } of decodedForms({ bytes: decoded, from: [], to: [] })) {
      const small = bytes.toLowerCase();
      if (secrets.some((secret) => !placesOf(secret, bytes, small).next().done)) return true;
      if (deeper) {
        for (const [run] of bytes.matchAll(BASE64))
          if (couldHold(run)) for (const inner of decodings(run)) if (reveals(inner, false)) return true;
      }
    }
    return false;
  };
  return (text) => {
    if (text.length < shortest) return text;
    const hidden = new Uint8Array(text.length);
    const hide = ({ from, to }: Decoded, start: number, end: number): void => {
      hidden.fill(1, from[start], to[end - 1]);
    };
    for (const form of decodedForms(plain(text))) {
      const small = form.bytes.toLowerCase();
      for (const secret of secrets)
        for (const at of placesOf(secret, form.bytes, small)) hide(form, at, at + secret.bytes.length);
      for (const { 0: run, index } of form.bytes.matchAll(BASE64)) {
        if (!couldHold(run)) continue;
        for (const decoded of decodings(run)) if (reveals(decoded, true)) hide(form, index, index + run.length);
      }
    }
    let out = '';
    for (let at = 0; at < text.length; at++) {
      if (hidden[at] === 0) out += text.charAt(at);
      else if (at === 0 || hidden[at - 1] === 0) out += REDACTED;
    }
    return out;
  };
}

/** A JSON value with every text in it redacted. */
export function redactDeep<T>(value: T, redact: Redact): T {
  const inner = (item: unknown): unknown => {
    if (typeof item === 'string') return redact(item);
    if (Array.isArray(item)) return item.map(inner);
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([name, member]) => [name, inner(member)]));
  };
  return inner(value) as T;
}

/** An error that may leave the gateway: no text of it contains a credential. */
export function redactError(error: GatewayError, redact: Redact): GatewayError {
  const clean: Redact = (text) => withoutKnownKeys(redact(text));
  return new GatewayError(error.code, clean(error.message), redactDeep(error.details, clean));
}
