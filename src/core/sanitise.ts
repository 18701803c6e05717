/** Makes a provider's words fit to be shown: short, one line, without credentials, markup or stack. */

/** Replaces a credential. */
export const REDACTED = '[redacted]';

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
export function withoutSecrets(text: string): string {
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
