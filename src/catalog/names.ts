import { models } from './data.ts';
import type { CatalogModel } from './types.ts';

/** Exact look-ups over everything a model is called. */
export interface Names {
  /** Canonical id, aliases, OpenRouter's slugs, and every provider's ids. */
  readonly all: ReadonlyMap<string, CatalogModel>;
  /** The same in lower case; `undefined` where several models' names differ by case alone. */
  readonly folded: ReadonlyMap<string, CatalogModel | undefined>;
  /** Bedrock's ids alone, without a geography. */
  readonly bedrock: ReadonlyMap<string, CatalogModel>;
  /** Replicate's `owner/name` alone. */
  readonly replicate: ReadonlyMap<string, CatalogModel>;
}

function index(): Names {
  const all = new Map<string, CatalogModel>();
  const bedrock = new Map<string, CatalogModel>();
  const replicate = new Map<string, CatalogModel>();
  for (const model of models()) {
    for (const name of [model.id, ...model.aliases, ...model.openrouter]) all.set(name, model);
    for (const offer of model.offers) {
      for (const name of [offer.id, ...offer.otherIds]) all.set(name, model);
      if (offer.provider === 'bedrock') bedrock.set(offer.id, model);
      if (offer.provider === 'replicate') replicate.set(offer.id, model);
    }
  }
  const folded = new Map<string, CatalogModel | undefined>();
  for (const [name, model] of all) {
    const low = name.toLowerCase();
    folded.set(low, folded.has(low) && folded.get(low) !== model ? undefined : model);
  }
  return { all, folded, bedrock, replicate };
}

let indexed: Names | undefined;

/** Built at the first call. */
export function names(): Names {
  indexed ??= index();
  return indexed;
}

/** Longer than any name: lower-casing a text that nobody bounded would copy it. */
const LONGEST = 512;

/** The model that is called so, in this case or, where that leaves no choice, in any. */
export function modelCalled(name: string): CatalogModel | undefined {
  const { all, folded } = names();
  return all.get(name) ?? (name.length <= LONGEST ? folded.get(name.toLowerCase()) : undefined);
}
