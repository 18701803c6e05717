import { env } from 'cloudflare:workers';
import { type Assets, vocabularies } from '../../src/tokens/vocab/index.ts';

/** All vocabularies, as the Worker has them: vitest.config.ts binds the same folder as wrangler.toml. */
const { ASSETS }: { readonly ASSETS?: Assets } = env;

export const shipped = vocabularies(ASSETS);
