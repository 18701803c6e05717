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
  const offers = (names().all.get(id)?.model.offers ?? []).filter((offer) => offer.provider === provider);
  const exact = offers.find((offer) => offer.id === id || offer.otherIds.includes(id));
  return (exact ? [exact] : offers).map((offer) => offer.id);
}

/** A service whose server lists its models: it may have some that are not known yet. */
export interface OpenService {
  readonly provider: string;
  readonly service: string;
}

/** The catalogue's offers and those on services of the user's own; on `open` ones every name is taken at its word. */
export function knownOffers(services: readonly ServiceOffer[], open: readonly OpenService[] = []): KnownOffers {
  const mayHave = (provider: string, name: string): readonly string[] =>
    open.some((one) => one.provider === provider && (one.service === provider || name.startsWith(`${one.service}/`)))
      ? [name]
      : [];
  return {
    providers: [...new Set([...PROVIDER_IDS, ...[...services, ...open].map(({ provider }) => provider)])],
    find(provider, name) {
      const own = services
        .filter((service) => service.provider === provider)
        .map((service) => ({ ...service, key: offerKey(provider, service.upstream, service.service) }));
      const exact = own.filter(({ key }) => key === name);
      const meant = exact.length > 0 ? exact : own.filter(({ upstream, model }) => upstream === name || model === name);
      const found = new Set([...meant.map(({ key }) => key), ...catalogued(provider, name)]);
      return found.size > 0 ? [...found] : mayHave(provider, name);
    },
  };
}
