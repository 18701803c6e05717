import { type Entry, entries } from './data.ts';
import type { CatalogModel } from './types.ts';

/** Exact look-ups over everything a model is called. */
export interface Names {
  /** Canonical id, aliases, OpenRouter's slugs, and every provider's ids. */
  readonly all: ReadonlyMap<string, Entry>;
  /** The same in lower case; `undefined` where several models' names differ by case alone. */
  readonly folded: ReadonlyMap<string, Entry | undefined>;
  /** Bedrock's ids alone, without a geography. */
  readonly bedrock: ReadonlyMap<string, Entry>;
  /** Replicate's `owner/name` alone. */
  readonly replicate: ReadonlyMap<string, Entry>;
}

function index(): Names {
  const all = new Map<string, Entry>();
  const bedrock = new Map<string, Entry>();
  const replicate = new Map<string, Entry>();
  for (const entry of entries()) {
    for (const name of entry.names) all.set(name, entry);
    for (const { provider, id, otherIds } of entry.offers) {
      for (const name of [id, ...otherIds]) all.set(name, entry);
      if (provider === 'bedrock') bedrock.set(id, entry);
      if (provider === 'replicate') replicate.set(id, entry);
    }
  }
  const folded = new Map<string, Entry | undefined>();
  for (const [name, entry] of all) {
    const low = name.toLowerCase();
    folded.set(low, folded.has(low) && folded.get(low) !== entry ? undefined : entry);
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
  const entry = all.get(name) ?? (name.length <= LONGEST ? folded.get(name.toLowerCase()) : undefined);
  return entry?.model;
}
