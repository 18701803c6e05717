/** The routes for those who run a deployment. */
import { ACCOUNT_NAME, KEY_ID } from '../../../src/accounts/index.ts';
import { one } from '../json.ts';
import { inPath, type Operation, query } from '../operation.ts';

const NAME = { type: 'string', pattern: ACCOUNT_NAME.source } as const;
const ID = { type: 'string', pattern: KEY_ID.source } as const;
const ACCOUNT = query('account', 'The account that the key belongs to; `main` unless said.', NAME, 'main');
const KEY = inPath('The id of a key.', '0123456789abcdefgh', ID);
const ACCOUNT_ID = inPath('The name of an account.', 'main', NAME);

const OF_KEY = { id: '/id', account: '/account' };

export const OPERATE: Readonly<Record<string, Operation>> = {
  'GET /v1/key': {
    id: 'getOwnKey',
    tag: 'Keys',
    summary: 'Show your own key',
    about: 'What the caller’s key may do, has spent and has left.',
    errors: [400],
    answer: 'The key.',
    answers: ['OwnKey'],
  },
  'POST /v1/keys': {
    id: 'createKey',
    tag: 'Keys',
    summary: 'Make a key',
    about: 'The key’s text is in this answer and in no other.',
    body: ['NewKey'],
    status: 201,
    answer: 'The new key.',
    answers: ['KeyWithSecret'],
    errors: [503],
    links: {
      show: { to: 'getKey', with: OF_KEY },
      change: { to: 'changeKey', with: OF_KEY },
      revoke: { to: 'revokeKey', with: OF_KEY },
    },
    examples: {
      plain: {
        summary: 'Five dollars a month',
        body: { name: 'The newsletter', budget: { limit: '5.00', period: 'month' }, limits: { rpm: 60 } },
      },
    },
  },
  'GET /v1/keys': {
    id: 'listKeys',
    tag: 'Keys',
    summary: 'List keys',
    about: 'The keys of an account, the newest first.',
    parameters: [
      ACCOUNT,
      query('limit', 'Keys on a page.', { type: 'integer', minimum: 1, maximum: 100 }, 20),
      query('after', '`last_id` of the page before.', ID),
      query('revoked', '`1`: also revoked keys.', one('1', '0', 'true', 'false')),
    ],
    answer: 'The keys.',
    answers: ['Keys'],
    errors: [400, 503],
  },
  'GET /v1/keys/:id': {
    id: 'getKey',
    tag: 'Keys',
    summary: 'Show a key',
    about: 'Its settings, what it spent and has left.',
    parameters: [KEY, ACCOUNT],
    answer: 'The key.',
    answers: ['Key'],
    errors: [400, 404, 503],
  },
  'PATCH /v1/keys/:id': {
    id: 'changeKey',
    tag: 'Keys',
    summary: 'Change a key',
    about: 'A JSON Merge Patch: members replace what was set, null removes it, the rest stays.',
    parameters: [KEY, ACCOUNT],
    body: ['KeyChange'],
    answer: 'The key as it is now.',
    answers: ['Key'],
    errors: [404, 409, 503],
    examples: { plain: { summary: 'Another budget', body: { budget: { limit: '10.00', period: 'month' } } } },
  },
  'DELETE /v1/keys/:id': {
    id: 'revokeKey',
    tag: 'Keys',
    summary: 'Revoke a key',
    about: 'From now on the key is refused, and stays so.',
    parameters: [KEY, ACCOUNT],
    answer: 'The key, revoked.',
    answers: ['Key'],
    errors: [400, 404, 503],
  },
  'GET /v1/accounts/:id': {
    id: 'getAccount',
    tag: 'Keys',
    summary: 'Show an account',
    about: 'The budget of all its keys together.',
    parameters: [ACCOUNT_ID],
    answer: 'The account.',
    answers: ['Account'],
    errors: [400, 404, 503],
  },
  'PATCH /v1/accounts/:id': {
    id: 'changeAccount',
    tag: 'Keys',
    summary: 'Set an account’s budget',
    about: 'It holds for all keys of the account together, beside their own. Null removes it.',
    parameters: [ACCOUNT_ID],
    body: ['AccountChange'],
    answer: 'The account as it is now.',
    answers: ['Account'],
    errors: [404, 503],
    examples: {
      plain: { summary: 'A thousand dollars a month', body: { budget: { limit: '1000', period: 'month' } } },
    },
  },
  'GET /v1/health': {
    id: 'getHealth',
    tag: 'Operation',
    summary: 'Show the state of providers',
    about:
      'Which providers are configured, and what this isolate has seen of their offers. With `probe=1`, for admins, each provider is sent a free request.',
    parameters: [
      query('probe', '`1`: ask each provider whether its configuration works.', one('1', '0', 'true', 'false')),
    ],
    answer: 'The state.',
    answers: ['Health'],
    errors: [400, 403],
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'Operation',
    summary: 'Totals for Prometheus',
    about: 'The ledger’s totals. Without a page of text they come as OpenMetrics where that is accepted.',
    answer: 'The totals.',
    answers: [],
    alsoAs: {
      'text/plain': 'Prometheus’ text format.',
      'application/openmetrics-text': 'OpenMetrics, with `Accept: application/openmetrics-text`.',
    },
    errors: [400, 501, 503],
  },
  'GET /healthz': {
    id: 'getLiveness',
    tag: 'Operation',
    summary: 'Whether the Worker runs',
    about: 'Its configuration can be read. No key is needed.',
    answer: 'It runs.',
    answers: ['Liveness'],
  },
};
