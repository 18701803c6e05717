import type { Api, Family } from '../core/index.ts';
import type { OfferSource } from './source.ts';

/** Whether a model can do something. Nobody knows of a model that is in no catalogue: then it is sent, and the server says. */
export type Can = boolean | 'unknown';

/** What is the same for an offer of the catalogue and one on a service of the user's own. */
export interface Facts {
  readonly provider: string;
  readonly service?: string;
  readonly model: string;
  readonly upstream: string;
  readonly family: Family;
  readonly apis: readonly Api[];
  readonly base: boolean;
  readonly tools: Can;
  readonly streamingTools: boolean;
  readonly systemRole: boolean;
  readonly vision: Can;
  /** It thinks aloud before it answers. */
  readonly reasons: Can;
  /** Its chat API holds answers to JSON Schemas, where a wire leaves that to the model. */
  readonly structured: boolean;
  readonly infill: boolean;
  readonly contextLength?: number;
  /** That is what is served there, and not only what the model could take: a server of one's own may be started with less. */
  readonly contextServed: boolean;
  readonly maxOutput: (api: Api) => number | undefined;
}

const SERVICE_APIS: readonly Api[] = ['chat', 'completions'];
const CHAT_ONLY: readonly Api[] = ['chat'];

export const familyOf = (source: OfferSource): Family =>
  source.kind === 'service' ? (source.offer.family ?? source.known?.family ?? 'unknown') : source.model.family;

export const contextLengthOf = (source: OfferSource): number | undefined =>
  source.kind === 'service'
    ? (source.offer.contextLength ?? source.known?.contextLength)
    : (source.offer.contextLimit ?? source.model.contextLength);

const known = new WeakMap<OfferSource, Facts>();

/** Read once of each source: sources live as long as what they were looked up in. */
export function factsOf(source: OfferSource): Facts {
  let facts = known.get(source);
  if (!facts) {
    facts = readFacts(source);
    known.set(source, facts);
  }
  return facts;
}

function readFacts(source: OfferSource): Facts {
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
      apis: offer.capabilities?.completions === false ? CHAT_ONLY : SERVICE_APIS,
      base: known?.kind === 'base',
      // What the entry says, else what is known of the weights, whoever serves them.
      tools: offer.capabilities?.tools ?? known?.capabilities.tools ?? 'unknown',
      streamingTools: true,
      systemRole: true,
      vision: offer.capabilities?.vision ?? known?.capabilities.vision ?? 'unknown',
      reasons: known?.capabilities.reasoning ?? 'unknown',
      structured: false,
      infill: known?.capabilities.infill ?? true,
      ...limits,
      contextServed: offer.contextLength !== undefined,
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
    reasons: model.capabilities.reasoning,
    structured: offer.features.structured,
    infill: model.capabilities.infill,
    ...limits,
    contextServed: contextLength !== undefined,
    maxOutput: (api) => offer.maxOutput[api],
  };
}
