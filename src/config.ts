import { configureProviders, PROVIDER_VARIABLES, registry } from '../providers/index.ts';
import {
  type Access,
  type Accounts,
  databaseOf,
  keyring,
  type ReportDatabase,
  type Sessions,
  sessions,
} from './accounts/index.ts';
import { type PriceOverride, priceableOffers, readOverrides } from './catalog/index.ts';
import {
  type Background,
  type Configured,
  carrying,
  type Discovery,
  type Fetch,
  isObject,
  type KnownNames,
  MARKER_MODES,
  type MarkerMode,
  once,
  type Privacy,
  type Provider,
  type ProviderRegistry,
  type Redact,
  redactor,
  type ServiceOffer,
} from './core/index.ts';
import { readRouting } from './dialects/openai/index.ts';
import { credentialsIn, type Env, json, OWN_VARIABLES, variableWarnings, withConfigFile } from './environment.ts';
import { DEFAULT_SUBREQUESTS, familyMistake, type Routes, readRoutes } from './offers/index.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from './relay/index.ts';
import type { Assets } from './tokens/index.ts';
import { readTraceSettings, type TraceSettings } from './traces/index.ts';

/** The configuration of a deployment. Read from the environment once per isolate. */
export interface Config {
  /** What is true of each provider, configured or not. */
  readonly registry: ProviderRegistry;
  readonly providers: ReadonlyMap<string, Provider>;
  /** Models on the operator's own services, as configured. */
  readonly services: readonly ServiceOffer[];
  /** Those of them whose servers list their models. */
  readonly discoveries: readonly Discovery[];
  /** Decides which Bedrock inference profiles can be used. */
  readonly region: string | undefined;
  readonly access: Access;
  /** Sessions of the page. Absent where no key protects anything. */
  readonly sessions?: Sessions;
  /** The objects that keep keys, budgets and the ledger, if they are bound. */
  readonly accounts: Accounts | undefined;
  /** Default for `template.markers`. Absent: markers are broken for chat APIs and rejected in raw prompts. */
  readonly markers?: MarkerMode;
  readonly timeouts: Timeouts;
  /** HTTP requests that the platform lets one call make. */
  readonly subrequests: number;
  /** The operator's own prices, which override all others. */
  readonly prices: readonly PriceOverride[];
  /** The operator's own names for models. */
  readonly routes: Routes;
  /** What the operator says of their accounts and servers, by provider. */
  readonly privacy: ReadonlyMap<string, Privacy>;
  /** The database of prices and reports, if one is bound. */
  readonly database: ReportDatabase | undefined;
  /** Whether and where traces of calls are sent. */
  readonly traces: TraceSettings;
  /** Vocabularies that are not bundled with the Worker, if they are bound. */
  readonly assets: Assets | undefined;
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** True where the emulator stands in for all providers. */
  readonly sandbox: boolean;
  /** Whole sentences. If there are any, nothing is served. */
  readonly mistakes: readonly string[];
  /** What works but is probably not what was meant. Whole sentences. */
  readonly warnings: readonly string[];
  /** Removes the credentials of this deployment from error texts. */
  readonly redact: Redact;
}

/** Bedrock's own limit of a body, the largest of the four. */
const MAX_BODY_BYTES = 25_000_000;

const isFetcher = (value: unknown): value is { fetch: Fetch } => isObject(value) && typeof value.fetch === 'function';

const isNamespace = (value: unknown): value is Accounts => isObject(value) && typeof value.getByName === 'function';

const text = (env: Env, name: string): string | undefined => {
  const value = env[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** How the configuration of a service checks the names in it. */
const KNOWN_NAMES: Omit<KnownNames, 'providers'> = { familyMistake };

const TIMEOUT_NAMES = {
  connect_ms: 'connectMs',
  first_token_ms: 'firstTokenMs',
  piece_ms: 'pieceMs',
  idle_ms: 'idleMs',
  total_ms: 'totalMs',
} as const satisfies Record<string, keyof Timeouts>;

/** `CHASQUI_TIMEOUTS`: `{"connect_ms", "first_token_ms", "piece_ms", "idle_ms", "total_ms"}`, each optional. */
function readTimeouts(env: Env, mistakes: string[]): Timeouts {
  const value = env.CHASQUI_TIMEOUTS;
  if (value === undefined || value === '') return DEFAULT_TIMEOUTS;
  const parsed = json(value);
  if (!isObject(parsed)) {
    mistakes.push('CHASQUI_TIMEOUTS must be a JSON object, for example {"total_ms": 600000}.');
    return DEFAULT_TIMEOUTS;
  }
  const timeouts: { -readonly [K in keyof Timeouts]: Timeouts[K] } = { ...DEFAULT_TIMEOUTS };
  for (const [name, ms] of Object.entries(parsed)) {
    const ours = Object.hasOwn(TIMEOUT_NAMES, name) ? TIMEOUT_NAMES[name as keyof typeof TIMEOUT_NAMES] : undefined;
    if (!ours) mistakes.push(`CHASQUI_TIMEOUTS.${name} is not known: use ${Object.keys(TIMEOUT_NAMES).join(', ')}.`);
    else if (typeof ms !== 'number' || !(ms > 0))
      mistakes.push(`CHASQUI_TIMEOUTS.${name} must be a number of milliseconds above 0.`);
    else timeouts[ours] = ms;
  }
  return timeouts;
}

/** `CHASQUI_SUBREQUESTS`: how many HTTP requests the plan of Workers allows one call. */
function readSubrequests(env: Env, mistakes: string[]): number {
  const value = env.CHASQUI_SUBREQUESTS;
  if (value === undefined || value === '') return DEFAULT_SUBREQUESTS;
  const count = Number(value);
  if (Number.isInteger(count) && count > 0) return count;
  mistakes.push(
    'CHASQUI_SUBREQUESTS must be a whole number above 0: 50 on the free plan of Workers, 10000 on the paid one.',
  );
  return DEFAULT_SUBREQUESTS;
}

/** `CHASQUI_MARKERS`: default handling of prompt-template markers for calls that do not set `template.markers`. */
function readMarkers(env: Env, mistakes: string[]): { markers?: MarkerMode } {
  const value = text(env, 'CHASQUI_MARKERS');
  const markers = MARKER_MODES.find((mode) => mode === value);
  if (value !== undefined && !markers) mistakes.push(`CHASQUI_MARKERS must be one of ${MARKER_MODES.join(', ')}.`);
  return markers ? { markers } : {};
}

const PRIVACY_FIELDS = ['data_collection', 'zdr'];

function readPrivacyOf(value: unknown): Privacy | undefined {
  if (!isObject(value) || Object.keys(value).some((key) => !PRIVACY_FIELDS.includes(key))) return undefined;
  const { data_collection: collection = 'allow', zdr = false } = value;
  if (typeof zdr !== 'boolean' || (collection !== 'allow' && collection !== 'deny')) return undefined;
  // A provider that keeps nothing collects nothing.
  return { noCollection: collection === 'deny' || zdr, noRetention: zdr };
}

/** `CHASQUI_PRIVACY`: `{"together": {"zdr": true}, "mine": {"data_collection": "deny"}}`, by provider. */
function readPrivacy(env: Env, { providers }: Configured, mistakes: string[]): ReadonlyMap<string, Privacy> {
  const value = env.CHASQUI_PRIVACY;
  const said = new Map<string, Privacy>();
  if (value === undefined || value === '') return said;
  const parsed = json(value);
  if (!isObject(parsed)) {
    mistakes.push('CHASQUI_PRIVACY must be a JSON object, for example {"together": {"zdr": true}}.');
    return said;
  }
  for (const [id, wire] of Object.entries(parsed)) {
    const privacy = readPrivacyOf(wire);
    if (!providers.some((provider) => provider.id === id)) {
      const known = providers.map((provider) => provider.id).join(', ') || 'none';
      mistakes.push(`CHASQUI_PRIVACY.${id} is no provider here. Configured are: ${known}.`);
    } else if (privacy) said.set(id, privacy);
    else {
      mistakes.push(
        `CHASQUI_PRIVACY.${id} must be an object of data_collection ("allow" or "deny") and zdr (true or false).`,
      );
    }
  }
  return said;
}

/** `CHASQUI_PRICES`: `{"together": {"openai/gpt-oss-120b": {"input_per_mtok": "0.12", "output_per_mtok": "0.5"}}}` */
function readPrices(env: Env, { offers, discoveries }: Configured, mistakes: string[]): readonly PriceOverride[] {
  const value = env.CHASQUI_PRICES;
  if (value === undefined || value === '') return [];
  const read = readOverrides(json(value), 'CHASQUI_PRICES', {
    known: priceableOffers(registry, offers, discoveries),
    judge: true,
  });
  mistakes.push(...read.mistakes);
  return read.overrides;
}

/**
 * `CHASQUI_ROUTES`: `{"gpt-4o-mini": "llama-3.3-70b-instruct", "cheap-chat": {"models": [...], "provider": {...}}}`
 */
function readNames(env: Env, { offers, providers, discoveries = [] }: Configured, mistakes: string[]): Routes {
  const value = env.CHASQUI_ROUTES;
  if (value === undefined || value === '') return new Map();
  const ids = providers.map(({ id }) => id);
  const read = readRoutes(json(value), 'CHASQUI_ROUTES', {
    registry,
    services: offers,
    providers: ids,
    open: discoveries.length > 0,
    routing: readRouting,
  });
  mistakes.push(...read.mistakes);
  return read.routes;
}

/** Shorter ones can be guessed by trying: whoever holds a key can check a guess by its MAC. */
const LEAST_SECRET = 12;

function shortSecrets(env: Env): readonly string[] {
  return ['CHASQUI_ADMIN_KEY', 'CHASQUI_KEY_SECRET']
    .filter((name) => (text(env, name)?.length ?? LEAST_SECRET) < LEAST_SECRET)
    .map((name) => `${name} is so short that it can be guessed: set a long random one (openssl rand -hex 32).`);
}

/** Keys that are made in the open sandbox are good for the sandbox alone. */
const SANDBOX_SECRET = 'keys of an open sandbox';

/** `CHASQUI_ADMIN_KEY`, and `CHASQUI_KEY_SECRET`, by which the admin key can change and callers' keys stay. */
function readAccess(env: Env, inSandbox: boolean): Access {
  const adminKey = text(env, 'CHASQUI_ADMIN_KEY');
  const secret = text(env, 'CHASQUI_KEY_SECRET') ?? adminKey;
  if (adminKey !== undefined) return { kind: 'key', adminKey, keyring: keyring(secret ?? adminKey) };
  return inSandbox ? { kind: 'open', keyring: keyring(secret ?? SANDBOX_SECRET) } : { kind: 'unconfigured' };
}

/** With another admin key, or another secret, sessions of the old one end. */
function readSessions(env: Env): { sessions?: Sessions } {
  const adminKey = text(env, 'CHASQUI_ADMIN_KEY');
  return adminKey === undefined ? {} : { sessions: sessions([adminKey, text(env, 'CHASQUI_KEY_SECRET') ?? '']) };
}

/**
 * Reads the environment. The sandbox serves exactly when it is bound (local development) and no provider has
 * credentials; then its own settings, `CHASQUI_SANDBOX`, stand in for the environment's.
 */
export function readConfig(given: Env, network: Fetch, background?: Background): Config {
  const file = withConfigFile(given);
  const { env } = file;
  const mistakes: string[] = [...file.mistakes];
  const timeouts = readTimeouts(env, mistakes);
  const markers = readMarkers(env, mistakes);
  const subrequests = readSubrequests(env, mistakes);
  const { mistakes: traceMistakes, warnings: traceWarnings, ...traces } = readTraceSettings(env);
  mistakes.push(...traceMistakes);
  const reach = (fetch: Fetch): Fetch => (traces.toProviders ? carrying(fetch) : fetch);
  let configured = configureProviders(env, reach(network), KNOWN_NAMES, background);
  mistakes.push(...configured.mistakes);
  let settings = env;
  const sandbox = isFetcher(env.SANDBOX) ? env.SANDBOX : undefined;
  const inSandbox = sandbox !== undefined && configured.providers.length === 0 && mistakes.length === 0;
  if (inSandbox && isObject(env.CHASQUI_SANDBOX)) {
    settings = env.CHASQUI_SANDBOX;
    const emulator = reach((input, init) => sandbox.fetch(input, init));
    configured = configureProviders(settings, emulator, KNOWN_NAMES, background);
    mistakes.push(...configured.mistakes);
  }
  const prices = readPrices(env, configured, mistakes);
  const routes = readNames(env, configured, mistakes);
  const privacy = readPrivacy(env, configured, mistakes);
  const access = readAccess(env, inSandbox);
  const collectorHeaders = { headers: traces.collector?.headers ?? {} };
  // Made when the first error is written: the start of an isolate has no use for it.
  const redact = once(() =>
    redactor([...credentialsIn(env), ...credentialsIn(collectorHeaders), ...(configured.credentials ?? [])]),
  );
  return {
    registry,
    providers: new Map(configured.providers.map((provider) => [provider.id, provider])),
    services: configured.offers,
    discoveries: configured.discoveries ?? [],
    region: text(settings, 'AWS_REGION'),
    access,
    ...readSessions(env),
    accounts: isNamespace(env.ACCOUNT) ? env.ACCOUNT : undefined,
    ...markers,
    timeouts,
    // One of them is for the collector.
    subrequests: traces.collector ? Math.max(1, subrequests - 1) : subrequests,
    prices,
    routes,
    privacy,
    database: databaseOf(env),
    traces,
    assets: isFetcher(env.ASSETS) ? env.ASSETS : undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    sandbox: inSandbox,
    mistakes: mistakes.map(file.placed),
    warnings: [
      ...(access.kind === 'unconfigured' && configured.providers.length > 0
        ? ['CHASQUI_ADMIN_KEY is not set, so every call is refused: set the key that callers are to send.']
        : []),
      ...shortSecrets(env),
      ...traceWarnings,
      ...variableWarnings(env, { ...OWN_VARIABLES, ...PROVIDER_VARIABLES }),
      ...(configured.warnings ?? []).map(file.placed),
    ],
    redact: (text) => redact()(text),
  };
}
