import { PROVIDER_IDS, type ServiceOffer } from '../../core/index.ts';
import { names } from '../names.ts';
import { offerKey } from './key.ts';

/** What prices can be set for. */
export interface KnownOffers {
  readonly providers: readonly string[];
  /** The offers, as `offerKey` writes them, that a name stands for at a provider: none, one, or several to choose from. */
  find(provider: string, name: string): readonly string[];
}

/** A provider's offers in the catalogue, by the provider's own id or, if that leaves no choice, by any name of the model. */
function catalogued(provider: string, name: string): readonly string[] {
  // The catalogue's Anyscale rows are history.
  if (provider === 'anyscale') return [];
  const id = offerKey(provider, name);
  const offers = (names().all.get(id)?.offers ?? []).filter((offer) => offer.provider === provider);
  const exact = offers.find((offer) => offer.id === id || offer.otherIds.includes(id));
  return (exact ? [exact] : offers).map((offer) => offer.id);
}

/** The catalogue's offers and those on services of the user's own. */
export function knownOffers(services: readonly ServiceOffer[]): KnownOffers {
  return {
    providers: [...new Set([...PROVIDER_IDS, ...services.map(({ provider }) => provider)])],
    find(provider, name) {
      const own = services
        .filter((service) => service.provider === provider)
        .map((service) => ({ ...service, key: offerKey(provider, service.upstream, service.service) }));
      const exact = own.filter(({ key }) => key === name);
      const meant = exact.length > 0 ? exact : own.filter(({ upstream, model }) => upstream === name || model === name);
      return [...new Set([...meant.map(({ key }) => key), ...catalogued(provider, name)])];
    },
  };
}
