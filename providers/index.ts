import {
  type Background,
  type Configured,
  type ConfigureProvider,
  type Fetch,
  type KnownNames,
  type ProviderModule,
  providerRegistry,
  type Variables,
} from '../src/core/index.ts';
import { anyscale, compatible } from './anyscale/index.ts';
import { bedrock } from './bedrock/index.ts';
import { openAiCompatible } from './openai/index.ts';
import { replicate } from './replicate/index.ts';
import { together } from './together/index.ts';

/** Every provider with a folder of its own. To add one, see docs/add-a-provider.md. */
const PROVIDERS: readonly ProviderModule[] = [bedrock, replicate, together, anyscale];

/** What each tells about itself, configured or not. Any other id is a service of the user's own. */
export const registry = providerRegistry(
  PROVIDERS.map(({ about }) => about),
  openAiCompatible,
);

/** Every variable that a provider reads, with the names under which people set it by mistake. */
export const PROVIDER_VARIABLES: Variables = Object.assign(
  {},
  ...registry.known.map(({ variables }) => variables),
  compatible.variables,
);

/** Every provider that the environment has credentials for, and every mistake in it. */
export function configureProviders(
  env: Readonly<Record<string, unknown>>,
  fetch: Fetch,
  known: Omit<KnownNames, 'providers'>,
  background?: Background,
): Configured {
  const names: KnownNames = { ...known, providers: registry.ids };
  const configurations: readonly ConfigureProvider[] = [
    ...PROVIDERS.map(({ configure }) => configure),
    compatible.configure,
  ];
  const all = configurations.map((configure) => configure(env, fetch, names, background));
  return {
    providers: all.flatMap((one) => one.providers),
    offers: all.flatMap((one) => one.offers),
    discoveries: all.flatMap((one) => one.discoveries ?? []),
    credentials: all.flatMap((one) => one.credentials ?? []),
    mistakes: all.flatMap((one) => one.mistakes),
    warnings: all.flatMap((one) => one.warnings ?? []),
  };
}
