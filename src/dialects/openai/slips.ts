import { ROUTING_FIELDS } from './fields.ts';

/** A name's letters alone: `maxCost`, `max-cost` and `max_cost` are one. */
export const letters = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');

/** A limit of money by another name than ours. Budgets of tokens or of thought are other things. */
const MONEY =
  /(?:max|limit|cap|budget).*(?:cost|price|spend|usd|dollar)|(?:cost|price|spend|usd|dollar).*(?:max|limit|cap|budget)|budget/;
const NO_MONEY = /token|think|reason/;
const PRIVACY =
  /datacollection|collectdata|dataretention|zeroretention|noretention|nologging|notrain|optout|privacy|zdr/;

/** Other words for who may serve a call, by their letters. */
const PROVIDERS: readonly (readonly [says: string, means: string])[] = [
  ['providers', 'only'],
  ['allowedproviders', 'only'],
  ['onlyproviders', 'only'],
  ['provideronly', 'only'],
  ['ignoreproviders', 'ignore'],
  ['ignoredproviders', 'ignore'],
  ['blockedproviders', 'ignore'],
  ['excludedproviders', 'ignore'],
  ['providerorder', 'order'],
  ['providerpreferences', 'order'],
];

const byLetters = new Map([...ROUTING_FIELDS.map((field) => [letters(field), field] as const), ...PROVIDERS]);

/** Whether one name is another with one letter more, less, changed, or two of them swapped. */
function isSlip(name: string, meant: string): boolean {
  if (Math.abs(name.length - meant.length) > 1) return false;
  let at = 0;
  while (at < name.length && name[at] === meant[at]) at += 1;
  const [rest, other] = [name.slice(at), meant.slice(at)];
  return (
    rest.slice(1) === other ||
    rest === other.slice(1) ||
    rest.slice(1) === other.slice(1) ||
    (rest[0] === other[1] && rest[1] === other[0] && rest.slice(2) === other.slice(2))
  );
}

/**
 * The field of `provider` that a name probably means, if it means one.
 *
 * @param shortest letters of a name that may be misspelt: short ones are near to one another and to everything else
 */
export function routingFieldMeant(name: string, shortest = 6): string | undefined {
  if (name.length > 40) return undefined;
  const plain = letters(name);
  const same = byLetters.get(plain);
  if (same !== undefined) return same;
  const near = plain.length < shortest ? undefined : [...byLetters].find(([field]) => isSlip(plain, field))?.[1];
  if (near !== undefined) return near;
  if (MONEY.test(plain) && !NO_MONEY.test(plain)) return 'max_cost';
  if (PRIVACY.test(plain)) return /collect|train|optout/.test(plain) ? 'data_collection' : 'zdr';
  return undefined;
}
