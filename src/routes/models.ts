import type { Handler } from 'hono';
import {
  CATALOG_DATE,
  type CatalogModel,
  type CatalogOffer,
  findModel,
  hasServedOffer,
  models,
  type PriceBook,
  type PriceTerms,
  priceFor,
  rateJson,
  upstreamId,
  WIRES,
  wireOf,
} from '../catalog/index.ts';
import { dayOf, GatewayError, type ServiceOffer } from '../core/index.ts';
import { type Route, serviceIndex } from '../offers/index.ts';
import { availability } from './available.ts';
import { switched } from './context.ts';
import type { Gateway } from './gateway.ts';
import { replyJson } from './reply.ts';

/** OpenAI's field asks when a model was made; what is known here is when its row was. Seconds. */
const CREATED = Math.floor(Date.parse(CATALOG_DATE) / 1000);

/** What an offer costs today, overrides included. */
function pricing(book: PriceBook, provider: string, upstream: string, where: PriceTerms) {
  const priced = priceFor(book, provider, upstream, dayOf(Date.now()), where);
  if (!priced.known) return null;
  const { id, layer, price, source, detail, checkedAt } = priced.row;
  const note = layer === 'bundled' && detail !== undefined ? { note: detail } : {};
  return { ...rateJson(price), rule: id, source, source_date: checkedAt, ...note };
}

/** Without a region of its own the gateway asks no Bedrock, and the list prices are the ones to show. */
const regionOf = (region: string | undefined): PriceTerms => (region === undefined ? {} : { region });

/** Whether an answer can be held to a JSON Schema: by the wire, which on Bedrock leaves it to the model. */
const holdsSchemas = (offer: CatalogOffer, family: string): boolean =>
  offer.apis.some((api) => {
    const wire = wireOf(offer.provider, api, family, offer.id);
    if (wire === undefined) return false;
    return WIRES[wire].has('responseFormat') || (WIRES[wire].has('jsonSchema') && offer.features.structured);
  });

/** The most output tokens that a provider states for any API of an offer. */
const mostOutput = ({ maxOutput }: CatalogOffer): number | null =>
  Object.values(maxOutput).reduce<number | null>((most, tokens) => Math.max(most ?? 0, tokens), null);

function catalogOffer(offer: CatalogOffer, family: string, { config, prices }: Gateway) {
  const where = regionOf(config.region);
  // The price of what is sent: Bedrock's inference profiles can cost differently.
  const sent = upstreamId(offer, where.region ?? 'us-east-1');
  return {
    provider: offer.provider,
    provider_model: offer.id,
    apis: offer.apis,
    status: offer.status.state,
    ...(offer.status.date ? { status_date: offer.status.date } : {}),
    ...(offer.status.note ? { status_note: offer.status.note } : {}),
    configured: config.providers.has(offer.provider),
    context_length: offer.contextLimit ?? null,
    max_output_tokens: mostOutput(offer),
    capabilities: {
      system: offer.features.system,
      tools: offer.features.tools,
      streaming_tools: offer.features.streamingTools,
      vision: offer.features.vision,
      structured_output: holdsSchemas(offer, family),
    },
    pricing: pricing(prices.book(), offer.provider, 'id' in sent ? sent.id : offer.id, where),
  };
}

/** What a service of the user's own can do: as its entry says, else as the model is known; null is not known, and sent on. */
const serviceCapabilities = ({ capabilities }: ServiceOffer, known: CatalogModel | undefined) => ({
  tools: capabilities?.tools ?? known?.capabilities.tools ?? null,
  vision: capabilities?.vision ?? known?.capabilities.vision ?? null,
});

function serviceOffer(offer: ServiceOffer, known: CatalogModel | undefined, { prices }: Gateway) {
  const { provider, service, upstream, contextLength } = offer;
  return {
    provider,
    service,
    provider_model: upstream,
    apis: ['chat', 'completions'],
    status: 'live',
    configured: true,
    context_length: contextLength ?? null,
    capabilities: serviceCapabilities(offer, known),
    pricing: pricing(prices.book(), provider, upstream, { service }),
  };
}

/** A model as OpenAI shows it, with what each provider offers of it. */
function describe(id: string, known: CatalogModel | undefined, gateway: Gateway) {
  const services = serviceIndex(gateway.services.offers());
  const own = new Set([...services.called(id), ...(known ? services.of(known.id) : [])]);
  const [first] = own;
  return {
    id,
    object: 'model',
    created: CREATED,
    owned_by: known?.family ?? 'you',
    name: known?.name ?? id,
    kind: known?.kind ?? 'chat',
    context_length: known?.contextLength ?? first?.contextLength ?? null,
    capabilities: known
      ? {
          system: known.capabilities.systemRole,
          tools: known.capabilities.tools,
          vision: known.capabilities.vision,
          reasoning: known.capabilities.reasoning,
          infill: known.capabilities.infill,
        }
      : null,
    aliases: known?.aliases ?? [],
    openrouter: known?.openrouter ?? [],
    ...(known?.replacedBy ? { replaced_by: known.replacedBy } : {}),
    offers: [
      ...[...own].map((offer) => serviceOffer(offer, known, gateway)),
      ...(known?.offers ?? [])
        // The catalogue's Anyscale rows are history; a service of one's own is listed above.
        .filter((offer) => offer.provider !== 'anyscale')
        .map((offer) => catalogOffer(offer, known?.family ?? '', gateway)),
    ],
  };
}

/** A configured name as OpenAI shows a model, with what it stands for. */
const describeRoute = (id: string, { kind, models, provider }: Route) => ({
  id,
  object: 'model',
  created: CREATED,
  owned_by: 'you',
  name: id,
  kind,
  models,
  ...(provider ? { provider } : {}),
});

/** A model's row without the offers that cannot be had here. */
function onlyOffers(known: CatalogModel, offered: (offer: CatalogOffer) => boolean): CatalogModel {
  return { ...known, offers: known.offers.filter(offered) };
}

/**
 * `GET /v1/models`: configured names, then every model that somebody still serves, the user's own first. With
 * `?available=1` it is what this deployment serves now, with the offers that can be had.
 */
export const listModels =
  (gateway: Gateway): Handler =>
  (c) => {
    const day = dayOf(Date.now());
    const only = switched(c, 'available') ? availability(gateway, day) : undefined;
    const { routes } = gateway.config;
    const services = gateway.services.offers();
    const ids = new Set(models().map((model) => model.id));
    const own = [...new Set(services.map((service) => service.model))].filter((id) => !ids.has(id) && !routes.has(id));
    return replyJson(c, 200, {
      object: 'list',
      data: [
        ...[...routes].filter(([, route]) => !only || only.route(route)).map(([id, route]) => describeRoute(id, route)),
        ...own.map((id) => describe(id, undefined, gateway)),
        ...models()
          .filter(
            (model) =>
              !routes.has(model.id) &&
              (hasServedOffer(model, day) || services.some((service) => service.model === model.id)),
          )
          .filter((model) => !only || only.model(model))
          .map((model) => describe(model.id, only ? onlyOffers(model, only.offered) : model, gateway)),
      ],
    });
  };

/** `GET /v1/models/{id}`: one model, retired ones too, by any of its names; or a configured name. */
export const getModel =
  (gateway: Gateway): Handler =>
  (c) => {
    const name = c.req.param('id') ?? '';
    const route = gateway.config.routes.get(name);
    if (route) return replyJson(c, 200, describeRoute(name, route));
    const [own] = serviceIndex(gateway.services.offers()).called(name);
    const match = findModel(own?.model ?? name);
    if (own) return replyJson(c, 200, describe(own.model, match.kind === 'model' ? match.model : undefined, gateway));
    if (match.kind === 'unknown') {
      throw new GatewayError(
        'model_not_found',
        `${name.slice(0, 200)} is not known here. GET /v1/models lists what is.`,
        { param: 'id' },
      );
    }
    return replyJson(c, 200, describe(match.model.id, match.model, gateway));
  };
