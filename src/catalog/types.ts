import type { Api, Family, PROVIDER_IDS } from '../core/index.ts';

/** Providers of which the catalogue lists offers. A user's own services are configuration, not catalogue. */
export type CatalogProvider = (typeof PROVIDER_IDS)[number];

/** `base` continues text and has no chat form; `guard` classifies a conversation. */
export type ModelKind = 'base' | 'chat' | 'guard';

/** What the weights can do, whoever serves them. False also where no source says so. */
export interface Capabilities {
  readonly tools: boolean;
  readonly vision: boolean;
  readonly reasoning: boolean;
  /** Fills a gap between a prefix and a suffix. */
  readonly infill: boolean;
  /** Its chat template has a place for a system message. */
  readonly systemRole: boolean;
}

/** What an offer does for a chat. Tools and images need a chat API, so they are false where it has none. */
export interface OfferFeatures {
  /** Takes a system message. */
  readonly system: boolean;
  readonly tools: boolean;
  readonly streamingTools: boolean;
  readonly vision: boolean;
  /**
   * Bedrock Converse: takes a JSON Schema for the answer (`outputConfig.textFormat`) and for tools (`toolSpec.strict`), which AWS
   * documents per model. On other providers' wires `response_format` is the wire's.
   */
  readonly structured: boolean;
}

/**
 * `live`: a source of 2026 shows it served. `unverified`: nothing says it ended, nothing proves it runs.
 * `unknown`: the provider's own lists do not name it. `retired`: it ended.
 */
export type OfferState = 'live' | 'unverified' | 'unknown' | 'retired';

export interface OfferStatus {
  readonly state: OfferState;
  /** The day service ended, or will end as announced (`2027-03-30`). */
  readonly date?: string;
  /** The day of the evidence, for a live offer. */
  readonly asOf?: string;
  readonly note?: string;
}

/**
 * List price in dollars for a million tokens, as decimal strings. Bedrock: on-demand Standard tier in US regions, others
 * may differ. A retired offer's is its last.
 */
export interface ListPrice {
  readonly inputPerMtok: string;
  readonly outputPerMtok: string;
  /** A key of `priceSources`. */
  readonly source: string;
  readonly sourceDate: string;
}

/** A version of a model on Replicate: 64 hexadecimal digits, and where they were read. */
export interface Version {
  readonly hash: string;
  readonly source: string;
}

/** A model at a provider. */
export interface CatalogOffer {
  readonly provider: CatalogProvider;
  /** The provider's own id. What to send can differ: see `upstreamId`. */
  readonly id: string;
  /** Other ids of the same thing at this provider. They find the model and are never sent. */
  readonly otherIds: readonly string[];
  readonly apis: readonly Api[];
  readonly features: OfferFeatures;
  readonly status: OfferStatus;
  /** By the token, by the second of hardware (Replicate), or only with provisioned throughput (Bedrock). */
  readonly billing: 'token' | 'time' | 'provisioned';
  /** The newest bundled list price; what holds on a day, overrides included, says `priceFor`. Null is unknown, never zero. */
  readonly price: ListPrice | null;
  /** Tokens, prompt and output together, where the provider serves another context than the model's own. */
  readonly contextLimit?: number;
  /** Most tokens of output, by API. */
  readonly maxOutput: Readonly<Partial<Record<Api, number>>>;
  /** Bedrock regions that take the bare id. Absent: unknown. */
  readonly regions?: readonly string[];
  /** Bedrock inference profiles, and the regions each can be called from. */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** Replicate, the one to prefer first. */
  readonly versions: readonly Version[];
}

/** An open-weight model under the name that callers use. */
export interface CatalogModel {
  readonly id: string;
  readonly name: string;
  /** Chooses the chat template and a wire's body. A base model has its family's, and no template: see `kind`. */
  readonly family: Family;
  readonly kind: ModelKind;
  /** Tokens, as its makers state it. Absent: unknown. */
  readonly contextLength?: number;
  readonly capabilities: Capabilities;
  /** Other names, its Hugging Face id among them. */
  readonly aliases: readonly string[];
  /** OpenRouter's slugs of it, in lower case as OpenRouter writes them: `meta-llama/llama-3.3-70b-instruct`. */
  readonly openrouter: readonly string[];
  /** What to ask for instead where this one ends or has ended. */
  readonly replacedBy?: string;
  readonly offers: readonly CatalogOffer[];
}

/** Where a figure was read, and on which day. */
export interface Source {
  readonly what: string;
  readonly date?: string;
}

/** What to send to a provider as the model, or one sentence for the caller on why the offer is out. */
export type Upstream = { readonly id: string } | { readonly reason: string };
