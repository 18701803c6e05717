import { isServed, type Parameter, WIRES, wireOf } from '../catalog/index.ts';
import type { Call } from '../core/index.ts';
import type { PromptCounter, Tokenizers } from '../tokens/index.ts';
import { reportsExtra } from '../tokens/index.ts';
import { dropsFor } from './drops.ts';
import { type Facts, factsOf } from './facts.ts';
import { measure } from './measure.ts';
import { outputFor } from './output.ts';
import type { OfferSource } from './source.ts';
import { type Candidate, type Exclusion, type Refusal, refuse, type World } from './types.ts';
import { wayFor } from './way.ts';

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

/** What the offers of one call have in common. */
export interface Consideration {
  readonly call: Call;
  readonly world: World;
  readonly today: string;
  readonly tokenizers: Tokenizers;
  readonly counter: PromptCounter;
}

/** What an offer would do with the call: a candidate, or why it is none. */
export function consider(
  { call, world, today, tokenizers, counter }: Consideration,
  source: OfferSource,
  allowed: (provider: string) => string | undefined,
): Candidate | Exclusion {
  const facts = factsOf(source);
  const denied = allowed(facts.provider);
  if (denied) return excluded(facts, refuse('not_allowed', denied));
  const refusal = refusalOf(source, world.providers.has(source.offer.provider), today);
  if (refusal) return excluded(facts, refusal);
  const way = wayFor(call, facts, today, world.markers);
  if ('code' in way) return excluded(facts, way);

  const prompt = measure(call, way, facts, counter);
  const limits = facts.contextLength === undefined ? {} : { contextLength: facts.contextLength };
  const output = outputFor(call, facts, way.api, prompt);
  if ('code' in output) return { ...excluded(facts, output), ...limits, prompt };

  const wire = wireOf(facts.provider, way.api, facts.family, facts.upstream);
  const takes: ReadonlySet<Parameter> = wire ? WIRES[wire] : new Set();
  const drops = dropsFor(call, takes, output);
  if (drops.length > 0 && call.routing.requireParameters) {
    const why = `${facts.provider} does not take ${drops.join(', ')} for ${facts.model}.`;
    return { ...excluded(facts, refuse('unsupported_parameter', why)), ...limits, prompt };
  }
  return {
    provider: facts.provider,
    ...(facts.service === undefined ? {} : { service: facts.service }),
    model: facts.model,
    upstream: facts.upstream,
    api: way.api,
    family: facts.family,
    drops,
    altered: way.altered,
    nativeN: takes.has('n'),
    nativeStop: takes.has('stop'),
    toolStreaming: facts.streamingTools,
    systemRole: facts.systemRole,
    sends:
      way.form === 'messages'
        ? { form: 'messages', messages: way.messages, tools: way.tools }
        : { form: 'prompts', prompts: way.prompts, stop: way.stop },
    prompt,
    reportsExtra: wire ? reportsExtra(wire) : 0,
    output,
    ...limits,
    counter: tokenizers(facts.family),
  };
}

const excluded = ({ provider, model, upstream }: Facts, refusal: Refusal): Exclusion => ({
  provider,
  model,
  upstream,
  ...refusal,
});

export const isExclusion = (considered: Candidate | Exclusion): considered is Exclusion => 'code' in considered;
