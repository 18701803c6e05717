import type { Api, ApiTraits, ProviderDescriptor } from '../../src/core/index.ts';
import { OPEN_CHAT, OPEN_SAMPLING } from '../openai/index.ts';

const TRAITS: Partial<Record<Api, ApiTraits>> = {
  // github.com/togethercomputer/openapi, `ChatCompletionRequest`: it has neither `user` nor `parallel_tool_calls`.
  chat: {
    name: 'together.chat',
    takes: new Set([...OPEN_CHAT, 'echo', 'thinking', 'reasoning', 'templateKwargs']),
  },
  // The same, `CompletionRequest`. Without `max_tokens` it goes on to the end: recorded.
  completions: {
    name: 'together.completions',
    takes: new Set([...OPEN_SAMPLING, 'echo']),
    // It tokenizes as vLLM does, with `add_special_tokens` true.
    addsBos: 'all',
  },
  embeddings: { name: 'together.embeddings', takes: new Set() },
  rerank: { name: 'together.rerank', takes: new Set() },
};

/** Together AI. */
export const about: ProviderDescriptor = {
  id: 'together',
  name: 'Together',
  alsoCalled: ['Together AI'],
  variables: {
    TOGETHER_API_KEY: [
      'TOGETHERAI_API_KEY',
      'TOGETHER_AI_API_KEY',
      'TOGETHER_AI_TOKEN',
      'TOGETHER_API_TOKEN',
      'TOGETHER_KEY',
    ],
    TOGETHER_BASE_URL: ['TOGETHERAI_API_BASE', 'TOGETHER_AI_API_BASE', 'TOGETHER_API_BASE', 'TOGETHER_API_URL'],
  },
  traits: (api) => TRAITS[api],
  /**
   * Prompt and output "must be less than the context length" (docs.together.ai/docs/error-codes), and one more token
   * was counted in the field (stanford-crfm/helm#2079).
   */
  contextMargin: 2,
  // It keeps prompts and answers and may use them, unless the account turns that off
  // (docs.together.ai/docs/zero-data-retention).
  privacy: { noCollection: false, noRetention: false },
};
