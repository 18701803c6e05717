import { completionTokens, promptTokens, type Usage } from '../../core/index.ts';
import type { WireCost } from './cost.ts';

/**
 * OpenAI's usage object. `exactness` is ours: `provider` figures are what is billed, `exact` ones were counted here with
 * the model's own tokenizer and template, and an `estimate` is only that.
 */
export interface WireUsage extends Partial<WireCost> {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /**
   * Without `cached_tokens` where the provider says nothing of them, which is not the same as none. OpenAI's schema has no
   * null there, and `@openrouter/sdk` refuses an answer with one.
   */
  prompt_tokens_details: { cached_tokens?: number };
  completion_tokens_details: { reasoning_tokens: number };
  exactness: 'provider' | 'exact' | 'estimate';
}

const EXACTNESS = { provider: 'provider', counted: 'exact', estimated: 'estimate' } as const;

export function toUsage(usage: Usage, costs?: (usage: Usage) => WireCost): WireUsage {
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: usage.cacheTold ? { cached_tokens: usage.cacheRead } : {},
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
    exactness: EXACTNESS[usage.source],
    ...costs?.(usage),
  };
}
