import { type Fetch, type ProbeModels, probeFailed, probeFound, unreachable } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { httpError } from './errors.ts';

/** Each is a request of its own. */
const MAX_ASKED = 4;
const MAX_PAGE = 64 * 1024;

/** The page of a model is free to read, with a token that is right (https://replicate.com/docs/reference/http#models.get). */
export const probeReplicate =
  (token: string, baseUrl: string, fetch: Fetch): ProbeModels =>
  async (models, signal) => {
    const names = models.map(({ model }) => model.split(':', 1)[0] ?? model);
    const ids = [...new Set(names)].slice(0, MAX_ASKED);
    const asked = `GET ${baseUrl}/models/{owner}/{name}`;
    const steps = {
      host: 'Check REPLICATE_BASE_URL, which ends in /v1, or leave it out.',
      key: 'Check REPLICATE_API_TOKEN (replicate.com/account/api-tokens) and the credit of the account.',
    };
    const answers = await Promise.all(
      ids.map(async (id) => {
        try {
          const headers = { authorization: `Bearer ${token}` };
          const response = await fetch(`${baseUrl}/models/${id}`, { headers, signal, redirect: 'manual' });
          const { text } = await bodyText(response, signal, MAX_PAGE);
          return { id, error: response.ok ? undefined : httpError('create', response, text) };
        } catch {
          // What fetch says may name hosts and paths.
          return { id, error: unreachable('Replicate') };
        }
      }),
    );
    const there = answers.flatMap(({ id, error }) => (error ? [] : [id]));
    const failed = answers.find(({ error }) => error && error.code !== 'model_not_found')?.error;
    if (failed) return [probeFailed(asked, failed, steps)];
    const step = (found: string) => (found === '' ? steps.host : 'Other models are not concerned.');
    return [probeFound(asked, ids, new Set(there), step, (missing) => missing.length < ids.length)];
  };
