import { type Costing, costOf, estimateCost, type Priced, type PriceRow, shareOf } from '../catalog/index.ts';
import { type Api, type Call, completionTokens, formatDollars, type NanoDollars, type Usage } from '../core/index.ts';
import { fewest, longest, mostBilled } from './counting.ts';
import type { Facts } from './sources.ts';
import {
  type CallCost,
  type Candidate,
  type OfferSheet,
  type OutputLimit,
  type PromptSize,
  type Refusal,
  refuse,
} from './types.ts';

/** What Replicate's engines serve where the catalogue knows no context, and a server of the user's own of a model that can take more. */
const ASSUMED_CONTEXT = 4096;
/** What such a server serves of a model that nobody knows; and what its answer gets in any case. */
const ASSUMED_SERVICE_CONTEXT = 2048;
const LEAST_OUTPUT = 256;

const grouped = (count: number): string => count.toLocaleString('en-US');

const sizeText = ({ largest, exactness, more }: PromptSize): string =>
  `${more ? 'more than ' : exactness === 'estimate' ? 'about ' : ''}${grouped(largest)} tokens`;

/**
 * How long an answer may get at an offer: what the caller asked for, cut to what fits behind the prompt and to what the
 * offer gives. What the caller did not set is not sent, except where the API truncates without a limit (`ApiTraits.truncates`);
 * then it is the largest that fits. A prompt that leaves no room for one token is refused.
 */
export function outputFor(call: Call, facts: Facts, api: Api, prompt: PromptSize): OutputLimit | Refusal {
  const { about, contextLength, provider, model } = facts;
  const traits = facts.traits(api);
  const given = facts.maxOutput(api) ?? traits?.maxOutput;
  const context = contextLength === undefined ? undefined : contextLength - (about.contextMargin ?? 0);
  const least = fewest(prompt);
  if (context !== undefined && (least >= context || (prompt.more && prompt.exactness === 'exact'))) {
    return refuse(
      'context_too_small',
      `${provider} takes ${grouped(contextLength ?? 0)} tokens for ${model}, prompt and answer together, and the prompt alone is ${sizeText(prompt)}.`,
    );
  }
  // An estimate that says it does not fit may be wrong: then only what fits for certain is cut.
  const room = context === undefined ? undefined : context - (prompt.largest < context ? prompt.largest : least);
  const ceiling = smaller(room, given);
  const wanted = call.maxTokens;
  if (wanted !== undefined) {
    const maxTokens = ceiling === undefined ? wanted : Math.min(wanted, ceiling);
    return { maxTokens, most: maxTokens, clamped: maxTokens < wanted };
  }
  if (traits?.truncates) {
    const maxTokens = certain(facts, api, prompt, ceiling);
    return { maxTokens, most: maxTokens, clamped: false };
  }
  return { clamped: false, ...(ceiling === undefined ? {} : { most: ceiling }) };
}

/** The largest output that fits for certain: one that may not fit is refused, and nobody asked for it. */
function certain(facts: Facts, api: Api, prompt: PromptSize, ceiling: number | undefined): number {
  const most = longest(prompt);
  if (facts.contextServed || api !== 'completions') {
    const context = facts.contextLength ?? ASSUMED_CONTEXT;
    return Math.max(1, Math.min(ceiling ?? context, context - (facts.about.contextMargin ?? 0) - most));
  }
  const context = facts.contextLength === undefined ? ASSUMED_SERVICE_CONTEXT : ASSUMED_CONTEXT;
  return Math.min(ceiling ?? context, Math.max(LEAST_OUTPUT, context - most));
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** Output tokens of an answer that nobody has asked the like of, and whose caller set no limit. */
const ASSUMED_OUTPUT = 512;

/** What an offer bills for one call, in numbers of its wire. */
export interface Billed {
  readonly prompt: PromptSize;
  /** Times that each prompt is billed: once for each sample where the wire has no `n`. */
  readonly promptTimes: number;
  readonly prompts: number;
  readonly reportsExtra: number;
  readonly output: OutputLimit;
  /** Answers of the whole call. */
  readonly choices: number;
  /** What such answers usually take, if that has been seen. */
  readonly usual: number | undefined;
}

/**
 * What a call can come to at an offer: the least, what to expect, and a bound. To expect is what the model's answers have
 * taken lately, or else the caller's own limit. Undefined where the price is not known.
 */
export function callCost(call: Call, priced: Priced, billed: Billed): CallCost | undefined {
  if (!priced.known) return undefined;
  const { prompt, promptTimes, prompts, reportsExtra, choices, usual, output } = billed;
  const { most } = output;
  const input = (tokens: number): number => (tokens + reportsExtra * prompts) * promptTimes;
  const each = Math.ceil(Math.min(most ?? Number.POSITIVE_INFINITY, usual ?? call.maxTokens ?? ASSUMED_OUTPUT));
  // An answer has a token at least, if it may have any.
  const least = choices * Math.min(1, most ?? 1);
  const range = estimateCost(priced.row, input(prompt.total), least, choices * each, choices * (most ?? each));
  if (!range) return undefined;
  const { min, expected } = range;
  // An estimate may be short: the bound must hold all the same, or there is none.
  const longest = mostBilled(prompt);
  if (most === undefined || longest === undefined) return { min, expected };
  const bound = estimateCost(priced.row, input(longest), least, least, choices * most);
  return bound ? { min, expected, max: bound.max } : { min, expected };
}

const MILLION = 1_000_000;

/** What a million tokens cost by a rule; undefined where it is paid by time and nobody knows how fast it is. */
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

/** What the caller is not ready to pay for a million tokens. A price that nobody knows may be any, so it is too much. */
export function overMaxPrice(call: Call, who: string, priced: Priced): Refusal | undefined {
  const { maxPrice } = call.routing;
  if (!maxPrice) return undefined;
  const rates = priced.known ? perMtok(priced.row) : undefined;
  if (!rates) return refuse('over_max_price', `${who} has no known price, which provider.max_price asks for.`);
  for (const part of ['prompt', 'completion'] as const) {
    const limit = maxPrice[part];
    if (limit === undefined || rates[part] <= limit) continue;
    return refuse(
      'over_max_price',
      `${who} asks $${formatDollars(rates[part])} for a million ${part} tokens, over provider.max_price.${part} of $${formatDollars(limit)}.`,
    );
  }
  return undefined;
}

/** The output cut so that the call cannot come to more than the caller is ready to pay; undefined where no output fits. */
function affordable(call: Call, priced: Priced, billed: Billed, maxCost: NanoDollars): OutputLimit | undefined {
  const { output, choices } = billed;
  const cap = (maxTokens: number): OutputLimit => ({ maxTokens, most: maxTokens, clamped: true });
  const fits = (tokens: number): boolean => {
    const range = callCost(call, priced, { ...billed, output: cap(tokens) });
    // Parts are rounded by themselves: up to a nano-dollar more.
    return range?.max !== undefined && range.max + 1n <= maxCost;
  };
  if (!fits(1)) return undefined;
  let low = 1;
  // Beyond this no context goes, whatever the price.
  let high = output.most ?? Math.ceil(16_000_000 / choices);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return cap(low);
}

const unbound = ({ prompt }: Billed): string =>
  mostBilled(prompt) === undefined
    ? 'What its images come to is not known: set the context_length.'
    : 'Set max_tokens.';

/**
 * What `max_cost` makes of an offer: its output as it is, or cut where the caller allows that, or why it is left out. An
 * offer whose cost has no bound may come to anything, so it is left out.
 */
export function withinMaxCost(call: Call, who: string, priced: Priced, billed: Billed): OutputLimit | Refusal {
  const { maxCost, clampOutput } = call.routing;
  if (maxCost === undefined) return billed.output;
  const max = callCost(call, priced, billed)?.max;
  if (max !== undefined && max <= maxCost) return billed.output;
  const limit = `provider.max_cost of $${formatDollars(maxCost)}`;
  const cut = affordable(call, priced, billed, maxCost);
  if (clampOutput && cut) return cut;
  if (!cut && (clampOutput || max !== undefined)) {
    const why = `Not even one token of output of ${who} is certain to stay within ${limit}.`;
    return refuse('over_max_cost', `${why} Shorten the prompt, or allow more.`);
  }
  return refuse(
    'over_max_cost',
    max !== undefined
      ? `${who} may come to $${formatDollars(max)}, over ${limit}. Lower max_tokens to ${cut?.maxTokens}, or allow provider.clamp_output.`
      : `What ${who} comes to has no known bound, which ${limit} asks for. ${priced.known ? unbound(billed) : priced.reason}`,
  );
}

/** What a call came to. */
export interface Receipt {
  readonly cost: Costing;
  /** Attempts that failed and may have been billed: how many, and at most how much; undefined where nobody knows. */
  readonly failed?: { readonly count: number; readonly atMost: NanoDollars | undefined };
}

/** Prices a usage by the rule that its offer was ranked by. */
export function receiptOf(offer: Candidate, maybeBilled: readonly Candidate[], usage: Usage): Receipt {
  const { priced } = offer;
  const cost: Costing = priced.known ? costOf(priced.row, usage) : { known: false, reason: priced.reason };
  if (maybeBilled.length === 0) return { cost };
  const bounds = maybeBilled.map((failed) => failed.cost?.max);
  const known = bounds.filter((bound) => bound !== undefined);
  const atMost = known.length < bounds.length ? undefined : known.reduce((sum, bound) => sum + bound, 0n);
  return { cost, failed: { count: maybeBilled.length, atMost } };
}

/** What the same answer would have come to at another offer. */
export interface Alternative {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  readonly rule: string | undefined;
  /** Undefined is unknown. */
  readonly cost: NanoDollars | undefined;
}

/**
 * The other offers that could have served the call, at the prompt that each of them would have read and an answer as long
 * as this one.
 */
export function alternativesTo(
  offer: Candidate,
  { eligible }: OfferSheet,
  usage: Usage,
  choices: number,
): readonly Alternative[] {
  const out = completionTokens(usage);
  return (
    eligible
      // The offer may have served the call in its other form.
      .filter((other) => other !== offer && other.plain !== offer)
      .map((other) => {
        const { provider, model, upstream, priced, prompt, reportsExtra, nativeN, sends } = other;
        const prompts = sends.form === 'prompts' ? sends.prompts.length : 1;
        const times = nativeN ? 1 : choices / prompts;
        const input = (prompt.total + reportsExtra * prompts) * times;
        const range = priced.known ? estimateCost(priced.row, input, out, out, out) : undefined;
        return {
          provider,
          model,
          upstream,
          rule: priced.known ? priced.row.id : undefined,
          cost: range?.expected,
        };
      })
  );
}
