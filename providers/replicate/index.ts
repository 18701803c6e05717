/** Configures Replicate from the environment, and probes it. */
import {
  type ConfigureProvider,
  endsInVersion,
  type Fetch,
  httpUrl,
  isOneWord,
  type ProbeModels,
  type ProviderModule,
  probeFailed,
  probeFound,
  settingText as setting,
  unreachable,
} from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { about } from './about.ts';
import { replicateApi } from './api.ts';
import { httpError } from './errors.ts';
import { generate } from './provider.ts';

const DEFAULT_BASE_URL = 'https://api.replicate.com/v1';
const NONE = { providers: [], offers: [], mistakes: [] };

/** How many models a probe asks for. Each is a request of its own. */
const MAX_ASKED = 4;
const MAX_PAGE = 64 * 1024;

/** Reading a model's page is free, but needs a valid token (https://replicate.com/docs/reference/http#models.get). */
const probeReplicate =
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

/**
 * Replicate, which serves open-weight models as predictions: one finished prompt in, text out.
 * Reads REPLICATE_API_TOKEN, without which it is not configured, and REPLICATE_BASE_URL.
 *
 * @example
 * const { providers, mistakes } = configureReplicate(env, fetch);
 */
export const configureReplicate: ConfigureProvider = (env, fetch, _known, background = () => undefined) => {
  const token = setting(env.REPLICATE_API_TOKEN);
  if (!token) return NONE;
  const baseUrl = setting(env.REPLICATE_BASE_URL) || DEFAULT_BASE_URL;
  const mistakes: string[] = [];
  if (!isOneWord(token)) {
    mistakes.push('REPLICATE_API_TOKEN contains a space or a character that no token has. Copy it again.');
  }
  if (!httpUrl(baseUrl)) {
    mistakes.push(`REPLICATE_BASE_URL is not an http or https URL. Leave it out, or write ${DEFAULT_BASE_URL}.`);
  }
  if (mistakes.length > 0) return { ...NONE, mistakes };
  const upstream = { api: replicateApi({ token, baseUrl, fetch }), background };
  const warnings = endsInVersion(baseUrl)
    ? []
    : [`REPLICATE_BASE_URL does not end in /v1, as Replicate’s own does: ${DEFAULT_BASE_URL}.`];
  return {
    ...NONE,
    warnings,
    providers: [
      {
        id: 'replicate',
        about,
        probe: probeReplicate(token, baseUrl, fetch),
        generate: (job, signal) => generate(upstream, job, signal),
      },
    ],
  };
};

export const replicate: ProviderModule = { about, configure: configureReplicate };
