/**
 * Makes texts fit to leave the gateway. A provider's words become short and one line, without credentials, markup or
 * stack (`sanitise`). Whatever is said about a failure loses this deployment's credentials, which are known by value
 * (`redact`).
 */
import { GatewayError } from './errors.ts';

/** Replaces a credential. */
const REDACTED = '[redacted]';

const MAX_TEXT = 500;

/**
 * At most `max` characters, ending at the end of a word. A run of printable ASCII is kept or dropped as a whole,
 * because nothing that looks for a credential would find half of one.
 */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = max;
  while (end > 0 && /[!-~]/.test(text.charAt(end - 1)) && /[!-~]/.test(text.charAt(end))) end--;
  return text.slice(0, end).trimEnd();
}

const START = '(?<![A-Za-z0-9])';
const prefixed = (...forms: string[]): RegExp => new RegExp(`${START}(?:${forms.join('|')})`, 'g');

/**
 * Credentials by the prefixes that services give them so that scanners can find them (sources: GitHub's and GitLab's
 * secret-scanning patterns, gitleaks' rules, the services' documentation).
 */
const PREFIXES: readonly RegExp[] = [
  // Ours (src/accounts/key-text.ts), also cut.
  prefixed('ck_[A-Za-z0-9][\\w.-]{0,62}_[0-9a-z]{18}_[\\w-]{6,}'),
  // OpenAI, Anthropic, OpenRouter, DeepSeek, Moonshot, LiteLLM; Cerebras; Groq; xAI; Perplexity; NVIDIA.
  prefixed('c?sk-[\\w-]{6,}', 'gsk_\\w{6,}', 'xai-\\w{20,}', 'pplx-\\w{6,}', 'nvapi-[\\w-]{6,}'),
  // Replicate, Together, Anyscale, Fireworks, Novita, Vercel, RunPod, Jina, Voyage.
  prefixed('r8_\\w{6,}', 'tgp_v1_[\\w-]{6,}', 'esecret_\\w{6,}', 'aph0_[\\w-]{6,}', 'f(?:w|pk)_[A-Za-z0-9]{16,}'),
  prefixed('sk_[A-Za-z0-9_]{16,}', 'vck_\\w{12,}', 'rpa_[A-Z0-9]{12,}', 'jina_\\w{16,}', 'pa-[\\w-]{30,}'),
  // Hugging Face. Names in vLLM and transformers such as `hf_config` and `hf_overrides` are no credentials.
  prefixed(
    'hf_(?!(?:config|overrides|tokens?|models?|home|hub|tokenizer|processor|transfer|dataset)\\b)[A-Za-z0-9]{6,}(?!\\w)',
  ),
  prefixed('api_org_[A-Za-z0-9]{6,}'),
  // AWS: access key ids, Bedrock API keys, session tokens (the base64 of their headers).
  prefixed('A(?:KIA|SIA|BIA|CCA|ROA|IDA|NPA|GPA|IPA|NVA|PKA|SCA)[A-Z0-9]{8,}', 'ABSK[\\w+/=-]{6,}'),
  prefixed('bedrock-api-key-[\\w+/=%-]{6,}', '(?:IQoJ|FwoG|FQoG|AQoD)[\\w+/=%-]{16,}'),
  // Google, GitHub, GitLab, Slack, Databricks, npm, Cloudflare, SendGrid, LangSmith.
  prefixed('AIza[\\w-]{20,}', 'ya29\\.[\\w-]{12,}', 'gh[opsur]_\\w{12,}', 'github_pat_\\w{12,}', 'glpat-[\\w-]{12,}'),
  prefixed('xox[abeprs]-[\\w-]{8,}', 'dapi[0-9a-f]{16,}', 'npm_[A-Za-z0-9]{30,}', 'cf(?:ut|at)_\\w{16,}'),
  prefixed('SG\\.[\\w-]{16,}(?:\\.[\\w-]+)?', 'lsv2_[a-z]{2}_\\w{12,}'),
  // JSON Web Tokens, also without their signature.
  prefixed('eyJ[\\w-]{6,}\\.[\\w-]*(?:\\.[\\w-]*)?'),
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----END)){0,8000}(?:-----END [A-Z ]{0,40}-----)?/g,
];

const hasLetterAndDigit = (text: string): boolean => /\d/.test(text) && /[A-Za-z]/.test(text);

/** Credentials by the words before them. The words alone are harmless: "invalid bearer token". */
const NAMED: readonly RegExp[] = [
  /\b(Bearer\s+)([\w.~+/=-]{6,})/gi,
  /\b(Basic\s+)([\w+/-]{8,}={0,2})/gi,
  /((?:api[ _-]?key|access[ _-]?key|auth[ _-]?token|access[ _-]?token|secret|password|passwd)["']?\s{0,3}[:=]\s{0,3}["']?)([^\s"',;<>]{6,})/gi,
];

/** A long run of letters and digits after one of these words is an id, not a credential. */
const ID_BEFORE =
  /(?:ids?|trace|request|version|digest|sha\d*|commit|revision|hash|model|prediction|\w\/[\w.-]{1,100}:)[\s:=#"'`([]{0,4}$/i;

const kindOf = (code: number): number => (code >= 97 ? 1 : code >= 65 ? 2 : 3);

/**
 * Whether a run looks randomly generated. Random text switches between lower case, upper case and digits at more than
 * half of its characters. `InvokeModelWithResponseStream` does at a third, and has no digit.
 */
function looksRandom(run: string): boolean {
  const body = run.replace(/=+$/, '');
  const letters = body.replace(/[^A-Za-z0-9]/g, '');
  // Names, paths and UUIDs consist of short pieces.
  if (letters.length < 24 || body.length - letters.length > body.length / 10) return false;
  const kinds = new Set<number>();
  let changes = 0;
  let last = 0;
  for (let at = 0; at < letters.length; at++) {
    const kind = kindOf(letters.charCodeAt(at));
    if (last !== 0 && kind !== last) changes++;
    kinds.add(kind);
    last = kind;
  }
  if (!kinds.has(3)) return false;
  if (kinds.size === 3) return changes >= letters.length * 0.4;
  if (/^[0-9a-f]{32,}$/i.test(body)) return true;
  return letters.length >= 32 && letters.length === body.length && changes >= letters.length * 0.25;
}

/** A request id of a provider, if it looks like an id. Anything else is not shown. */
export const shownId = (id: string | null | undefined): string | undefined =>
  typeof id === 'string' && /^[\w.:/=+-]{1,200}$/.test(id) ? id : undefined;

/** A text without credentials that have a known prefix. */
export const withoutKnownKeys = (text: string): string =>
  PREFIXES.reduce((rest, pattern) => rest.replace(pattern, REDACTED), text);

/** A text without anything that looks like a credential. Ordinary words stay. Linear in the text. */
function withoutSecrets(text: string): string {
  let rest = withoutKnownKeys(text);
  for (const pattern of NAMED) {
    rest = rest.replace(pattern, (all, before: string, value: string) =>
      hasLetterAndDigit(value) || value.length >= 20 ? before + REDACTED : all,
    );
  }
  return rest.replace(/[A-Za-z0-9+/_-]{24,}={0,2}/g, (run, at: number) =>
    looksRandom(run) && !ID_BEFORE.test(rest.slice(Math.max(0, at - 120), at)) ? REDACTED : run,
  );
}

/**
 * A provider's message, fit to be shown: no credential, no query string, no markup, no stack, one line, at most 500
 * characters. Linear in its input, which is cut first. Credentials of this deployment that look like ordinary words
 * are removed by value when the answer is written (`redactor`).
 */
export const sanitise = (text: string): string =>
  shorten(
    withoutSecrets(
      shorten(text, 4 * MAX_TEXT)
        .replace(/<(script|style)\b[^>]{0,200}>[^<]*/gi, ' ')
        .replace(/<[a-z!/?][^<>]{0,500}>/gi, ' ')
        // A query may contain anything, and so may the part before an @.
        .replace(/(https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/g, '$1')
        .replace(/(:\/\/)[^\s/@"'<>]{1,500}@/g, '$1')
        .replace(/,?\s{0,10}(Internal exception|original exception|Traceback)[\s\S]*$/i, ''),
    )
      .replace(/\s+/g, ' ')
      .trim(),
    MAX_TEXT,
  );

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
