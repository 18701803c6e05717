import { type Usage, usageFromTotals } from '../../src/core/index.ts';
import { count, isObject } from './shape.ts';

/**
 * A `usage` object in core's buckets; undefined where it does not say what the answer came to, because unknown is not zero.
 * Cached tokens: `prompt_tokens_details.cached_tokens` (OpenAI, vLLM), `cached_tokens` (Together, Moonshot) or
 * `prompt_cache_hit_tokens` (DeepSeek). Proxies of Anthropic-shaped servers say `input_tokens` and `output_tokens`.
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
  // xAI counts reasoning beside the completion instead of inside it; the total tells which.
  const beside = reasoning !== undefined && reasoning > 0 && total === (prompt ?? 0) + completion + reasoning;
  const answer = { completion: beside ? completion + reasoning : completion, reasoning };
  // Ollama says 0 of a prompt that it has in its cache.
  if (prompt === undefined || (prompt === 0 && completion > 0)) {
    return { ...usageFromTotals({ prompt: 0, ...answer }), promptUnknown: true };
  }
  return usageFromTotals({ prompt, cacheRead, ...answer });
}
