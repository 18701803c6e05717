import { models } from './data.ts';
import type { CatalogModel } from './types.ts';

/** Exact look-ups over everything a model is called. */
export interface Names {
  /** Canonical id, aliases, and every provider's ids. */
  readonly all: ReadonlyMap<string, CatalogModel>;
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
    for (const name of [model.id, ...model.aliases]) all.set(name, model);
    for (const offer of model.offers) {
      for (const name of [offer.id, ...offer.otherIds]) all.set(name, model);
      if (offer.provider === 'bedrock') bedrock.set(offer.id, model);
      if (offer.provider === 'replicate') replicate.set(offer.id, model);
    }
  }
  return { all, bedrock, replicate };
}

let indexed: Names | undefined;

/** Built at the first call. */
export function names(): Names {
  indexed ??= index();
  return indexed;
}
