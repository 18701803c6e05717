import type { Background, Configured, ConfigureProvider, Fetch, KnownNames } from '../src/core/index.ts';
import { configureAnyscale, configureOpenAiCompatible } from './anyscale/index.ts';
import { configureBedrock } from './bedrock/index.ts';
import { configureReplicate } from './replicate/index.ts';
import { configureTogether } from './together/index.ts';

const configurations: readonly ConfigureProvider[] = [
  configureBedrock,
  configureReplicate,
  configureTogether,
  configureAnyscale,
  configureOpenAiCompatible,
];

/** Every provider that the environment has credentials for, and every mistake in it. */
export function configureProviders(
  env: Readonly<Record<string, unknown>>,
  fetch: Fetch,
  known: KnownNames,
  background?: Background,
): Configured {
  const all = configurations.map((configure) => configure(env, fetch, known, background));
  return {
    providers: all.flatMap((one) => one.providers),
    offers: all.flatMap((one) => one.offers),
    discoveries: all.flatMap((one) => one.discoveries ?? []),
    credentials: all.flatMap((one) => one.credentials ?? []),
    mistakes: all.flatMap((one) => one.mistakes),
  };
}
