import type { WireDialect } from '../openai-wire/index.ts';

/**
 * Together's differences from OpenAI (github.com/togethercomputer/openapi, `ChatCompletionRequest`): `logprobs` is an
 * integer, and `tool_choice` knows no `none`. Chat takes `stream_options` (recorded traffic of April 2026); completion streams tell
 * their usage unasked. `reasoning: {enabled}` is for models that can do both (together-ai 0.52, `CompletionCreateParams.Reasoning`).
 */
export const TOGETHER: WireDialect = {
  id: 'together',
  name: 'Together',
  chatLogprobs: 'integer',
  toolChoiceNone: 'leave-tools-out',
  askStreamUsage: { chat: true, completions: false },
  // together-ai 0.52 has both on an assistant's message; models.dev has this one for the models that need it.
  thoughtFields: ['reasoning_content'],
  // together-ai 0.52, `CompletionCreateParams`.
  sendsExtra: ['chat_template_kwargs'],
  thinkingSwitch: true,
};
