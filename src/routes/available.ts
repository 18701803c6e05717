import { type CatalogModel, type CatalogOffer, findModel, isServed, models, upstreamId } from '../catalog/index.ts';
import type { ModelAt } from '../core/index.ts';
import type { Route } from '../offers/index.ts';
import type { Gateway } from './gateway.ts';

/** What of the models a deployment serves: its providers are configured, they have not ended, its region has them. */
export function availability({ config, services }: Gateway, day: string) {
  const own = new Set(services.offers().map(({ model }) => model));
  const offered = (offer: CatalogOffer): boolean =>
    offer.provider !== 'anyscale' &&
    config.providers.has(offer.provider) &&
    offer.billing !== 'provisioned' &&
    isServed(offer, day) &&
    'id' in upstreamId(offer, config.region ?? '');
  const model = ({ id, offers }: CatalogModel): boolean => own.has(id) || offers.some(offered);
  const route = ({ targets }: Route): boolean =>
    targets.some(({ model: name, routing }) => {
      if (own.has(name)) return true;
      const match = findModel(name);
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

/** The models that a provider is asked for here, by its own ids: the configured services', and the catalogue's. */
export function modelsAt(provider: string, gateway: Gateway, day: string): readonly ModelAt[] {
  const { offered } = availability(gateway, day);
  const { region = '' } = gateway.config;
  const own = gateway.services.offers().filter((offer) => offer.provider === provider);
  return [
    ...own.map(({ upstream, service }) => ({ model: upstream, service })),
    ...models()
      .flatMap(({ offers }) => offers.filter((offer) => offer.provider === provider && offered(offer)))
      .flatMap((offer) => {
        const upstream = upstreamId(offer, region);
        return 'id' in upstream ? [{ model: upstream.id }] : [];
      }),
  ];
}
