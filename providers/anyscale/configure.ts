import type { Configured, ConfigureProvider, KnownNames, ProviderDescriptor } from '../../src/core/index.ts';
import { openAiCompatible } from '../openai-wire/index.ts';
import { about } from './about.ts';
import { discoveryOf } from './discover.ts';
import { isText, type Named } from './fields.ts';
import { openAiServices } from './provider.ts';
import type { Entry } from './service.ts';
import { readServices } from './services.ts';

const NOTHING_KNOWN: KnownNames = { providers: [], familyMistake: () => undefined };

function configure(
  variable: string,
  aboutOf: (entry: Entry) => ProviderDescriptor,
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
  // The entries of one variable are all one provider, or each is one by itself.
  const byProvider = [...Map.groupBy(entries, aboutOf)];
  const discoveries = byProvider.flatMap(([{ id }, of]) => of.flatMap((entry) => discoveryOf(id, entry, fetch) ?? []));
  return {
    providers: byProvider.map(([about, of]) => openAiServices(about, of, fetch)),
    offers: byProvider.flatMap(([{ id }, of]) =>
      of.flatMap(({ offers }) => offers.map((offer) => ({ provider: id, ...offer }))),
    ),
    ...(discoveries.length > 0 ? { discoveries } : {}),
    ...(credentials.length > 0 ? { credentials } : {}),
    warnings: entries.flatMap(({ doubt }) => doubt ?? []),
    mistakes,
  };
}

/** `ANYSCALE_SERVICES`: any number of deployments, all of them the provider `anyscale`. */
export const configureAnyscale: ConfigureProvider = (...given) =>
  configure('ANYSCALE_SERVICES', () => about, [], ...given);

/** `OPENAI_COMPATIBLE_SERVICES`: the same form, each entry a provider of its own under the entry's id. */
export const configureOpenAiCompatible: ConfigureProvider = (...given) =>
  configure('OPENAI_COMPATIBLE_SERVICES', ({ id }) => openAiCompatible(id), given[2]?.providers ?? [], ...given);
