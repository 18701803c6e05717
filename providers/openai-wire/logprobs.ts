import type { TokenLogprob } from '../../src/core/index.ts';
import { isObject, type JsonObject } from './shape.ts';

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

/** The likeliest, and the token itself where it is none of them, as OpenAI counts: "up to logprobs+1 elements". */
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
    // The first token of an echoed prompt has none; it keeps its place, by which evaluations count.
    if (logprob === null && i === 0) return [{ token, logprob, bytes: null, top: [] }];
    if (typeof logprob !== 'number') return [];
    const table: unknown = Array.isArray(tops) ? tops[i] : undefined;
    return [{ token, logprob, bytes: null, top: fromTable(table, token, k) }];
  });
}

/**
 * A choice's `logprobs`, in any of the forms seen: OpenAI's chat `{content: []}`; the legacy `{tokens, token_logprobs,
 * top_logprobs}`, which Together uses for chat too; and Together's bare number for the one token a chunk carries.
 * At most `k` alternatives are kept, which is what the caller asked for where the server only gives more.
 */
export function readLogprobs(wire: unknown, text: string, k: number): TokenLogprob[] {
  if (typeof wire === 'number') return text === '' ? [] : [{ token: text, logprob: wire, bytes: null, top: [] }];
  if (!isObject(wire)) return [];
  return Array.isArray(wire.content) ? fromChat(wire.content, k) : fromLegacy(wire, k);
}
