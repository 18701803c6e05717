import { isServed, type Priced, priceFor } from '../catalog/index.ts';
import type { Api, Call, Parameter, Routing } from '../core/index.ts';
import type { PromptCounter, Tokenizers } from '../tokens/index.ts';
import { type Billed, callCost, outputFor, overMaxPrice, withinMaxCost } from './cost.ts';
import { measure, mostForSchemas } from './counting.ts';
import { dropsFor, schemasIn, schemasOf, structuringOf } from './drops.ts';
import { promptKind } from './health.ts';
import { DEFAULT_SUBREQUESTS, overRequestLimit } from './plan.ts';
import { hasImages, type Renderings } from './renderings.ts';
import { echoFor, type ReadIds, type Way, wayFor } from './request-form.ts';
import { type Facts, factsOf, type OfferSource } from './sources.ts';
import {
  type CallCost,
  type Candidate,
  type Exclusion,
  type OutputLimit,
  type PromptSize,
  type Refusal,
  refuse,
  type Standing,
  type World,
} from './types.ts';

const NOTHING: ReadonlySet<Parameter> = new Set();

/** Whether the deployment and the day allow the offer at all. */
function refusalOf(source: OfferSource, configured: boolean, today: string): Refusal | undefined {
  if (source.kind === 'service') return undefined;
  const { about, offer, model, upstream } = source;
  if (offer.billing === 'provisioned')
    return refuse('no_credentials', `${offer.provider} serves ${model.id} only with provisioned throughput.`);
  if (!isServed(offer, today)) {
    const date = offer.status.date ? ` on ${offer.status.date}` : '';
    const instead = model.replacedBy ? ` Use ${model.replacedBy} there.` : '';
    return refuse('retired', `${offer.provider} retired ${offer.id}${date}.${instead}`);
  }
  // The catalogue's rows of such a provider are history: today it is the user's own service, which is another offer.
  if (about.ownServices !== undefined) return refuse('retired', about.ownServices);
  if (!configured) return refuse('no_credentials', `${offer.provider} has no credentials here.`);
  return 'reason' in upstream ? refuse('not_in_region', upstream.reason) : undefined;
}

/** What privacy the caller asks for that the provider is not known to give. Such a wish is never a matter of degree. */
function notPrivate(routing: Routing, provider: string, world: World): Refusal | undefined {
  const known = world.privacy?.get(provider) ?? world.providers.get(provider)?.about.privacy;
  const wish =
    routing.noRetention && !known?.noRetention
      ? { field: 'zdr', does: 'may keep' }
      : routing.noCollection && !known?.noCollection
        ? { field: 'data_collection', does: 'may collect' }
        : undefined;
  if (!wish) return undefined;
  const { field, does } = wish;
  return refuse(
    'not_private',
    `${provider} ${does} what it is sent, which provider.${field} rules out. If yours does not, the operator can say so in CHASQUI_PRIVACY.`,
    `provider.${field}`,
  );
}

/** What the offers of one call have in common. */
export interface Consideration {
  readonly call: Call;
  readonly world: World;
  readonly now: number;
  /** The day, as `2026-11-27`, by which retirements and prices are judged. */
  readonly today: string;
  readonly tokenizers: Tokenizers;
  readonly counter: PromptCounter;
  /** Of a chat. */
  readonly renderings: Renderings | undefined;
  readonly readIds: ReadIds;
  /** Wishes that no offer can serve, whichever it is: said with each, and held against none. */
  readonly ignored: readonly string[];
  /** Tokens of the prompt as providers have counted it, by `offerName`. */
  readonly told: ReadonlyMap<string, number> | undefined;
  /** Work out what can be said of offers that are left out, too. */
  readonly explain: boolean;
}

/** What an offer would do with the call: a candidate, or why it is none. */
export function consider(
  given: Consideration,
  source: OfferSource,
  allowed: (provider: string) => string | undefined,
): Candidate | Exclusion {
  const facts = factsOf(source);
  const denied = allowed(facts.provider);
  const refusal = denied
    ? refuse('not_allowed', denied)
    : (refusalOf(source, given.world.providers.has(source.offer.provider), given.today) ??
      notPrivate(given.call.routing, facts.provider, given.world));
  if (!refusal) return withPlain(given, source, facts);
  if (!given.explain || refusal.code === 'retired') return excluded(facts, refusal);
  // What it costs is worth knowing, also to who cannot or will not have it now.
  const unbound = { ...given.call, routing: {} };
  return { ...workOut({ ...given, call: unbound }, source, facts), ...excluded(facts, refusal) };
}

/** Of an offer that is to hold the answer to a schema, also what it does for who refuses that. */
function withPlain(given: Consideration, source: OfferSource, facts: Facts): Candidate | Exclusion {
  const offer = workOut(given, source, facts);
  if (isExclusion(offer) || !offer.structured) return offer;
  const schemas = schemasOf(given.call);
  const plain = workOut(given, source, { ...facts, structured: false });
  if (!given.world.health.refusesSchemas(facts.provider, facts.upstream, schemas, given.now, facts.service)) {
    return { ...offer, schemas, ...(isExclusion(plain) ? {} : { plain }) };
  }
  return plain;
}

const standingOf = (source: OfferSource): Standing =>
  source.kind === 'service' ? 'own' : source.offer.status.state === 'unknown' ? 'unproven' : 'served';

function workOut(
  { call, world, now, today, tokenizers, counter, renderings, readIds, ignored, told }: Consideration,
  source: OfferSource,
  facts: Facts,
): Candidate | Exclusion {
  const { provider, service, upstream, model } = facts;
  const server = world.providers.get(provider);
  const objectionTo = server?.objectionTo?.bind(server);
  const way = wayFor(call, facts, renderings, call.templating.markers ?? world.markers, readIds, objectionTo);
  if ('code' in way) return excluded(facts, way);

  const hasTools = way.form === 'messages' && way.tools.length > 0;
  const counted = told?.get(offerName(facts));
  const prompt: PromptSize =
    counted === undefined
      ? measure(way, facts, counter, {
          smallest: () =>
            way.form === 'messages'
              ? world.health.smallestPrompt(provider, upstream, promptKind(way), service)
              : undefined,
          correction: () => world.health.correction(provider, upstream, hasTools, service),
        })
      : { largest: counted, total: counted, exactness: 'exact' };
  const where = {
    ...(service === undefined ? {} : { service }),
    ...(facts.about.usesRegion ? { region: world.region ?? '' } : {}),
  };
  const priced = priceFor(world.prices, facts.about, upstream, today, where);
  const limits = facts.contextLength === undefined ? {} : { contextLength: facts.contextLength };
  const known = { api: way.api, prompt, priced, ...limits };
  const fitting = outputFor(call, facts, way.api, prompt);
  if ('code' in fitting) return { ...excluded(facts, fitting), ...known };

  const traits = facts.traits(way.api);
  const takes = traits?.takes ?? NOTHING;
  const echo = echoFor(call, takes, facts, way.form === 'prompts' ? way.prompts : []);
  if (typeof echo === 'object') return { ...excluded(facts, echo), ...known };
  const canHold = server?.canHold?.bind(server) ?? (() => []);
  const schema = structuringOf(call, takes, { structured: facts.structured, canHold });
  const nativeN = takes.has('n') && !world.health.ignoresN(provider, upstream, service);
  const prompts = way.form === 'prompts' ? way.prompts.length : 1;
  const billed = {
    prompt: schema.compiles ? { ...prompt, beside: mostForSchemas(schemasIn(call)) } : prompt,
    promptTimes: nativeN ? 1 : call.n,
    prompts,
    reportsExtra: traits?.reportsExtra ?? 0,
    output: fitting,
    choices: prompts * call.n,
    usual: world.health.completionTokens(model),
  };
  const who = `${provider}'s ${upstream}`;
  const jobs = prompts * billed.promptTimes;
  const perJob = world.providers.get(provider)?.about.requestsPerJob ?? 1;
  const crowded = overRequestLimit(call, who, jobs, perJob, world.subrequests ?? DEFAULT_SUBREQUESTS);
  if (crowded) return { ...excluded(facts, crowded), ...known, ...costKnown(call, priced, billed) };
  const tooDear = overMaxPrice(call, who, priced);
  if (tooDear) return { ...excluded(facts, tooDear), ...known, ...costKnown(call, priced, billed) };
  const output = withinMaxCost(call, who, priced, billed);
  if ('code' in output) return { ...excluded(facts, output), ...known, ...costKnown(call, priced, billed) };

  const unserved = [...schema.lost, ...(way.losesThoughts ? ['messages[].reasoning'] : [])];
  const drops = dropsFor(call, takes, output, unserved);
  const cost = costKnown(call, priced, { ...billed, output });
  // A caller who lets the output be cut for the money has agreed to that loss.
  const lost = call.routing.clampOutput ? dropsFor(call, takes, fitting, unserved) : drops;
  if (lost.length > 0 && call.routing.requireParameters) {
    const why = `${provider} does not take ${lost.join(', ')} for ${model}.`;
    return { ...excluded(facts, refuse('unsupported_parameter', why)), ...known, ...cost, drops, output };
  }
  const observed = world.health.observed(provider, upstream, service);
  return {
    provider,
    ...(service === undefined ? {} : { service }),
    model,
    upstream,
    family: facts.family,
    drops: [...drops, ...ignored],
    loses: lost.length > 0,
    structured: schema.compiles,
    altered: way.altered,
    nativeN,
    nativeStop: takes.has('stop'),
    echo,
    toolStreaming: facts.streamingTools,
    systemRole: facts.systemRole,
    sends: sentBy(way),
    reportsExtra: billed.reportsExtra,
    output,
    counter: tokenizers(facts.family),
    ...(source.kind === 'service' && source.offer.timeouts ? { timeouts: source.offer.timeouts } : {}),
    ...(call.routing.allowPolicyFallbacks ? { policyFallbacks: true as const } : {}),
    standing: standingOf(source),
    ...known,
    ...cost,
    ...(observed ? { observed } : {}),
    breaker: world.health.breaker(provider, upstream, now, service),
    why: [...unknowns(call, facts), ...guessed(call, facts, way.api, output)],
  };
}

/** A limit that nobody asked for, and that may be lower than need be. */
const guessed = (call: Call, facts: Facts, api: Api, { maxTokens }: OutputLimit): readonly string[] =>
  api === 'completions' && call.maxTokens === undefined && maxTokens !== undefined && !facts.contextServed
    ? [`Its context is not known here, so the answer gets ${maxTokens} tokens: set max_tokens, or its context_length.`]
    : [];

/** What is sent although nobody knows whether the model can do it. */
function unknowns(call: Call, { tools, vision }: Facts): readonly string[] {
  if (call.kind !== 'chat') return [];
  const asked = [
    ...(tools === 'unknown' && call.tools.length > 0 ? ['call tools'] : []),
    ...(vision === 'unknown' && hasImages(call.messages) ? ['take images'] : []),
  ];
  return asked.map((can) => `Whether it can ${can} is not known here: they are sent, and the server says.`);
}

/** Tells an offer of a call from the others. */
export const offerName = ({
  provider,
  service,
  upstream,
}: Pick<Facts, 'provider' | 'upstream'> & { service?: string }) => `${provider} ${service ?? ''} ${upstream}`;

function sentBy(way: Way): Candidate['sends'] {
  if (way.form === 'prompts') return { form: 'prompts', prompts: way.prompts, stop: way.stop };
  const { form, messages, tools, toolNames, dropsToolCalls, imagePaths } = way;
  return {
    form,
    messages,
    tools,
    ...(toolNames ? { toolNames } : {}),
    ...(dropsToolCalls ? { dropsToolCalls } : {}),
    ...(imagePaths ? { imagePaths } : {}),
  };
}

function costKnown(call: Call, priced: Priced, billed: Billed): { cost?: CallCost } {
  const cost = callCost(call, priced, billed);
  return cost ? { cost } : {};
}

const excluded = ({ provider, model, upstream }: Facts, refusal: Refusal): Exclusion => ({
  provider,
  model,
  upstream,
  ...refusal,
});

export const isExclusion = (considered: Candidate | Exclusion): considered is Exclusion => 'code' in considered;
