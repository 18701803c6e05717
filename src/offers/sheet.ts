import { type Call, GatewayError, type Routing } from '../core/index.ts';
import { type PromptCounter, promptCounter, type Tokenizers } from '../tokens/index.ts';
import { consider, isExclusion, offerName } from './consider.ts';
import { drawFor, isTriedLast, rank, toldDraws } from './rank.ts';
import { renderingsOf } from './renderings.ts';
import { idsReader } from './request-form.ts';
import type { Asked } from './resolve.ts';
import { contextLengthOf, factsOf, type OfferSource } from './sources.ts';
import type { Candidate, Exclusion, ExclusionCode, OfferSheet, World } from './types.ts';

/** Why the caller does not want a provider, if it does not. */
function allowedBy({ only, ignore }: Routing, pin: string | undefined): (provider: string) => string | undefined {
  return (provider) => {
    if (pin !== undefined && pin !== provider) return `The model name asks for ${pin}.`;
    if (only && !only.includes(provider)) return 'provider.only leaves it out.';
    if (ignore?.includes(provider)) return 'provider.ignore leaves it out.';
    return undefined;
  };
}

/** Tokens up to which a prompt is counted, whatever the offers take: a caller wants to know by how much it is too long. */
const COUNTED = 100_000;

/** When a sheet is laid out, and for whom. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The day of it, as `2026-11-27`. */
  readonly today: string;
  readonly tokenizers: Tokenizers;
  /** Tokens of the call's prompt as providers themselves have counted it, by `offerName`. */
  readonly told?: ReadonlyMap<string, number>;
}

/** Stops where no offer takes more. */
function counterFor({ named }: Asked, { tokenizers }: Moment): PromptCounter {
  const contexts = named.flatMap(({ sources }) => sources.map((one) => contextLengthOf(one) ?? 0));
  return promptCounter(tokenizers, Math.max(COUNTED, ...contexts));
}

/** An offer under the configured name by which a call came to it. */
function named<T extends Candidate | Exclusion>(offer: T, route: string | undefined): T {
  if (route === undefined) return offer;
  return 'plain' in offer && offer.plain ? { ...offer, route, plain: { ...offer.plain, route } } : { ...offer, route };
}

/**
 * What every offer that was asked for would do with the call, in the order in which they are to be tried, or why it is
 * left out. Pure: it asks nobody.
 *
 * @param explain work out prompt and cost of offers that are left out as well
 * @param counter what else has counted of the call with it is not counted again
 */
export function layOut(
  call: Call,
  asked: Asked,
  world: World,
  moment: Moment,
  explain = false,
  counter = counterFor(asked, moment),
): OfferSheet {
  const { now, today, tokenizers, told } = moment;
  const first = asked.named[0]?.sources[0];
  const readIds = idsReader(first, tokenizers);
  const renderings =
    call.kind === 'chat'
      ? renderingsOf(call, today, call.templating.markers ?? world.markers, world.providers, first && factsOf(first))
      : undefined;
  const shared = { world, now, today, tokenizers, counter, renderings, explain, readIds, ignored: asked.ignored, told };
  let draw: number | undefined;
  const eligible: Candidate[] = [];
  const last: Candidate[] = [];
  const excluded: Exclusion[] = [];
  let complete = false;
  for (const { sources, pin, routing, route } of asked.named) {
    const consideration = { ...shared, call: { ...call, routing } };
    const allowed = allowedBy(routing, pin);
    const offers: Candidate[] = [];
    for (const source of sources) {
      const considered = named(consider(consideration, source, allowed), route);
      if (isExclusion(considered)) excluded.push(considered);
      else offers.push(considered);
    }
    if (complete) continue;
    // One offer alone is the first however it is drawn.
    if (offers.length > 1) draw ??= drawFor(call, now);
    const ranked = rank(offers, routing, routing.sort, draw ?? 0);
    for (const offer of routing.allowFallbacks === false ? ranked.slice(0, 1) : ranked) {
      (isTriedLast(offer, routing) ? last : eligible).push(offer);
    }
    // Nothing comes after an offer that is to have no other after it.
    complete = routing.allowFallbacks === false && ranked.length > 0;
  }
  return { eligible: toldDraws([...eligible, ...last]), excluded };
}

/**
 * Offers whose providers can be asked how long the prompt is, where that decides whether `max_cost` allows them: the bound of
 * an estimate is over it, and cuts the answer or leaves the offer out.
 */
export function worthAsking(call: Call, asked: Asked, world: World, moment: Moment): readonly Candidate[] {
  const canCount = ({ offer }: OfferSource): boolean => world.providers.get(offer.provider)?.countTokens !== undefined;
  const bounded = asked.named.some(({ routing, sources }) => routing.maxCost !== undefined && sources.some(canCount));
  if (!bounded) return [];
  const { eligible } = layOut(call, asked, world, moment);
  const allowed = new Set(eligible.filter(({ output }) => !output.clamped).map(offerName));
  const unbound = asked.named.map((one) => ({ ...one, routing: withoutMaxCost(one.routing) }));
  return layOut(call, { ...asked, named: unbound }, world, moment).eligible.filter(
    (offer) =>
      offer.prompt.exactness === 'estimate' &&
      !allowed.has(offerName(offer)) &&
      world.providers.get(offer.provider)?.countTokens !== undefined,
  );
}

function withoutMaxCost({ maxCost: _, ...rest }: Routing): Routing {
  return rest;
}

/**
 * The same for a call that is to be made. Throws `context_length_exceeded` where the prompt is too long for every offer
 * that could serve it otherwise, and `no_eligible_offer` with all reasons where none is left.
 */
export function offerSheet(call: Call, asked: Asked, world: World, moment: Moment): OfferSheet {
  const sheet = layOut(call, asked, world, moment);
  if (sheet.eligible.length === 0) throw nothingLeft(call, sheet.excluded);
  return sheet;
}

const SHOWN = 4;

/** Which reasons a caller can use: what it ruled out itself it knows, and what ended long ago helps only if that is all. */
const TELLS: Readonly<Partial<Record<ExclusionCode, number>>> = { retired: 1, not_allowed: 2 };
const tells = ({ code }: Exclusion): number => TELLS[code] ?? 0;

/**
 * OpenAI's own sentence, digits without separators: clients know an overflow by its words and then shorten the conversation
 * (LiteLLM's exception_mapping_utils.py, langchain-openai, opencode, pi, Cline and Roo Code).
 */
function tooLong(param: string, tooSmall: readonly Exclusion[]): string {
  const [largest] = tooSmall.toSorted((a, b) => (b.contextLength ?? 0) - (a.contextLength ?? 0));
  if (largest?.contextLength === undefined || !largest.prompt) return '';
  const { largest: tokens, exactness, more } = largest.prompt;
  const size = `${more ? 'more than ' : exactness === 'estimate' ? 'about ' : ''}${tokens} tokens`;
  return `This model's maximum context length is ${largest.contextLength} tokens. However, your ${param} resulted in ${size}. Please reduce the length of the ${param}. `;
}

function nothingLeft(call: Call, excluded: readonly Exclusion[]): GatewayError {
  const offers = excluded.map(({ provider, model, upstream, code, message, prompt, contextLength }) => ({
    provider,
    model,
    provider_model: upstream,
    reason: { code, message },
    ...(prompt ? { prompt_tokens: prompt.largest, exactness: prompt.exactness } : {}),
    ...(contextLength === undefined ? {} : { context_length: contextLength }),
  }));
  const tooSmall = excluded.filter(({ code }) => code === 'context_too_small');
  const most = Math.min(...excluded.map(tells));
  const told = tooSmall.length > 0 ? tooSmall : excluded.filter((one) => tells(one) === most);
  const reasons = [...new Set(told.map(({ message }) => message))].slice(0, SHOWN);
  const why = `No offer of ${call.models.join(', ')} can serve this call. ${reasons.join(' ')}`;
  // Where a shorter prompt would have been served, that is what to say.
  if (tooSmall.length > 0) {
    const param = call.kind === 'chat' ? 'messages' : 'prompt';
    const message = `${tooLong(param, tooSmall)}${why} Shorten it, or name a model with a longer context.`;
    return new GatewayError('context_length_exceeded', message, { param, offers });
  }
  // The caller's own text is at fault, and nothing else.
  const [{ param } = { param: undefined }] = told;
  if (param !== undefined && told.every((one) => one.param === param)) {
    return new GatewayError('invalid_request', why, { param, offers });
  }
  return new GatewayError('no_eligible_offer', why, { offers });
}
