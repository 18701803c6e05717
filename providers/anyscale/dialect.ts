import type { WireDialect } from '../openai-wire/index.ts';

/** Ray Serve hands requests to vLLM or SGLang, which keep to OpenAI's form (docs.vllm.ai, "OpenAI-Compatible Server"). */
export const openAiDialect = (id: string, name: string): WireDialect => ({
  id,
  name,
  chatLogprobs: 'flag-and-top',
  toolChoiceNone: 'send',
  askStreamUsage: { chat: true, completions: true },
  // Until a server has shown which it has: vLLM and Ollama `reasoning`, older vLLM, SGLang and llama.cpp `reasoning_content`.
  thoughtFields: ['reasoning', 'reasoning_content'],
  sendsExtra: 'all',
  thinkingSwitch: false,
});
