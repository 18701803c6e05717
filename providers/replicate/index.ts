import type { ConfigureProvider, Provider, ProviderModule } from '../../src/core/index.ts';
import { about } from './about.ts';
import { replicateApi } from './api.ts';
import { generate } from './generate.ts';
import { probeReplicate } from './probe.ts';

const DEFAULT_BASE_URL = 'https://api.replicate.com/v1';
const NONE = { providers: [], offers: [], mistakes: [] };

const setting = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

const isHttp = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

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
  if (!/^[\x21-\x7e]+$/.test(token)) {
    mistakes.push('REPLICATE_API_TOKEN contains a space or a character that no token has. Copy it again.');
  }
  if (!isHttp(baseUrl)) {
    mistakes.push(`REPLICATE_BASE_URL is not an http or https URL. Leave it out, or write ${DEFAULT_BASE_URL}.`);
  }
  if (mistakes.length > 0) return { ...NONE, mistakes };
  const upstream = { api: replicateApi({ token, baseUrl, fetch }), background };
  const generated: Provider['generate'] = (job, signal) => generate(upstream, job, signal);
  const warnings = /\/v\d+\/?$/.test(baseUrl)
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
