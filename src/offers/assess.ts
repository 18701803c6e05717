import { findModel } from '../catalog/index.ts';
import type { Api, Call, Parameter, RetrievalCall } from '../core/index.ts';
import { AssessedOffer, type Assessment } from './candidate.ts';
import { type Billed, callCost, isCheaperApart, overBudget, overMaxPrice, pricedBy, withinMaxCost } from './cost.ts';
import { mostForSchemas, promptBound, promptSize, uncountedPrompt } from './counting.ts';
import { dropsFor, schemasIn, schemasOf, structuringOf } from './drops.ts';
import { promptKind } from './health.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';
import { outputFor, outputWithoutCount, promptWithoutEffect } from './output.ts';
import { echoFor, type RequestForm, requestFormFor } from './request-form.ts';
import { type Candidate, type Exclusion, type ExclusionReason, exclude, type PromptSize, type World } from './types.ts';

/** Assesses one offer: what it would do with a call and what that may cost, or why it cannot serve it. Asks nobody. */

/** Works out what an offer that can be used would do with a call. */
export type Work<C extends Call | RetrievalCall> = (
  given: Assessment<C>,
  offer: ModelOffer,
) => AssessedOffer | Exclusion;

/**
 * @param allowed why the caller does not want a provider; undefined if it does
 */
export function assess<C extends Call | RetrievalCall>(
  given: Assessment<C>,
  offer: ModelOffer,
  allowed: (provider: string) => string | undefined,
  work: Work<C>,
): AssessedOffer | Exclusion {
  const denied = allowed(offer.provider);
  const reason = denied
    ? exclude('not_allowed', denied)
    : (notPermitted(given, offer) ?? unavailable(given, offer) ?? notPrivate(given, offer));
  if (!reason) return work(given, offer);
  if (!given.explain || reason.code === 'retired') return excluded(given, offer, reason);
  // Its cost is worth knowing, also for a caller who cannot or will not use it now.
  const unbound = { ...given, call: { ...given.call, routing: {} } };
  const { code, message, param, ...known } = exclusionWith(work(unbound, offer));
  return { ...known, ...excluded(given, offer, reason) };
}

/** What is known of an assessed offer, as an exclusion shows it. */
function exclusionWith(assessed: AssessedOffer | Exclusion): Partial<Exclusion> {
  if (isExclusion(assessed)) return assessed;
  const { api, prompt, contextLength, drops, output, priced, cost } = assessed;
  return {
    api,
    prompt,
    ...(contextLength === undefined ? {} : { contextLength }),
    drops,
    output,
    priced,
    ...(cost ? { cost } : {}),
  };
}

const MOST_NAMED = 10;

const someOf = (names: readonly string[]): string =>
  names.length > MOST_NAMED
    ? `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`
    : names.join(', ');

/** What a key's rights can call a model: its own name, the catalogue's, and the configured name that led to it. */
function names(model: string, route: string | undefined, { registry }: World): readonly string[] {
  const known = findModel(model, registry);
  return [
    model,
    ...(known.kind === 'model' && !known.pin ? [known.model.id] : []),
    ...(route === undefined ? [] : [route]),
  ];
}

/** What the caller's key may not use. A configured name stands for the models that it leads to. */
function notPermitted(
  { call: { rights }, route, world }: Pick<Assessment<Call | RetrievalCall>, 'call' | 'route' | 'world'>,
  { model, provider }: ModelOffer,
): ExclusionReason | undefined {
  if (!rights) return undefined;
  const { models, providers } = rights;
  if (models && !names(model, route, world).some((name) => models.includes(name))) {
    return exclude('not_permitted', `This key may not use ${model}. It may use ${someOf(models)}.`);
  }
  if (providers && !providers.includes(provider)) {
    return exclude('not_permitted', `This key may not use ${provider}. It may use ${someOf(providers)}.`);
  }
  return undefined;
}

/** Whether the offer can be used at all, whatever the call. */
function unavailable({ world }: Pick<Assessment, 'world'>, offer: ModelOffer): ExclusionReason | undefined {
  if (offer.standing === 'own') return undefined;
  if (offer.ended) return offer.ended;
  if (!world.providers.has(offer.provider)) {
    return exclude('no_credentials', `${offer.provider} has no credentials here.`);
  }
  return offer.outOfRegion;
}

/** Privacy that the caller requires and the provider is not known to give. */
function notPrivate(
  { call, world }: Assessment<Call | RetrievalCall>,
  { provider }: ModelOffer,
): ExclusionReason | undefined {
  const { noRetention, noCollection } = call.routing;
  if (!noRetention && !noCollection) return undefined;
  const known = world.privacy?.get(provider) ?? world.providers.get(provider)?.about.privacy;
  const wish =
    noRetention && !known?.noRetention
      ? { field: 'zdr', does: 'may keep' }
      : noCollection && !known?.noCollection
        ? { field: 'data_collection', does: 'may collect' }
        : undefined;
  if (!wish) return undefined;
  const { field, does } = wish;
  return exclude(
    'not_private',
    `${provider} ${does} what it is sent, which provider.${field} rules out. If yours does not, the operator can say so in CHASQUI_PRIVACY.`,
    `provider.${field}`,
  );
}

/**
 * For an offer that enforces a JSON Schema, also works out the same offer without that, for a server that rejects it.
 */
export function assessCall(given: Assessment, offer: ModelOffer): AssessedOffer | Exclusion {
  const assessed = workOut(given, offer);
  if (isExclusion(assessed) || !assessed.structured) return assessed;
  const schemas = schemasOf(given.call);
  const plain = workOut(given, plainOf(offer));
  const { provider, upstream, service } = offer;
  if (given.world.health.refusesSchemas(provider, upstream, schemas, given.now, service)) return plain;
  assessed.schemas = schemas;
  if (!isExclusion(plain)) assessed.plain = plain;
  return assessed;
}

const plainOffers = new WeakMap<ModelOffer, ModelOffer>();

function plainOf(offer: ModelOffer): ModelOffer {
  let plain = plainOffers.get(offer);
  if (!plain) {
    plain = { ...offer, structured: false };
    plainOffers.set(offer, plain);
  }
  return plain;
}

/** The offer with the limit on its output that it named itself, where the catalogue has none or a higher one. */
function withLearnedLimit({ world, now }: Assessment, offer: ModelOffer, api: Api): ModelOffer {
  const learned = world.health.outputLimit(offer.provider, offer.upstream, api, now, offer.service);
  if (learned === undefined) return offer;
  const stated = offer.maxOutput(api) ?? traitsOf(offer, api)?.maxOutput ?? learned;
  return { ...offer, maxOutput: () => Math.min(learned, stated) };
}

/** The prompt's size: as the provider counted it, counted here, or to be counted when it is read. */
function sizeOf(given: Assessment, offer: ModelOffer, form: RequestForm): PromptSize {
  const { call, world, counter, tokenizers, providerCounts } = given;
  const { provider, upstream, service, family } = offer;
  const counted = providerCounts?.get(offerName(offer));
  if (counted !== undefined) return { largest: counted, total: counted, exactness: 'exact' };
  if (given.countWhenRead && call.routing.maxCost === undefined && tokenizers(family).exactness === 'exact') {
    const enough = promptWithoutEffect(call, offer, form.api);
    const bound = enough === undefined ? undefined : promptBound(form, offer, enough);
    if (enough !== undefined && bound !== undefined && bound <= enough) {
      return uncountedPrompt(form, offer, counter, bound);
    }
  }
  const chat = form.form === 'messages' ? form.chat : undefined;
  const hasTools = chat !== undefined && chat.tools.length > 0;
  return promptSize(form, offer, counter(), {
    smallest: () => chat && world.health.smallestPrompt(provider, upstream, promptKind(chat), service),
    correction: () => world.health.correction(provider, upstream, hasTools, service),
  });
}

function workOut(given: Assessment, offer: ModelOffer): AssessedOffer | Exclusion {
  const { call, world, now, today, renderings, readIds, ignored } = given;
  const { routing } = call;
  const { provider, service, model, upstream } = offer;
  const server = world.providers.get(provider);
  const mode = call.templating.markers ?? world.markers;
  const form = requestFormFor(call, offer, renderings, mode, readIds, server);
  if ('code' in form) return excluded(given, offer, form);

  const { api } = form;
  const limited = withLearnedLimit(given, offer, api);
  const prompt = sizeOf(given, limited, form);
  const priced = pricedBy(world, offer, today);
  const uncounted = prompt.uncountedBound !== undefined;
  const fitting = uncounted ? outputWithoutCount(call, limited, api, prompt) : outputFor(call, limited, api, prompt);
  const known = { api, prompt, priced, ...contextOf(offer) };
  if ('code' in fitting) return { ...excluded(given, offer, fitting), ...known };

  const traits = traitsOf(offer, api);
  const takes: ReadonlySet<Parameter> = traits?.takes ?? NO_PARAMETERS;
  const echo = echoFor(call, offer, api, form.form === 'prompts' ? form.prompts : []);
  if (typeof echo === 'object') return { ...excluded(given, offer, echo), ...known };
  const schema = structuringOf(call, takes, {
    structured: offer.structured,
    canHold: (one) => (server?.canHold ? server.canHold(one) : []),
  });
  const hasN = takes.has('n') && !(call.n > 1 && world.health.ignoresN(provider, upstream, service));
  const prompts = form.form === 'prompts' ? form.prompts.length : 1;
  const inOne: Billed = {
    prompt,
    beside: schema.compiles ? mostForSchemas(schemasIn(call)) : 0,
    promptTimes: hasN ? 1 : call.n,
    prompts,
    reportsExtra: traits?.reportsExtra ?? 0,
    output: fitting,
    choices: prompts * call.n,
    usual: world.health.completionTokens(model),
    cached: () => (prompts > 1 ? 0 : world.health.cachedTokens(given.conversation(), provider, upstream, now, service)),
  };
  const apart = hasN && call.vote !== undefined && isCheaperApart(call, priced, inOne, callCost(call, priced, inOne));
  const billed = apart ? { ...inOne, promptTimes: call.n } : inOne;
  const nativeN = hasN && !apart;
  const who = () => `${provider}'s ${upstream}`;
  const jobs = prompts * billed.promptTimes;
  const perJob = server?.about.requestsPerJob ?? 1;
  const leftOut = (reason: ExclusionReason, output = fitting): Exclusion => {
    const cost = callCost(call, priced, { ...billed, output });
    return { ...excluded(given, offer, reason), ...known, ...(cost ? { cost } : {}) };
  };
  const crowded = overRequestLimit(
    call.vote ? 'vote.samples' : call.n > 1 ? 'n' : 'prompt',
    () => `${who()} takes one sample of one prompt in a request`,
    jobs,
    perJob,
    world.subrequests ?? DEFAULT_SUBREQUESTS,
  );
  if (crowded) return leftOut(crowded);
  const tooExpensive = overMaxPrice(call, who, priced);
  if (tooExpensive) return leftOut(tooExpensive);
  const unpriced = overBudget(call, who, priced, billed);
  if (unpriced) return leftOut(unpriced);
  const output = withinMaxCost(call, who, priced, billed);
  if ('code' in output) return leftOut(output);

  const unserved = form.losesReasoning ? [...schema.lost, 'messages[].reasoning'] : schema.lost;
  const drops = dropsFor(call, takes, output, unserved, offer.reasons);
  // A caller who lets the output be reduced for the money has agreed to that loss.
  const lost = routing.clampOutput ? dropsFor(call, takes, fitting, unserved, offer.reasons) : drops;
  if (lost.length > 0 && routing.requireParameters) {
    const why = `${provider} does not take ${lost.join(', ')} for ${model}.`;
    return { ...leftOut(exclude('unsupported_parameter', why), output), drops, output };
  }
  return new AssessedOffer(given, offer, form, {
    drops: ignored.length > 0 ? [...drops, ...ignored] : drops,
    loses: lost.length > 0,
    structured: schema.compiles,
    nativeN,
    nativeStop: takes.has('stop'),
    echo,
    prompt,
    priced,
    billed: output === fitting ? billed : { ...billed, output },
    observed: world.health.observed(provider, upstream, service),
    breaker: world.health.breaker(provider, upstream, now, service),
  });
}

const NO_PARAMETERS: ReadonlySet<Parameter> = new Set();

/**
 * HTTP requests that Workers' free plan allows for one call
 * (https://developers.cloudflare.com/workers/platform/limits/).
 */
export const DEFAULT_SUBREQUESTS = 50;
/** Requests kept for prices, tokens and a retry. */
const RESERVED = 5;

/**
 * Why a call takes too many upstream requests, if it does: the platform would refuse those beyond its limit after the
 * others have been made and billed.
 */
export function overRequestLimit(
  param: string,
  limits: () => string,
  jobs: number,
  perJob: number,
  limit: number,
): ExclusionReason | undefined {
  const fitting = Math.floor(Math.max(0, limit - RESERVED) / perJob);
  if (jobs <= 1 || jobs <= fitting) return undefined;
  return exclude(
    'too_many_requests',
    `${limits()}: this call is ${jobs} requests, and one call may make ${fitting} ` +
      'here. Ask for fewer at once, or raise CHASQUI_SUBREQUESTS to what your plan of Workers allows.',
    param,
  );
}

export const contextOf = ({ contextLength }: ModelOffer) => (contextLength === undefined ? {} : { contextLength });

/** Tells an offer of a call from the others. */
export const offerName = ({ provider, service, upstream }: Pick<Candidate, 'provider' | 'service' | 'upstream'>) =>
  `${provider} ${service ?? ''} ${upstream}`;

export const excluded = (
  { route }: Pick<Assessment, 'route'>,
  { provider, model, upstream }: ModelOffer,
  reason: ExclusionReason,
): Exclusion => ({ provider, model, upstream, ...(route === undefined ? {} : { route }), ...reason });

export const isExclusion = <T extends object>(assessed: T | Exclusion): assessed is Exclusion => 'code' in assessed;
