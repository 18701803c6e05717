/**
 * Anyscale and other servers with an OpenAI API: reads the services that ANYSCALE_SERVICES and
 * OPENAI_COMPATIBLE_SERVICES describe, and makes providers of them.
 */
import {
  type Configured,
  type ConfigureProvider,
  type Fetch,
  httpUrl,
  isObject,
  isPlainUrl,
  type KnownNames,
  type ProviderDescriptor,
  type ProviderModule,
  type Variables,
} from '../../src/core/index.ts';
import { openAiCompatible } from '../openai/index.ts';
import { openAiServices } from './provider.ts';
import { type ConfiguredService, discoveryOf } from './service.ts';
import {
  type Bindings,
  type CheckFamily,
  isText,
  onlyKeys,
  type ReportMistake,
  readHeaders,
  readModels,
  readShared,
  resolved,
  shownName,
} from './settings.ts';

/** Variables of self-hosted services that are no built-in provider. Each service is a provider under its entry's id. */
const COMPATIBLE_VARIABLES: Variables = {
  OPENAI_COMPATIBLE_SERVICES: [
    'OPENAI_COMPATIBLE',
    'OPENAI_SERVICES',
    'OPENAI_COMPATIBLE_SERVERS',
    'COMPATIBLE_SERVICES',
  ],
};

/**
 * Anyscale. Its multi-tenant API ended on 2024-08-01 (docs.anyscale.com), so its rows in the catalogue are history.
 * Today it runs the user's own services, which speak OpenAI's API.
 */
const about: ProviderDescriptor = {
  ...openAiCompatible('anyscale'),
  name: 'Anyscale',
  ownServices: 'Anyscale serves models on your own services: add one to ANYSCALE_SERVICES.',
  variables: { ANYSCALE_SERVICES: ['ANYSCALE_SERVICE_URL', 'ANYSCALE_API_KEY', 'ANYSCALE_BASE_URL'] },
};

/** Anyscale's shared API, which ended on 2024-08-01 (docs.anyscale.com/endpoints). Only private services are left. */
const RETIRED_HOST = 'api.endpoints.anyscale.com';

/** A warning about a valid but unusual address, continuing "… base_url ". Undefined if there is nothing to say. */
function baseUrlWarning(value: string): string | undefined {
  const path = new URL(value).pathname.replace(/\/+$/, '');
  // Without a path, `/v1` is added. DeepInfra's ends in `/v1/openai`, Google's in `/v1beta/openai`.
  if (path === '' || /\/v\d+\w*(\/openai)?$/.test(path)) return undefined;
  return 'does not end in a version, as the address of an OpenAI-compatible server does ("https://host/v1"); GET /v1/health?probe=1 tells whether it is right';
}

/**
 * A service's base URL, with or without `/v1` and a slash at its end. A route prefix is kept. `mistake` continues a
 * sentence that begins with the URL's JSON path.
 */
function readBaseUrl(value: unknown): { readonly url: string } | { readonly mistake: string } {
  const url = httpUrl(value);
  if (!url) {
    return { mistake: 'must be the http or https address of the service, like "https://host/v1"' };
  }
  if (!isPlainUrl(url)) {
    return { mistake: 'must have no credentials, query or fragment; a credential belongs into token' };
  }
  if (url.hostname === RETIRED_HOST) {
    return {
      mistake:
        "must be an Anyscale service of your own: the shared API at api.endpoints.anyscale.com ended on 2024-08-01, and the service page's Query button shows yours",
    };
  }
  const path = url.pathname.replace(/\/+$/, '');
  if (/\/(chat\/completions|completions|models)$/.test(path)) {
    return { mistake: 'must end before the route, like "https://host/v1"' };
  }
  // A version inside the path is part of the service's address: https://api.deepinfra.com/v1/openai
  return { url: `${url.origin}${/\/v\d+\w*(\/|$)/.test(path) ? path : `${path}/v1`}` };
}

const FIELDS = ['id', 'base_url', 'token', 'headers', 'binding', 'models', 'price', 'timeouts', 'capabilities'];

interface ReadOptions {
  /** Ids that a service cannot have. */
  readonly reserved: readonly string[];
  readonly bindings: Bindings;
  readonly checkFamily: CheckFamily;
}

function readToken(value: unknown, path: string, bindings: Bindings, report: ReportMistake): string | undefined {
  const given = resolved(value, path, bindings, report);
  const token = typeof given === 'string' ? given.trim() : given;
  if (token !== undefined && (typeof token !== 'string' || !/^[!-~]*$/.test(token))) {
    report(path, 'must be one line of printable ASCII without spaces');
    return undefined;
  }
  return isText(token) ? token : undefined;
}

const isFetcher = (value: unknown): value is { fetch: Fetch } => isObject(value) && typeof value.fetch === 'function';

/** The fetch of a binding: a VPC service, which leads into a private network, or another Worker. */
function readBinding(value: unknown, path: string, bindings: Bindings, report: ReportMistake): Fetch | undefined {
  if (value === undefined) return undefined;
  if (!isText(value)) {
    report(path, 'must be the name of a binding of this Worker');
    return undefined;
  }
  const bound = bindings.binding(value);
  if (isFetcher(bound)) return (input, init) => bound.fetch(input, init);
  report(path, `names ${shownName(value)}, which is not bound: it must be a VPC service or a service binding`);
  return undefined;
}

function readEntry(
  value: unknown,
  path: string,
  taken: Set<string>,
  options: ReadOptions,
  report: ReportMistake,
): ConfiguredService[] {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return [];
  }
  onlyKeys(value, path, FIELDS, report);
  const id = typeof value.id === 'string' && /^[a-z0-9-]{1,64}$/.test(value.id) ? value.id : undefined;
  if (id === undefined) report(`${path}.id`, 'must be 1 to 64 of the characters a-z, 0-9 and -');
  else if (taken.has(id)) report(`${path}.id`, 'must be a name that no other service or provider has');
  else taken.add(id);
  const baseUrl = readBaseUrl(value.base_url);
  if ('mistake' in baseUrl) report(`${path}.base_url`, baseUrl.mistake);
  const { bindings, checkFamily } = options;
  const token = readToken(value.token, `${path}.token`, bindings, report);
  const headers = readHeaders(value.headers, `${path}.headers`, token !== undefined, bindings, report);
  const fetch = readBinding(value.binding, `${path}.binding`, bindings, report);
  const shared = readShared(value, path, report);
  const models = readModels(value.models, `${path}.models`, id ?? '', shared, checkFamily, report);
  if (id === undefined || 'mistake' in baseUrl) return [];
  const warning = typeof value.base_url === 'string' ? baseUrlWarning(value.base_url) : undefined;
  return [
    {
      id,
      baseUrl: baseUrl.url,
      ...(warning === undefined ? {} : { warning: `${path}.base_url ${warning}.` }),
      ...(token === undefined ? {} : { token }),
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(fetch ? { fetch } : {}),
      ...models,
    },
  ];
}

/**
 * The services of a variable: JSON text, or its value where the platform has parsed it. Each mistake is a sentence with
 * the variable and the place in it.
 */
function readServices(
  variable: string,
  value: unknown,
  options: ReadOptions,
): { readonly entries: readonly ConfiguredService[]; readonly mistakes: readonly string[] } {
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) {
    return { entries: [], mistakes: [] };
  }
  let list: unknown = value;
  if (typeof value === 'string') {
    try {
      list = JSON.parse(value);
    } catch {
      // The parser's message quotes the text, which contains tokens.
      return { entries: [], mistakes: [`${variable} must be valid JSON.`] };
    }
  }
  if (!Array.isArray(list)) return { entries: [], mistakes: [`${variable} must be a JSON array of services.`] };
  const mistakes: string[] = [];
  const taken = new Set(options.reserved);
  const report: ReportMistake = (path, expected) => mistakes.push(`${path} ${expected}.`);
  const entries = list.flatMap((entry: unknown, i) => readEntry(entry, `${variable}[${i}]`, taken, options, report));
  return { entries, mistakes };
}

const NOTHING_KNOWN: KnownNames = { providers: [], familyMistake: () => undefined };

function configure(
  variable: string,
  aboutOf: (service: ConfiguredService) => ProviderDescriptor,
  reserved: readonly string[],
  ...[env, fetch, known = NOTHING_KNOWN]: Parameters<ConfigureProvider>
): Configured {
  const credentials: string[] = [];
  const bindings: Bindings = {
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
    bindings,
    checkFamily: known.familyMistake,
  });
  if (mistakes.length > 0 || entries.length === 0) return { providers: [], offers: [], mistakes };
  // All services of the variable belong to one provider, or each is a provider of its own.
  const byProvider = [...Map.groupBy(entries, aboutOf)];
  const discoveries = byProvider.flatMap(([{ id }, of]) => of.flatMap((entry) => discoveryOf(id, entry, fetch) ?? []));
  return {
    providers: byProvider.map(([about, of]) => openAiServices(about, of, fetch)),
    offers: byProvider.flatMap(([{ id }, of]) =>
      of.flatMap(({ offers }) => offers.map((offer) => ({ provider: id, ...offer }))),
    ),
    ...(discoveries.length > 0 ? { discoveries } : {}),
    ...(credentials.length > 0 ? { credentials } : {}),
    warnings: entries.flatMap(({ warning }) => warning ?? []),
    mistakes,
  };
}

/** `ANYSCALE_SERVICES`: any number of services, all of the provider `anyscale`. */
export const configureAnyscale: ConfigureProvider = (...given) =>
  configure('ANYSCALE_SERVICES', () => about, [], ...given);

/** `OPENAI_COMPATIBLE_SERVICES`: the same format. Each service is a provider of its own, named by its id. */
export const configureOpenAiCompatible: ConfigureProvider = (...given) =>
  configure('OPENAI_COMPATIBLE_SERVICES', ({ id }) => openAiCompatible(id), given[2]?.providers ?? [], ...given);

export const anyscale: ProviderModule = { about, configure: configureAnyscale };
/** Self-hosted services that are no built-in provider. Each is a provider under its entry's id. */
export const compatible = { configure: configureOpenAiCompatible, variables: COMPATIBLE_VARIABLES };
