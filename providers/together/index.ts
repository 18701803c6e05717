/** Together AI: how it is configured, and its chat and completions over the OpenAI API. */
import type {
  ChatCompletionAssistantMessageParam,
  CompletionCreateParams,
} from 'together-ai/resources/chat/completions';
import {
  type Configured,
  type ConfigureProvider,
  endsInVersion,
  type Fetch,
  isOneWord,
  type Provider,
  type ProviderModule,
  plainBaseUrl,
  probeFound,
  settingText,
} from '../../src/core/index.ts';
import {
  arrangeFor,
  askForModels,
  embedAt,
  endpoint,
  generateAt,
  rerankAt,
  type ServerProfile,
} from '../openai/index.ts';
import { about } from './about.ts';

/**
 * Together's differences from OpenAI (github.com/togethercomputer/openapi, `ChatCompletionRequest`): `logprobs` is an
 * integer, and `tool_choice` has no `none`. Chat takes `stream_options` (recorded traffic of April 2026); completion
 * streams send their usage unasked. `reasoning: {enabled}` is for models that can answer with and without thinking
 * (together-ai 0.52, `CompletionCreateParams.Reasoning`).
 */
const TOGETHER: ServerProfile = {
  id: 'together',
  name: 'Together',
  chatLogprobs: 'integer',
  toolChoiceNone: 'leave-tools-out',
  askStreamUsage: { chat: true, completions: false },
  // together-ai 0.52 has both fields on an assistant's message. models.dev names this one for models that need it.
  reasoningFields: ['reasoning_content'] satisfies readonly (keyof ChatCompletionAssistantMessageParam)[],
  sendsExtra: ['chat_template_kwargs'] satisfies readonly (keyof CompletionCreateParams)[],
  thinkingSwitch: true,
};

/** together-ai 0.52, `EmbeddingCreateParams`: model and input alone. */
const RETRIEVAL = { takesAll: false };

const PROBE_STEPS = {
  host: 'Check TOGETHER_BASE_URL, which ends in /v1, or leave it out.',
  key: 'Check TOGETHER_API_KEY (api.together.ai/settings/api-keys) and the credit of the account.',
};

export interface TogetherOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly fetch: Fetch;
}

/**
 * Together AI. Requests are ours: the official package would retry by itself, sleep as long as `Retry-After` says,
 * end an aborted stream as if it were complete, wait for the socket after `[DONE]`, and cost about 32 µs for each
 * request. Its types check our field names, and a test compares our requests with the ones that it builds.
 */
export function togetherProvider({ apiKey, baseUrl, fetch }: TogetherOptions): Provider {
  const at = endpoint(baseUrl, fetch, { authorization: `Bearer ${apiKey}`, 'user-agent': 'chasqui' });
  return {
    id: TOGETHER.id,
    about,
    arrange: arrangeFor(TOGETHER),
    generate: (job, signal) => generateAt(at, job, TOGETHER, signal),
    embed: (job, signal) => embedAt(at, job, TOGETHER, RETRIEVAL, signal),
    rerank: (job, signal) => rerankAt(at, job, TOGETHER, RETRIEVAL, signal),
    /** The list of models is free, and shows whether the key is right (docs.together.ai/reference/models-1). */
    async probe(models, signal) {
      const answer = await askForModels(at, TOGETHER, PROBE_STEPS, signal);
      if ('probe' in answer) return [answer.probe];
      const wanted = models.map(({ model }) => model);
      const step = () => 'It has taken these from its list since this gateway was released: other providers are asked.';
      return [probeFound(answer.asked, wanted, answer.ids, step, (missing) => missing.length < wanted.length)];
    },
  };
}

const DEFAULT_BASE_URL = 'https://api.together.ai/v1';

const nothing = (mistakes: readonly string[] = []): Configured => ({ providers: [], offers: [], mistakes });

/** Reads `TOGETHER_API_KEY` and, where it is set, `TOGETHER_BASE_URL`. Without a key there is no provider. */
export const configureTogether: ConfigureProvider = (env, fetch) => {
  const key = env.TOGETHER_API_KEY;
  if (key === undefined || (typeof key === 'string' && key.trim() === '')) return nothing();
  const apiKey = settingText(key);
  const given = env.TOGETHER_BASE_URL;
  const base = given === undefined || given === '' ? DEFAULT_BASE_URL : plainBaseUrl(given);
  const mistakes: string[] = [];
  if (!isOneWord(apiKey)) {
    mistakes.push('TOGETHER_API_KEY must be one line of printable ASCII without spaces.');
  }
  if (base === undefined) {
    mistakes.push('TOGETHER_BASE_URL must be an http or https address without credentials, query or fragment.');
    return nothing(mistakes);
  }
  if (mistakes.length > 0) return nothing(mistakes);
  return {
    providers: [togetherProvider({ apiKey, baseUrl: base, fetch })],
    offers: [],
    mistakes,
    // A server without a version in its path would answer 404.
    warnings: endsInVersion(base)
      ? []
      : ['TOGETHER_BASE_URL does not end in /v1, as Together’s own does: https://api.together.ai/v1.'],
  };
};

export const together: ProviderModule = { about, configure: configureTogether };
