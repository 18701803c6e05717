import type { Mutant } from '../mutant.ts';

const at =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `reports/${name}`,
    what,
    file,
    find,
    replace,
    tests: [...tests],
  });
const pushing = at('src/accounts/ledger.ts', ['test/accounts/ledger.test.ts']);
const rows = at('src/accounts/ledger-row.ts', ['test/accounts/ledger.test.ts']);
const tables = at('src/accounts/ledger-schema.ts', ['test/accounts/ledger.test.ts']);
const sums = at('src/accounts/rollup.ts', ['test/accounts/ledger.test.ts', 'test/routes/usage.test.ts']);
const usage = at('src/accounts/usage.ts', ['test/routes/usage.test.ts']);
const pages = at('src/accounts/generations.ts', ['test/routes/generations.test.ts']);
const repricing = at('src/offers/reprice.ts', ['test/routes/whatif.test.ts']);
const query = at('src/routes/report-query.ts', ['test/routes/usage.test.ts', 'test/routes/generations.test.ts']);
const answers = at('src/routes/reports.ts', ['test/routes/usage.test.ts']);
const percentiles = at('src/routes/usage.ts', ['test/routes/usage.test.ts']);
const metrics = at('src/routes/metrics.ts', ['test/routes/metrics.test.ts']);

export const REPORT_MUTANTS: readonly Mutant[] = [
  pushing(
    'unguarded',
    'Rows that are pushed again are in the sums twice.',
    '(SELECT seq FROM ledger_cursor WHERE account = ?2) = ?3',
    '?3 >= 0',
  ),
  pushing(
    'cursor-moves',
    'Rows that come before their time move the cursor past those that are missing.',
    'WHERE account = ?1 AND seq = ?2',
    'WHERE account = ?1 AND seq >= ?2 - 100000',
  ),
  rows(
    'cost-of-unknown',
    'A cost that is not known is a cost of zero.',
    "return { money: 'unknown', cost: null }",
    "return { money: 'unknown', cost: '0' }",
  ),
  rows(
    'odd-usage',
    'A usage that makes no sense is added to the sums.',
    'Number.isInteger(value) && value >= 0',
    'value === value',
  ),
  tables(
    'race',
    'Of two Workers that make the tables at once, one fails.',
    'if (reached === version) throw',
    'if (failed) throw',
  ),
  sums(
    'day-of-push',
    'A call belongs to the hour in which it ended.',
    'start: hourOf(row.called)',
    'start: hourOf(row.ended)',
  ),
  sums('every-attempt', 'Each attempt counts as a call.', 'row.attempt === 1 ? 1 : 0', '1'),
  usage(
    'bounds-in-cost',
    'Upper bounds are part of the exact cost.',
    "CASE money WHEN 'settled' THEN cost",
    "CASE WHEN money <> 'released' THEN cost",
  ),
  usage(
    'every-key',
    'The sums of all keys are read together with those of each.',
    " ?? (by.includes('key') ? undefined : ALL_KEYS)",
    '',
  ),
  usage('ends', 'The hours at both ends of a span are left out.', "['h', from, first * DAY_HOURS],", ''),
  usage('page-total', 'The total of a page is that of its lines.', 'if (!more && !query.after)', 'if (!more)'),
  pages(
    'first-hour',
    'A page is short where part of its first hour was on the page before.',
    'if (at > 0) rows += Number(attempts);',
    'rows += Number(attempts);',
  ),
  pages(
    'order',
    'Pages repeat rows of the same millisecond.',
    '(called, account, seq) < (',
    '(called, account, seq) <= (',
  ),
  repricing('uncounted', 'What was not counted is free elsewhere.', 'attempts - (counts?.attempts ?? 0)', '0'),
  repricing(
    'own-price',
    'What was served at a provider is repriced there.',
    "if (prices.kind === 'then' && money !== 'unknown') return known(part.cost);",
    '',
  ),
  repricing(
    'released',
    'What was not billed costs something in the what-if.',
    "if (money === 'released') return known(0n);",
    '',
  ),
  repricing(
    'wrong-day',
    'The prices of today are those of then.',
    "(prices.kind === 'then' ? traffic.day : prices.day)",
    'traffic.day',
  ),
  repricing(
    'partial',
    'An offer that prices a part of the traffic is the cheapest.',
    'one.attempts > chosen.attempts) return one',
    'one.cost < chosen.cost) return one',
  ),
  query(
    'other-keys',
    'A key sees the calls of another one.',
    'read[param] !== undefined && read[param] !== own',
    'false',
  ),
  query(
    'whole-account',
    'A key sees the calls of its whole account.',
    'return { account, key };',
    'return { account };',
  ),
  query('february', 'February has thirty days.', 'new Date(ms).toISOString().startsWith(text)', 'text !== ""'),
  query('last-day', 'The last day of a span is not in it.', 'DAY.test(text) && last ? ms + DAY_MS : ms', 'ms'),
  query('foreign-cursor', 'A cursor of another report is taken.', 'name === of &&', ''),
  answers(
    'not-pushed',
    'A report lacks what its account has not pushed.',
    'let waiting = await accounts.getByName(account).push();',
    'let waiting = 0;',
  ),
  answers('quoting', 'A name with a quote breaks the CSV.', "text.replaceAll('\"', '\"\"')", 'text'),
  answers(
    'formula',
    'A name in the CSV is a formula of the spreadsheet.',
    'FORMULA.test(plain) && !AMOUNT.test(plain)',
    'FORMULA.test(plain) && AMOUNT.test(plain)',
  ),
  repricing('dearest', 'The most expensive offer is the cheapest.', 'one.cost > chosen.cost', 'one.cost < chosen.cost'),
  percentiles('whole-bucket', 'A percentile is the limit of its bucket.', 'low + inside *', 'low + 1 *'),
  percentiles(
    'of-a-key',
    'A key is told how fast the whole account is.',
    'key === undefined && dialect === undefined',
    'dialect === undefined',
  ),
  metrics('buckets', 'A bucket of a histogram lacks those below it.', 'bucket <= at', 'bucket === at'),
  metrics('labels', 'A name with a quote breaks the metrics.', `.replaceAll('"', '\\\\"')`, ''),
];
