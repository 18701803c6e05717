import { registry } from '../../providers/index.ts';
import * as catalog from '../../src/catalog/index.ts';
import * as core from '../../src/core/index.ts';

/** The rooms' functions that take descriptors of providers, with those of this software: a provider goes by its id. */

export { registry };

export const PROVIDER_IDS = registry.ids;

export const providerNames = (ids: Iterable<string>) => core.providerNames(ids, registry.known);

export const findModel = (name: string, providerOf?: (name: string) => string | undefined): catalog.ModelMatch =>
  catalog.findModel(name, registry, providerOf);

export const upstreamId = (offer: catalog.CatalogOffer, region: string): core.UpstreamId =>
  core.upstreamOf(registry.of(offer.provider), offer, region);

export const offerKey = (provider: string, upstream: string, service?: string): string =>
  catalog.offerKey(registry.of(provider), upstream, service);

export const priceFor = (
  book: catalog.PriceBook,
  provider: string,
  upstream: string,
  day: string,
  terms?: catalog.PriceTerms,
): catalog.Priced => catalog.priceFor(book, registry.of(provider), upstream, day, terms);

export const priceableOffers = (
  services: readonly core.ServiceOffer[],
  open?: readonly catalog.OpenService[],
): catalog.PriceableOffers => catalog.priceableOffers(registry, services, open);

const APIS: readonly core.Api[] = ['converse', 'invoke', 'predictions', 'chat', 'completions'];
/** Some of each kind that a provider tells apart, and one that none knows. */
const FAMILIES = ['llama-2', 'llama-3', 'llama-3.3', 'code-llama', 'mistral', 'gpt-oss'];
const PINNED = `meta/llama-2-7b-chat:${'0'.repeat(64)}`;

/** What every API of every provider does, by the name of its traits. */
export const TRAITS: ReadonlyMap<string, core.ApiTraits> = new Map(
  [...registry.known, registry.of('my-own')].flatMap((about) =>
    APIS.flatMap((api) =>
      FAMILIES.flatMap((family) => ['', PINNED].flatMap((upstream) => about.traits(api, family, upstream) ?? [])),
    ).map((traits) => [traits.name, traits] as const),
  ),
);

export function traitsCalled(name: string): core.ApiTraits {
  const traits = TRAITS.get(name);
  if (!traits) throw new Error(`There are no traits called ${name}: there are ${[...TRAITS.keys()].join(', ')}.`);
  return traits;
}
