import type { Family } from '../core/index.ts';

/**
 * Which of its earlier reasoning a model gets back. `loop`: the reasoning since the last question, while the model
 * calls tools and reads their results; its template leaves out the rest. `all`: all of it in a chat with tools; a
 * server refuses an answer without reasoning, but takes an empty one. `none`: the model reads no earlier reasoning.
 */
export type ReasoningBack = 'none' | 'loop' | 'all';

/** By the beginning of a family's name; the first that fits counts. A family that is not here gets none back. */
const FAMILIES: readonly (readonly [begins: string, back: ReasoningBack])[] = [
  // api-docs.deepseek.com/guides/thinking_mode: "reasoning_content" of all later turns once tools were called.
  ['deepseek-v4', 'all'],
  // The same guide, as it was for V3.2: within the turns of one question.
  ['deepseek-v3.2', 'loop'],
  // platform.moonshot.ai, "reasoning_content is missing in assistant tool call message".
  ['kimi-', 'all'],
  // developers.openai.com/cookbook/articles/gpt-oss/handle-raw-cot: kept until the final answer, dropped after it.
  ['gpt-oss', 'loop'],
  // The `chat_template` of their Hugging Face repositories.
  ['qwen3', 'loop'],
  ['minimax-', 'loop'],
  ['nemotron-3', 'loop'],
  // docs.z.ai/guides/capabilities/thinking-mode: to be returned with the results of tools.
  ['glm-', 'loop'],
];

/**
 * @param reasons whether the model reasons at all, if that is known. An unknown model gets its reasoning back, as it
 *   would without a gateway.
 */
export function reasoningBack(family: Family, reasons: boolean | 'unknown'): ReasoningBack {
  if (reasons === false) return 'none';
  const known = FAMILIES.find(([begins]) => family.startsWith(begins))?.[1];
  return known ?? (family === 'unknown' && reasons === 'unknown' ? 'loop' : 'none');
}
