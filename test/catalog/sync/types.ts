import type { NanoDollars } from '../../../src/core/index.ts';

/** What one source says that one model costs, in nano-dollars for a million tokens. */
export interface Listing {
  readonly provider: string;
  /** The provider's id, as the source has it. */
  readonly offer: string;
  readonly input: NanoDollars;
  readonly output: NanoDollars;
  /** For cached tokens, where the source knows a price of their own. */
  readonly cacheRead?: NanoDollars | undefined;
  /** The day on which the offer ends, or ended. */
  readonly ends?: string | undefined;
}

/** What one source says. */
export interface Answer {
  readonly listings: readonly Listing[];
  /** Its ids are texts to match, and it does not say what is still offered. */
  readonly loose?: true;
  /** Where the source knows every model of a provider: then one that is missing is gone. */
  readonly served?: { readonly provider: string; readonly offers: ReadonlyMap<string, 'active' | 'ending'> };
}

/** A source that was asked. */
export interface Heard extends Answer {
  readonly source: string;
  readonly authority: 'provider' | 'list';
}

export interface Pair {
  readonly input: NanoDollars;
  readonly output: NanoDollars;
}

/** What is to become of one offer's price. */
export type Verdict = {
  readonly provider: string;
  readonly offer: string;
} /** `refresh`: the row may name the source and the day. What lists confirm of a provider's own word stays as old as that. */ & (
  | ({ readonly kind: 'confirmed'; readonly price: Pair; readonly source: string; readonly refresh: boolean } & Remarks)
  | ({
      readonly kind: 'changed';
      readonly from: Pair | undefined;
      readonly price: Pair;
      readonly source: string;
    } & Remarks)
  /** A person decides; `price` is what the sources would have it be, if they agree at all. */
  | ({ readonly kind: 'held'; readonly reasons: readonly string[]; readonly price?: Pair } & Remarks)
  /** No source names it, and none that would have to. */
  | { readonly kind: 'unseen' }
);

export interface Remarks {
  /** For the row: which sources say otherwise, or that only one speaks. */
  readonly note?: string;
  /** For a person: what sources say of cached tokens and of ends, and the catalogue does not. */
  readonly besides?: readonly string[];
}

/** What sources offer and the catalogue has under no name. */
export interface Unlisted {
  readonly provider: string;
  readonly offer: string;
  readonly sources: readonly string[];
}
