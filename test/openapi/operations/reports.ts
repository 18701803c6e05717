/** The routes of reports. */
import { ACCOUNT_NAME, GROUPS } from '../../../src/accounts/index.ts';
import { ERROR_KINDS } from '../../../src/core/index.ts';
import { one, text } from '../json.ts';
import { inPath, type Operation, query } from '../operation.ts';

const ACCOUNT = { type: 'string', pattern: ACCOUNT_NAME.source } as const;
/** A time after the day is optional. */
const DAY = { type: 'string', pattern: '^20[2-9][0-9]-[01][0-9]-[0-3][0-9](T.+)?$' } as const;
const GROUP_NAMES = Object.keys(GROUPS).join('|');
const BY = { type: 'string', pattern: `^(${GROUP_NAMES})(,(${GROUP_NAMES}))*$` } as const;

const AMOUNT = { type: 'string', pattern: '^[0-9]{1,6}([.][0-9]{1,3})?$' } as const;

const FILTERS = [
  query('account', 'Only this account. A caller’s key sees its own calls alone.', ACCOUNT),
  query('key', 'Only calls of this key.'),
  query('provider', 'Only this provider.', text, 'together'),
  query('model', 'Only this model.', text, 'llama-3.3-70b-instruct'),
];
const DIALECT = query('dialect', 'Only calls of this API, such as `chat` or `messages`.', text, 'chat');
const OUTCOME = query('outcome', 'Only attempts that ended so.', one('ok', ...Object.keys(ERROR_KINDS)), 'ok');
const AFTER = query('after', 'Where the page begins: `next` of the page before.');
const limit = (most: number) => query('limit', 'Lines of a page.', { type: 'integer', minimum: 1, maximum: most }, 20);

const span = (unit: string) => [
  query('from', `A day of UTC or a time; ${unit}.`, DAY),
  query('to', 'A day, which belongs to the span, or a time, which does not.', DAY),
];

const CSV = { 'text/csv': 'The same lines, with `Accept: text/csv`.' };
const report = { errors: [400, 403, 501, 503] } as const;

export const REPORT_ROUTES: Readonly<Record<string, Operation>> = {
  'GET /v1/usage': {
    ...report,
    id: 'getUsage',
    tag: 'Reports',
    summary: 'Sum up usage and cost',
    about: 'Calls, tokens, money and failures in groups. Exact money and upper bounds are apart.',
    parameters: [
      query('group_by', `Names with commas: ${Object.keys(GROUPS).join(', ')}.`, BY, 'provider,model'),
      ...span('whole hours'),
      ...FILTERS,
      DIALECT,
      query('percentiles', '`all_time`: also percentiles of latency by offer, of all time.', one('all_time')),
      limit(1000),
      AFTER,
    ],
    answer: 'A line for each group, and the total.',
    answers: ['UsageReport'],
    alsoAs: CSV,
    headers: ['link'],
  },
  'GET /v1/whatif': {
    ...report,
    id: 'getWhatIf',
    tag: 'Reports',
    summary: 'Price past traffic elsewhere',
    about:
      'What the traffic of some days would have cost at each provider, under a routing policy, or on hardware of your own. What cannot be priced is listed.',
    parameters: [
      ...span('whole days'),
      ...FILTERS,
      query('prices', 'The prices of the days, or today’s.', one('then', 'today')),
      query(
        'policy',
        '`price`: the cheapest offer. `first`, `most_expensive`, `order=…`, `exclude=…`, or one provider.',
        text,
        'price',
      ),
      query('order', 'Providers in this order, with commas.'),
      query('exclude', 'Without these providers, with commas.', text, 'replicate'),
      query('detail', '`offers`: also what each day’s traffic comes to at each offer.', one('offers'), 'offers'),
      query('usd_per_hour', 'What hardware of your own costs. Goes with `tokens_per_second`.', AMOUNT, '0.95'),
      query('tokens_per_second', 'How fast it writes. Goes with `usd_per_hour`.', AMOUNT, '400'),
    ],
    answer: 'A line for each provider, one for the policy, and one for the hardware.',
    answers: ['WhatIf'],
  },
  'GET /v1/generations': {
    ...report,
    id: 'listGenerations',
    tag: 'Reports',
    summary: 'List attempts',
    about: 'Single attempts at providers, those of the newest calls first.',
    parameters: [...span('any time'), ...FILTERS, DIALECT, OUTCOME, limit(500), AFTER],
    answer: 'The attempts.',
    answers: ['Generations'],
    alsoAs: CSV,
    headers: ['link'],
    links: { whole: { to: 'getGeneration', with: { id: '/data/0/id' } } },
  },
  'GET /v1/live': {
    id: 'watchCalls',
    tag: 'Reports',
    summary: 'Watch calls as they happen',
    about:
      'Attempts that have ended and calls that run, each second in which there is something new. It goes on where it was by `Last-Event-ID`. There is no text of a prompt or an answer in it.',
    parameters: [...FILTERS, DIALECT, OUTCOME, query('after', 'The id of an event: the watch begins after it.')],
    answer: 'Events that go on until one side ends them.',
    answers: [],
    alsoAs: { 'text/event-stream': 'Events `attempts`, `running`, `gap` and `error`.' },
    errors: [400, 403, 429, 501, 503],
  },
  'GET /v1/generations/:id': {
    id: 'getGeneration',
    tag: 'Reports',
    summary: 'Show a call',
    about: 'All that is kept of one call: its attempts, what it cost, and what it would have cost elsewhere.',
    parameters: [
      inPath('The id of an answer.', 'gen-3f1c9a5be0d24c7e8f60a1b2c3d4e5f6'),
      query('account', 'The account that made the call. A caller’s key sees its own calls alone.'),
    ],
    answer: 'The call.',
    answers: ['Generation'],
    errors: [400, 403, 404, 501, 503],
  },
};
