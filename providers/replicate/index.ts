import {
  type ConfigureProvider,
  endsInVersion,
  httpUrl,
  isOneWord,
  type Provider,
  type ProviderModule,
  settingText as setting,
} from '../../src/core/index.ts';
import { about } from './about.ts';
import { replicateApi } from './api.ts';
import { generate } from './generate.ts';
import { probeReplicate } from './probe.ts';

const DEFAULT_BASE_URL = 'https://api.replicate.com/v1';
const NONE = { providers: [], offers: [], mistakes: [] };

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
  const generated: Provider['generate'] = (job, signal) => generate(upstream, job, signal);
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
        generate: generated,
      },
    ],
  };
};

export const replicate: ProviderModule = { about, configure: configureReplicate };
