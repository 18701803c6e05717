import type { FinishReason } from '../../src/core/index.ts';

/**
 * What servers call the end of a choice. `failed` is an end that is none: the server gave up.
 * Sources: OpenAI's API reference; Together's OpenAPI document (`eos`, `function_call`) and Python client (`error`);
 * vLLM and SGLang (`abort`).
 */
const REASONS: Readonly<Record<string, FinishReason | 'failed'>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  stop_sequence: 'stop',
  end_turn: 'stop',
  length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  error: 'failed',
  abort: 'failed',
};

/** A word nobody knows is an end all the same; the caller sees the word itself as `native`. */
export function finishReason(native: string): FinishReason | 'failed' {
  return Object.hasOwn(REASONS, native) ? (REASONS[native] ?? 'stop') : 'stop';
}
