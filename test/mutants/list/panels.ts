import type { Mutant } from '../mutant.ts';

/** The panels of keys and prices, as a real browser shows them. */

const inPanel =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `panels/${name}`,
    what,
    file: `src/assets/ui/${file}`,
    find,
    replace,
    tests,
  });

const KEYS = ['test/browser/keys.test.ts'];
const MODELS = ['test/browser/models.test.ts'];
const keys = inPanel('panels/keys.js', KEYS);
const keyForm = inPanel('panels/key-form.js', KEYS);
const budget = inPanel('panels/key-budget.js', KEYS);
const form = inPanel('lib/form.js', KEYS);
const prices = inPanel('panels/price-parts.js', MODELS);
const priceForm = inPanel('panels/price-form.js', MODELS);

export const PANEL_MUTANTS: readonly Mutant[] = [
  keys(
    'secret-stays',
    'The text of a new key stays when one says that one has it.',
    '() => setMade(undefined)',
    '() => undefined',
  ),
  keys(
    'secret-in-address',
    'The text of a new key is in the address.',
    'setMade(key);',
    'setMade(key); setQuery({ made: key.key });',
  ),
  keyForm(
    'change-sends-all',
    'A change sends what it does not change, and overwrites what others changed.',
    'if (text === before[path].trim()) continue;',
    '',
  ),
  keyForm(
    'metadata-stays',
    'Metadata that was taken away stays.',
    '...Object.fromEntries(Object.keys(pairsOf(before)).map((name) => [name, null])),',
    '',
  ),
  budget(
    'pending-unseen',
    'Money of calls under way has no length in the bar.',
    'share: ratio(pending, budget.limit) },',
    'share: 0 },',
  ),
  form(
    'member-errors-elsewhere',
    'An error about a member of a list does not stand at the list.',
    '/^[.[]/.test(error.param.slice(name.length))',
    'false',
  ),
  prices(
    'others-dropped',
    'Setting one price takes back all others.',
    'put(row.provider, row.provider_model, entryOf(row));',
    '',
  ),
  prices(
    'days-lost',
    'Setting one price makes all others hold from today on.',
    '...(row.valid_from ? { valid_from: row.valid_from } : {}),',
    '',
  ),
  priceForm(
    'always-forced',
    'Every price is taken, however absurd.',
    'const entry = force ? { force } : {};',
    'const entry = { force: true };',
  ),
  priceForm(
    'version-unseen',
    'What another admin set at the same time is overwritten.',
    ', version: book.version }',
    ' }',
  ),
];
