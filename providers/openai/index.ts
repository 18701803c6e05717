/**
 * The API of OpenAI's chat and legacy completions, as Together, Ray Serve, vLLM and others speak it: what a server
 * takes, whoever runs it, and what is known of any server of the user's own.
 */
import type { Api, ApiTraits, Parameter, ProviderDescriptor } from '../../src/core/index.ts';

const CHAT: readonly Parameter[] = [
  'tools',
  'toolChoice',
  'responseFormat',
  'images',
  'imageDetail',
  'names',
  'reasoningEffort',
];

/** OpenAI's parameters and vLLM's own sampling (docs.vllm.ai, "OpenAI-Compatible Server"). */
export const OPEN_SAMPLING: readonly Parameter[] = [
  'maxTokens',
  'temperature',
  'topP',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'topK',
  'minP',
  'seed',
  'logitBias',
  'logprobs',
  'stop',
  'n',
];

/** The same, and what only a chat can ask for. */
export const OPEN_CHAT: readonly Parameter[] = [...OPEN_SAMPLING, ...CHAT];

const TRAITS: Partial<Record<Api, ApiTraits>> = {
  chat: {
    name: 'openai.chat',
    takes: new Set([...OPEN_CHAT, 'parallelToolCalls', 'user', 'reasoning', 'extra']),
  },
  completions: {
    name: 'openai.completions',
    takes: new Set([...OPEN_SAMPLING, 'user', 'echo', 'streamedEcho', 'promptIds', 'extra']),
    // After 16 tokens, as in OpenAI's legacy completions (vllm/entrypoints/openai, `CompletionRequest.max_tokens`).
    truncates: true,
    // vLLM and servers like it tokenize with `add_special_tokens` true.
    addsBos: 'all',
  },
  embeddings: { name: 'openai.embeddings', takes: new Set(['dimensions', 'user', 'inputType', 'extra']) },
  rerank: { name: 'openai.rerank', takes: new Set(['extra']) },
};

/** A service of the user's own, by its id: any server that speaks OpenAI's API. */
export const openAiCompatible = (id: string): ProviderDescriptor => ({
  id,
  name: id,
  ownServices: 'This provider serves models on your own services: add one to OPENAI_COMPATIBLE_SERVICES.',
  traits: (api) => TRAITS[api],
});

export { askForModels, type Endpoint, endpoint, generateAt, readAnswer } from './endpoint.ts';
export { errorFromAnswer, type ReasoningField, type Upstream } from './errors.ts';
export { arrangeFor, type ServerProfile, type WireRequest, wireRequest } from './request.ts';
export { embedAt, type RetrievalWire, rerankAt } from './retrieval.ts';
