import { models } from './data.ts';
import type { CatalogModel } from './types.ts';

const MAX_SUGGESTIONS = 3;
/** A name longer than this is no slip of the pen; and it bounds the work. */
const MAX_LENGTH = 200;
/** A shorter start says too little: half the catalogue begins with `ll`. */
const MIN_PREFIX = 4;

/** What remains of a name when owner, version, case and punctuation, where people slip, are taken away. */
const bare = (name: string): string =>
  name
    .slice(name.lastIndexOf('/') + 1)
    .replace(/:.*$/s, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

/** A digit is a size or a version: another one is another model, and rarely a slip. */
const weight = (letter: string | undefined): number => (letter !== undefined && letter >= '0' && letter <= '9' ? 3 : 1);

/** Weight of the edits (insert, delete, replace) from one text to another; `limit + 1` as soon as it is above `limit`. */
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

/** How far a name is from a model's, smaller is nearer; undefined where they are not alike. A missing end counts as one slip, an end too many as two. */
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

/** At most three of some names that somebody may have meant by one that is none of them, the nearest first. */
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

/** At most three models that a caller may have meant by a name that is none, the nearest first. */
export function suggest(name: string): string[] {
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
