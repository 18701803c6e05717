import { type ProviderRegistry, providerNames } from '../core/index.ts';
import { type CatalogEntry, type CatalogModel, entries, models } from './data.ts';

/**
 * Finds the model of a name, and suggests models for a name that is none. Model names must match exactly: `llama-3-8b`
 * is a base model and `llama-3-8b-instruct` is not.
 */

/** What a name says besides the model: the provider that must serve it and, if `upstream` is set, by which id. */
export interface Pin {
  readonly provider: string;
  readonly upstream?: string;
}

export type ModelMatch =
  | { readonly kind: 'model'; readonly model: CatalogModel; readonly pin?: Pin }
  /** `suggestions` compares the name with every model's, so it is worked out only when it is read: for an error. */
  | { readonly kind: 'unknown'; readonly suggestions: readonly string[] };

type Found = Extract<ModelMatch, { kind: 'model' }>;

/** Everything that models are called: canonical ids, aliases, OpenRouter's slugs, and every provider's ids. */
let byName: ReadonlyMap<string, CatalogEntry> | undefined;

function names(): ReadonlyMap<string, CatalogEntry> {
  if (byName) return byName;
  const all = new Map<string, CatalogEntry>();
  for (const entry of entries()) {
    for (const name of entry.names) all.set(name, entry);
    for (const { id, otherIds = [] } of entry.offers) for (const name of [id, ...otherIds]) all.set(name, entry);
  }
  byName = all;
  return all;
}

/** The same in lower case, for names in another case; `undefined` where several models' names differ by case alone. */
let byFoldedName: ReadonlyMap<string, CatalogEntry | undefined> | undefined;

function foldedNames(): ReadonlyMap<string, CatalogEntry | undefined> {
  if (byFoldedName) return byFoldedName;
  const folded = new Map<string, CatalogEntry | undefined>();
  for (const [name, entry] of names()) {
    const low = name.toLowerCase();
    folded.set(low, folded.has(low) && folded.get(low) !== entry ? undefined : entry);
  }
  byFoldedName = folded;
  return folded;
}

/** No name is longer. Lower-casing a text of any length would copy it. */
const LONGEST_NAME = 512;

/** The model with exactly this name, or with this name in another case where that leaves no choice. */
function modelCalled(name: string): CatalogModel | undefined {
  const entry = names().get(name) ?? (name.length <= LONGEST_NAME ? foldedNames().get(name.toLowerCase()) : undefined);
  return entry?.model;
}

/** The model that a provider offers under an id. */
function modelWithId(provider: string, id: string): CatalogModel | undefined {
  const entry = names().get(id);
  return entry?.offers.some((offer) => offer.provider === provider && offer.id === id) ? entry.model : undefined;
}

/** A name with no provider before it. */
function findPlain(name: string, registry: ProviderRegistry): Found | undefined {
  const model = modelCalled(name);
  if (model) return { kind: 'model', model };
  for (const about of registry.known) {
    const id = about.modelIn?.(name);
    const within = id === undefined ? undefined : modelWithId(about.id, id);
    if (within) return { kind: 'model', model: within, pin: { provider: about.id, upstream: name } };
  }
  return undefined;
}

/** The provider that a name means, as `providerNames` looks it up. */
type ProviderOf = (name: string) => string | undefined;

/** `provider/name`. A name that pins another provider contradicts the prefix, so it does not match. */
function findAt(name: string, registry: ProviderRegistry, providerOf: ProviderOf): Found | undefined {
  const slash = name.indexOf('/');
  const provider = slash > 0 ? providerOf(name.slice(0, slash)) : undefined;
  if (provider === undefined) return undefined;
  const found = findPlain(name.slice(slash + 1), registry);
  if (!found || (found.pin && found.pin.provider !== provider)) return undefined;
  return { ...found, pin: { ...found.pin, provider } };
}

const knownNames = new WeakMap<ProviderRegistry, ProviderOf>();

/** The names of the providers that this software knows. */
function namesOf(registry: ProviderRegistry): ProviderOf {
  const known = knownNames.get(registry) ?? providerNames(registry.ids, registry.known);
  knownNames.set(registry, known);
  return known;
}

/**
 * The model that a name means. Case matters only where two names differ by nothing else. Known are:
 *
 * - canonical ids, aliases and OpenRouter's slugs (`llama-2-70b-chat`, `meta-llama/Llama-2-70b-chat-hf`);
 * - any provider's own id (`meta.llama3-8b-instruct-v1:0`): it means the model, wherever it is served;
 * - what providers call a pinned version, an inference profile or an ARN: it pins provider and id;
 * - each of these behind `provider/`, which pins the provider. A name that is known as it is comes before that reading.
 *
 * Linear in the name, however long.
 *
 * @param providerOf knows the user's own providers beside those of the registry
 */
export function findModel(name: string, registry: ProviderRegistry, providerOf = namesOf(registry)): ModelMatch {
  const found = findPlain(name, registry) ?? findAt(name, registry, providerOf);
  if (found) return found;
  return {
    kind: 'unknown',
    get suggestions() {
      return suggest(name);
    },
  };
}

/** A provider's ids of the offers that a name means: the offer with that id, or all of the model with that name. */
export function offerIds(provider: string, id: string): readonly string[] {
  const offers = (names().get(id)?.model.offers ?? []).filter((offer) => offer.provider === provider);
  const exact = offers.find((offer) => offer.id === id || offer.otherIds.includes(id));
  return (exact ? [exact] : offers).map((offer) => offer.id);
}

const MAX_SUGGESTIONS = 3;
/** A longer name is no typing error. This also bounds the work. */
const MAX_LENGTH = 200;
/** A shorter beginning says too little: half the catalogue begins with `ll`. */
const MIN_PREFIX = 4;

/** A name without owner, version, case and punctuation, which people often get wrong. */
const bare = (name: string): string =>
  name
    .slice(name.lastIndexOf('/') + 1)
    .replace(/:.*$/s, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

/** A digit is a size or a version: another digit is another model, and rarely a typing error. */
const weight = (letter: string | undefined): number => (letter !== undefined && letter >= '0' && letter <= '9' ? 3 : 1);

/** Weight of the edits (insert, delete, replace) between two texts, or `limit + 1` if it is above `limit`. */
function edits(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let above = [0];
  for (let at = 1; at <= to.length; at++) above.push((above[at - 1] ?? 0) + weight(to[at - 1]));
  for (const letter of from) {
    const current = [(above[0] ?? 0) + weight(letter)];
    for (let at = 1; at <= to.length; at++) {
      const other = to[at - 1];
      const replaced = (above[at - 1] ?? 0) + (letter === other ? 0 : Math.max(weight(letter), weight(other)));
      current.push(Math.min(replaced, (above[at] ?? 0) + weight(letter), (current[at - 1] ?? 0) + weight(other)));
    }
    if (Math.min(...current) > limit) return limit + 1;
    above = current;
  }
  return above[to.length] ?? 0;
}

/**
 * How far a name is from a known one: smaller is nearer, undefined is not alike. A missing end counts as one mistake,
 * an end too many as two.
 */
function distance(wanted: string, known: string): number | undefined {
  const limit = Math.min(3, Math.floor(wanted.length / 4));
  const shorter = Math.min(wanted.length, known.length);
  if (shorter < MIN_PREFIX || wanted.slice(0, shorter) !== known.slice(0, shorter)) {
    const changed = edits(wanted, known, limit);
    return changed <= limit ? changed : undefined;
  }
  if (wanted === known) return 0;
  return (wanted.length < known.length ? 1 : 2) + Math.abs(wanted.length - known.length) / MAX_LENGTH;
}

const isRetired = ({ offers }: CatalogModel): boolean => offers.every(({ status }) => status.state === 'retired');

/** At most three known names that somebody may have meant, the nearest first. */
export function nearestOf(name: string, known: Iterable<string>): string[] {
  if (name.length > MAX_LENGTH) return [];
  const wanted = bare(name);
  return [...known]
    .flatMap((one) => {
      const far = distance(wanted, bare(one));
      return far === undefined ? [] : [{ one, far }];
    })
    .sort((a, b) => a.far - b.far)
    .slice(0, MAX_SUGGESTIONS)
    .map(({ one }) => one);
}

/** At most three models that a caller may have meant, the nearest first. */
function suggest(name: string): string[] {
  if (name.length > MAX_LENGTH) return [];
  const wanted = bare(name);
  return models()
    .filter((model) => !isRetired(model))
    .flatMap(({ id, aliases }) => {
      const near = [id, ...aliases].map((known) => distance(wanted, bare(known))).filter((far) => far !== undefined);
      return near.length > 0 ? [{ id, far: Math.min(...near) }] : [];
    })
    .sort((a, b) => a.far - b.far)
    .slice(0, MAX_SUGGESTIONS)
    .map(({ id }) => id);
}
