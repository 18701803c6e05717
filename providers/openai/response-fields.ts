/**
 * Reads single values of a response that nobody has checked: JSON text, strings, counts, token usage, finish reasons
 * and log probabilities. Each function takes any value and returns undefined, or an empty list, where the server did
 * not send what it should have.
 */
import {
  type FinishReason,
  isObject,
  type JsonObject,
  type TokenLogprob,
  type Usage,
  usageFromTotals,
} from '../../src/core/index.ts';

/** JSON strings, which stay as they are, and Python's `NaN` and `Infinity`, which JSON does not have. */
const NOT_JSON_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** OpenAI's value for the logarithm of a probability of zero. */
const LEAST_LOGPROB = '-9999.0';

const withNumbers = (text: string): string =>
  text.replace(NOT_JSON_NUMBERS, (found) => {
    if (found.startsWith('"')) return found;
    return found === '-Infinity' ? LEAST_LOGPROB : 'null';
  });

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // The parser's message quotes the text, which must not get into a log. The caller only needs to know that it
    // failed.
    return undefined;
  }
}

/**
 * Parses JSON. The value comes in an object because JSON may be `null`; undefined means that the text is not JSON.
 * Python's `json.dumps` writes a log probability of zero as `-Infinity` and an unknown one as `NaN`: both are accepted.
 */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  return parse(text) ?? (/\b(?:NaN|Infinity)\b/.test(text) ? parse(withNumbers(text)) : undefined);
}

/** A string that is not empty. Many servers send an empty string for an absent value. */
export const filled = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A whole number, 0 or above. */
export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/**
 * Reads a `usage` object. Undefined where it has no number of completion tokens, because unknown is not zero.
 * Cached tokens: `prompt_tokens_details.cached_tokens` (OpenAI, vLLM), `cached_tokens` (Together, Moonshot) or
 * `prompt_cache_hit_tokens` (DeepSeek). Proxies of Anthropic's API send `input_tokens` and
 * `output_tokens`.
 */
export function readUsage(wire: unknown): Usage | undefined {
  if (!isObject(wire)) return undefined;
  const prompt = count(wire.prompt_tokens) ?? count(wire.input_tokens);
  const total = count(wire.total_tokens);
  const said = count(wire.completion_tokens) ?? count(wire.output_tokens);
  const completion = said ?? (prompt !== undefined && total === prompt ? 0 : undefined);
  if (completion === undefined) return undefined;
  const promptDetails = isObject(wire.prompt_tokens_details) ? wire.prompt_tokens_details : {};
  const completionDetails = isObject(wire.completion_tokens_details) ? wire.completion_tokens_details : {};
  const cacheRead =
    count(promptDetails.cached_tokens) ?? count(wire.cached_tokens) ?? count(wire.prompt_cache_hit_tokens);
  const reasoning = count(completionDetails.reasoning_tokens) ?? count(wire.reasoning_tokens);
  // xAI does not include reasoning tokens in the completion tokens. The total shows which of the two a server does.
  const beside = reasoning !== undefined && reasoning > 0 && total === (prompt ?? 0) + completion + reasoning;
  const answer = { completion: beside ? completion + reasoning : completion, reasoning };
  // Ollama sends 0 for a prompt that it has in its cache.
  if (prompt === undefined || (prompt === 0 && completion > 0)) {
    return { ...usageFromTotals({ prompt: 0, ...answer }), promptUnknown: true };
  }
  return usageFromTotals({ prompt, cacheRead, cacheWrite: count(promptDetails.cache_write_tokens), ...answer });
}

/**
 * The finish reasons that servers send, in lower case. `failed`: the server gave up before the answer was complete.
 * Sources: OpenAI's API reference; Together's OpenAPI document (`eos`, `function_call`) and Python client (`error`);
 * vLLM and SGLang (`abort`); vLLM's `FinishReason` (`repetition`); docs.mistral.ai (`model_length`);
 * api-docs.deepseek.com (`insufficient_system_resource`); docs.z.ai (`sensitive`, `network_error`,
 * `model_context_window_exceeded`); Google's GenerateContent (`MAX_TOKENS`, `SAFETY` and the like, which proxies pass
 * on); Bedrock's `StopReason`.
 */
const REASONS: Readonly<Record<string, FinishReason | 'failed'>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  stop_sequence: 'stop',
  end_turn: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_length: 'length',
  max_output_tokens: 'length',
  model_length: 'length',
  context_length_exceeded: 'length',
  model_context_window_exceeded: 'length',
  repetition: 'length',
  repetition_truncation: 'length',
  tool_calls: 'tool_calls',
  tool_call: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  content_filtered: 'content_filter',
  guardrail_intervened: 'content_filter',
  refusal: 'content_filter',
  sensitive: 'content_filter',
  safety: 'content_filter',
  recitation: 'content_filter',
  blocklist: 'content_filter',
  prohibited_content: 'content_filter',
  error: 'failed',
  abort: 'failed',
  aborted: 'failed',
  cancelled: 'failed',
  canceled: 'failed',
  network_error: 'failed',
  insufficient_system_resource: 'failed',
  malformed_function_call: 'failed',
};

/** Maps a server's finish reason to OpenAI's. An unknown one counts as `stop`; the caller sees it as `native`. */
export function finishReason(native: string): FinishReason | 'failed' {
  const word = native.toLowerCase();
  return Object.hasOwn(REASONS, word) ? (REASONS[word] ?? 'stop') : 'stop';
}

type Top = TokenLogprob['top'][number];

const bytesOf = (value: unknown): readonly number[] | null =>
  Array.isArray(value) && value.every((byte) => typeof byte === 'number') ? value : null;

function top(wire: unknown): Top[] {
  if (!isObject(wire) || typeof wire.token !== 'string' || typeof wire.logprob !== 'number') return [];
  return [{ token: wire.token, logprob: wire.logprob, bytes: bytesOf(wire.bytes) }];
}

const fromChat = (content: readonly unknown[], k: number): TokenLogprob[] =>
  content.flatMap((entry) =>
    top(entry).map((chosen) => ({
      ...chosen,
      top: isObject(entry) && Array.isArray(entry.top_logprobs) ? entry.top_logprobs.flatMap(top).slice(0, k) : [],
    })),
  );

/** The `k` most likely tokens, and the chosen one if it is not among them: OpenAI's "up to logprobs+1 elements". */
function fromTable(table: unknown, chosen: string, k: number): Top[] {
  if (!isObject(table) || k === 0) return [];
  const sorted = Object.entries(table)
    .flatMap(([token, logprob]) => (typeof logprob === 'number' ? [{ token, logprob, bytes: null }] : []))
    .sort((a, b) => b.logprob - a.logprob);
  return sorted.filter(({ token }, at) => at < k || token === chosen);
}

function fromLegacy(wire: JsonObject, k: number): TokenLogprob[] {
  const { tokens, token_logprobs: logprobs, top_logprobs: tops } = wire;
  if (!Array.isArray(tokens) || !Array.isArray(logprobs)) return [];
  return tokens.flatMap((token: unknown, i): TokenLogprob[] => {
    const logprob: unknown = logprobs[i];
    if (typeof token !== 'string') return [];
    // The first token of an echoed prompt has no probability. It stays in the list, because evaluations use positions.
    if (logprob === null && i === 0) return [{ token, logprob, bytes: null, top: [] }];
    if (typeof logprob !== 'number') return [];
    const table: unknown = Array.isArray(tops) ? tops[i] : undefined;
    return [{ token, logprob, bytes: null, top: fromTable(table, token, k) }];
  });
}

/**
 * Reads a choice's `logprobs` in any of the known forms: OpenAI's chat form `{content: []}`; the legacy form
 * `{tokens, token_logprobs, top_logprobs}`, which Together uses for chat too; and Together's single number for the one
 * token of a chunk. Keeps at most `k` alternatives, the number that the caller asked for.
 */
export function readLogprobs(wire: unknown, text: string, k: number): TokenLogprob[] {
  if (typeof wire === 'number') return text === '' ? [] : [{ token: text, logprob: wire, bytes: null, top: [] }];
  if (!isObject(wire)) return [];
  return Array.isArray(wire.content) ? fromChat(wire.content, k) : fromLegacy(wire, k);
}
