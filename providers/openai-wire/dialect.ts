import type { ReasoningField, Upstream } from './upstream.ts';

/** Where servers of the OpenAI wire differ in what they take. Each provider states its own. */
export interface WireDialect extends Upstream {
  /** How chat asks for log probabilities: OpenAI's `logprobs: true, top_logprobs: k`, or one integer. */
  readonly chatLogprobs: 'flag-and-top' | 'integer';
  /** What to do about `tool_choice: "none"` where the server does not know it: leave the tools out. */
  readonly toolChoiceNone: 'send' | 'leave-tools-out';
  /** Where `stream_options.include_usage` must be sent to be told the usage of a stream. */
  readonly askStreamUsage: { readonly chat: boolean; readonly completions: boolean };
  /** Under which names an assistant's earlier thought goes back. */
  readonly thoughtFields: readonly ReasoningField[];
  /** Which fields that are not ours go on as they came: all to a server of the user's own, or these. */
  readonly sendsExtra: 'all' | readonly string[];
  /** Thinking is turned on and off by `reasoning: {enabled}`, and there is no effort of `none`. */
  readonly thinkingSwitch: boolean;
}
