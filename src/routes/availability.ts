/** What this deployment can serve now: configured, not retired, and available in its region. */
import type { KeyTerms } from '../accounts/index.ts';
import { type CatalogModel, type CatalogOffer, findModel, isServed, models } from '../catalog/index.ts';
import { type ModelAt, upstreamOf } from '../core/index.ts';
import { type Route, routeName, serviceIndex } from '../offers/index.ts';
import type { Gateway } from './request.ts';

/** Which offers, models and routes that are. */
export function availability({ config, services }: Gateway, day: string) {
  const { registry } = config;
  const own = new Set(services.offers().map(({ model }) => model));
  const offered = (offer: CatalogOffer): boolean =>
    registry.of(offer.provider).ownServices === undefined &&
    config.providers.has(offer.provider) &&
    offer.billing !== 'provisioned' &&
    isServed(offer, day) &&
    'id' in upstreamOf(registry.of(offer.provider), offer, config.region ?? '');
  const model = ({ id, offers }: CatalogModel): boolean => own.has(id) || offers.some(offered);
  const route = ({ targets }: Route): boolean =>
    targets.some(({ model: name, routing }) => {
      if (own.has(name)) return true;
      const match = findModel(name, registry);
      if (match.kind !== 'model') return false;
      const { pin } = match;
      if (!pin && own.has(match.model.id)) return true;
      return match.model.offers.some(
        (offer) =>
          offered(offer) &&
          (pin === undefined || pin.provider === offer.provider) &&
          (routing.only === undefined || routing.only.includes(offer.provider)),
      );
    });
  return { offered, model, route };
}

/** What a key may use. */
export interface Permitted {
  readonly provider: (id: string) => boolean;
  /** By the name in the catalogue, or the operator's own. */
  readonly model: (id: string) => boolean;
  readonly route: (id: string, route: Route) => boolean;
}

/** What a key may use of what this deployment has. Undefined: everything. */
export function permittedBy(terms: KeyTerms | undefined, { config, services }: Gateway): Permitted | undefined {
  const { models: allowed, providers } = terms ?? {};
  if (!allowed && !providers) return undefined;
  const { registry } = config;
  const own = serviceIndex(services.offers(), registry);
  const provider = (id: string): boolean => providers?.includes(id) ?? true;
  const catalogued = (id: string): CatalogModel | undefined => {
    const match = findModel(id, registry);
    return match.kind === 'model' ? match.model : undefined;
  };
  const isAllowed = (id: string): boolean =>
    !allowed || allowed.includes(id) || allowed.includes(catalogued(id)?.id ?? id);
  const isServed = (id: string): boolean => {
    const known = catalogued(id);
    const offers = [...own.called(id), ...(known ? [...own.of(known.id), ...known.offers] : [])];
    return offers.some((offer) => provider(offer.provider));
  };
  return {
    provider,
    model: (id) => isAllowed(id) && isServed(id),
    route: (id, { targets }) => {
      const open = targets.filter(({ model }) => isServed(model));
      const called = routeName(id, config.routes, { services: services.offers(), registry }) ?? id;
      return allowed?.includes(called) ? open.length > 0 : open.some(({ model }) => isAllowed(model));
    },
  };
}

/**
 * The models that this deployment uses at a provider, by the provider's own ids: of services, and of the catalogue.
 */
export function modelsAt(provider: string, gateway: Gateway, day: string): readonly ModelAt[] {
  const { offered } = availability(gateway, day);
  const { region = '' } = gateway.config;
  const own = gateway.services.offers().filter((offer) => offer.provider === provider);
  return [
    ...own.map(({ upstream, service }) => ({ model: upstream, service })),
    ...models()
      .flatMap(({ offers }) => offers.filter((offer) => offer.provider === provider && offered(offer)))
      .flatMap((offer) => {
        const upstream = upstreamOf(gateway.config.registry.of(provider), offer, region);
        return 'id' in upstream ? [{ model: upstream.id }] : [];
      }),
  ];
}
