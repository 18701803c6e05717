import { estimateCost, type PriceBook, type Priced, type PriceRow, priceFor, shareOf } from '../catalog/index.ts';
import { type Call, formatDollars, type NanoDollars, type Vote } from '../core/index.ts';
import { mostBilled } from './counting.ts';
import type { ModelOffer } from './model-offers.ts';
import {
  type CallCost,
  type ExclusionReason,
  exclude,
  type OutputLimit,
  type PromptSize,
  type World,
} from './types.ts';

/** What a call can cost at an offer, before it is made. */

const prices = new WeakMap<PriceBook, WeakMap<ModelOffer, Priced>>();

/** The price of an offer. Looked up once for each price book: an offer is of one day, and a book never changes. */
export function pricedBy(world: World, offer: ModelOffer, today: string): Priced {
  let known = prices.get(world.prices);
  if (!known) {
    known = new WeakMap();
    prices.set(world.prices, known);
  }
  let priced = known.get(offer);
  if (!priced) {
    const { about, service, upstream } = offer;
    priced = priceFor(world.prices, about, upstream, today, {
      ...(service === undefined ? {} : { service }),
      ...(about.usesRegion ? { region: world.region ?? '' } : {}),
    });
    known.set(offer, priced);
  }
  return priced;
}

/** Output tokens to expect where nothing has been seen and the caller set no limit. */
const ASSUMED_OUTPUT = 512;

/** What of a call decides its cost. A call for embeddings has no output to limit. */
type LimitedCall = Pick<Call, 'routing' | 'vote'> & { readonly maxTokens?: number };

/** What an offer will bill for one call. */
export interface Billed {
  readonly prompt: PromptSize;
  /** Tokens the provider may add to the prompt without telling, to describe a JSON Schema to the model. */
  readonly beside: number;
  /** Times that each prompt is billed: once for each sample if the API has no `n`. */
  readonly promptTimes: number;
  readonly prompts: number;
  readonly reportsExtra: number;
  readonly output: OutputLimit;
  /** Answers of the whole call. */
  readonly choices: number;
  /** Output tokens of the model's recent answers, on average, if any were seen. */
  readonly usual: number | undefined;
  /**
   * Tokens of a prompt that the provider's cache has from the conversation's last call. Asked for where they have a
   * price.
   */
  readonly cached: () => number;
}

/**
 * The least a call can cost at an offer, the expected cost, and an upper bound. Expected are as many output tokens as
 * the model's recent answers had, or else the caller's limit; and cached input where the conversation was served here
 * before and the provider has a price for that. Undefined if the price is unknown.
 */
export function callCost(call: LimitedCall, priced: Priced, billed: Billed): CallCost | undefined {
  if (!priced.known) return undefined;
  const { prompt, beside, promptTimes, prompts, reportsExtra, choices, usual, output } = billed;
  const { most } = output;
  const input = (tokens: number): number => (tokens + reportsExtra * prompts) * promptTimes;
  const each = Math.ceil(Math.min(most ?? Number.POSITIVE_INFINITY, usual ?? call.maxTokens ?? ASSUMED_OUTPUT));
  // An answer has at least one token, if it may have any.
  const least = choices * Math.min(1, most ?? 1);
  const cached = cacheReadOf(priced) === undefined ? 0 : Math.min(billed.cached(), prompt.total);
  const held = cached * promptTimes;
  const range = estimateCost(priced.row, input(prompt.total), least, choices * each, choices * (most ?? each), held);
  if (!range) return undefined;
  const { min, expected: cost } = range;
  const expected = { expected: cost, ...(cached > 0 ? { cached } : {}) };
  // An estimate may be too low. The bound must hold all the same, or there is none.
  const longest = mostBilled(prompt, beside);
  if (most === undefined || longest === undefined) return { min, ...expected };
  const bound = estimateCost(priced.row, input(longest), least, least, choices * most);
  return bound ? { min, ...expected, max: bound.max } : { min, ...expected };
}

/** What a million tokens cost that the provider reads from its cache; undefined if it states no price for that. */
export const cacheReadOf = (priced: Priced): NanoDollars | undefined =>
  priced.known && priced.row.price.kind === 'token' ? priced.row.price.cacheRead : undefined;

/** What to expect of a vote's samples if those that cannot change its outcome any more are not made. */
const expectedSamples = ({ samples, minAgreement = 0 }: Vote): number =>
  (Math.max(Math.floor(samples / 2) + 1, Math.ceil(minAgreement * samples)) + samples) / 2;

/**
 * Whether a vote is expected to cost less with a request for each sample than with one for all, where an API has `n`.
 * One bills the prompt once, but brings every sample to its end. Of several, those can be stopped that do not matter
 * any more.
 *
 * @param billed of one request for all
 */
export function isCheaperApart(
  { vote }: Call,
  priced: Priced,
  billed: Billed,
  together: CallCost | undefined,
): boolean {
  if (!vote || !priced.known || !together) return false;
  const prompt = estimateCost(priced.row, billed.prompt.total + billed.reportsExtra, 0, 0, 0)?.expected;
  if (prompt === undefined) return false;
  // Amounts of this size are exact as doubles, or the difference does not matter.
  const [once, all] = [Number(prompt), Number(together.expected)];
  return once * vote.samples + ((all - once) * expectedSamples(vote)) / vote.samples < all;
}

const MILLION = 1_000_000;

/** The price of a million tokens; undefined for a price by time if the speed is unknown. */
function perMtok({ price }: PriceRow): { readonly prompt: NanoDollars; readonly completion: NanoDollars } | undefined {
  switch (price.kind) {
    case 'token':
      return { prompt: price.input, completion: price.output };
    case 'second': {
      const { perSecond, tokensPerSecond: rate } = price;
      return rate === undefined ? undefined : { prompt: 0n, completion: shareOf(perSecond, 1n, MILLION, rate) };
    }
    case 'hour': {
      const { perHour, tokensPerSecond: rate } = price;
      return rate === undefined ? undefined : { prompt: 0n, completion: shareOf(perHour, 3600n, MILLION, rate) };
    }
  }
}

/** What `max_price` rules out. An unknown price may be any, so it is over the limit. */
export function overMaxPrice(
  call: Pick<Call, 'routing'>,
  who: () => string,
  priced: Priced,
): ExclusionReason | undefined {
  const { maxPrice } = call.routing;
  if (!maxPrice) return undefined;
  const rates = priced.known ? perMtok(priced.row) : undefined;
  if (!rates) return exclude('over_max_price', `${who()} has no known price, which provider.max_price asks for.`);
  for (const part of ['prompt', 'completion'] as const) {
    const limit = maxPrice[part];
    if (limit === undefined || rates[part] <= limit) continue;
    return exclude(
      'over_max_price',
      `${who()} asks $${formatDollars(rates[part])} for a million ${part} tokens, over provider.max_price.${part} of $${formatDollars(limit)}.`,
    );
  }
  return undefined;
}

/**
 * Tokens that a call is expected to use at most, for limits by the minute: those of its prompts, and as many of its
 * answers as the caller allows, or else as the model's answers usually have.
 */
export function expectedTokens(call: LimitedCall, billed: Billed): number {
  const { prompt, reportsExtra, prompts, promptTimes, choices, usual, output } = billed;
  const each = Math.ceil(Math.min(output.most ?? Number.POSITIVE_INFINITY, call.maxTokens ?? usual ?? ASSUMED_OUTPUT));
  return (prompt.total + reportsExtra * prompts) * promptTimes + choices * each;
}

const limitedOutput = (maxTokens: number): OutputLimit => ({ maxTokens, most: maxTokens, clamped: true });

/**
 * What covers a call at an offer: the most that it can cost, and the most that the shortest answer can. Undefined if
 * there is no bound.
 */
export function costBound(
  call: LimitedCall,
  priced: Priced,
  billed: Billed,
): { readonly most: NanoDollars; readonly least: NanoDollars } | undefined {
  const max = callCost(call, priced, billed)?.max;
  if (max === undefined) return undefined;
  // The parts of a bill are rounded separately, which can add one nano-dollar.
  const most = max + 1n;
  const shortest = callCost(call, priced, { ...billed, output: limitedOutput(Math.min(1, billed.output.most ?? 1)) });
  const least = (shortest?.max ?? max) + 1n;
  return { most, least: least < most ? least : most };
}

/** The largest output with which the call certainly costs no more than `maxCost`; undefined if no output does. */
export function affordable(
  call: LimitedCall,
  priced: Priced,
  billed: Billed,
  maxCost: NanoDollars,
): OutputLimit | undefined {
  const { output, choices } = billed;
  const fits = (tokens: number): boolean => {
    const range = callCost(call, priced, { ...billed, output: limitedOutput(tokens) });
    // The parts are rounded separately, which can add one nano-dollar.
    return range?.max !== undefined && range.max + 1n <= maxCost;
  };
  if (!fits(1)) return undefined;
  let low = 1;
  // No context is larger than this.
  let high = output.most ?? Math.ceil(16_000_000 / choices);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return limitedOutput(low);
}

/** Why an offer cannot be paid from a budget: what it costs has no known bound. */
export function overBudget(
  call: LimitedCall,
  who: () => string,
  priced: Priced,
  billed: Billed,
): ExclusionReason | undefined {
  if (!call.routing.budgeted) return undefined;
  if (!priced.known) {
    return exclude(
      'no_price',
      `${who()} has no known price, and this key has a budget. ${priced.reason} The operator can set one with PUT /v1/prices.`,
    );
  }
  if (callCost(call, priced, billed)?.max !== undefined) return undefined;
  return exclude(
    'no_price',
    `What ${who()} comes to has no known bound, and this key has a budget. ${unbound(billed)}`,
  );
}

const unbound = ({ prompt }: Billed): string =>
  mostBilled(prompt) === undefined
    ? 'What its images come to is not known: set the context_length.'
    : 'Set max_tokens.';

/**
 * Applies `max_cost`: the output as it is, or reduced if the caller allows that, or why the offer is excluded. An offer
 * whose cost has no upper bound is excluded.
 */
export function withinMaxCost(
  call: LimitedCall,
  who: () => string,
  priced: Priced,
  billed: Billed,
): OutputLimit | ExclusionReason {
  const { maxCost, clampOutput } = call.routing;
  if (maxCost === undefined) return billed.output;
  const max = callCost(call, priced, billed)?.max;
  if (max !== undefined && max <= maxCost) return billed.output;
  const field = call.vote?.maxCost === maxCost ? 'vote.max_cost' : 'provider.max_cost';
  const limit = `${field} of $${formatDollars(maxCost)}`;
  const cut = affordable(call, priced, billed, maxCost);
  if (clampOutput && cut) return cut;
  if (!cut && (clampOutput || max !== undefined)) {
    const why = `Not even one token of output of ${who()} is certain to stay within ${limit}.`;
    return exclude('over_max_cost', `${why} Shorten the prompt, or allow more.`);
  }
  return exclude(
    'over_max_cost',
    max !== undefined
      ? `${who()} may come to $${formatDollars(max)}, over ${limit}. Lower max_tokens to ${cut?.maxTokens}, or allow provider.clamp_output.`
      : `What ${who()} comes to has no known bound, which ${limit} asks for. ${priced.known ? unbound(billed) : priced.reason}`,
  );
}
