/** Together AI: how it is configured, and its chat and completions over the OpenAI API. */
import Together from 'together-ai';
import {
  abortReason,
  type Configured,
  type ConfigureProvider,
  endsInVersion,
  type Fetch,
  type Generation,
  isOneWord,
  type Job,
  type Provider,
  plainBaseUrl,
  probeFound,
  settingText,
  unreachable,
} from '../../src/core/index.ts';
import { arrangeFor, askForModels, readAnswer, type ServerProfile, wireRequest } from '../openai/index.ts';
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
  reasoningFields: ['reasoning_content'],
  // together-ai 0.52, `CompletionCreateParams`.
  sendsExtra: ['chat_template_kwargs'],
  thinkingSwitch: true,
};

/** A timeout of the package would only hide the caller's, which the signal carries. The longest a timer takes, in ms. */
const NO_TIMEOUT = 2 ** 31 - 1;

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
 * Together AI through its official package, which builds the requests: address, headers, authorization and body. Sending
 * is ours. Sent by the package a request would be retried on its own (sleeping as long as `Retry-After` says), its
 * stream end as if complete when aborted and wait for the socket after `[DONE]`, an error's body be read whatever its
 * length; and every request would pay for a log that is off, a timer and a second AbortController.
 */
export function together({ apiKey, baseUrl, fetch }: TogetherOptions): Provider {
  // Everything is given, because what is not is read from process.env.
  const client = new Together({
    apiKey,
    baseURL: baseUrl,
    projectID: null,
    maxRetries: 0,
    timeout: NO_TIMEOUT,
    logLevel: 'off',
    // A redirect would turn the POST into a GET.
    fetchOptions: { redirect: 'manual' },
  });

  return {
    id: TOGETHER.id,
    about,
    arrange: arrangeFor(TOGETHER),
    /** The list of models is free, and shows whether the key is right (docs.together.ai/reference/models-1). */
    async probe(models, signal) {
      const asked = `GET ${baseUrl}/models`;
      const send = async () => {
        const { url, req } = await client.buildRequest({ method: 'get', path: '/models', signal });
        return fetch(url, req);
      };
      const answer = await askForModels(asked, send, TOGETHER, PROBE_STEPS, signal);
      if ('probe' in answer) return [answer.probe];
      const wanted = models.map(({ model }) => model);
      const step = () => 'It has taken these from its list since this gateway was released: other providers are asked.';
      return [probeFound(asked, wanted, answer.ids, step, (missing) => missing.length < wanted.length)];
    },
    async generate(job: Job, signal: AbortSignal): Promise<Generation> {
      if (signal.aborted) throw abortReason(signal);
      const { path, body } = wireRequest(job, TOGETHER);
      const { url, req } = await client.buildRequest({ method: 'post', path, body, signal });
      let response: Response;
      try {
        response = await fetch(url, req);
      } catch {
        // The message of fetch's error may contain hosts and paths.
        throw signal.aborted ? abortReason(signal) : unreachable(TOGETHER.name).with({ provider: TOGETHER.id });
      }
      return readAnswer(response, job, signal, TOGETHER);
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
    providers: [together({ apiKey, baseUrl: base, fetch })],
    offers: [],
    mistakes,
    // A server without a version in its path would answer 404.
    warnings: endsInVersion(base)
      ? []
      : ['TOGETHER_BASE_URL does not end in /v1, as Together’s own does: https://api.together.ai/v1.'],
  };
};
