import type { Api, Family, OfferIds } from '../core/index.ts';

/** What the catalogue says of a model and its offers, as the other rooms read it. */

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
   * For APIs that hold only some models to a JSON Schema (`Parameter` `jsonSchema`): this is one of them. AWS documents
   * it by model. Where an API takes any `response_format`, it takes it for all its models.
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
 * List price in dollars for a million tokens, as decimal strings. For Bedrock it is the on-demand Standard tier in US
 * regions; other regions may differ. For a retired offer it is the last one.
 */
export interface ListPrice {
  readonly inputPerMtok: string;
  readonly outputPerMtok: string;
  /** A key of `priceSources`. */
  readonly source: string;
  readonly sourceDate: string;
}

/** A pinned version of a model: 64 hexadecimal digits, and where they were read. */
export interface Version {
  readonly hash: string;
  readonly source: string;
}

/** A model at a provider. What to send as its id can differ: see `upstreamOf`. */
export interface CatalogOffer extends OfferIds {
  /** The id of a provider. A user's own services are configuration, not catalogue. */
  readonly provider: string;
  /** Other ids of the same thing at this provider. They find the model and are never sent. */
  readonly otherIds: readonly string[];
  readonly apis: readonly Api[];
  readonly features: OfferFeatures;
  readonly status: OfferStatus;
  /** The newest bundled list price; null is unknown. The price of a day, with overrides, is `priceFor`'s. */
  readonly price: ListPrice | null;
  /** Tokens, prompt and output together, where the provider serves another context than the model's own. */
  readonly contextLimit?: number;
  /** Most tokens of output, by API. */
  readonly maxOutput: Readonly<Partial<Record<Api, number>>>;
  readonly versions: readonly Version[];
}

/** An open-weight model under the name that callers use. */
export interface CatalogModel {
  readonly id: string;
  readonly name: string;
  /** Chooses the chat template and the request format. A base model has a family, but no template: see `kind`. */
  readonly family: Family;
  readonly kind: ModelKind;
  /** Tokens, as its makers state it. Absent: unknown. */
  readonly contextLength?: number;
  readonly capabilities: Capabilities;
  /** Other names, its Hugging Face id among them. */
  readonly aliases: readonly string[];
  /** OpenRouter's slugs of it, in lower case as OpenRouter writes them: `meta-llama/llama-3.3-70b-instruct`. */
  readonly openrouter: readonly string[];
  /** What to use instead if this one ends or has ended. */
  readonly replacedBy?: string;
  readonly offers: readonly CatalogOffer[];
}

/** Where a figure was read, and on which day. */
export interface Source {
  readonly what: string;
  readonly date?: string;
}

/** Whether an offer may still be tried on a day (`2026-11-22`): it has not ended, and no announced end has passed. */
export const isServed = ({ status }: CatalogOffer, today: string): boolean =>
  status.state !== 'retired' && (status.date === undefined || today <= status.date);

/** Whether any offer of a model may still be tried on a day. */
export const hasServedOffer = (model: CatalogModel, today: string): boolean =>
  model.offers.some((offer) => isServed(offer, today));
