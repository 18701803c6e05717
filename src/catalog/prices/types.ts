import { formatDollars, type NanoDollars, type ProviderDescriptor } from '../../core/index.ts';

/** What a price is, the key an offer is priced under, and a price as JSON. */

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
