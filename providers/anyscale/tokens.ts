/**
 * Asks a service to count and to split text with its own tokenizer: vLLM's, llama.cpp's or text-generation-inference's
 * routes, whichever the server has.
 */
import {
  type ChatJob,
  type Fetch,
  isObject,
  type Job,
  type JsonObject,
  type ModelAt,
  type PromptJob,
  type TokenizedText,
} from '../../src/core/index.ts';
import { type ServerProfile, wireRequest } from '../openai/index.ts';
import { callService, rootOf, type Service, type ServiceReply } from './service.ts';

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const lengthOf = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined);

const member = (body: unknown, name: string): unknown => (isObject(body) ? body[name] : undefined);

/** A request for a token count. */
interface CountRequest {
  readonly url: string;
  readonly body: JsonObject;
}

/** One server's API for counting a prompt's tokens. `read` returns undefined if the answer is another server's. */
interface CountApi<J extends Job> {
  readonly name: string;
  /** Whether the API takes everything of the job that is part of the prompt. */
  takes(job: J): boolean;
  request(service: Service, job: J, sent: JsonObject): CountRequest;
  read(body: unknown): number | undefined;
}

const hasImages = ({ messages }: ChatJob): boolean =>
  messages.some(({ content }) => typeof content !== 'string' && content.some(({ type }) => type === 'image'));

/** Fields of a chat that vLLM's `/tokenize` takes: vllm/entrypoints/openai/protocol.py, TokenizeChatRequest. */
const VLLM_FIELDS = ['model', 'messages', 'tools', 'chat_template', 'chat_template_kwargs', 'mm_processor_kwargs'];

/** Fields about the answer, not the prompt. */
const STREAM_FIELDS = ['stream', 'stream_options', 'n'];

const only = (sent: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => fields.includes(name)));

const without = (sent: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => !fields.includes(name)));

const CHAT_APIS: readonly CountApi<ChatJob>[] = [
  {
    // vLLM renders messages and tools. Its /tokenize has no `tool_choice` or `reasoning_effort`, and does not count
    // images.
    name: 'vllm',
    takes: (job) =>
      !hasImages(job) &&
      !(job.tools.length > 0 && job.toolChoice === 'none') &&
      job.sampling.reasoningEffort === undefined,
    request: (service, _job, sent) => ({ url: `${rootOf(service)}/tokenize`, body: only(sent, VLLM_FIELDS) }),
    read: (body) => count(member(body, 'count')),
  },
  {
    // llama.cpp takes the same body as the chat itself (tools/server/README.md).
    name: 'llama.cpp',
    takes: () => true,
    request: (service, _job, sent) => ({
      url: `${service.baseUrl}/chat/completions/input_tokens`,
      body: without(sent, STREAM_FIELDS),
    }),
    read: (body) => count(member(body, 'input_tokens')),
  },
  {
    // text-generation-inference: docs/openapi.json, `/chat_tokenize`.
    name: 'tgi',
    takes: (job) => !hasImages(job),
    request: (service, _job, sent) => ({
      url: `${rootOf(service)}/chat_tokenize`,
      body: without(sent, STREAM_FIELDS),
    }),
    read: (body) => lengthOf(member(body, 'tokenize_response')),
  },
];

const PROMPT_APIS: readonly CountApi<PromptJob>[] = [
  {
    // vLLM, SGLang, and Ray Serve, which takes only this (ray/llm/_internal/serve/core/ingress/ingress.py).
    name: 'vllm',
    takes: () => true,
    request: (service, { model, prompt }) => ({ url: `${rootOf(service)}/tokenize`, body: { model, prompt } }),
    read: (body) => count(member(body, 'count')),
  },
  {
    // As llama.cpp's completions do it: with BOS, and with the text of special tokens read as those tokens.
    name: 'llama.cpp',
    takes: () => true,
    request: (service, { model, prompt }) => ({
      url: `${rootOf(service)}/tokenize`,
      body: { model, content: prompt, add_special: true, parse_special: true },
    }),
    read: (body) => lengthOf(member(body, 'tokens')),
  },
  {
    name: 'tgi',
    takes: () => true,
    request: (service, { prompt }) => ({ url: `${rootOf(service)}/tokenize`, body: { inputs: prompt } }),
    read: lengthOf,
  },
];

/** The server has no such route. It is not asked again. */
const isMissing = ({ status }: ServiceReply): boolean => [404, 405, 501].includes(status);

async function countBy<J extends Job>(
  apis: readonly CountApi<J>[],
  job: J,
  context: TokenContext,
  sent: JsonObject,
): Promise<number | undefined> {
  const { service, fetch, signal, missingApis } = context;
  for (const api of apis) {
    const key = `${job.kind} ${api.name}`;
    if (missingApis.has(key) || !api.takes(job)) continue;
    const { url, body } = api.request(service, job, sent);
    const reply = await callService(service, url, body, fetch, signal);
    // The server is down or failing, so another API would fail too.
    if (reply.status === 0 || (reply.status >= 500 && reply.status !== 501)) return undefined;
    const told = reply.status === 200 ? api.read(reply.body) : undefined;
    if (told !== undefined) return told;
    // llama.cpp answers vLLM's request too, with the tokens of an empty text.
    if (isMissing(reply) || reply.status === 200) missingApis.add(key);
  }
  return undefined;
}

/** How a service is asked, and which APIs it is known not to have. */
export interface TokenContext {
  readonly service: Service;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  readonly missingApis: Set<string>;
}

/**
 * Asks a service for the prompt tokens of a job, with everything that is sent. Undefined where it has no API for it, or
 * one that does not take all of the job.
 */
export function countAt(job: Job, server: ServerProfile, context: TokenContext): Promise<number | undefined> {
  const sent = wireRequest(job, server).body;
  return job.kind === 'chat' ? countBy(CHAT_APIS, job, context, sent) : countBy(PROMPT_APIS, job, context, sent);
}

const idsOf = (value: unknown): readonly number[] | undefined =>
  Array.isArray(value) && value.every((id) => count(id) !== undefined) ? value : undefined;

const encoder = new TextEncoder();

// The functions below work out the bytes of tokens from their names in a Hugging Face tokenizer. Byte-level BPE has a
// letter for each byte (github.com/openai/gpt-2, src/encoder.py, bytes_to_unicode). SentencePiece writes `▁` for a
// space and `<0xE2>` for a byte.

/**
 * The byte of each letter of byte-level BPE: the same where it is printable, else one of those from U+0100 on, in
 * order.
 */
function byteLetters(): ReadonlyMap<string, number> {
  const letters = new Map<string, number>();
  let hidden = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    letters.set(String.fromCharCode(printable ? byte : 256 + hidden++), byte);
  }
  return letters;
}

let letters: ReadonlyMap<string, number> | undefined;

function byteLevel(name: string): Uint8Array | undefined {
  letters ??= byteLetters();
  const bytes: number[] = [];
  for (const letter of name) {
    const byte = letters.get(letter);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function sentencePiece(name: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(name)?.[1];
  return byte === undefined ? encoder.encode(name.replaceAll('\u2581', ' ')) : Uint8Array.of(Number.parseInt(byte, 16));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Undefined if neither way of reading the names gives the text. */
function tokenBytes(names: readonly string[], text: string): readonly Uint8Array[] | undefined {
  const wanted = encoder.encode(text);
  const level = names.map(byteLevel);
  const known = level.filter((bytes) => bytes !== undefined);
  if (known.length === level.length && same(joined(known), wanted)) return known;
  const parts = names.map(sentencePiece);
  const written = joined(parts);
  if (same(written, wanted)) return parts;
  // Some tokenizers put a space before the text.
  const [first, ...others] = parts;
  return first && written[0] === 32 && same(written.subarray(1), wanted) ? [first.subarray(1), ...others] : undefined;
}

/** llama.cpp's `{"id": 19556, "piece": "Hello"}`. A piece that is not valid UTF-8 is a list of bytes. */
function pieces(value: unknown): TokenizedText | undefined {
  if (!Array.isArray(value)) return undefined;
  const ids: number[] = [];
  const bytes: Uint8Array[] = [];
  for (const token of value) {
    const id = count(member(token, 'id'));
    const piece = member(token, 'piece');
    const part = typeof piece === 'string' ? encoder.encode(piece) : idsOf(piece);
    if (id === undefined || part === undefined) return undefined;
    ids.push(id);
    bytes.push(Uint8Array.from(part));
  }
  return { ids, bytes };
}

/** vLLM's `{"count", "tokens", "token_strs"}`. Older versions have no `token_strs`. */
function vllmTokens(body: unknown, text: string): TokenizedText | undefined {
  const ids = count(member(body, 'count')) === undefined ? undefined : idsOf(member(body, 'tokens'));
  if (!ids) return undefined;
  const names = member(body, 'token_strs');
  const named = Array.isArray(names) && names.length === ids.length && names.every((name) => typeof name === 'string');
  const bytes = named ? tokenBytes(names, text) : undefined;
  return { ids, ...(bytes ? { bytes } : {}) };
}

/** A text's tokens by the service's own tokenizer, without BOS. */
export async function tokenizeAt(
  { model }: ModelAt,
  text: string,
  markers: 'text' | 'parse',
  { service, fetch, signal, missingApis }: TokenContext,
): Promise<TokenizedText | undefined> {
  const url = `${rootOf(service)}/tokenize`;
  if (!missingApis.has('tokenize vllm')) {
    const request = { model, prompt: text, add_special_tokens: false, return_token_strs: true };
    const reply = await callService(service, url, request, fetch, signal);
    const told = reply.status === 200 ? vllmTokens(reply.body, text) : undefined;
    if (told || reply.status === 0) return told;
    if (isMissing(reply) || reply.status === 200) missingApis.add('tokenize vllm');
  }
  const parse = markers === 'parse';
  const reply = await callService(
    service,
    url,
    { model, content: text, add_special: false, parse_special: parse, with_pieces: true },
    fetch,
    signal,
  );
  return reply.status === 200 ? pieces(member(reply.body, 'tokens')) : undefined;
}

/**
 * The text of tokens. vLLM and llama.cpp take the same request; vLLM answers with `prompt`, llama.cpp with `content`.
 */
export async function detokenizeAt(
  { model }: ModelAt,
  ids: readonly number[],
  { service, fetch, signal }: TokenContext,
): Promise<string | undefined> {
  const reply = await callService(service, `${rootOf(service)}/detokenize`, { model, tokens: ids }, fetch, signal);
  if (reply.status !== 200) return undefined;
  const text = member(reply.body, 'prompt') ?? member(reply.body, 'content');
  return typeof text === 'string' ? text : undefined;
}
