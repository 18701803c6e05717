import { completionTokens, type NanoDollars, type Usage } from '../../core/index.ts';
import type { PriceRow, Rate } from './types.ts';

/** What a usage costs by a price, and what a call can come to before it is made. */

/** What a call cost by one rule. The parts are disjoint and their sum is the total. */
export interface Cost {
  readonly total: NanoDollars;
  /** Input that was not read from a cache; writing it to one included. */
  readonly prompt: NanoDollars;
  /** Output, reasoning included. What is billed by time is all here: time is not divided. */
  readonly completion: NanoDollars;
  /** Input read from a cache. */
  readonly cached: NanoDollars;
  readonly basis: 'provider_tokens' | 'counted_tokens' | 'seconds';
  /** A share of what is paid by the hour, whether used or not. No invoice will show it. */
  readonly estimate: boolean;
  /** `PriceRow.id` */
  readonly rule: string;
}

export type Costing = ({ readonly known: true } & Cost) | { readonly known: false; readonly reason: string };

const MILLION = 1_000_000n;
const BILLION = 1_000_000_000n;

/** Of amounts that are not negative. */
const divideHalfUp = (dividend: bigint, divisor: bigint): bigint => (2n * dividend + divisor) / (2n * divisor);

/** Exact to the nanosecond, which is finer than Replicate's figures. */
const nanoseconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1e9));

/** Tokens a second as a whole number of a thousandth of a token. */
const milliTokens = (perSecond: number): bigint => BigInt(Math.round(perSecond * 1000));

/** A number of tokens' share of a time-billed price: price / period x tokens / rate. */
export const shareOf = (price: NanoDollars, periodSeconds: bigint, tokens: number, tokensPerSecond: number): bigint =>
  divideHalfUp(price * BigInt(Math.ceil(tokens)) * 1000n, periodSeconds * milliTokens(tokensPerSecond));

const unknown = (reason: string): Costing => ({ known: false, reason });

type Parts = Pick<Cost, 'prompt' | 'completion' | 'cached'>;

function tokenParts(rate: Rate & { kind: 'token' }, usage: Usage): Parts {
  // Without a price for cached tokens the provider either bills them as input or says nothing of a discount: the full
  // price is what a list without one means, and is never too little.
  const cacheRead = rate.cacheRead ?? rate.input;
  const cacheWrite = rate.cacheWrite ?? rate.input;
  return {
    prompt: divideHalfUp(rate.input * BigInt(usage.input) + cacheWrite * BigInt(usage.cacheWrite), MILLION),
    completion: divideHalfUp(rate.output * BigInt(completionTokens(usage)), MILLION),
    cached: divideHalfUp(cacheRead * BigInt(usage.cacheRead), MILLION),
  };
}

const isCount = (tokens: number): boolean => Number.isSafeInteger(tokens) && tokens >= 0;

/**
 * What a usage costs by a rule. Each part is worked out exactly, as a fraction, and rounded once, half up, to a
 * nano-dollar; the total is the sum of the rounded parts, so that what is shown adds up.
 */
export function costOf({ id: rule, price }: PriceRow, usage: Usage): Costing {
  const { input, cacheRead, cacheWrite, output, reasoning } = usage;
  if (![input, cacheRead, cacheWrite, output, reasoning].every(isCount)) {
    return unknown('The usage is not in whole tokens.');
  }
  const tokens = usage.source === 'provider' ? 'provider_tokens' : 'counted_tokens';
  const done = (parts: Parts, basis: Cost['basis'], estimate: boolean): Costing => ({
    known: true,
    ...parts,
    total: parts.prompt + parts.completion + parts.cached,
    basis,
    estimate,
    rule,
  });
  switch (price.kind) {
    case 'token':
      return done(tokenParts(price, usage), tokens, false);
    case 'second': {
      const { seconds } = usage;
      if (seconds === undefined || !(seconds >= 0 && seconds < Number.MAX_SAFE_INTEGER / 1e9)) {
        return unknown('It is billed by the second, and the provider has not said how many there were.');
      }
      const completion = divideHalfUp(price.perSecond * nanoseconds(seconds), BILLION);
      return done({ prompt: 0n, completion, cached: 0n }, 'seconds', false);
    }
    case 'hour': {
      if (price.tokensPerSecond === undefined) {
        return unknown('It is paid by the hour, and tokens_per_second, which divides the hour, is not set.');
      }
      const completion = shareOf(price.perHour, 3600n, completionTokens(usage), price.tokensPerSecond);
      return done({ prompt: 0n, completion, cached: 0n }, tokens, true);
    }
  }
}

/** Several costs as one. With an unknown one among them the sum is unknown, and what is known is the least it can be. */
export type CostSum =
  | { readonly known: true; readonly total: NanoDollars; readonly estimate: boolean }
  | { readonly known: false; readonly reason: string; readonly atLeast: NanoDollars };

/** What a call came to over all its attempts and samples: a failure that was billed counts like a success. */
export function sumOf(costs: readonly Costing[]): CostSum {
  let total = 0n;
  let estimate = false;
  let reason: string | undefined;
  for (const cost of costs) {
    if (cost.known) {
      total += cost.total;
      estimate ||= cost.estimate;
    } else reason ??= cost.reason;
  }
  return reason === undefined ? { known: true, total, estimate } : { known: false, reason, atLeast: total };
}

/** What a call can come to, before it is made. */
export interface CostEstimate {
  readonly min: NanoDollars;
  readonly expected: NanoDollars;
  readonly max: NanoDollars;
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));

/** The lowest, the usual and the highest price of a prompt's token: nobody knows beforehand what a cache holds. */
function promptRates({ input, cacheRead = input, cacheWrite = input }: Rate & { kind: 'token' }): CostEstimate {
  const [min = input, , max = input] = [input, cacheRead, cacheWrite].sort(ascending);
  return { min, expected: input, max };
}

/** Averages are allowed: a fraction of a token counts as a whole one. */
const whole = (tokens: number): bigint => BigInt(Math.ceil(tokens));

/**
 * The least, the expected and the most that a call costs by a rule; undefined where nobody can know (billed by time, and
 * no rate of tokens is set). `max` is a bound for tokens: what `costOf` says of a usage within the limits is never more
 * than one nano-dollar above it, which is the rounding of its parts. For time it is only as good as the operator's rate.
 *
 * @param promptTokens of all prompts together, as the offer's own tokenizer has them
 * @param maxOut the most output tokens the offer can give, over all samples; the other two are brought within it
 */
export function estimateCost(
  { price }: PriceRow,
  promptTokens: number,
  minOut: number,
  expectedOut: number,
  maxOut: number,
): CostEstimate | undefined {
  const low = Math.min(minOut, maxOut);
  const out = { min: low, expected: Math.max(low, Math.min(expectedOut, maxOut)), max: maxOut };
  const each = (cost: (figure: keyof CostEstimate) => NanoDollars): CostEstimate => ({
    min: cost('min'),
    expected: cost('expected'),
    max: cost('max'),
  });
  switch (price.kind) {
    case 'token': {
      const prompt = promptRates(price);
      const part = (rate: NanoDollars, tokens: number) => divideHalfUp(rate * whole(tokens), 1_000_000n);
      return each((figure) => part(prompt[figure], promptTokens) + part(price.output, out[figure]));
    }
    case 'second': {
      const { perSecond, tokensPerSecond: rate } = price;
      return rate === undefined ? undefined : each((figure) => shareOf(perSecond, 1n, out[figure], rate));
    }
    case 'hour': {
      const { perHour, tokensPerSecond: rate } = price;
      return rate === undefined ? undefined : each((figure) => shareOf(perHour, 3600n, out[figure], rate));
    }
  }
}
