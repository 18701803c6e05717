/**
 * What a price is, the key an offer is priced under, a price as JSON; what a usage costs at a price, and what a call
 * may cost before it is made.
 */
import {
  completionTokens,
  formatDollars,
  type NanoDollars,
  type ProviderDescriptor,
  type Usage,
} from '../../core/index.ts';

/** What is billed, and how much for it. Every amount is in nano-dollars. */
export type Rate =
  | {
      readonly kind: 'token';
      /** For a million tokens, like the other three. */
      readonly input: NanoDollars;
      readonly output: NanoDollars;
      /** Absent if the provider states none: then cached tokens cost the same as others. */
      readonly cacheRead?: NanoDollars;
      readonly cacheWrite?: NanoDollars;
    }
  | {
      readonly kind: 'second';
      /** For a second of hardware, as Replicate bills it: `metrics.predict_time`, never `total_time`. */
      readonly perSecond: NanoDollars;
      /** Replicate's name of the hardware, if this is its list price. */
      readonly hardware?: string;
      /** Output tokens a second, as the operator measured. Without it a cost is only known after the call. */
      readonly tokensPerSecond?: number;
    }
  | {
      readonly kind: 'hour';
      /** For an hour of the user's own service or a dedicated endpoint, busy or not. */
      readonly perHour: NanoDollars;
      /** Output tokens a second at the usual load. Without it a call's share of the hour is unknown. */
      readonly tokensPerSecond?: number;
    };

/**
 * Service tiers: Bedrock's ("Service tiers for optimizing performance and cost"), with its batch and latency-optimised
 * inference. The gateway sends `standard`.
 */
export const TIERS = ['standard', 'priority', 'flex', 'batch', 'latency_optimized'] as const;
export type Tier = (typeof TIERS)[number];

/** Where a price comes from. A later layer wins. */
export const LAYERS = ['bundled', 'admin', 'configuration'] as const;
export type Layer = (typeof LAYERS)[number];

/** One price of one offer, for a time. Days are `2026-09-03`; both the first and the last belong to it. */
export interface PriceRow {
  /** The name of this rule, which receipts keep: `bedrock/meta.llama3-70b-instruct-v1:0@2025-01-13`. */
  readonly id: string;
  readonly layer: Layer;
  readonly provider: string;
  /** As `offerKey` writes it. */
  readonly offer: string;
  /** The inference profile (`us`, `global`) that the price is for. Absent: any. */
  readonly profile?: string;
  readonly tier: Tier;
  /** `us` (the commercial AWS regions there), one AWS region, or `*`. */
  readonly region: string;
  readonly validFrom: string;
  readonly validTo?: string;
  /** A key of `sources.json`, `admin` or `configuration`. */
  readonly source: string;
  /** The reason that the admin or the configuration gave; for a list price, what other lists say. */
  readonly detail?: string;
  /** The day on which the source said so. */
  readonly checkedAt: string;
  readonly price: Rate;
}

/** All rows, and the rows of one offer in the order in which they are tried. */
export interface PriceBook {
  readonly rows: readonly PriceRow[];
  readonly rowsOf: (provider: string, offer: string) => readonly PriceRow[];
}

/** A price, or one sentence on why it is unknown. Unknown is never zero. */
export type Priced =
  | { readonly known: true; readonly row: PriceRow }
  | { readonly known: false; readonly reason: string };

/** The first day of a price that has no `validFrom`. */
export const ALWAYS = '0001-01-01';

/** The key of an offer on the user's own service: with the service's id, unless the service is a provider by itself. */
export const serviceKey = (provider: string, upstream: string, service: string): string =>
  service === provider ? upstream : `${service}/${upstream}`;

/**
 * The key of an offer in the price book. It follows from the id that is sent: an inference profile, an ARN or a pinned
 * version costs what its model costs. (AWS's 10 % premium for geographic profiles is for Claude, which is not offered.)
 */
export const offerKey = (about: ProviderDescriptor, upstream: string, service?: string): string =>
  service === undefined ? (about.modelIn?.(upstream) ?? upstream) : serviceKey(about.id, upstream, service);

/** A rate's amounts by their names in JSON, where each is a decimal string of dollars. */
export function amountsOf(rate: Rate): Readonly<Record<string, NanoDollars>> {
  switch (rate.kind) {
    case 'token':
      return {
        input_per_mtok: rate.input,
        output_per_mtok: rate.output,
        ...(rate.cacheRead === undefined ? {} : { cache_read_per_mtok: rate.cacheRead }),
        ...(rate.cacheWrite === undefined ? {} : { cache_write_per_mtok: rate.cacheWrite }),
      };
    case 'second':
      return { usd_per_second: rate.perSecond };
    case 'hour':
      return { usd_per_hour: rate.perHour };
  }
}

/** A rate as JSON: its amounts, and the tokens a second that divide a time-billed price. */
export function rateJson(rate: Rate): Readonly<Record<string, string | number>> {
  const amounts = Object.entries(amountsOf(rate)).map(([name, amount]) => [name, formatDollars(amount)]);
  return {
    ...Object.fromEntries(amounts),
    ...(rate.kind === 'second' && rate.hardware !== undefined ? { hardware: rate.hardware } : {}),
    ...(rate.kind !== 'token' && rate.tokensPerSecond !== undefined ? { tokens_per_second: rate.tokensPerSecond } : {}),
  };
}

const DAY_MS = 86_400_000;

/** An older list price may have changed without anybody noticing, as Together's did in 2026. */
export const STALE_DAYS = 30;

/** Whole days since a price was last read at its source. */
export const ageDays = ({ checkedAt }: PriceRow, today: string): number =>
  Math.max(0, Math.round((Date.parse(today) - Date.parse(checkedAt)) / DAY_MS));

export const stale = (row: PriceRow, today: string): boolean => ageDays(row, today) > STALE_DAYS;

/** What a call cost at one price. The parts do not overlap, and their sum is the total. */
export interface Cost {
  readonly total: NanoDollars;
  /** Input that was not read from a cache, including what was written to one. */
  readonly prompt: NanoDollars;
  /** Output, including reasoning. A price by time is all here, because time is not divided. */
  readonly completion: NanoDollars;
  /** Input read from a cache. */
  readonly cached: NanoDollars;
  readonly basis: 'provider_tokens' | 'counted_tokens' | 'seconds';
  /** A share of a price by the hour, which is paid whether used or not. No invoice shows it. */
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

/** The share of a time-billed price that some tokens take: price / period × tokens / rate. */
export const shareOf = (price: NanoDollars, periodSeconds: bigint, tokens: number, tokensPerSecond: number): bigint =>
  divideHalfUp(price * BigInt(Math.ceil(tokens)) * 1000n, periodSeconds * milliTokens(tokensPerSecond));

const unknown = (reason: string): Costing => ({ known: false, reason });

type Parts = Pick<Cost, 'prompt' | 'completion' | 'cached'>;

function tokenParts(rate: Rate & { kind: 'token' }, usage: Usage): Parts {
  // Without a price for cached tokens the provider bills them as input, or states no discount. The full price is never
  // too low.
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
 * What a usage costs at a price. Each part is calculated exactly, as a fraction, and rounded once, half up, to a
 * nano-dollar. The total is the sum of the rounded parts, so that the shown figures add up.
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

/** The sum of several costs. If one of them is unknown, so is the sum, and the known ones are its lower bound. */
export type CostSum =
  | { readonly known: true; readonly total: NanoDollars; readonly estimate: boolean }
  | { readonly known: false; readonly reason: string; readonly atLeast: NanoDollars };

/** What a call cost over all its attempts and samples. A failed attempt that was billed counts like any other. */
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

/** What a call may cost, before it is made. */
export interface CostEstimate {
  readonly min: NanoDollars;
  readonly expected: NanoDollars;
  readonly max: NanoDollars;
}

/** The lowest, usual and highest price of a prompt token: what a cache holds is not known before the call. */
function promptRates({ input, cacheRead, cacheWrite }: Rate & { kind: 'token' }): CostEstimate {
  let min = input;
  let max = input;
  for (const rate of [cacheRead, cacheWrite]) {
    if (rate === undefined) continue;
    if (rate < min) min = rate;
    if (rate > max) max = rate;
  }
  return { min, expected: input, max };
}

/** Averages are allowed: a fraction of a token counts as a whole one. */
const whole = (tokens: number): bigint => BigInt(Math.ceil(tokens));

/**
 * The minimum, expected and maximum cost of a call at a price. Undefined if it is billed by time and no rate of tokens
 * is set. For prices by the token `max` is an upper bound: `costOf` of a usage within the limits is at most one
 * nano-dollar above it, by rounding. For prices by time it is as good as the operator's rate.
 *
 * @param promptTokens of all prompts together, by the offer's own tokenizer
 * @param maxOut the most output tokens of all samples together; `minOut` and `expectedOut` are limited to it
 * @param cached prompt tokens that are expected to be read from a cache, of which only `expected` makes use
 */
export function estimateCost(
  { price }: PriceRow,
  promptTokens: number,
  minOut: number,
  expectedOut: number,
  maxOut: number,
  cached = 0,
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
      const rates = promptRates(price);
      const tokens = whole(promptTokens);
      const held = cached === 0 ? 0n : BigInt(Math.min(Math.floor(cached), Math.ceil(promptTokens)));
      const usual = divideHalfUp(rates.expected * (tokens - held) + (price.cacheRead ?? price.input) * held, MILLION);
      return each((figure) => {
        const rate = rates[figure];
        const prompt =
          figure === 'expected' || (held === 0n && rate === rates.expected)
            ? usual
            : divideHalfUp(rate * tokens, MILLION);
        return prompt + divideHalfUp(price.output * whole(out[figure]), MILLION);
      });
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
