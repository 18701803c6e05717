import { type Configured, type ConfigureProvider, type KnownNames, PROVIDER_IDS } from '../../src/core/index.ts';
import { discoveryOf } from './discover.ts';
import { isText, type Named } from './fields.ts';
import { openAiServices } from './provider.ts';
import type { Entry } from './service.ts';
import { readServices } from './services.ts';

const NOTHING_KNOWN: KnownNames = { familyMistake: () => undefined };

/** The variables that are read, with the names that people have for them. */
export const SERVICE_VARIABLES = {
  ANYSCALE_SERVICES: ['ANYSCALE_SERVICE_URL', 'ANYSCALE_API_KEY', 'ANYSCALE_BASE_URL'],
  OPENAI_COMPATIBLE_SERVICES: [
    'OPENAI_COMPATIBLE',
    'OPENAI_SERVICES',
    'OPENAI_COMPATIBLE_SERVERS',
    'COMPATIBLE_SERVICES',
  ],
};

/** How the entries of a variable become providers: all one, or each one by itself. */
type ProviderOf = (entry: Entry) => string;

function configure(
  variable: string,
  providerOf: ProviderOf,
  reserved: readonly string[],
  ...[env, fetch, known = NOTHING_KNOWN]: Parameters<ConfigureProvider>
): Configured {
  const credentials: string[] = [];
  const named: Named = {
    binding: (name) => env[name],
    secret(name) {
      const value = env[name];
      if (!isText(value)) return undefined;
      credentials.push(value.trim());
      return value.trim();
    },
  };
  const { entries, mistakes } = readServices(variable, env[variable], {
    reserved,
    named,
    judgeFamily: known.familyMistake,
  });
  if (mistakes.length > 0 || entries.length === 0) return { providers: [], offers: [], mistakes };
  const byProvider = Map.groupBy(entries, providerOf);
  const discoveries = entries.flatMap((entry) => discoveryOf(providerOf(entry), entry, fetch) ?? []);
  return {
    providers: [...byProvider].map(([id, of]) => openAiServices(id, id === 'anyscale' ? 'Anyscale' : id, of, fetch)),
    offers: entries.flatMap((entry) => entry.offers.map((offer) => ({ provider: providerOf(entry), ...offer }))),
    ...(discoveries.length > 0 ? { discoveries } : {}),
    ...(credentials.length > 0 ? { credentials } : {}),
    warnings: entries.flatMap(({ doubt }) => doubt ?? []),
    mistakes,
  };
}

/** `ANYSCALE_SERVICES`: any number of deployments, all of them the provider `anyscale`. */
export const configureAnyscale: ConfigureProvider = (...given) =>
  configure('ANYSCALE_SERVICES', () => 'anyscale', [], ...given);

/** `OPENAI_COMPATIBLE_SERVICES`: the same form, each entry a provider of its own under the entry's id. */
export const configureOpenAiCompatible: ConfigureProvider = (...given) =>
  configure('OPENAI_COMPATIBLE_SERVICES', ({ id }) => id, PROVIDER_IDS, ...given);
