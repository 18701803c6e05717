import { type Discovery, type Fetch, GatewayError, type ServiceOffer, unreachable } from '../../src/core/index.ts';
import { errorFromAnswer } from '../openai-wire/index.ts';
import { ask, rootOf } from './ask.ts';
import { type Listed, moreAbout, readListing } from './listing.ts';
import type { Entry, ModelSettings } from './service.ts';

/** What the configuration says holds; the rest is what the server says. */
function settled(settings: ModelSettings, { weights, contextLength, maxOutput, vision, tools }: Omit<Listed, 'id'>) {
  const told = { ...(vision === undefined ? {} : { vision }), ...(tools === undefined ? {} : { tools }) };
  const capabilities = { ...told, ...settings.capabilities };
  return {
    ...(weights === undefined ? {} : { weights }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(maxOutput === undefined ? {} : { maxOutput }),
    ...settings,
    ...(Object.keys(capabilities).length > 0 ? { capabilities } : {}),
  };
}

async function listAt(entry: Entry, name: string, fetch: Fetch, signal: AbortSignal): Promise<readonly Listed[]> {
  const upstream = { id: name, name };
  const { status, headers, body } = await ask(entry, `${entry.baseUrl}/models`, undefined, fetch, signal);
  if (status === 0) throw unreachable(name).with({ provider: name });
  if (status < 200 || status > 299) throw errorFromAnswer(upstream, status, headers, body);
  const models = readListing(body);
  if (!models) {
    throw new GatewayError('provider_error', `${name} answered GET /v1/models with no list of models.`, {
      provider: name,
    });
  }
  const [only] = models;
  const more = moreAbout(body);
  if (!only || !more) return models;
  const said = await ask(entry, `${rootOf(entry)}${more.path}`, undefined, fetch, signal);
  return said.status === 200 ? [{ ...only, ...more.read(said.body) }] : models;
}

/** The models of a service by its server's own list, those of the configuration first. Undefined where it is not to be asked. */
export function discoveryOf(provider: string, entry: Entry, fetch: Fetch): Discovery | undefined {
  const { id: service, offers, listed: settings } = entry;
  if (!settings) return undefined;
  const configured = new Set(offers.map(({ upstream }) => upstream));
  return {
    provider,
    service,
    async list(signal): Promise<readonly ServiceOffer[]> {
      const models = await listAt(entry, service, fetch, signal);
      const byId = new Map(models.map((model) => [model.id, model]));
      return [
        ...offers.map((offer) => {
          const told = byId.get(offer.upstream);
          return { provider, ...offer, ...(told ? settled(offer, told) : {}) };
        }),
        ...models
          .filter(({ id }) => !configured.has(id))
          .map((model) => ({ provider, service, model: model.id, upstream: model.id, ...settled(settings, model) })),
      ];
    },
  };
}
