import { formatDollars, type NanoDollars, type ProviderDescriptor } from '../../core/index.ts';

/** What a price is, under which name an offer is priced, and how a price reads as JSON. */

/** What is paid for, and how much of it. Every amount is in nano-dollars. */
export type Rate =
  | {
      readonly kind: 'token';
      /** For a million tokens, like all four. */
      readonly input: NanoDollars;
      readonly output: NanoDollars;
      /** Absent where the provider states none: then cached tokens cost what others do. */
      readonly cacheRead?: NanoDollars;
      readonly cacheWrite?: NanoDollars;
    }
  | {
      readonly kind: 'second';
      /** For a second of hardware, as Replicate bills it: `metrics.predict_time`, never `total_time`. */
      readonly perSecond: NanoDollars;
      /** Replicate's name of the hardware, where the price is its. */
      readonly hardware?: string;
      /** Output tokens; what the operator measured. Without it nothing can be said before the call. */
      readonly tokensPerSecond?: number;
    }
  | {
      readonly kind: 'hour';
      /** For an hour of a service of one's own or a dedicated endpoint, busy or not. */
      readonly perHour: NanoDollars;
      /** Output tokens at the usual load. Without it the share of a call is unknown. */
      readonly tokensPerSecond?: number;
    };

/**
 * How urgently: Bedrock's service tiers ("Service tiers for optimizing performance and cost") and its batch and
 * latency-optimised inference. What the gateway sends today is `standard`.
 */
export const TIERS = ['standard', 'priority', 'flex', 'batch', 'latency_optimized'] as const;
export type Tier = (typeof TIERS)[number];

/** Who says so. A later one wins. */
export const LAYERS = ['bundled', 'admin', 'configuration'] as const;
export type Layer = (typeof LAYERS)[number];

/** One price of one offer, for a time. Days are written as `2026-09-03`; the first and the last one count. */
export interface PriceRow {
  /** The name of this rule, which receipts keep: `bedrock/meta.llama3-70b-instruct-v1:0@2025-01-13`. */
  readonly id: string;
  readonly layer: Layer;
  readonly provider: string;
  /** As `offerKey` writes it. */
  readonly offer: string;
  /** The geography of the Bedrock inference profile (`us`, `global`) that alone costs so. Absent: whichever is used. */
  readonly profile?: string;
  readonly tier: Tier;
  /** `us` (the commercial AWS regions there), one AWS region, or `*`. */
  readonly region: string;
  readonly validFrom: string;
  readonly validTo?: string;
  /** A key of `sources.json`, `admin` or `configuration`. */
  readonly source: string;
  /** What the admin or the configuration gave as its reason; of a list price, what other lists say. */
  readonly detail?: string;
  /** The day on which the source said so. */
  readonly checkedAt: string;
  readonly price: Rate;
}

/** Every row there is, and those of an offer in the order in which they are asked. */
export interface PriceBook {
  readonly rows: readonly PriceRow[];
  readonly rowsOf: (provider: string, offer: string) => readonly PriceRow[];
}

/** Unknown is unknown, with one sentence for people, and never zero. */
export type Priced =
  | { readonly known: true; readonly row: PriceRow }
  | { readonly known: false; readonly reason: string };

/** The first day of a price that was given without one. */
export const ALWAYS = '0001-01-01';

/** The name under which a service of the user's own is priced: with the service's id, unless it is a provider by itself. */
export const serviceKey = (provider: string, upstream: string, service: string): string =>
  service === provider ? upstream : `${service}/${upstream}`;

/**
 * The name under which an offer is priced. It follows from the id that is sent: an inference profile, an ARN or a pinned version
 * costs what its model does. (AWS's 10 % premium of geographic profiles is for Claude, of which there is no offer here.)
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

/** A rate as JSON: its amounts, and what divides time into tokens. */
export function rateJson(rate: Rate): Readonly<Record<string, string | number>> {
  const amounts = Object.entries(amountsOf(rate)).map(([name, amount]) => [name, formatDollars(amount)]);
  return {
    ...Object.fromEntries(amounts),
    ...(rate.kind === 'second' && rate.hardware !== undefined ? { hardware: rate.hardware } : {}),
    ...(rate.kind !== 'token' && rate.tokensPerSecond !== undefined ? { tokens_per_second: rate.tokensPerSecond } : {}),
  };
}

const DAY_MS = 86_400_000;

/** Older than this, and a list price may have moved on without anybody noticing: it did at Together in 2026. */
export const STALE_DAYS = 30;

/** Whole days since a price was last read at its source. */
export const ageDays = ({ checkedAt }: PriceRow, today: string): number =>
  Math.max(0, Math.round((Date.parse(today) - Date.parse(checkedAt)) / DAY_MS));

export const stale = (row: PriceRow, today: string): boolean => ageDays(row, today) > STALE_DAYS;
