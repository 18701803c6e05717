/** What this deployment can serve now: configured, not retired, and available in its region. */
import { type CatalogModel, type CatalogOffer, findModel, isServed, models } from '../catalog/index.ts';
import { type ModelAt, upstreamOf } from '../core/index.ts';
import type { Route } from '../offers/index.ts';
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
