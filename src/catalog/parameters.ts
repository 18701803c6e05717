import type { Api, Family, Sampling } from '../core/index.ts';

/** What a caller may set, by our names. */
export type Parameter =
  | keyof Sampling
  | 'maxTokens'
  | 'stop'
  | 'n'
  | 'tools'
  | 'toolChoice'
  | 'responseFormat'
  /** Of the response formats JSON Schemas alone, and only for models that take them: see `OfferFeatures.structured`. */
  | 'jsonSchema'
  | 'images'
  /** How closely to look at them. */
  | 'imageDetail'
  /** Whose message it is, beside the role. */
  | 'names'
  /** What the model thought earlier, on messages of the assistant's. */
  | 'reasoning'
  /** The prompt in front of the answer, with what the server knows of its tokens. */
  | 'echo'
  /** The same in a stream. */
  | 'streamedEcho'
  /** Prompts as token ids. */
  | 'promptIds'
  /** Fields that are not ours, as they came: what they do is between the caller and the server. */
  | 'extra'
  /** Of those `chat_template_kwargs` alone. */
  | 'templateKwargs';

/** A provider's API as far as its parameters go: where models differ in what they take, so do their wires. */
export type WireName =
  | 'bedrock.converse'
  | 'bedrock.converse-llama'
  | 'bedrock.converse-mistral'
  | 'bedrock.invoke-llama'
  | 'bedrock.invoke-mistral'
  | 'replicate.triton'
  | 'replicate.vllm'
  | 'replicate.llama-cpp'
  | 'replicate.llama-2-2023'
  | 'together.chat'
  | 'together.completions'
  | 'openai.chat'
  | 'openai.completions';

const wire = (...takes: Parameter[]): ReadonlySet<Parameter> => new Set(takes);

const COMMON = ['maxTokens', 'temperature', 'topP'] as const;
const PENALTIES = ['frequencyPenalty', 'presencePenalty', 'repetitionPenalty'] as const;
const OPEN_SAMPLING = [...COMMON, ...PENALTIES, 'topK', 'minP', 'seed', 'logitBias', 'logprobs', 'stop', 'n'] as const;
const CHAT = ['tools', 'toolChoice', 'responseFormat', 'images', 'imageDetail', 'names', 'reasoningEffort'] as const;

/**
 * What each wire takes of itself. What is not here is either done by us (`stop`, `n`) or dropped and said so.
 * A capability may still be the model's to lack: see `OfferFeatures`.
 */
export const WIRES: Readonly<Record<WireName, ReadonlySet<Parameter>>> = {
  // Bedrock API, `InferenceConfiguration` and `ToolConfiguration`. Structured output is `outputConfig.textFormat`.
  'bedrock.converse': wire(...COMMON, 'stop', 'tools', 'toolChoice', 'jsonSchema', 'images'),
  // The same, and `top_k` among `additionalModelRequestFields`.
  'bedrock.converse-mistral': wire(...COMMON, 'topK', 'stop', 'tools', 'toolChoice', 'jsonSchema', 'images'),
  // "Supported models and model features": no tool choice but auto; and Llama is in no list for structured output.
  'bedrock.converse-llama': wire(...COMMON, 'stop', 'tools', 'images'),
  // Bedrock user guide, "Meta Llama models": prompt, temperature, top_p, max_gen_len.
  'bedrock.invoke-llama': wire(...COMMON),
  // Bedrock user guide, "Mistral AI text completion".
  'bedrock.invoke-mistral': wire(...COMMON, 'topK', 'stop'),
  // `stop_sequences` of all Replicate's engines is one string with commas between, so that stop is better done here.
  // replicate/cog-triton, predict.py: official Llama 2 and 3.
  'replicate.triton': wire(...COMMON, 'topK', 'seed', 'presencePenalty'),
  // replicate/cog-vllm, predict.py: newer official models.
  'replicate.vllm': wire(...COMMON, 'topK', 'seed', 'presencePenalty', 'frequencyPenalty'),
  // replicate/cog-codellama-cpp, predict.py: Code Llama.
  'replicate.llama-cpp': wire(...COMMON, ...PENALTIES, 'topK'),
  // replicate/cog-llama-template, predict.py: versions of Llama 2 pinned in 2023.
  'replicate.llama-2-2023': wire(...COMMON, 'seed', 'repetitionPenalty'),
  // github.com/togethercomputer/openapi, `ChatCompletionRequest`: it has neither `user` nor `parallel_tool_calls`.
  'together.chat': wire(...OPEN_SAMPLING, ...CHAT, 'echo', 'thinking', 'reasoning', 'templateKwargs'),
  // The same, `CompletionRequest`.
  'together.completions': wire(...OPEN_SAMPLING, 'echo'),
  // docs.vllm.ai, "OpenAI-Compatible Server": OpenAI's parameters and vLLM's own sampling.
  'openai.chat': wire(...OPEN_SAMPLING, ...CHAT, 'parallelToolCalls', 'user', 'reasoning', 'extra'),
  'openai.completions': wire(...OPEN_SAMPLING, 'user', 'echo', 'streamedEcho', 'promptIds', 'extra'),
};

/**
 * Wires that end an answer after a number of tokens of their own where the request sets none: `max_gen_len` 512 (Bedrock user
 * guide, "Meta Llama models"), `max_tokens` of Replicate's engines (their predict.py), and 16 of OpenAI's legacy completions,
 * which vLLM keeps (vllm/entrypoints/openai, `CompletionRequest.max_tokens`). Together's goes on to the end: recorded.
 */
const TRUNCATING: ReadonlySet<WireName> = new Set([
  'bedrock.invoke-llama',
  'bedrock.invoke-mistral',
  'replicate.triton',
  'replicate.vllm',
  'replicate.llama-cpp',
  'replicate.llama-2-2023',
  'openai.completions',
]);

export const truncates = (wire: WireName | undefined): boolean => wire !== undefined && TRUNCATING.has(wire);

const isMistral = (family: Family): boolean => /^mi(?:s|x)tral/.test(family);
const isLlama = (family: Family): boolean => /^(?:code-)?llama(?:-|$)/.test(family);

function converseWire(family: Family): WireName {
  if (isLlama(family)) return 'bedrock.converse-llama';
  return isMistral(family) ? 'bedrock.converse-mistral' : 'bedrock.converse';
}

function replicateWire(family: Family, upstream: string): WireName {
  if (family.startsWith('code-llama')) return 'replicate.llama-cpp';
  if (family === 'llama-2') return upstream.includes(':') ? 'replicate.llama-2-2023' : 'replicate.triton';
  return family === 'llama-3' && !upstream.includes(':') ? 'replicate.triton' : 'replicate.vllm';
}

/**
 * The wire that a job takes, undefined where the provider has no such API or no body for that family.
 * A provider that is not of the catalogue speaks OpenAI's wire, and so does Anyscale.
 *
 * @param upstream the id that is sent: Replicate's engine depends on whether a version is pinned
 */
export function wireOf(provider: string, api: Api, family: Family, upstream = ''): WireName | undefined {
  switch (provider) {
    case 'bedrock':
      if (api === 'converse') return converseWire(family);
      if (api !== 'invoke') return undefined;
      if (isLlama(family)) return 'bedrock.invoke-llama';
      return isMistral(family) ? 'bedrock.invoke-mistral' : undefined;
    case 'replicate':
      return api === 'predictions' ? replicateWire(family, upstream) : undefined;
    default: {
      const maker = provider === 'together' ? 'together' : 'openai';
      return api === 'chat' || api === 'completions' ? `${maker}.${api}` : undefined;
    }
  }
}
