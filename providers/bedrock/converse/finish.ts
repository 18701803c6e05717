import type { TokenUsage } from '@aws-sdk/client-bedrock-runtime';
import { type Event, type FinishReason, GatewayError } from '../../../src/core/index.ts';
import { usageEvent } from '../shared.ts';

/** Converse's stop reasons (`StopReason`); `failed` is an answer that must not pass for one. */
const REASONS: ReadonlyMap<string, FinishReason | 'failed'> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
  ['malformed_model_output', 'failed'],
  ['malformed_tool_use', 'failed'],
]);

/** What the answer has said by its end. */
export interface Said {
  /** Tools of the caller's that were called; Bedrock's own (`server_tool_use`) are none. */
  readonly calls: number;
  readonly anything: boolean;
}

const failed = (native: string): GatewayError =>
  new GatewayError('provider_error', 'The model on AWS Bedrock wrote an answer that it cannot give. Retry.', {
    provider: 'bedrock',
    upstreamCode: native,
  });

/**
 * The end of an answer. A reason this table does not know ends it like any other, its own word kept.
 * @throws GatewayError where the model's output is malformed, and where all it did was to call a tool it must not call
 */
function finishEvent(native: string, said: Said): Event {
  const reason = REASONS.get(native) ?? 'stop';
  if (reason === 'failed') throw failed(native);
  if (reason === 'tool_calls' && said.calls === 0) {
    if (!said.anything) throw failed(native);
    return { type: 'finish', choice: 0, reason: 'stop', native };
  }
  // A model that calls tools need not say that this is why it stops.
  if (reason === 'stop' && said.calls > 0) return { type: 'finish', choice: 0, reason: 'tool_calls', native };
  return { type: 'finish', choice: 0, reason, native };
}

/** What comes last, streamed or not: why the answer ended, and its usage if Bedrock gave one. */
export function lastEvents(native: string, said: Said, usage: TokenUsage | undefined): Event[] {
  const finish = finishEvent(native, said);
  const counted = usageEvent({
    input: usage?.inputTokens,
    output: usage?.outputTokens,
    cacheRead: usage?.cacheReadInputTokens,
    cacheWrite: usage?.cacheWriteInputTokens,
  });
  return counted ? [finish, counted] : [finish];
}
