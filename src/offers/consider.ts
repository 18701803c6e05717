import { isServed, type Parameter, WIRES, wireOf } from '../catalog/index.ts';
import type { Api, Call, ChatCall } from '../core/index.ts';
import { bosOn, findMarkers, hasTemplate, isRawWire, renderChat } from '../tokens/index.ts';
import { dropsFor } from './drops.ts';
import { fallbackMaxTokens } from './output.ts';
import type { OfferSource } from './source.ts';
import type { Candidate, Exclusion, ExclusionCode } from './types.ts';

/** What is the same for an offer of the catalogue and one on a service of the user's own. */
interface Facts {
  readonly provider: string;
  readonly service?: string;
  readonly model: string;
  readonly upstream: string;
  readonly family: string;
  readonly apis: readonly Api[];
  readonly base: boolean;
  readonly tools: boolean;
  readonly streamingTools: boolean;
  readonly systemRole: boolean;
  readonly vision: boolean;
  readonly contextLength?: number;
  readonly maxOutput: (api: Api) => number | undefined;
}

const SERVICE_APIS: readonly Api[] = ['chat', 'completions'];

function factsOf(source: OfferSource): Facts {
  if (source.kind === 'service') {
    const { offer, known } = source;
    const contextLength = offer.contextLength ?? known?.contextLength;
    return {
      provider: offer.provider,
      service: offer.service,
      model: source.model,
      upstream: offer.upstream,
      family: offer.family ?? known?.family ?? 'unknown',
      apis: SERVICE_APIS,
      base: known?.kind === 'base',
      // What a server of one's own can do is its owner's business: it says no by itself.
      tools: true,
      streamingTools: true,
      systemRole: true,
      vision: true,
      ...(contextLength === undefined ? {} : { contextLength }),
      maxOutput: () => offer.maxOutput,
    };
  }
  const { model, offer, upstream } = source;
  const contextLength = offer.contextLimit ?? model.contextLength;
  return {
    provider: offer.provider,
    model: model.id,
    upstream: 'id' in upstream ? upstream.id : offer.id,
    family: model.family,
    apis: offer.apis,
    base: model.kind === 'base',
    tools: offer.features.tools,
    streamingTools: offer.features.streamingTools,
    systemRole: offer.features.system,
    vision: offer.features.vision,
    ...(contextLength === undefined ? {} : { contextLength }),
    maxOutput: (api) => offer.maxOutput[api],
  };
}

const CHAT_APIS: readonly Api[] = ['converse', 'chat'];
const RAW_APIS: readonly Api[] = ['invoke', 'predictions', 'completions'];

/** Its Replicate versions wrap every prompt in a template of their own, which a whole conversation does not survive. */
const wrapsByItself = (facts: Facts): boolean =>
  facts.provider === 'replicate' && facts.family === 'code-llama' && !facts.base;

const hasImages = (call: ChatCall): boolean =>
  call.messages.some(({ content }) => typeof content !== 'string' && content.some((part) => part.type === 'image'));

type Way = { readonly api: Api; readonly rendered?: { readonly prompt: string; readonly stop: readonly string[] } };
type Refusal = { readonly code: ExclusionCode; readonly message: string };
const refuse = (code: ExclusionCode, message: string): Refusal => ({ code, message });

/** Which of an offer's APIs carries the call, and as what. */
function wayFor(call: Call, facts: Facts): Way | Refusal {
  const raw = RAW_APIS.find((api) => facts.apis.includes(api) && wireOf(facts.provider, api, facts.family));
  if (call.kind === 'completion') {
    return raw
      ? { api: raw }
      : refuse('no_completion_form', `${facts.provider} takes chats only for ${facts.model}, no raw prompt.`);
  }
  const chat = CHAT_APIS.find((api) => facts.apis.includes(api));
  if (facts.base) {
    return refuse(
      'no_chat_form',
      `${facts.model} is a base model and has no chat form. Use /v1/completions, or its chat model.`,
    );
  }
  if (call.tools.length > 0 && (!chat || !facts.tools)) {
    return refuse('no_tools', `${facts.model} cannot call tools at ${facts.provider}.`);
  }
  if (hasImages(call) && (!chat || !facts.vision)) {
    return refuse('no_images', `${facts.model} takes no images at ${facts.provider}.`);
  }
  if (chat) return { api: chat };
  if (!raw || !hasTemplate(facts.family) || wrapsByItself(facts)) {
    return refuse(
      'no_chat_form',
      `${facts.provider} takes raw prompts only for ${facts.model}, and this gateway has no template for it yet.`,
    );
  }
  const found = findMarkers(facts.family, call.messages);
  if (found) {
    return refuse(
      'unsafe_markers',
      `${found.param} contains ${found.marker}, which in ${facts.model}'s prompt would change who is speaking. Remove it, or use a provider with a chat API.`,
    );
  }
  const wire = wireOf(facts.provider, raw, facts.family, facts.upstream);
  const bos = wire && isRawWire(wire) ? bosOn(wire, facts.family) : 'text';
  const rendered = renderChat(facts.family, call.messages, bos);
  return rendered.kind === 'prompt' ? { api: raw, rendered } : refuse('no_chat_form', rendered.reason);
}

/** Whether the deployment and the day allow the offer at all. */
function refusalOf(source: OfferSource, configured: boolean, today: string): Refusal | undefined {
  if (source.kind === 'service') return undefined;
  const { offer, model, upstream } = source;
  if (offer.billing === 'provisioned')
    return refuse('no_credentials', `${offer.provider} serves ${model.id} only with provisioned throughput.`);
  if (!isServed(offer, today)) {
    const date = offer.status.date ? ` on ${offer.status.date}` : '';
    const instead = model.replacedBy ? ` Use ${model.replacedBy} there.` : '';
    return refuse('retired', `${offer.provider} retired ${offer.id}${date}.${instead}`);
  }
  // The catalogue's Anyscale rows are history: today Anyscale is the user's own service, which is another offer.
  if (offer.provider === 'anyscale')
    return refuse('retired', 'Anyscale serves models on your own services: add one to ANYSCALE_SERVICES.');
  if (!configured) return refuse('no_credentials', `${offer.provider} has no credentials here.`);
  return 'reason' in upstream ? refuse('not_in_region', upstream.reason) : undefined;
}

/** What an offer would do with the call: a candidate, or why it is none. */
export function consider(
  call: Call,
  source: OfferSource,
  configured: boolean,
  allowed: (provider: string) => string | undefined,
  today: string,
): Candidate | Exclusion {
  const facts = factsOf(source);
  const excluded = ({ code, message }: Refusal): Exclusion => ({
    provider: facts.provider,
    model: facts.model,
    upstream: facts.upstream,
    code,
    message,
  });
  const denied = allowed(facts.provider);
  if (denied) return excluded(refuse('not_allowed', denied));
  const refusal = refusalOf(source, configured, today);
  if (refusal) return excluded(refusal);
  const way = wayFor(call, facts);
  if ('code' in way) return excluded(way);

  const wire = wireOf(facts.provider, way.api, facts.family, facts.upstream);
  const takes: ReadonlySet<Parameter> = wire ? WIRES[wire] : new Set();
  const maxOutput = facts.maxOutput(way.api);
  const drops = dropsFor(call, takes, maxOutput);
  if (drops.length > 0 && call.routing.requireParameters) {
    return excluded(
      refuse('unsupported_parameter', `${facts.provider} does not take ${drops.join(', ')} for ${facts.model}.`),
    );
  }
  const fallback = fallbackMaxTokens(call, way.api, way.rendered?.prompt, facts.contextLength, maxOutput);
  return {
    provider: facts.provider,
    ...(facts.service === undefined ? {} : { service: facts.service }),
    model: facts.model,
    upstream: facts.upstream,
    api: way.api,
    family: facts.family,
    drops,
    nativeN: takes.has('n'),
    nativeStop: takes.has('stop'),
    toolStreaming: facts.streamingTools,
    systemRole: facts.systemRole,
    ...(way.rendered ? { rendered: way.rendered } : {}),
    ...(fallback === undefined ? {} : { fallbackMaxTokens: fallback }),
    ...(maxOutput === undefined ? {} : { maxOutput }),
  };
}

export const isExclusion = (considered: Candidate | Exclusion): considered is Exclusion => 'code' in considered;
