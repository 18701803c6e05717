import type { Configured, ConfigureProvider } from '../../src/core/index.ts';
import { together } from './provider.ts';

const DEFAULT_BASE_URL = 'https://api.together.ai/v1';

const nothing = (mistakes: readonly string[] = []): Configured => ({ providers: [], offers: [], mistakes });

function baseUrl(value: unknown): string | undefined {
  if (value === undefined || value === '') return DEFAULT_BASE_URL;
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (!/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) return undefined;
  return url.href.replace(/\/+$/, '');
}

/** A version is the end of it; behind another end nothing is served. */
const doubtOf = (base: string): string[] =>
  /\/v\d+$/.test(base)
    ? []
    : ['TOGETHER_BASE_URL does not end in /v1, as Together’s own does: https://api.together.ai/v1.'];

/** `TOGETHER_API_KEY`, and `TOGETHER_BASE_URL` where it is not Together's own. Without a key there is no provider. */
export const configureTogether: ConfigureProvider = (env, fetch) => {
  const key = env.TOGETHER_API_KEY;
  if (key === undefined || (typeof key === 'string' && key.trim() === '')) return nothing();
  const base = baseUrl(env.TOGETHER_BASE_URL);
  const mistakes: string[] = [];
  if (typeof key !== 'string' || !/^[!-~]+$/.test(key.trim())) {
    mistakes.push('TOGETHER_API_KEY must be one line of printable ASCII without spaces.');
  }
  if (base === undefined) {
    mistakes.push('TOGETHER_BASE_URL must be an http or https address without credentials, query or fragment.');
  }
  if (mistakes.length > 0 || typeof key !== 'string' || base === undefined) return nothing(mistakes);
  return {
    providers: [together({ apiKey: key.trim(), baseUrl: base, fetch })],
    offers: [],
    mistakes,
    warnings: doubtOf(base),
  };
};
