import type { Mutant } from '../mutant.ts';

/** What providers tell about themselves, and what the catalogue makes of names. */

const inFile =
  (area: string, file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `${area}/${name}`,
    what,
    file,
    find,
    replace,
    tests,
  });

const NAMES = ['test/catalog/find.test.ts', 'test/catalog/data.test.ts'];
const PRICES = ['test/catalog/prices.test.ts', 'test/catalog/overrides.test.ts'];
const TRAITS = ['test/catalog/parameters.test.ts', 'test/tokens/segments.test.ts', 'test/offers/context.test.ts'];

const find = inFile('catalog', 'src/catalog/find.ts', NAMES);
const bundled = inFile('catalog', 'src/catalog/prices/book.ts', PRICES);
const priceable = inFile('catalog', 'src/catalog/prices/live.ts', PRICES);
const names = inFile('descriptor', 'src/core/descriptor.ts', NAMES);
const bedrock = inFile('about', 'providers/bedrock/about.ts', [...TRAITS, 'test/catalog/bedrock.test.ts']);
const replicate = inFile('about', 'providers/replicate/about.ts', TRAITS);
const ids = inFile('about', 'providers/replicate/about.ts', NAMES);

export const CATALOG_MUTANTS: readonly Mutant[] = [
  find(
    'pin-without-id',
    'A name that pins a version calls another one.',
    'pin: { provider: about.id, upstream: name }',
    'pin: { provider: about.id }',
  ),
  find(
    'contradiction-served',
    'A name that pins one provider behind the name of another is taken.',
    'if (!found || (found.pin && found.pin.provider !== provider)) return undefined;',
    'if (!found) return undefined;',
  ),
  find(
    'case-guessed',
    'Of two models whose names differ by case alone one is guessed.',
    'folded.has(low) && folded.get(low) !== entry ? undefined : entry',
    'entry',
  ),
  bundled(
    'profile-for-all',
    "One inference profile's price is taken for every other's.",
    '...(profile === undefined ? {} : { profile }),',
    '',
  ),
  priceable(
    'history-priced',
    'A price can be set for an offer that is history.',
    'about.ownServices === undefined ?',
    'true ?',
  ),
  names(
    'other-names-unknown',
    'OpenRouter’s names of providers are not understood.',
    'if (!there.has(id)) continue;',
    'continue;',
  ),
  bedrock(
    'begin-twice',
    'Llama 2 on Bedrock gets two begin-of-sequence.',
    "addsBos: ['llama-2', 'code-llama', 'code-llama-70b'],",
    'addsBos: [],',
  ),
  bedrock(
    'far-profile',
    'A call goes through a profile of another continent though a nearer one is there.',
    'reachable.sort((a, b) => rank(a) - rank(b))',
    'reachable.sort((a, b) => rank(b) - rank(a))',
  ),
  replicate(
    'engine-of-2023',
    'A version of Llama 2 pinned in 2023 is sent parameters that its engine does not know.',
    "return pinned ? 'llama2023' : 'triton';",
    "return 'triton';",
  ),
  replicate(
    'extra-token-forgotten',
    'What Replicate reports beyond what the model reads is taken for the prompt.',
    'reportsExtra: 1,',
    'reportsExtra: 0,',
  ),
  ids(
    'unversioned',
    'A model that Replicate runs by version only is called without one.',
    "if (offer.billing !== 'time') return { id: offer.id };",
    'if (offer) return { id: offer.id };',
  ),
  inFile('offers', 'src/offers/model-offers.ts', ['test/offers/sheet.test.ts'])(
    'history-offered',
    'An offer that ended in 2024 is called.',
    "return about.ownServices === undefined ? undefined : exclude('retired', about.ownServices);",
    'return undefined;',
  ),
];
