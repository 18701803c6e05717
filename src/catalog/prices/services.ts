import type { ProviderDescriptor, ProviderRegistry, ServiceOffer } from '../../core/index.ts';
import { offerIds } from '../find.ts';
import { ALWAYS, offerKey, type PriceRow, type Rate, serviceKey } from './types.ts';

/** Prices of services of the user's own, and the offers that an operator can set prices for. */

function rateOf({ price, hourly }: ServiceOffer): Rate | undefined {
  if (price.known) return { kind: 'token', input: price.inputPerMtok, output: price.outputPerMtok };
  return hourly && { kind: 'hour', perHour: hourly.perHour, tokensPerSecond: hourly.tokensPerSecond };
}

/** What services of the user's own cost, by their configuration. Two names of one upstream model are one offer. */
export function serviceRows(services: readonly ServiceOffer[], checkedAt: string): PriceRow[] {
  const rows = new Map<string, PriceRow>();
  for (const service of services) {
    const { provider } = service;
    const price = rateOf(service);
    const offer = serviceKey(provider, service.upstream, service.service);
    const id = `${provider}/${offer}@service`;
    if (!price) continue;
    rows.set(id, {
      id,
      layer: 'configuration',
      provider,
      offer,
      tier: 'standard',
      region: '*',
      validFrom: ALWAYS,
      source: 'configuration',
      checkedAt,
      price,
    });
  }
  return [...rows.values()];
}

/** What prices can be set for. */
export interface PriceableOffers {
  readonly providers: readonly string[];
  /** The keys of a provider's offers that a name may mean: none, one, or several to choose from. */
  find(provider: string, name: string): readonly string[];
}

/** A service whose server lists its models: it may have models that are not known yet. */
export interface OpenService {
  readonly provider: string;
  readonly service: string;
}

/** A provider's offers in the catalogue, by the provider's id or by any name of the model. */
const catalogued = (about: ProviderDescriptor, name: string): readonly string[] =>
  about.ownServices === undefined ? offerIds(about.id, offerKey(about, name)) : [];

/** The offers of the catalogue and of the user's own services. On `open` services any name is accepted. */
export function priceableOffers(
  registry: ProviderRegistry,
  services: readonly ServiceOffer[],
  open: readonly OpenService[] = [],
): PriceableOffers {
  const mayHave = (provider: string, name: string): readonly string[] =>
    open.some((one) => one.provider === provider && (one.service === provider || name.startsWith(`${one.service}/`)))
      ? [name]
      : [];
  return {
    providers: [...new Set([...registry.ids, ...[...services, ...open].map(({ provider }) => provider)])],
    find(provider, name) {
      const own = services
        .filter((service) => service.provider === provider)
        .map((service) => ({ ...service, key: serviceKey(provider, service.upstream, service.service) }));
      const exact = own.filter(({ key }) => key === name);
      const meant = exact.length > 0 ? exact : own.filter(({ upstream, model }) => upstream === name || model === name);
      const found = new Set([...meant.map(({ key }) => key), ...catalogued(registry.of(provider), name)]);
      return found.size > 0 ? [...found] : mayHave(provider, name);
    },
  };
}
