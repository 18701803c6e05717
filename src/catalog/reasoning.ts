import type { Family } from '../core/index.ts';

/**
 * Which of its earlier thoughts a model gets back. `loop`: those since the last question, while it calls tools and reads their
 * results; its template leaves out the rest. `all`: every one of a chat with tools, and a server refuses an answer that
 * comes without, though an empty one passes. `none`: no thought of an earlier answer is read.
 */
export type ReasoningBack = 'none' | 'loop' | 'all';

/** By the beginning of a family's name, the first that fits. A family that is not here gets none back. */
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
 * @param reasons whether the model thinks aloud at all, where that is known. Of a model that nobody knows its thoughts go back,
 *   as they would without a gateway between.
 */
export function reasoningBack(family: Family, reasons: boolean | 'unknown'): ReasoningBack {
  if (reasons === false) return 'none';
  const known = FAMILIES.find(([begins]) => family.startsWith(begins))?.[1];
  return known ?? (family === 'unknown' && reasons === 'unknown' ? 'loop' : 'none');
}
