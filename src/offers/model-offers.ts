import {
  type CatalogModel,
  type CatalogOffer,
  findModel,
  hasServedOffer,
  isServed,
  type ModelKind,
  type ReasoningBack,
  reasoningBack,
} from '../catalog/index.ts';
import {
  type Api,
  type ApiTraits,
  type Family,
  GatewayError,
  type ProviderDescriptor,
  type Routing,
  type ServiceOffer,
  type TimeoutSettings,
  type UpstreamId,
  upstreamOf,
} from '../core/index.ts';
import { serviceIndex } from './services.ts';
import { type ExclusionReason, exclude, type Standing, type World } from './types.ts';

/**
 * Looks up a model name in the catalogue and among the configured services, and collects what is the same for every
 * call of an offer: its capabilities, limits, price, and what its APIs take. All of it is worked out once and reused.
 */

/**
 * Whether a model can do something. `unknown`: it is in no catalogue; send the request and let the server refuse it.
 */
export type Can = boolean | 'unknown';

/** One model at one provider, from the catalogue or on a configured service, before a call is assessed against it. */
export interface ModelOffer {
  /** What its provider tells about itself. */
  readonly about: ProviderDescriptor;
  readonly provider: string;
  readonly service?: string;
  /** The name in the catalogue, or the user's own. */
  readonly model: string;
  /** The provider's id. */
  readonly upstream: string;
  readonly family: Family;
  readonly apis: readonly Api[];
  /** What it is for. `unknown`: it is in no catalogue and its owner does not say; the server decides. */
  readonly kind: ModelKind | 'unknown';
  /** A base model, which has no chat form. */
  readonly base: boolean;
  /** Lengths of an embedding model's vectors, its usual one first, where they are known. */
  readonly dimensions?: readonly number[];
  readonly tools: Can;
  readonly streamingTools: boolean;
  readonly systemRole: boolean;
  readonly vision: Can;
  /** The model writes its reasoning before the answer. */
  readonly reasons: Can;
  /** Which of its earlier reasoning the model gets back. */
  readonly reasoningBack: ReasoningBack;
  /** The chat API enforces JSON Schemas for this model, where other APIs leave that to the model. */
  readonly structured: boolean;
  readonly infill: boolean;
  readonly contextLength?: number;
  /** Whether `contextLength` is what the server was started with. If not, it is the model's maximum. */
  readonly contextServed: boolean;
  readonly maxOutput: (api: Api) => number | undefined;
  readonly standing: Standing;
  readonly timeouts?: TimeoutSettings;
  /** Why it cannot be used, whatever the call and the credentials. */
  readonly ended?: ExclusionReason;
  /** Why it cannot be used from the deployment's region. */
  readonly outOfRegion?: ExclusionReason;
}

/** The offers of one name. */
export interface NamedOffers {
  readonly offers: readonly ModelOffer[];
  /** The provider the name asks for. */
  readonly pin?: string;
}

const traits = new WeakMap<ModelOffer, Map<Api, ApiTraits | undefined>>();

/** What one of an offer's APIs does with a call; undefined where the provider has no such API for the family. */
export function traitsOf(offer: ModelOffer, api: Api): ApiTraits | undefined {
  let known = traits.get(offer);
  if (!known) {
    known = new Map();
    traits.set(offer, known);
  }
  if (!known.has(api)) known.set(api, offer.about.traits(api, offer.family, offer.upstream));
  return known.get(api);
}

const SERVICE_APIS: readonly Api[] = ['chat', 'completions'];
const CHAT_ONLY: readonly Api[] = ['chat'];

/** The APIs of a configured service for one model. A server that is told nothing of may have any. */
function serviceApis(kind: ModelOffer['kind'], { capabilities }: ServiceOffer): readonly Api[] {
  if (kind === 'embedding') return EMBEDDINGS_ONLY;
  if (kind === 'rerank') return RERANK_ONLY;
  const writes = capabilities?.completions === false ? CHAT_ONLY : SERVICE_APIS;
  return kind === 'unknown' ? [...writes, 'embeddings', 'rerank'] : writes;
}

const EMBEDDINGS_ONLY: readonly Api[] = ['embeddings'];
const RERANK_ONLY: readonly Api[] = ['rerank'];

function serviceModelOffer(
  about: ProviderDescriptor,
  offer: ServiceOffer,
  known: CatalogModel | undefined,
): ModelOffer {
  const { provider, service, model, upstream, capabilities, maxOutput, timeouts } = offer;
  const contextLength = offer.contextLength ?? known?.contextLength;
  const family = offer.family ?? known?.family ?? 'unknown';
  const reasons = known?.capabilities.reasoning ?? 'unknown';
  const kind = offer.kind ?? known?.kind ?? 'unknown';
  const dimensions = offer.dimensions ?? known?.dimensions;
  return {
    about,
    provider,
    service,
    model,
    upstream,
    family,
    apis: serviceApis(kind, offer),
    kind,
    ...(dimensions === undefined ? {} : { dimensions }),
    base: known?.kind === 'base',
    // What the configuration says, or else what the catalogue knows of the model.
    tools: capabilities?.tools ?? known?.capabilities.tools ?? 'unknown',
    streamingTools: true,
    systemRole: true,
    vision: capabilities?.vision ?? known?.capabilities.vision ?? 'unknown',
    reasons,
    reasoningBack: reasoningBack(family, reasons),
    structured: false,
    infill: known?.capabilities.infill ?? true,
    ...(contextLength === undefined ? {} : { contextLength }),
    contextServed: offer.contextLength !== undefined,
    maxOutput: () => maxOutput,
    standing: 'own',
    ...(timeouts === undefined ? {} : { timeouts }),
  };
}

/** Why an offer of the catalogue cannot be used by anybody on a day. */
function endedOn(
  about: ProviderDescriptor,
  offer: CatalogOffer,
  model: CatalogModel,
  today: string,
): ExclusionReason | undefined {
  if (offer.billing === 'provisioned')
    return exclude('no_credentials', `${offer.provider} serves ${model.id} only with provisioned throughput.`);
  if (!isServed(offer, today)) {
    const date = offer.status.date ? ` on ${offer.status.date}` : '';
    const instead = model.replacedBy ? ` Use ${model.replacedBy} there.` : '';
    return exclude('retired', `${offer.provider} retired ${offer.id}${date}.${instead}`);
  }
  // The catalogue's rows of such a provider are history: today it is a configured service, which is another offer.
  return about.ownServices === undefined ? undefined : exclude('retired', about.ownServices);
}

function catalogModelOffer(
  about: ProviderDescriptor,
  model: CatalogModel,
  offer: CatalogOffer,
  upstream: UpstreamId,
  today: string,
): ModelOffer {
  const { apis, features, maxOutput, status } = offer;
  const contextLength = offer.contextLimit ?? model.contextLength;
  const ended = endedOn(about, offer, model, today);
  return {
    about,
    provider: offer.provider,
    model: model.id,
    upstream: 'id' in upstream ? upstream.id : offer.id,
    family: model.family,
    apis,
    kind: model.kind,
    ...(model.dimensions === undefined ? {} : { dimensions: model.dimensions }),
    base: model.kind === 'base',
    tools: features.tools,
    streamingTools: features.streamingTools,
    systemRole: features.system,
    vision: features.vision,
    reasons: model.capabilities.reasoning,
    reasoningBack: reasoningBack(model.family, model.capabilities.reasoning),
    structured: features.structured,
    infill: model.capabilities.infill,
    ...(contextLength === undefined ? {} : { contextLength }),
    contextServed: contextLength !== undefined,
    maxOutput: (api) => maxOutput[api],
    standing: status.state === 'unknown' ? 'unproven' : 'served',
    ...(ended ? { ended } : {}),
    ...('reason' in upstream ? { outOfRegion: exclude('not_in_region', upstream.reason) } : {}),
  };
}

/** The suffixes of OpenRouter's that work for any model, and the routing each stands for. */
const SUFFIXES: Readonly<Record<string, Routing>> = {
  ':floor': { sort: 'price' },
  ':nitro': { sort: 'throughput' },
  ':free': { maxPrice: { prompt: 0n, completion: 0n } },
};

/** Variants that OpenRouter has and this gateway has not (openrouter.ai/docs/guides/routing/model-variants). */
const OTHER_SUFFIX = /:(?:batch|beta|exacto|extended|online|thinking)$/;

/** What to tell the caller of a name with an unsupported variant of OpenRouter's; undefined if it has none. */
function unsupportedSuffix(name: string): string | undefined {
  const [suffix] = OTHER_SUFFIX.exec(name) ?? [];
  return suffix && `There is no ${suffix} here, but ${Object.keys(SUFFIXES).join(', ')}; leave it out.`;
}

const NO_ROUTING: Routing = {};

/**
 * A name without its suffix, and what the suffix asks for.
 *
 * @param isModel a model of the user's own may be called `…:free`, as OpenRouter's are
 */
export function splitSuffix(
  name: string,
  isModel: (name: string) => boolean = () => false,
): { readonly plain: string; readonly asks: Routing } {
  if (!name.includes(':') || isModel(name)) return { plain: name, asks: NO_ROUTING };
  for (const [suffix, asks] of Object.entries(SUFFIXES)) {
    if (name.endsWith(suffix)) return { plain: name.slice(0, -suffix.length), asks };
  }
  return { plain: name, asks: NO_ROUTING };
}

type Models = Pick<World, 'services' | 'registry'>;

/** What the catalogue and the configured services know by a name. */
export function lookUp(name: string, world: Models) {
  const services = serviceIndex(world.services, world.registry);
  const match = findModel(name, world.registry, services.providerOf);
  const known = match.kind === 'model' ? match.model : undefined;
  const pin = match.kind === 'model' ? match.pin : undefined;
  const called = services.called(name);
  // Services that serve the same model under another of its names.
  const same = known ? services.of(known.id).filter((offer) => !called.includes(offer)) : [];
  return { match, known, pin, called, own: [...called, ...same] };
}

/** Whether a name is that of a model: of the catalogue, or of a configured service. */
export function isModelName(name: string, world: Models): boolean {
  const { match, own } = lookUp(name, world);
  return match.kind === 'model' || own.length > 0;
}

/** Undefined for a known name. For an unknown one, a hint for the caller: what was probably meant, or an empty text. */
export function unknownName(name: string, world: Models): { readonly hint: string } | undefined {
  const { match, own } = lookUp(name, world);
  if (match.kind === 'model' || own.length > 0) return undefined;
  const other = unsupportedSuffix(name);
  if (other) return { hint: ` ${other}` };
  return { hint: match.suggestions.length > 0 ? ` Did you mean ${match.suggestions.join(' or ')}?` : '' };
}

/** Names whose offers are kept for one list of services. */
const CACHED_NAMES = 512;
const cached = new WeakMap<readonly ServiceOffer[], Map<string, NamedOffers>>();

/**
 * Every offer of a model, by any of its names, without a suffix. As long as the services and the day stay the same
 * these are the same objects, so what is worked out for them can be kept. Throws `model_not_found` with what was
 * probably meant, or what replaced a retired model.
 *
 * @param today the day, as `2026-11-22`, by which retirements are judged
 * @param listRetired for a model that nobody serves any more, return its offers all the same
 */
export function offersOf(name: string, world: World, today: string, listRetired = false): NamedOffers {
  const { services, region = '' } = world;
  let known = cached.get(services);
  if (!known) {
    known = new Map();
    cached.set(services, known);
  }
  const key = `${today} ${region} ${listRetired} ${name}`;
  const before = known.get(key);
  if (before) return before;
  const found = findOffers(name, world, today, listRetired);
  // Callers can write any number of names, so the cache must not grow for ever.
  if (known.size >= CACHED_NAMES) known.clear();
  known.set(key, found);
  return found;
}

function findOffers(name: string, world: World, today: string, listRetired: boolean): NamedOffers {
  const { match, known, pin, called, own } = lookUp(name, world);
  const offers = own.map((offer) => serviceModelOffer(world.registry.of(offer.provider), offer, known));
  if (match.kind === 'unknown') {
    if (offers.length > 0) return { offers, ...pinnedBy(name, called) };
    const { hint } = unknownName(name, world) ?? { hint: '' };
    throw new GatewayError(
      'model_not_found',
      `model: ${name.slice(0, 200)} is not known here.${hint} GET /v1/models lists what is.`,
      { param: 'model' },
    );
  }
  if (!listRetired && offers.length === 0 && !hasServedOffer(match.model, today)) throw retired(name, match.model);
  for (const offer of match.model.offers) {
    const exact = pin?.upstream !== undefined && pin.provider === offer.provider;
    const about = world.registry.of(offer.provider);
    const upstream = exact ? { id: pin.upstream ?? offer.id } : upstreamOf(about, offer, world.region ?? '');
    offers.push(catalogModelOffer(about, match.model, offer, upstream, today));
  }
  return { offers, ...(pin ? { pin: pin.provider } : {}) };
}

/** The provider that a name of a configured model starts with. */
function pinnedBy(name: string, called: readonly ServiceOffer[]): { pin?: string } {
  const low = name.toLowerCase();
  const pinning = called.find(({ provider, model, upstream }) =>
    [model, upstream].some((one) => low === `${provider}/${one}`.toLowerCase() && low !== model.toLowerCase()),
  );
  return pinning ? { pin: pinning.provider } : {};
}

/** The error for a model that no provider serves any more, with what replaced it. */
function retired(name: string, model: CatalogModel): GatewayError {
  const dates = model.offers.flatMap(({ status }) => status.date ?? []).sort();
  const since = dates.length > 0 ? ` since ${dates.at(-1)}` : '';
  const instead = model.replacedBy ? ` Use ${model.replacedBy} instead.` : '';
  return new GatewayError(
    'model_not_found',
    `model: ${name} is retired${since}: no provider serves it any more.${instead}`,
    { param: 'model' },
  );
}
