import { dayOf } from '../../../src/core/index.ts';
import { readAwsModels, readGenaiPrices, readLitellm, readModelsDev, readPortkey, readTogether } from './parse.ts';
import type { Answer } from './types.ts';

/** Where prices and models are read. `id` is a key of `src/catalog/sources.json`. */
export interface ListSource {
  readonly id: string;
  readonly url: string;
  /** The provider's own word on what its models cost, or somebody's list. */
  readonly authority: 'provider' | 'list';
  /** The environment variable with the key that the address asks for. */
  readonly key?: string;
  /** Throws if the answer is not of the shape that it had: a list that changed its form says nothing. */
  readonly read: (json: unknown) => Answer;
}

/** In the order in which they are trusted: where several agree, the first is named as the source. */
export const LIST_SOURCES: readonly ListSource[] = [
  {
    id: 'together-api',
    url: 'https://api.together.ai/v1/models',
    authority: 'provider',
    key: 'TOGETHER_API_KEY',
    read: readTogether,
  },
  {
    // AWS publishes no prices by model id; its models are, daily, from ListFoundationModels.
    id: 'aws-models',
    url: 'https://raw.githubusercontent.com/mirai73/bedrock-models/main/packages/shared/bedrock_models.json',
    authority: 'provider',
    read: readAwsModels,
  },
  {
    id: 'portkey-bedrock',
    url: 'https://raw.githubusercontent.com/Portkey-AI/models/main/pricing/bedrock.json',
    authority: 'list',
    read: (json) => readPortkey(json, 'bedrock'),
  },
  {
    id: 'portkey-together',
    url: 'https://raw.githubusercontent.com/Portkey-AI/models/main/pricing/together-ai.json',
    authority: 'list',
    read: (json) => readPortkey(json, 'together'),
  },
  {
    id: 'litellm',
    url: 'https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json',
    authority: 'list',
    read: readLitellm,
  },
  {
    id: 'genai-prices',
    url: 'https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json',
    authority: 'list',
    read: (json) => readGenaiPrices(json, dayOf(Date.now())),
  },
  { id: 'modelsdev', url: 'https://models.dev/api.json', authority: 'list', read: readModelsDev },
];
