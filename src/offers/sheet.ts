import { type Call, GatewayError, once, type RetrievalCall, type Routing } from '../core/index.ts';
import { hasTemplate, NotLoaded, type PromptCounter, promptCounter, type Tokenizers } from '../tokens/index.ts';
import { affinityOf } from './affinity.ts';
import { assess, assessCall, isExclusion, offerName, type Work } from './assess.ts';
import type { AssessedOffer, Assessment } from './candidate.ts';
import { promptParts, promptSize } from './counting.ts';
import type { ModelOffer } from './model-offers.ts';
import { explainDraws, isTriedLast, rank } from './rank.ts';
import { renderingsOf } from './renderings.ts';
import { idsReader, requestFormFor } from './request-form.ts';
import type { ResolvedCall } from './resolve.ts';
import { assessRetrieval } from './retrieval.ts';
import type { Candidate, Exclusion, ExclusionCode, OfferSheet, PromptSize, World } from './types.ts';

/**
 * Lays out the offer sheet of a call: every offer of the requested models, assessed and ranked, or an error if none
 * is left.
 */

/** When a sheet is laid out, and what is at hand for it. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The day, as `2026-11-27`. */
  readonly today: string;
  readonly tokenizers: Tokenizers;
  /** Tokens of the call's prompt as the providers themselves counted them, by `offerName`. */
  readonly providerCounts?: ReadonlyMap<string, number>;
  /**
   * Count a prompt only when somebody reads the count, where neither an exclusion nor the order depends on it. The
   * sheet decides exactly as it does with every prompt counted.
   */
  readonly countWhenRead?: boolean;
}

/**
 * Tokens up to which a prompt is counted, whatever the offers take: a caller wants to know by how much it is too
 * long.
 */
const COUNTED = 100_000;

/** A counter that stops where no offer takes more. */
function counterFor({ models }: ResolvedCall, { tokenizers }: Moment): PromptCounter {
  let limit = COUNTED;
  for (const { offers } of models) {
    for (const { contextLength = 0 } of offers) if (contextLength > limit) limit = contextLength;
  }
  return promptCounter(tokenizers, limit);
}

/**
 * What every offer would do with the call, in the order in which they are tried, or why it is excluded. Pure.
 *
 * @param explain also work out the prompt and cost of excluded offers
 * @param counter reuses what it has counted of the call before
 */
export function layOut(
  call: Call | RetrievalCall,
  resolved: ResolvedCall,
  world: World,
  moment: Moment,
  explain = false,
  counter = once(() => counterFor(resolved, moment)),
): OfferSheet {
  const { now, today, tokenizers, providerCounts } = moment;
  const origin = resolved.models[0]?.offers[0];
  const conversation = once(() => affinityOf(call, now));
  const shared = {
    world,
    conversation,
    now,
    today,
    tokenizers,
    counter,
    renderings:
      call.kind === 'chat'
        ? renderingsOf(call, today, call.templating.markers ?? world.markers, world.providers, origin)
        : undefined,
    readIds: idsReader(origin, tokenizers),
    ignored: resolved.ignored,
    providerCounts,
    explain,
    countWhenRead: moment.countWhenRead === true && !explain,
  };
  const eligible: AssessedOffer[] = [];
  const last: AssessedOffer[] = [];
  const excluded: Exclusion[] = [];
  let complete = false;
  for (const model of resolved.models) {
    const { routing, route } = model;
    const own = routing === call.routing ? call : { ...call, routing };
    const candidates = assessAll(assessing(own, { ...shared, route }), model, excluded);
    if (complete) continue;
    const ranked = rank(candidates, routing, conversation);
    for (const offer of routing.allowFallbacks === false ? ranked.slice(0, 1) : ranked) {
      (isTriedLast(offer, routing) ? last : eligible).push(offer);
    }
    // Without fallbacks no other offer is tried after the first one.
    complete = routing.allowFallbacks === false && ranked.length > 0;
  }
  for (const offer of last) eligible.push(offer);
  explainDraws(eligible, call);
  return { eligible, excluded };
}

type Allowed = (provider: string) => string | undefined;
type AssessOne = (offer: ModelOffer, allowed: Allowed) => AssessedOffer | Exclusion;

/** How the offers of a call are assessed, by its kind. */
function assessing(call: Call | RetrievalCall, shared: Omit<Assessment, 'call'>): AssessOne {
  const by = <C extends Call | RetrievalCall>(given: Assessment<C>, work: Work<C>): AssessOne => {
    return (offer, allowed) => assess(given, offer, allowed, work);
  };
  return call.kind === 'embedding' || call.kind === 'rerank'
    ? by({ ...shared, call }, assessRetrieval)
    : by({ ...shared, call }, assessCall);
}

function assessAll(
  assessOne: AssessOne,
  { offers, pin, routing }: ResolvedCall['models'][number],
  excluded: Exclusion[],
) {
  const candidates: AssessedOffer[] = [];
  for (const offer of offers) {
    const assessed = assessOne(offer, (provider) => deniedBy(routing, pin, provider));
    if (isExclusion(assessed)) excluded.push(assessed);
    else candidates.push(assessed);
  }
  return candidates;
}

/** Why the caller does not want a provider; undefined if it does. */
function deniedBy({ only, ignore }: Routing, pin: string | undefined, provider: string): string | undefined {
  if (pin !== undefined && pin !== provider) return `The model name asks for ${pin}.`;
  if (only && !only.includes(provider)) return 'provider.only leaves it out.';
  if (ignore?.includes(provider)) return 'provider.ignore leaves it out.';
  return undefined;
}

/**
 * The sheet of a call that is to be made. Throws `context_length_exceeded` if the prompt is too long for every offer
 * that could serve it otherwise, `permission_denied` if the caller's key may use none, and `no_eligible_offer` with all
 * reasons if none is left.
 */
export function offerSheet(
  call: Call | RetrievalCall,
  resolved: ResolvedCall,
  world: World,
  moment: Moment,
): OfferSheet {
  const sheet = layOut(call, resolved, world, moment);
  if (sheet.eligible.length === 0) throw nothingLeft(call, sheet.excluded);
  return sheet;
}

/**
 * The sheet of a call whose tokenizers are not loaded, with `pendingTokenizers` in the moment. Undefined if it needs a
 * count of the prompt: then they must be loaded first. Otherwise the call can be made, and a tokenizer is only loaded
 * (`TextCounter.load`) where something is counted after all.
 */
export function uncountedSheet(
  call: Call | RetrievalCall,
  resolved: ResolvedCall,
  world: World,
  moment: Moment,
): OfferSheet | undefined {
  try {
    const sheet = layOut(call, resolved, world, moment);
    // Several offers are compared by cost, and an error for none may quote a count.
    return sheet.eligible.length === 1 ? sheet : undefined;
  } catch (thrown) {
    if (thrown instanceof NotLoaded) return undefined;
    throw thrown;
  }
}

/**
 * Offers whose provider should be asked to count the prompt, because only the bound of our estimate is over `max_cost`.
 */
export function worthProviderCount(
  call: Call,
  resolved: ResolvedCall,
  world: World,
  moment: Moment,
): readonly Candidate[] {
  const canCount = ({ provider }: Pick<ModelOffer, 'provider'>): boolean =>
    world.providers.get(provider)?.countTokens !== undefined;
  const bounded = resolved.models.some(({ routing, offers }) => routing.maxCost !== undefined && offers.some(canCount));
  if (!bounded) return [];
  const { eligible } = layOut(call, resolved, world, moment);
  const allowed = new Set(eligible.filter(({ output }) => !output.clamped).map(offerName));
  const models = resolved.models.map((one) => ({ ...one, routing: withoutMaxCost(one.routing) }));
  return layOut(call, { ...resolved, models }, world, moment).eligible.filter(
    (offer) => offer.prompt.exactness === 'estimate' && !allowed.has(offerName(offer)) && canCount(offer),
  );
}

function withoutMaxCost({ maxCost: _, ...rest }: Routing): Routing {
  return rest;
}

/** Distinct reasons that an error message repeats. */
const SHOWN = 4;

/**
 * Less useful reasons: a retirement long ago, and what the caller itself ruled out. They are told if there are no
 * others.
 */
const RANKED_REASONS: Readonly<Partial<Record<ExclusionCode, number>>> = { retired: 1, not_allowed: 2 };
const usefulness = ({ code }: Exclusion): number => RANKED_REASONS[code] ?? 0;

/**
 * OpenAI's own sentence, digits without separators: clients recognise an overflow by these words and then shorten the
 * conversation (LiteLLM's exception_mapping_utils.py, langchain-openai, opencode, pi, Cline and Roo Code).
 */
function tooLong(param: string, tooSmall: readonly Exclusion[]): string {
  const [largest] = tooSmall.toSorted((a, b) => (b.contextLength ?? 0) - (a.contextLength ?? 0));
  if (largest?.contextLength === undefined || !largest.prompt) return '';
  const { largest: tokens, exactness, more } = largest.prompt;
  const size = `${more ? 'more than ' : exactness === 'estimate' ? 'about ' : ''}${tokens} tokens`;
  return `This model's maximum context length is ${largest.contextLength} tokens. However, your ${param} resulted in ${size}. Please reduce the length of the ${param}. `;
}

/** The field that has a call's prompt. */
const PROMPT_FIELDS: Readonly<Record<(Call | RetrievalCall)['kind'], string>> = {
  chat: 'messages',
  completion: 'prompt',
  embedding: 'input',
  rerank: 'documents',
};

function nothingLeft(call: Call | RetrievalCall, excluded: readonly Exclusion[]): GatewayError {
  const offers = excluded.map(({ provider, model, upstream, code, message, prompt, contextLength }) => ({
    provider,
    model,
    provider_model: upstream,
    reason: { code, message },
    ...(prompt ? { prompt_tokens: prompt.largest, exactness: prompt.exactness } : {}),
    ...(contextLength === undefined ? {} : { context_length: contextLength }),
  }));
  const tooSmall = excluded.filter(({ code }) => code === 'context_too_small');
  const best = Math.min(...excluded.map(usefulness));
  const shown = tooSmall.length > 0 ? tooSmall : excluded.filter((one) => usefulness(one) === best);
  const reasons = [...new Set(shown.map(({ message }) => message))].slice(0, SHOWN);
  const why = `No offer of ${call.models.join(', ')} can serve this call. ${reasons.join(' ')}`;
  // A shorter prompt would have been served, so that is what the caller should hear.
  if (tooSmall.length > 0) {
    const param = PROMPT_FIELDS[call.kind];
    const message = `${tooLong(param, tooSmall)}${why} Shorten it, or name a model with a longer context.`;
    return new GatewayError('context_length_exceeded', message, { param, offers });
  }
  // The caller's own text is at fault, and nothing else.
  const [{ param } = { param: undefined }] = shown;
  if (param !== undefined && shown.every((one) => one.param === param)) {
    return new GatewayError('invalid_request', why, { param, offers });
  }
  const permitted = shown.some(({ code }) => code !== 'not_permitted');
  return new GatewayError(permitted ? 'no_eligible_offer' : 'permission_denied', why, { offers });
}

// Counting for a caller who asks for nothing else (`POST /v1/count_tokens`).

/** A prompt counted for one model. */
export interface ModelCount {
  /** The name in the catalogue, or the user's own. */
  readonly model: string;
  readonly size: PromptSize;
  /** The family whose template rendered the chat; absent for raw prompts, and if there is no template. */
  readonly template?: string;
  /** The longest of its offers, or else the model's own. */
  readonly contextLength?: number;
  readonly eligible: readonly Candidate[];
  /** Offers that the prompt is too long for. */
  readonly tooSmall: readonly Exclusion[];
  /** The tokens of the call's prompts with their texts, made when asked for: see `promptParts`. */
  readonly parts: () => ReturnType<typeof promptParts>;
}

/** Stands for an OpenAI-compatible server of anybody's. */
const REFERENCE = 'reference';

/**
 * Counts a call's prompt for the one model it names. Throws `invalid_request` for a chat that the model cannot read.
 */
export function countCall(call: Call, resolved: ResolvedCall, world: World, moment: Moment): ModelCount {
  const { tokenizers, today } = moment;
  // One counter for all, without a limit: for an offer that is too small the caller is told by how much.
  const counter = promptCounter(tokenizers, Number.POSITIVE_INFINITY);
  const sheet = layOut(call, resolved, world, { ...moment, countWhenRead: false }, false, () => counter);
  const [offer] = resolved.models.flatMap(({ offers }) => offers);
  if (!offer) throw new GatewayError('model_not_found', 'model: nobody offers it.', { param: 'model' });
  const { form, reads } = referenceForm(call, { ...offer, about: world.registry.of(REFERENCE) }, today);
  if ('code' in form) throw new GatewayError('invalid_request', form.message);
  const { size, at } = sizeAtOffers(promptSize(form, reads, counter), sheet.eligible);
  const family = call.templating.name ?? offer.family;
  const tooSmall = sheet.excluded.filter(({ code }) => code === 'context_too_small');
  const lengths = [...sheet.eligible, ...tooSmall].flatMap((one) => one.contextLength ?? []);
  const contextLength = lengths.length > 0 ? Math.max(...lengths) : offer.contextLength;
  return {
    model: offer.model,
    size,
    ...(call.kind === 'chat' && hasTemplate(family) ? { template: family } : {}),
    ...(contextLength === undefined ? {} : { contextLength }),
    eligible: sheet.eligible,
    tooSmall,
    parts: () => (at?.parts ? at.parts() : promptParts(form, reads, tokenizers(reads.family))),
  };
}

/**
 * The form of a call for a model, whoever serves it: a chat in the template of the model's repository, a raw prompt
 * with the begin-of-sequence that the model reads, as any vLLM server would read it.
 */
function referenceForm(call: Call, first: ModelOffer, today: string) {
  const reads: ModelOffer = {
    ...first,
    provider: REFERENCE,
    apis: ['chat', 'completions'],
    tools: true,
    vision: true,
  };
  const mode = call.templating.markers;
  const renderings = call.kind === 'chat' ? renderingsOf(call, today, mode, new Map(), reads) : undefined;
  return { reads, form: requestFormFor(call, reads, renderings, mode, (ids) => ids) };
}

/**
 * The count for a model gives way to the count at its first offer if no offer has the same (where a schema is put
 * into words, for example), and an estimate to one that was corrected by an offer's bills.
 */
function sizeAtOffers(
  size: PromptSize,
  eligible: readonly Candidate[],
): { readonly size: PromptSize; readonly at?: Candidate } {
  const at =
    size.exactness === 'exact'
      ? !eligible.some(({ prompt }) => prompt.largest === size.largest) && eligible[0]
      : eligible.find(({ prompt }) => prompt.counted !== undefined && prompt.counted !== prompt.total);
  return at ? { size: at.prompt, at } : { size };
}
