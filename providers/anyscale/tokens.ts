import {
  type ChatJob,
  type Fetch,
  isObject,
  type Job,
  type JsonObject,
  type ModelAt,
  type TokenizedText,
} from '../../src/core/index.ts';
import { type WireDialect, wireRequest } from '../openai-wire/index.ts';
import { ask, rootOf, type Said } from './ask.ts';
import type { Service } from './service.ts';
import { tokenBytes } from './token-bytes.ts';

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const lengthOf = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined);

const member = (body: unknown, name: string): unknown => (isObject(body) ? body[name] : undefined);

/** What a server may be asked: where, and with what. */
interface Question {
  readonly url: string;
  readonly body: JsonObject;
}

/** One way in which servers count a prompt, and how its answer is read. Undefined: this server does not count so. */
interface Method<J extends Job> {
  readonly name: string;
  /** Whether the server can be told all of the job that decides what the model reads. */
  takes(job: J): boolean;
  question(service: Service, job: J, sent: JsonObject): Question;
  read(body: unknown): number | undefined;
}

const hasImages = ({ messages }: ChatJob): boolean =>
  messages.some(({ content }) => typeof content !== 'string' && content.some(({ type }) => type === 'image'));

/** Fields of a chat that vLLM's `/tokenize` takes: vllm/entrypoints/openai/protocol.py, TokenizeChatRequest. */
const VLLM_FIELDS = ['model', 'messages', 'tools', 'chat_template', 'chat_template_kwargs', 'mm_processor_kwargs'];

/** Of an answer to be made, and of no prompt. */
const STREAM_FIELDS = ['stream', 'stream_options', 'n'];

const only = (sent: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => fields.includes(name)));

const without = (sent: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => !fields.includes(name)));

const CHAT_METHODS: readonly Method<ChatJob>[] = [
  {
    // vLLM renders messages and tools. It knows no `tool_choice` or `reasoning_effort` here, and counts an image's mark alone.
    name: 'vllm',
    takes: (job) =>
      !hasImages(job) &&
      !(job.tools.length > 0 && job.toolChoice === 'none') &&
      job.sampling.reasoningEffort === undefined,
    question: (service, _job, sent) => ({ url: `${rootOf(service)}/tokenize`, body: only(sent, VLLM_FIELDS) }),
    read: (body) => count(member(body, 'count')),
  },
  {
    // llama.cpp reads the very body of the call (tools/server/README.md).
    name: 'llama.cpp',
    takes: () => true,
    question: (service, _job, sent) => ({
      url: `${service.baseUrl}/chat/completions/input_tokens`,
      body: without(sent, STREAM_FIELDS),
    }),
    read: (body) => count(member(body, 'input_tokens')),
  },
  {
    // text-generation-inference: docs/openapi.json, `/chat_tokenize`.
    name: 'tgi',
    takes: (job) => !hasImages(job),
    question: (service, _job, sent) => ({
      url: `${rootOf(service)}/chat_tokenize`,
      body: without(sent, STREAM_FIELDS),
    }),
    read: (body) => lengthOf(member(body, 'tokenize_response')),
  },
];

type PromptJob = Exclude<Job, ChatJob>;

const PROMPT_METHODS: readonly Method<PromptJob>[] = [
  {
    // vLLM, SGLang, and Ray Serve, which takes nothing else (ray/llm/_internal/serve/core/ingress/ingress.py).
    name: 'vllm',
    takes: () => true,
    question: (service, { model, prompt }) => ({ url: `${rootOf(service)}/tokenize`, body: { model, prompt } }),
    read: (body) => count(member(body, 'count')),
  },
  {
    // As its completions read a prompt: behind what begins one, special tokens by their text.
    name: 'llama.cpp',
    takes: () => true,
    question: (service, { model, prompt }) => ({
      url: `${rootOf(service)}/tokenize`,
      body: { model, content: prompt, add_special: true, parse_special: true },
    }),
    read: (body) => lengthOf(member(body, 'tokens')),
  },
  {
    name: 'tgi',
    takes: () => true,
    question: (service, { prompt }) => ({ url: `${rootOf(service)}/tokenize`, body: { inputs: prompt } }),
    read: lengthOf,
  },
];

/** What a server is known not to do. */
export type RuledOut = Set<string>;

/** No such route, or not in this way: that will be so the next time, too. */
const isMissing = ({ status }: Said): boolean => [404, 405, 501].includes(status);

async function countBy<J extends Job>(
  methods: readonly Method<J>[],
  job: J,
  asking: Asking,
  sent: JsonObject,
): Promise<number | undefined> {
  const { service, fetch, signal, ruledOut } = asking;
  for (const method of methods) {
    const key = `${job.kind} ${method.name}`;
    if (ruledOut.has(key) || !method.takes(job)) continue;
    const { url, body } = method.question(service, job, sent);
    const said = await ask(service, url, body, fetch, signal);
    // It fails, or cannot be reached, whatever it is asked.
    if (said.status === 0 || (said.status >= 500 && said.status !== 501)) return undefined;
    const told = said.status === 200 ? method.read(said.body) : undefined;
    if (told !== undefined) return told;
    // llama.cpp answers vLLM's question as well, with the tokens of no text at all.
    if (isMissing(said) || said.status === 200) ruledOut.add(key);
  }
  return undefined;
}

/** A service that is asked, and what has been learned about it. */
export interface Asking {
  readonly service: Service;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  readonly ruledOut: RuledOut;
}

/**
 * Asks a service how many tokens it reads for a job, with all that is sent. Undefined where it does not say, or cannot be
 * told all of it: it is asked for a better number, not for leave.
 */
export function countAt(job: Job, dialect: WireDialect, asking: Asking): Promise<number | undefined> {
  const sent = wireRequest(job, dialect).body;
  return job.kind === 'chat' ? countBy(CHAT_METHODS, job, asking, sent) : countBy(PROMPT_METHODS, job, asking, sent);
}

const idsOf = (value: unknown): readonly number[] | undefined =>
  Array.isArray(value) && value.every((id) => count(id) !== undefined) ? value : undefined;

const encoder = new TextEncoder();

/** llama.cpp's `{"id": 19556, "piece": "Hello"}`; a piece that is no whole text is a list of bytes. */
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

/** vLLM's `{"count", "tokens", "token_strs"}`; older versions know no `token_strs`. */
function vllmTokens(body: unknown, text: string): TokenizedText | undefined {
  const ids = count(member(body, 'count')) === undefined ? undefined : idsOf(member(body, 'tokens'));
  if (!ids) return undefined;
  const names = member(body, 'token_strs');
  const named = Array.isArray(names) && names.length === ids.length && names.every((name) => typeof name === 'string');
  const bytes = named ? tokenBytes(names, text) : undefined;
  return { ids, ...(bytes ? { bytes } : {}) };
}

/** A text's tokens by the service's own tokenizer, with nothing before it. */
export async function tokenizeAt(
  { model }: ModelAt,
  text: string,
  markers: 'text' | 'parse',
  { service, fetch, signal, ruledOut }: Asking,
): Promise<TokenizedText | undefined> {
  const url = `${rootOf(service)}/tokenize`;
  if (!ruledOut.has('tokenize vllm')) {
    const question = { model, prompt: text, add_special_tokens: false, return_token_strs: true };
    const said = await ask(service, url, question, fetch, signal);
    const told = said.status === 200 ? vllmTokens(said.body, text) : undefined;
    if (told || said.status === 0) return told;
    if (isMissing(said) || said.status === 200) ruledOut.add('tokenize vllm');
  }
  const parse = markers === 'parse';
  const said = await ask(
    service,
    url,
    { model, content: text, add_special: false, parse_special: parse, with_pieces: true },
    fetch,
    signal,
  );
  return said.status === 200 ? pieces(member(said.body, 'tokens')) : undefined;
}

/** The text of tokens: vLLM answers with a `prompt`, llama.cpp with `content`, and both take the same question. */
export async function detokenizeAt(
  { model }: ModelAt,
  ids: readonly number[],
  { service, fetch, signal }: Asking,
): Promise<string | undefined> {
  const said = await ask(service, `${rootOf(service)}/detokenize`, { model, tokens: ids }, fetch, signal);
  if (said.status !== 200) return undefined;
  const text = member(said.body, 'prompt') ?? member(said.body, 'content');
  return typeof text === 'string' ? text : undefined;
}
