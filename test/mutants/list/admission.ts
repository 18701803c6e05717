import type { Mutant } from '../mutant.ts';

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `admission/${name}`,
    what,
    file,
    find,
    replace,
    tests,
  });

const BUDGET = ['test/routes/budget.test.ts'];

const account = inFile('src/accounts/call-account.ts', ['test/accounts/call-account.test.ts']);
const book = inFile('src/relay/attempt-book.ts', ['test/relay/account.test.ts', ...BUDGET]);
const cover = inFile('src/relay/cover.ts', BUDGET);
const pool = inFile('src/relay/pool.ts', BUDGET);
const cost = inFile('src/offers/cost.ts', BUDGET);
const carry = inFile('src/relay/carry.ts', ['test/relay/account.test.ts']);
const routes = inFile('src/routes/admission.ts', ['test/routes/idempotency.test.ts']);

export const ADMISSION_MUTANTS: readonly Mutant[] = [
  account(
    'sent-before-held',
    'A call of a key with a budget is sent before its account has answered.',
    'this.#waits = rpc !== undefined && (terms?.limited === true || idempotency !== undefined);',
    'this.#waits = false;',
  ),
  account(
    'refusal-counts',
    'An offer that was refused takes the number of an attempt.',
    'if (this.#count === attempt.attempt) this.#count--;',
    '',
  ),
  account(
    'hold-never-freed',
    'What may be held after a lost reply is not released.',
    "this.#reserved = 'perhaps';\n      this.#begin(attempt);",
    "this.#reserved = 'no';\n      this.#begin(attempt);",
  ),
  account(
    'failing-account-stops-all',
    'An account that never answers holds up the calls of keys without limits.',
    'return soon(this.refusal, ADMIT_MS);',
    'return this.refusal;',
  ),
  book(
    'overrun-unflagged',
    'A provider that breaks the limit it was sent is not flagged.',
    'held !== undefined && cost.total > held',
    'false',
  ),
  book(
    'refused-is-billed',
    'What a provider refused is paid for.',
    'if (!maybeBilled) return end(outcome, RELEASED, more);',
    '',
  ),
  book(
    'broken-is-free',
    'A stream that breaks costs nothing.',
    'end(error.code, billed(counted), {',
    'end(error.code, RELEASED, {',
  ),
  book(
    'extras-repriced',
    'What one API adds to every prompt counts as the prompt’s at all others.',
    'Math.max(0, promptTokens(usage) - extra)',
    'promptTokens(usage)',
  ),
  carry(
    'revoked-sees-answer',
    'A revoked key is shown an answer that was on its way.',
    '      if (refused) {\n',
    '      if (refused && false) {\n',
  ),
  cover(
    'strict-is-cut',
    'An answer is cut although its caller wants no parameter changed.',
    'whole || offer.strict ? bound.most',
    'whole ? bound.most',
  ),
  cover(
    'cut-not-sent',
    'The length that the budget pays for is not sent.',
    'const cut = offer.within?.(held);',
    'const cut = offer;',
  ),
  cover(
    'nothing-cheaper',
    'A key that prefers cheaper offers gets no shorter answer where none fits.',
    'if (!whole) return [];',
    'return [];',
  ),
  pool('sample-pays-again', 'The samples of a vote are held twice.', ', from: known.attempt', ''),
  pool(
    'pool-freed-early',
    'The first sample of a vote gives back the money of all.',
    'if (!closed && end.attempt === opened?.attempt) first = end;',
    'if (closed) first = end;',
  ),
  cost(
    'unpriced-on-budget',
    'A key with a budget is served by an offer of which nobody knows the price.',
    'if (!call.routing.budgeted) return undefined;',
    'return undefined;',
  ),
  routes(
    'order-matters',
    'The same body with its fields in another order is another call.',
    'c.req.path, canonical(body)]',
    'c.req.path, body]',
  ),
  routes(
    'route-forgotten',
    'An Idempotency-Key of one route is good for another.',
    '[caller, c.req.path, canonical(body)]',
    '[caller, canonical(body)]',
  ),
];
