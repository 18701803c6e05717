import type { CatalogProvider } from '../../../src/catalog/index.ts';
import type { NanoDollars } from '../../../src/core/index.ts';

/** What one source says that one model costs, in nano-dollars for a million tokens. */
export interface Listing {
  readonly provider: CatalogProvider;
  /** The provider's id, as the source has it. */
  readonly offer: string;
  readonly input: NanoDollars;
  readonly output: NanoDollars;
}

/** What one source says. */
export interface Answer {
  readonly listings: readonly Listing[];
  /** Where the source knows every model of a provider: then one that is missing is gone. */
  readonly served?: { readonly provider: CatalogProvider; readonly offers: ReadonlyMap<string, 'active' | 'ending'> };
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
  | { readonly kind: 'confirmed'; readonly price: Pair; readonly source: string; readonly refresh: boolean }
  | { readonly kind: 'changed'; readonly from: Pair | undefined; readonly price: Pair; readonly source: string }
  /** A person decides; `price` is what the sources would have it be, if they agree at all. */
  | { readonly kind: 'held'; readonly reasons: readonly string[]; readonly price?: Pair }
  /** No source names it, and none that would have to. */
  | { readonly kind: 'unseen' }
);
