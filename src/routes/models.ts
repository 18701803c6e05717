/** `GET /v1/models`: which models there are, who offers them, and which of them this deployment can serve. */
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
} from '../catalog/index.ts';
import { dayOf, GatewayError, type ProviderDescriptor, type ServiceOffer, upstreamOf } from '../core/index.ts';
import { type AboutModel, modelInfo, modelList, pageOf } from '../dialects/messages/index.ts';
import { type CodexModel, codexModel } from '../dialects/responses/index.ts';
import { isPattern, type Route, routeName, serviceIndex } from '../offers/index.ts';
import { termsOf } from './access.ts';
import { availability, type Permitted, permittedBy } from './availability.ts';
import { speaksMessages } from './middleware.ts';
import { type Gateway, queryFlag, replyJson } from './request.ts';

/** For OpenAI's `created`: we know only when the catalogue was made. Seconds. */
const CREATED = Math.floor(Date.parse(CATALOG_DATE) / 1000);

/** What an offer costs today, overrides included. */
function pricing(book: PriceBook, about: ProviderDescriptor, upstream: string, where: PriceTerms) {
  const priced = priceFor(book, about, upstream, dayOf(Date.now()), where);
  if (!priced.known) return null;
  const { id, layer, price, source, detail, checkedAt } = priced.row;
  const note = layer === 'bundled' && detail !== undefined ? { note: detail } : {};
  return { ...rateJson(price), rule: id, source, source_date: checkedAt, ...note };
}

/** Without a region Bedrock is not configured. Then the list prices are shown. */
const regionOf = (region: string | undefined): PriceTerms => (region === undefined ? {} : { region });

/** Whether an answer can be held to a JSON Schema: decided by the wire, and on Bedrock also by the model. */
const holdsSchemas = (offer: CatalogOffer, family: string, about: ProviderDescriptor): boolean =>
  offer.apis.some((api) => {
    const takes = about.traits(api, family, offer.id)?.takes;
    return takes?.has('responseFormat') || (takes?.has('jsonSchema') && offer.features.structured);
  });

/** The most output tokens that a provider states for any API of an offer. */
const mostOutput = ({ maxOutput }: CatalogOffer): number | null =>
  Object.values(maxOutput).reduce<number | null>((most, tokens) => Math.max(most ?? 0, tokens), null);

function catalogOffer(offer: CatalogOffer, family: string, { config, prices }: Gateway) {
  const where = regionOf(config.region);
  const about = config.registry.of(offer.provider);
  // The price of the id that is sent: a Bedrock inference profile can have its own.
  const sent = upstreamOf(about, offer, where.region ?? 'us-east-1');
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
      structured_output: holdsSchemas(offer, family, about),
    },
    pricing: pricing(prices.book(), about, 'id' in sent ? sent.id : offer.id, where),
  };
}

/**
 * What an own service can do: as configured, else as the catalogue knows the model. Null: unknown, the server
 * decides.
 */
const serviceCapabilities = ({ capabilities }: ServiceOffer, known: CatalogModel | undefined) => ({
  tools: capabilities?.tools ?? known?.capabilities.tools ?? null,
  vision: capabilities?.vision ?? known?.capabilities.vision ?? null,
});

function serviceOffer(offer: ServiceOffer, known: CatalogModel | undefined, { prices, config }: Gateway) {
  const { provider, service, upstream, contextLength } = offer;
  return {
    provider,
    service,
    provider_model: upstream,
    apis: SERVICE_APIS[offer.kind ?? known?.kind ?? ''] ?? ['chat', 'completions'],
    status: 'live',
    configured: true,
    context_length: contextLength ?? null,
    capabilities: serviceCapabilities(offer, known),
    pricing: pricing(prices.book(), config.registry.of(provider), upstream, { service }),
  };
}

/** The APIs of a service for models that write no text. */
const SERVICE_APIS: Readonly<Record<string, readonly string[] | undefined>> = {
  embedding: ['embeddings'],
  rerank: ['rerank'],
};

/** Lengths of an embedding model's vectors, the usual one first. */
const dimensionsOf = (dimensions: readonly number[] | undefined) => (dimensions === undefined ? {} : { dimensions });

/** A model in OpenAI's form, with its offers. */
function describe({ id, known, permitted }: Listed, gateway: Gateway) {
  const services = serviceIndex(gateway.services.offers(), gateway.config.registry);
  const own = new Set([...services.called(id), ...(known ? services.of(known.id) : [])]);
  const [first] = own;
  const permits = ({ provider }: { readonly provider: string }): boolean => permitted?.provider(provider) ?? true;
  return {
    id,
    object: 'model',
    created: CREATED,
    owned_by: known?.family ?? 'you',
    name: known?.name ?? id,
    kind: first?.kind ?? known?.kind ?? 'chat',
    ...dimensionsOf(first?.dimensions ?? known?.dimensions),
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
      ...[...own].filter(permits).map((offer) => serviceOffer(offer, known, gateway)),
      ...(known?.offers ?? [])
        // The catalogue's Anyscale rows are history. Configured services are listed above.
        .filter((offer) => permits(offer) && gateway.config.registry.of(offer.provider).ownServices === undefined)
        .map((offer) => catalogOffer(offer, known?.family ?? '', gateway)),
    ],
  };
}

/** A configured route in OpenAI's form of a model, with the models it stands for. */
const describeRoute = (id: string, { kind, models, provider }: Route) => ({
  id,
  object: 'model',
  created: CREATED,
  owned_by: 'you',
  name: id,
  kind,
  // Any name of this form can be asked for that is not a model's here; this one itself can, too.
  ...(isPattern(id) ? { pattern: true } : {}),
  models,
  ...(provider ? { provider } : {}),
});

/** A model with only the offers that are available here. */
function onlyOffers(known: CatalogModel, offered: (offer: CatalogOffer) => boolean): CatalogModel {
  return { ...known, offers: known.offers.filter(offered) };
}

/**
 * A name that can be asked for: a configured route, a model of the catalogue, or one that only a service of one's own
 * has.
 */
interface Listed {
  readonly id: string;
  readonly route?: Route;
  readonly known?: CatalogModel;
  /** What the caller's key may use. Absent: everything. */
  readonly permitted?: Permitted;
}

/** Whether the caller's key may use what a name stands for. */
const isPermitted = ({ id, route, permitted }: Listed): boolean =>
  permitted === undefined || (route ? permitted.route(id, route) : permitted.model(id));

const withRights = (one: Listed, permitted: Permitted | undefined): Listed => (permitted ? { ...one, permitted } : one);

/**
 * @param available only what this deployment can serve now
 * @param permitted only what the caller's key may use
 */
function listed(
  gateway: Gateway,
  day: string,
  available: boolean,
  permitted: Permitted | undefined,
): readonly Listed[] {
  const all = everything(gateway, day, available);
  return permitted ? all.map((one) => withRights(one, permitted)).filter(isPermitted) : all;
}

function everything(gateway: Gateway, day: string, available: boolean): readonly Listed[] {
  const only = available ? availability(gateway, day) : undefined;
  const { routes } = gateway.config;
  const services = gateway.services.offers();
  const ids = new Set(models().map((model) => model.id));
  const own = [...new Set(services.map((service) => service.model))].filter((id) => !ids.has(id) && !routes.has(id));
  return [
    ...[...routes].filter(([, route]) => !only || only.route(route)).map(([id, route]) => ({ id, route })),
    ...own.map((id) => ({ id })),
    ...models()
      .filter(
        (model) =>
          !routes.has(model.id) &&
          (hasServedOffer(model, day) || services.some((service) => service.model === model.id)) &&
          (!only || only.model(model)),
      )
      .map((model) => ({ id: model.id, known: only ? onlyOffers(model, only.offered) : model })),
  ];
}

/** What Anthropic's clients are told of a name. A route stands for several models, so its limits are not known. */
function aboutModel({ id, route, known }: Listed, { services, config }: Gateway, day: string): AboutModel {
  if (route) return { id, name: id, contextLength: null, maxOutput: null, retired: false };
  const own = [...serviceIndex(services.offers(), config.registry).called(id)];
  const contextLength = known?.contextLength ?? own[0]?.contextLength ?? null;
  const maxOutput = known?.offers.reduce<number | null>((most, offer) => {
    const tokens = mostOutput(offer);
    return tokens === null ? most : Math.max(most ?? 0, tokens);
  }, null);
  const retired = own.length === 0 && known !== undefined && !hasServedOffer(known, day);
  return { id, name: known?.name ?? id, contextLength, maxOutput: maxOutput ?? null, retired };
}

/** The most that any offer of a model takes here; an offer without a limit of its own takes what the model does. */
function roomiest(known: CatalogModel | undefined, own: readonly ServiceOffer[]): number | null {
  const limits = [
    ...own.map(({ contextLength }) => contextLength ?? known?.contextLength),
    ...(known?.offers ?? []).map(({ contextLimit }) => contextLimit ?? known?.contextLength),
  ].filter((limit) => limit !== undefined);
  return limits.length > 0 ? Math.max(...limits) : (known?.contextLength ?? null);
}

/**
 * What Codex is told of a name; undefined for what no agent can work with: models that call no tools, and patterns of
 * names.
 */
function aboutForCodex({ id, route, known }: Listed, gateway: Gateway, day: string): CodexModel | undefined {
  if (route) {
    if (isPattern(id)) return undefined;
    const { registry } = gateway.config;
    const { offered } = availability(gateway, day);
    const targets = route.targets.map(({ model }) => findModel(model, registry));
    const all = targets.flatMap((match) => (match.kind === 'model' ? [onlyOffers(match.model, offered)] : []));
    if (all.length < targets.length || all.some(({ capabilities }) => !capabilities.tools)) return undefined;
    // A conversation that any of them may be given must fit into the smallest.
    const limits = all.map((model) => roomiest(model, [])).filter((limit) => limit !== null);
    return {
      id,
      name: id,
      contextLength: limits.length < all.length ? null : Math.min(...limits),
      vision: all.every(({ capabilities }) => capabilities.vision),
      reasons: all.every(({ capabilities }) => capabilities.reasoning),
    };
  }
  const own = serviceIndex(gateway.services.offers(), gateway.config.registry);
  const services = [...new Set([...own.called(id), ...(known ? own.of(known.id) : [])])];
  const can = (what: 'tools' | 'vision') =>
    services.some((one) => one.capabilities?.[what] === true) || (known?.capabilities[what] ?? false);
  if ((known && known.kind !== 'chat') || (known && !can('tools'))) return undefined;
  const reasons = known?.capabilities.reasoning ?? false;
  return {
    id,
    name: known?.name ?? id,
    contextLength: roomiest(known, services),
    vision: can('vision'),
    reasons,
  };
}

const CREATED_AT = new Date(CREATED * 1000).toISOString();

/**
 * `GET /v1/models`: configured routes, then models of own services, then every model that a provider still serves.
 * With `?available=1` only what this deployment can serve now. Anthropic's clients get their own form, in pages, and
 * Codex, which says its version, gets its own list of what this deployment can serve now.
 */
export const listModels =
  (gateway: Gateway): Handler =>
  (c) => {
    const day = dayOf(Date.now());
    const permitted = permittedBy(termsOf(c), gateway);
    if (c.req.query('client_version') !== undefined) {
      const found = listed(gateway, day, true, permitted).flatMap((one) => aboutForCodex(one, gateway, day) ?? []);
      return replyJson(c, 200, { models: found.map(codexModel) });
    }
    const all = listed(gateway, day, queryFlag(c, 'available'), permitted);
    if (speaksMessages(c)) {
      const byId = new Map(all.map((one) => [one.id, one]));
      const { page, more } = pageOf([...byId.keys()], (name) => c.req.query(name));
      const rows = page.map((id) => modelInfo(aboutModel(byId.get(id) ?? { id }, gateway, day), CREATED_AT));
      return replyJson(c, 200, modelList(rows, more));
    }
    return replyJson(c, 200, {
      object: 'list',
      data: all.map((one) => (one.route ? describeRoute(one.id, one.route) : describe(one, gateway))),
    });
  };

/** The model or route that a name means. */
function named(name: string, gateway: Gateway): Listed {
  const { routes, registry } = gateway.config;
  const route = routes.get(routeName(name, routes, { services: gateway.services.offers(), registry }) ?? '');
  if (route) return { id: name, route };
  const [own] = serviceIndex(gateway.services.offers(), gateway.config.registry).called(name);
  const match = findModel(own?.model ?? name, gateway.config.registry);
  if (match.kind === 'model') return { id: own?.model ?? match.model.id, known: match.model };
  if (own) return { id: own.model };
  throw new GatewayError('model_not_found', `${name.slice(0, 200)} is not known here. GET /v1/models lists what is.`, {
    param: 'id',
  });
}

/** `GET /v1/models/{id}`: one model by any of its names, also a retired one; or a configured route. */
export const getModel =
  (gateway: Gateway): Handler =>
  (c) => {
    const found = withRights(named(c.req.param('id') ?? '', gateway), permittedBy(termsOf(c), gateway));
    const { id, route } = found;
    if (!isPermitted(found)) {
      throw new GatewayError('permission_denied', `This key may not use ${id}. GET /v1/models lists what it may.`);
    }
    if (speaksMessages(c)) {
      return replyJson(c, 200, modelInfo(aboutModel(found, gateway, dayOf(Date.now())), CREATED_AT));
    }
    return replyJson(c, 200, route ? describeRoute(id, route) : describe(found, gateway));
  };
