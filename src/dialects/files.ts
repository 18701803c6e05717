/**
 * Files within messages: OpenAI's `file` and `input_file`, Anthropic's `document`. A file of text becomes text, and a
 * PDF goes to the APIs that read it. No model that this gateway knows takes any other, so those are refused here, by
 * the name of their field.
 */
import type { ContentPart } from '../core/index.ts';
import { GatewayError } from '../core/index.ts';
import { invalid } from './validation.ts';

/** A file as a dialect found it, with as much as the caller told. */
export interface GivenFile {
  readonly name?: string | undefined;
  readonly mediaType?: string | undefined;
  /** A `data:` URL, or base64 alone. */
  readonly data?: string | undefined;
}

const TEXT_TYPES =
  /^(?:text\/|application\/(?:json|ld\+json|xml|yaml|x-yaml|toml|javascript|x-javascript|typescript|sql|x-sh|x-ndjson|csv|markdown)$|[a-z]+\/[a-z0-9.+-]+\+(?:json|xml|yaml)$)/;
const TEXT_NAMES =
  /\.(?:txt|text|md|markdown|csv|tsv|json|jsonl|ndjson|xml|ya?ml|toml|ini|cfg|conf|log|html?|css|js|mjs|cjs|ts|mts|tsx|jsx|py|rb|rs|go|java|kt|c|h|cc|cpp|hpp|cs|php|swift|sh|bash|sql|diff|patch|tex|rst)$/i;
/** Types that say nothing: then the name tells. */
const ANY_TYPE: ReadonlySet<string> = new Set(['', 'application/octet-stream']);

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/;

const unsupported = (param: string, text: string): GatewayError =>
  new GatewayError('unsupported_parameter', `${param}: ${text}`, { param });

/** How a file of its own kind is spoken of. */
const shown = (type: string, name: string | undefined): string =>
  ANY_TYPE.has(type) ? (name ? `a file like ${name.slice(0, 64)}` : 'a file of unknown type') : `${type.slice(0, 64)}`;

/** `;base64` is how a `data:` URL says so; without it the text is percent-encoded. */
function bytesIn(data: string, param: string): Uint8Array {
  const url = DATA_URL.exec(data);
  const body = url ? data.slice(url[0].length) : data;
  try {
    if (url && !/;base64$/i.test(url[2] ?? '')) return new TextEncoder().encode(decodeURIComponent(body));
    return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  } catch {
    throw invalid(param, 'is neither base64 nor a data: URL.');
  }
}

const PDF = 'application/pdf';
const isPdf = (told: string, name: string | undefined): boolean =>
  told === PDF || (ANY_TYPE.has(told) && name !== undefined && /\.pdf$/i.test(name));

/** How every PDF begins: `%PDF-`. */
const PDF_HEAD = [0x25, 0x50, 0x44, 0x46, 0x2d];

function pdfPart(data: string, name: string | undefined, param: string): ContentPart {
  const bytes = bytesIn(data, param);
  if (PDF_HEAD.some((byte, at) => bytes[at] !== byte)) throw invalid(param, `is not ${PDF}: it has no %PDF- in front.`);
  const url = DATA_URL.exec(data);
  if (url && !/;base64$/i.test(url[2] ?? '')) throw invalid(param, `must be base64: ${PDF} is not text.`);
  const base64 = url ? data.slice(url[0].length) : data;
  return { type: 'file', mediaType: PDF, data: base64, ...(name ? { name } : {}) };
}

/**
 * The text of a file, as a part of a message, or the file itself where it is a PDF.
 *
 * @param param the path of the field that holds the data
 * @throws GatewayError for a file that no model here reads, and for data that is not there or not text
 */
export function filePart({ name, mediaType, data }: GivenFile, param: string): ContentPart {
  if (data === undefined) {
    throw unsupported(
      param,
      'the file itself is missing: this gateway stores no files and fetches none. Send its data.',
    );
  }
  const told = (DATA_URL.exec(data)?.[1] || mediaType || '').trim().toLowerCase();
  if (isPdf(told, name)) return pdfPart(data, name, param);
  const isText = ANY_TYPE.has(told) ? name !== undefined && TEXT_NAMES.test(name) : TEXT_TYPES.test(told);
  if (!isText) {
    throw unsupported(param, `no model here reads ${shown(told, name)}. Send its text, or its pages as images.`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytesIn(data, param));
    return { type: 'text', text: name ? `${name}:\n${text}` : text };
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    throw invalid(param, 'is not UTF-8 text.');
  }
}
