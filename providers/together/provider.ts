import Together from 'together-ai';
import type { Fetch, Generation, Job, Provider } from '../../src/core/index.ts';
import { readAnswer, wireRequest } from '../openai-wire/index.ts';
import { TOGETHER } from './dialect.ts';
import { fromThrown } from './errors.ts';

/** The caller's deadline is the signal's; the package's own would only hide it. The longest a timer takes, in ms. */
const NO_TIMEOUT = 2 ** 31 - 1;

export interface TogetherOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly fetch: Fetch;
}

/**
 * Together AI through its official package, which is the transport alone: it would retry on its own (and sleep as
 * long as `Retry-After` says), end an aborted stream as if it were complete and wait for the socket after `[DONE]`,
 * so retries are off and the body is read by ourselves.
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
    fetch,
    // A redirect would turn the POST into a GET.
    fetchOptions: { redirect: 'manual' },
  });

  return {
    id: TOGETHER.id,
    async generate(job: Job, signal: AbortSignal): Promise<Generation> {
      const { path, body } = wireRequest(job, TOGETHER);
      let response: Response;
      try {
        response = await client.post(path, { body, signal }).asResponse();
      } catch (thrown) {
        throw fromThrown(thrown, signal);
      }
      return readAnswer(response, job, signal, TOGETHER);
    },
  };
}
