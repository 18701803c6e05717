import type { NanoDollars } from '../../core/index.ts';

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
