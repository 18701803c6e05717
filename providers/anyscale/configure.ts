import { type Configured, type ConfigureProvider, PROVIDER_IDS } from '../../src/core/index.ts';
import { openAiServices } from './provider.ts';
import { readServices } from './services.ts';

const refused = (mistakes: readonly string[]): Configured => ({ providers: [], offers: [], mistakes });

/** `ANYSCALE_SERVICES`: any number of deployments, all of them the provider `anyscale`. */
export const configureAnyscale: ConfigureProvider = (env, fetch) => {
  const { entries, mistakes } = readServices('ANYSCALE_SERVICES', env.ANYSCALE_SERVICES, []);
  if (mistakes.length > 0 || entries.length === 0) return refused(mistakes);
  return {
    providers: [openAiServices('anyscale', 'Anyscale', entries, fetch)],
    offers: entries.flatMap((entry) => entry.offers.map((offer) => ({ provider: 'anyscale', ...offer }))),
    mistakes,
  };
};

/** `OPENAI_COMPATIBLE_SERVICES`: the same form, each entry a provider of its own under the entry's id. */
export const configureOpenAiCompatible: ConfigureProvider = (env, fetch) => {
  const { entries, mistakes } = readServices(
    'OPENAI_COMPATIBLE_SERVICES',
    env.OPENAI_COMPATIBLE_SERVICES,
    PROVIDER_IDS,
  );
  if (mistakes.length > 0) return refused(mistakes);
  return {
    providers: entries.map((entry) => openAiServices(entry.id, entry.id, [entry], fetch)),
    offers: entries.flatMap((entry) => entry.offers.map((offer) => ({ provider: entry.id, ...offer }))),
    mistakes,
  };
};
