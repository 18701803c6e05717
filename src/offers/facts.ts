import type { Api, Family } from '../core/index.ts';
import type { OfferSource } from './source.ts';

/** What is the same for an offer of the catalogue and one on a service of the user's own. */
export interface Facts {
  readonly provider: string;
  readonly service?: string;
  readonly model: string;
  readonly upstream: string;
  readonly family: Family;
  readonly apis: readonly Api[];
  readonly base: boolean;
  readonly tools: boolean;
  readonly streamingTools: boolean;
  readonly systemRole: boolean;
  readonly vision: boolean;
  readonly infill: boolean;
  readonly contextLength?: number;
  readonly maxOutput: (api: Api) => number | undefined;
}

const SERVICE_APIS: readonly Api[] = ['chat', 'completions'];

export const familyOf = (source: OfferSource): Family =>
  source.kind === 'service' ? (source.offer.family ?? source.known?.family ?? 'unknown') : source.model.family;

export const contextLengthOf = (source: OfferSource): number | undefined =>
  source.kind === 'service'
    ? (source.offer.contextLength ?? source.known?.contextLength)
    : (source.offer.contextLimit ?? source.model.contextLength);

export function factsOf(source: OfferSource): Facts {
  const contextLength = contextLengthOf(source);
  const family = familyOf(source);
  const limits = contextLength === undefined ? {} : { contextLength };
  if (source.kind === 'service') {
    const { offer, known } = source;
    return {
      provider: offer.provider,
      service: offer.service,
      model: source.model,
      upstream: offer.upstream,
      family,
      apis: SERVICE_APIS,
      base: known?.kind === 'base',
      // What a server of one's own can do is its owner's business: it says no by itself.
      tools: true,
      streamingTools: true,
      systemRole: true,
      vision: true,
      infill: known?.capabilities.infill ?? true,
      ...limits,
      maxOutput: () => offer.maxOutput,
    };
  }
  const { model, offer, upstream } = source;
  return {
    provider: offer.provider,
    model: model.id,
    upstream: 'id' in upstream ? upstream.id : offer.id,
    family,
    apis: offer.apis,
    base: model.kind === 'base',
    tools: offer.features.tools,
    streamingTools: offer.features.streamingTools,
    systemRole: offer.features.system,
    vision: offer.features.vision,
    infill: model.capabilities.infill,
    ...limits,
    maxOutput: (api) => offer.maxOutput[api],
  };
}
