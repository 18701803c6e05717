import type { FinishReason } from '../../src/core/index.ts';

/**
 * What servers call the end of a choice, in lower case. `failed` is an end that is none: the server gave up.
 * Sources: OpenAI's API reference; Together's OpenAPI document (`eos`, `function_call`) and Python client (`error`);
 * vLLM and SGLang (`abort`); vLLM's `FinishReason` (`repetition`); docs.mistral.ai (`model_length`); api-docs.deepseek.com
 * (`insufficient_system_resource`); docs.z.ai (`sensitive`, `network_error`, `model_context_window_exceeded`);
 * Google's GenerateContent (`MAX_TOKENS`, `SAFETY` and the like, which proxies pass on); Bedrock's `StopReason`.
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

/** A word nobody knows is an end all the same; the caller sees the word itself as `native`. */
export function finishReason(native: string): FinishReason | 'failed' {
  const word = native.toLowerCase();
  return Object.hasOwn(REASONS, word) ? (REASONS[word] ?? 'stop') : 'stop';
}
