import { type CatalogModel, type CatalogOffer, findModel, hasServedOffer } from '../catalog/index.ts';
import {
  type Api,
  type ApiTraits,
  type Family,
  GatewayError,
  type ProviderDescriptor,
  type Routing,
  type ServiceOffer,
  type UpstreamId,
  upstreamOf,
} from '../core/index.ts';
import { serviceIndex } from './services.ts';
import type { World } from './types.ts';

/** An offer before anybody has asked whether it can serve a call: from the catalogue, or on a service of the user's own. */
export type OfferSource =
  | {
      readonly kind: 'catalog';
      readonly about: ProviderDescriptor;
      readonly model: CatalogModel;
      readonly offer: CatalogOffer;
      /** The provider's id to send, or why there is none. */
      readonly upstream: UpstreamId;
    }
  | {
      readonly kind: 'service';
      readonly about: ProviderDescriptor;
      readonly model: string;
      readonly known?: CatalogModel;
      readonly offer: ServiceOffer;
    };

/** The offers of one name, and the provider it pins. */
export interface Sources {
  readonly sources: readonly OfferSource[];
  readonly pin?: string;
}

/** Why a model that once was cannot be had any more, and what can. */
function retired(name: string, model: CatalogModel): GatewayError {
  const dates = model.offers.flatMap(({ status }) => status.date ?? []).sort();
  const since = dates.length > 0 ? ` since ${dates.at(-1)}` : '';
  const instead = model.replacedBy ? ` Use ${model.replacedBy} instead.` : '';
  return new GatewayError(
    'model_not_found',
    `model: ${name} is retired${since}: no provider serves it any more.${instead}`,
    {
      param: 'model',
    },
  );
}

/** OpenRouter's variants that can be had of any model: how its offers are ordered, or which of them are taken. */
const SUFFIXES: Readonly<Record<string, Routing>> = {
  ':floor': { sort: 'price' },
  ':nitro': { sort: 'throughput' },
  ':free': { maxPrice: { prompt: 0n, completion: 0n } },
};

/** Variants that OpenRouter has and this gateway has not (openrouter.ai/docs/guides/routing/model-variants). */
const OTHER_SUFFIX = /:(?:batch|beta|exacto|extended|online|thinking)$/;

/** What to say of a name with a variant of OpenRouter's that is not served; undefined where it has none. */
export function otherSuffix(name: string): string | undefined {
  const [suffix] = OTHER_SUFFIX.exec(name) ?? [];
  return suffix && `There is no ${suffix} here, but ${Object.keys(SUFFIXES).join(', ')}; leave it out.`;
}

/** A name without its suffix, and what the suffix asks for. */
export function suffixOf(name: string, isWhole: IsWhole = NEVER): { readonly plain: string; readonly asks: Routing } {
  if (!name.includes(':') || isWhole(name)) return { plain: name, asks: {} };
  for (const [suffix, asks] of Object.entries(SUFFIXES)) {
    if (name.endsWith(suffix)) return { plain: name.slice(0, -suffix.length), asks };
  }
  return { plain: name, asks: {} };
}

/** A model of the user's own may be called `…:free`, as OpenRouter's are. */
type IsWhole = (name: string) => boolean;
const NEVER: IsWhole = () => false;

type Models = Pick<World, 'services' | 'registry'>;

/** What is known by a name: in the catalogue, and on services of the user's own. */
export function lookUp(name: string, world: Models) {
  const services = serviceIndex(world.services, world.registry);
  const match = findModel(name, world.registry, services.providerOf);
  const known = match.kind === 'model' ? match.model : undefined;
  const pin = match.kind === 'model' ? match.pin : undefined;
  const called = services.called(name);
  // By any name of the model: the same weights, whoever serves them.
  const same = known ? services.of(known.id).filter((offer) => !called.includes(offer)) : [];
  return { match, known, pin, called, own: [...called, ...same] };
}

/** Nothing where a name is known; else what was probably meant, as a sentence, or an empty one. */
export function unknownName(name: string, world: Models): { readonly hint: string } | undefined {
  const { match, own } = lookUp(name, world);
  if (match.kind === 'model' || own.length > 0) return undefined;
  const other = otherSuffix(name);
  if (other) return { hint: ` ${other}` };
  return { hint: match.suggestions.length > 0 ? ` Did you mean ${match.suggestions.join(' or ')}?` : '' };
}

/** Names that one list of services remembers the offers of. */
const REMEMBERED = 512;
const remembered = new WeakMap<readonly ServiceOffer[], Map<string, Sources>>();

/**
 * Every offer of a model, by any of its names, without a suffix: the very same objects for as long as the services and the day
 * are, so that what is worked out of them holds for the next call. Throws `model_not_found` with what was probably meant or what
 * replaced it.
 *
 * @param listRetired for a model that nobody serves any more: give its offers all the same
 */
export function offersOf(name: string, world: World, today: string, listRetired = false): Sources {
  const { services, region = '' } = world;
  let known = remembered.get(services);
  if (!known) {
    known = new Map();
    remembered.set(services, known);
  }
  const key = `${today} ${region} ${listRetired} ${name}`;
  const before = known.get(key);
  if (before) return before;
  const found = findOffers(name, world, today, listRetired);
  // What callers write has no end: then it begins anew.
  if (known.size >= REMEMBERED) known.clear();
  known.set(key, found);
  return found;
}

function findOffers(name: string, world: World, today: string, listRetired: boolean): Sources {
  const { match, known, pin, called, own } = lookUp(name, world);
  const sources: OfferSource[] = own.map((offer) => ({
    kind: 'service',
    about: world.registry.of(offer.provider),
    model: offer.model,
    offer,
    ...(known ? { known } : {}),
  }));

  if (match.kind === 'unknown') {
    if (sources.length > 0) return { sources, ...pinnedBy(name, called) };
    const { hint } = unknownName(name, world) ?? { hint: '' };
    throw new GatewayError(
      'model_not_found',
      `model: ${name.slice(0, 200)} is not known here.${hint} GET /v1/models lists what is.`,
      {
        param: 'model',
      },
    );
  }
  if (!listRetired && sources.length === 0 && !hasServedOffer(match.model, today)) throw retired(name, match.model);
  for (const offer of match.model.offers) {
    const exact = pin?.upstream !== undefined && pin.provider === offer.provider;
    const about = world.registry.of(offer.provider);
    const upstream = exact ? { id: pin.upstream ?? offer.id } : upstreamOf(about, offer, world.region ?? '');
    sources.push({ kind: 'catalog', about, model: match.model, offer, upstream });
  }
  return { sources, ...(pin ? { pin: pin.provider } : {}) };
}

/** The provider that a name says before a model of the user's own. */
function pinnedBy(name: string, called: readonly ServiceOffer[]): { pin?: string } {
  const low = name.toLowerCase();
  const pinning = called.find(({ provider, model, upstream }) =>
    [model, upstream].some((one) => low === `${provider}/${one}`.toLowerCase() && low !== model.toLowerCase()),
  );
  return pinning ? { pin: pinning.provider } : {};
}

/** Whether a model can do something. Nobody knows of a model that is in no catalogue: then it is sent, and the server says. */
export type Can = boolean | 'unknown';

/** What is the same for an offer of the catalogue and one on a service of the user's own. */
export interface Facts {
  readonly about: ProviderDescriptor;
  readonly provider: string;
  readonly service?: string;
  readonly model: string;
  readonly upstream: string;
  readonly family: Family;
  readonly apis: readonly Api[];
  /** What an API of the provider does with this model; undefined where it has no such API for it. */
  readonly traits: (api: Api) => ApiTraits | undefined;
  readonly base: boolean;
  readonly tools: Can;
  readonly streamingTools: boolean;
  readonly systemRole: boolean;
  readonly vision: Can;
  /** It thinks aloud before it answers. */
  readonly reasons: Can;
  /** Its chat API holds answers to JSON Schemas, where a wire leaves that to the model. */
  readonly structured: boolean;
  readonly infill: boolean;
  readonly contextLength?: number;
  /** That is what is served there, and not only what the model could take: a server of one's own may be started with less. */
  readonly contextServed: boolean;
  readonly maxOutput: (api: Api) => number | undefined;
}

const SERVICE_APIS: readonly Api[] = ['chat', 'completions'];
const CHAT_ONLY: readonly Api[] = ['chat'];

export const familyOf = (source: OfferSource): Family =>
  source.kind === 'service' ? (source.offer.family ?? source.known?.family ?? 'unknown') : source.model.family;

export const contextLengthOf = (source: OfferSource): number | undefined =>
  source.kind === 'service'
    ? (source.offer.contextLength ?? source.known?.contextLength)
    : (source.offer.contextLimit ?? source.model.contextLength);

const known = new WeakMap<OfferSource, Facts>();

/** Read once of each source: sources live as long as what they were looked up in. */
export function factsOf(source: OfferSource): Facts {
  let facts = known.get(source);
  if (!facts) {
    facts = readFacts(source);
    known.set(source, facts);
  }
  return facts;
}

/** Looked up once for each API of an offer. */
function traitsOf(about: ProviderDescriptor, family: Family, upstream: string): Facts['traits'] {
  const known = new Map<Api, ApiTraits | undefined>();
  return (api) => {
    if (!known.has(api)) known.set(api, about.traits(api, family, upstream));
    return known.get(api);
  };
}

function readFacts(source: OfferSource): Facts {
  const { about } = source;
  const contextLength = contextLengthOf(source);
  const family = familyOf(source);
  const limits = contextLength === undefined ? {} : { contextLength };
  if (source.kind === 'service') {
    const { offer, known } = source;
    return {
      about,
      provider: offer.provider,
      service: offer.service,
      model: source.model,
      upstream: offer.upstream,
      family,
      traits: traitsOf(about, family, offer.upstream),
      apis: offer.capabilities?.completions === false ? CHAT_ONLY : SERVICE_APIS,
      base: known?.kind === 'base',
      // What the entry says, else what is known of the weights, whoever serves them.
      tools: offer.capabilities?.tools ?? known?.capabilities.tools ?? 'unknown',
      streamingTools: true,
      systemRole: true,
      vision: offer.capabilities?.vision ?? known?.capabilities.vision ?? 'unknown',
      reasons: known?.capabilities.reasoning ?? 'unknown',
      structured: false,
      infill: known?.capabilities.infill ?? true,
      ...limits,
      contextServed: offer.contextLength !== undefined,
      maxOutput: () => offer.maxOutput,
    };
  }
  const { model, offer } = source;
  const upstream = 'id' in source.upstream ? source.upstream.id : offer.id;
  return {
    about,
    provider: offer.provider,
    model: model.id,
    upstream,
    family,
    traits: traitsOf(about, family, upstream),
    apis: offer.apis,
    base: model.kind === 'base',
    tools: offer.features.tools,
    streamingTools: offer.features.streamingTools,
    systemRole: offer.features.system,
    vision: offer.features.vision,
    reasons: model.capabilities.reasoning,
    structured: offer.features.structured,
    infill: model.capabilities.infill,
    ...limits,
    contextServed: contextLength !== undefined,
    maxOutput: (api) => offer.maxOutput[api],
  };
}
