import type { Background, Configured, ConfigureProvider, Fetch, KnownNames } from '../src/core/index.ts';
import { configureAnyscale, configureOpenAiCompatible, SERVICE_VARIABLES } from './anyscale/index.ts';
import { BEDROCK_VARIABLES, configureBedrock } from './bedrock/index.ts';
import { configureReplicate, REPLICATE_VARIABLES } from './replicate/index.ts';
import { configureTogether, TOGETHER_VARIABLES } from './together/index.ts';

const configurations: readonly ConfigureProvider[] = [
  configureBedrock,
  configureReplicate,
  configureTogether,
  configureAnyscale,
  configureOpenAiCompatible,
];

/** Every variable that a provider reads, with the names under which people set it by mistake. */
export const PROVIDER_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  ...BEDROCK_VARIABLES,
  ...REPLICATE_VARIABLES,
  ...TOGETHER_VARIABLES,
  ...SERVICE_VARIABLES,
};

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
    warnings: all.flatMap((one) => one.warnings ?? []),
  };
}
