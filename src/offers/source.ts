import { type CatalogModel, type CatalogOffer, findModel, hasServedOffer, upstreamId } from '../catalog/index.ts';
import { type Family, GatewayError, type ServiceOffer } from '../core/index.ts';
import { expand, otherSuffix } from './route.ts';
import { serviceIndex } from './service-index.ts';
import type { World } from './types.ts';

/** An offer before anybody has asked whether it can serve a call: from the catalogue, or on a service of the user's own. */
export type OfferSource =
  | {
      readonly kind: 'catalog';
      readonly model: CatalogModel;
      readonly offer: CatalogOffer;
      /** The provider's id to send, or why there is none. */
      readonly upstream: { readonly id: string } | { readonly reason: string };
    }
  | { readonly kind: 'service'; readonly model: string; readonly known?: CatalogModel; readonly offer: ServiceOffer };

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

type Models = Pick<World, 'services'>;

/** What is known by a name: in the catalogue, and on services of the user's own. */
function lookUp(name: string, world: Models) {
  const services = serviceIndex(world.services);
  const match = findModel(name, services.providerOf);
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
    const upstream = exact ? { id: pin.upstream ?? offer.id } : upstreamId(offer, world.region ?? '');
    sources.push({ kind: 'catalog', model: match.model, offer, upstream });
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

/** The user's own services that serve what a name comes to, its first model's first. */
export const servicesNamed = (name: string, world: World): readonly ServiceOffer[] =>
  expand(name, {}, world.routes, serviceIndex(world.services).isName).flatMap(({ model }) => lookUp(model, world).own);

/** What a name means for who counts its tokens. */
export interface NamedModel {
  readonly model: string;
  readonly family: Family;
  readonly contextLength?: number;
}

/** The models of a name, retired ones too: several for a route. Throws `model_not_found`. */
export const modelsNamed = (name: string, world: World): readonly NamedModel[] =>
  expand(name, {}, world.routes, serviceIndex(world.services).isName).map(({ model }) => modelNamed(model, world));

function modelNamed(name: string, world: World): NamedModel {
  const { known } = lookUp(name, world);
  if (known) {
    const { id, family, contextLength } = known;
    return { model: id, family, ...(contextLength === undefined ? {} : { contextLength }) };
  }
  // Throws for what is no model of the user's own either.
  const [source] = offersOf(name, world, '').sources;
  if (source?.kind !== 'service') return { model: name, family: 'unknown' };
  const { model, family = 'unknown', contextLength } = source.offer;
  return { model, family, ...(contextLength === undefined ? {} : { contextLength }) };
}
