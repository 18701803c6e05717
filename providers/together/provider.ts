import Together from 'together-ai';
import {
  abortReason,
  type Fetch,
  type Generation,
  type Job,
  type Provider,
  probeFound,
  unreachable,
} from '../../src/core/index.ts';
import { askForModels, readAnswer, wireReads, wireRequest } from '../openai-wire/index.ts';
import { about } from './about.ts';
import { TOGETHER } from './dialect.ts';

/** The caller's deadline is the signal's; the package's own would only hide it. The longest a timer takes, in ms. */
const NO_TIMEOUT = 2 ** 31 - 1;

const STEPS = {
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
    arrange: wireReads(TOGETHER),
    /** Its list is free, and says whether the key is right (docs.together.ai/reference/models-1). */
    async probe(models, signal) {
      const asked = `GET ${baseUrl}/models`;
      const send = async () => {
        const { url, req } = await client.buildRequest({ method: 'get', path: '/models', signal });
        return fetch(url, req);
      };
      const answer = await askForModels(asked, send, TOGETHER, STEPS, signal);
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
        // What fetch says may name hosts and paths.
        throw signal.aborted ? abortReason(signal) : unreachable(TOGETHER.name).with({ provider: TOGETHER.id });
      }
      return readAnswer(response, job, signal, TOGETHER);
    },
  };
}
