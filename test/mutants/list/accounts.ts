import type { Mutant } from '../mutant.ts';

const MODEL = ['test/accounts/model.test.ts'];
const ADMISSION = ['test/accounts/admission.test.ts'];

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string, only = tests): Mutant => ({
    id: `account/${name}`,
    what,
    file: `src/accounts/${file}`,
    find,
    replace,
    tests: only,
  });

const reserve = inFile('reserve.ts', MODEL);
const attempts = inFile('attempts.ts', MODEL);
const load = inFile('load.ts', MODEL);
const push = inFile('push.ts', ['test/accounts/push.test.ts']);
const minute = inFile('minute.ts', ['test/accounts/minute.test.ts']);
const periods = inFile('periods.ts', ['test/accounts/periods.test.ts']);
const idempotency = inFile('idempotency.ts', ['test/accounts/idempotency.test.ts']);

export const ACCOUNT_MUTANTS: readonly Mutant[] = [
  reserve(
    'repeat-holds-twice',
    'A repeated reservation holds its money twice.',
    "  if (known?.admitted && before) return { kind: 'held', ...heldBy(before), limits: limits() };\n",
    '',
  ),
  reserve(
    'left-below-zero',
    'Money moved within a call overspends a lowered budget.',
    'free < 0n ? 0n : free',
    'free < moved ? moved : free',
  ),
  reserve(
    'refused-ends',
    'A refused extension drops the ends that came with it.',
    '    endAttempts(state, call, request.ended);\n    const before',
    '    if (call.admitted) endAttempts(state, call, request.ended);\n    const before',
  ),
  reserve(
    'sent-counts-twice',
    'A call that was sent counts twice against its own limits.',
    'before ? 0 : tokens, ',
    'tokens, ',
  ),
  attempts('release', 'What a released attempt held stays held.', '-(attempt.held ?? 0n));\n  for', '0n);\n  for'),
  attempts(
    'unknown-is-free',
    'What may have been billed and has no cost is free.',
    ": { money: 'upper_bound', cost: held };",
    ": { money: 'upper_bound', cost: 0n };",
  ),
  attempts('overrun', 'A cost above what was held is not marked.', 'cost > attempt.held;', 'cost < 0n;', ADMISSION),
  attempts(
    'remembered',
    'A row is used again while its call is remembered.',
    'oldest.done + REMEMBERED_MS > state.now',
    'oldest.done > state.now',
    ['test/accounts/push.test.ts'],
  ),
  load(
    'checkpoint',
    'A restart counts again what the checkpoint has.',
    'if (one.seq > checkpoint) countAgain',
    'if (one.seq > 0) countAgain',
  ),
  load(
    'pending',
    'A restart forgets what is held.',
    'addMoney(purse, reserved, 0n, held ?? 0n);',
    'addMoney(purse, reserved, 0n, 0n);',
  ),
  inFile('push.ts', ['test/faults/crash.test.ts'])(
    'sent-is-stored',
    'Rows are forgotten once they were sent, whether or not the database has them.',
    '    cursor = await pushRows(db, account, rows);\n',
    '    cursor = rows.at(-1)?.seq ?? from;\n    await pushRows(db, account, rows).catch(() => undefined);\n',
  ),
  push('archive', 'A database that was set back misses rows for ever.', 'cursor >= state.pushed', 'cursor >= 0'),
  push(
    'join',
    'A new object numbers its rows as those that the database has.',
    'if (cursor > 0) state.sql.exec',
    'if (cursor < 0) state.sql.exec',
  ),
  inFile('record.ts', ['test/accounts/outbox.test.ts'])(
    'told-twice',
    'A call that is told of again has another row.',
    'if (!knows(state, call.start, one.start.attempt)) rows.push',
    'rows.push',
  ),
  inFile('outbox.ts', ['test/accounts/outbox.test.ts'])(
    'told-once',
    'What could not be told is lost.',
    'outbox.waiting.unshift(...batch.entries);',
    'outbox.waiting.unshift();',
  ),
  inFile('account.ts', ['test/accounts/account.test.ts'])(
    'vouched',
    'A key is said to be revoked while Workers still go by what they were told.',
    '    await this.#known((key) => key.id === id);\n',
    '',
  ),
  minute('fixed-minute', 'A second counts for less than a minute.', 'const SECONDS = 61;', 'const SECONDS = 59;'),
  periods(
    'later-period',
    'What began in the last period counts in this one.',
    'if (reserved < money.start) continue;',
    '',
  ),
  periods('week', 'Weeks begin on Thursdays, as the epoch did.', '4 * DAY_MS', '0 * DAY_MS'),
  idempotency(
    'billed-is-free',
    'The key of a call that was billed is free again.',
    "end.outcome !== 'ok' && attempts.every",
    "end.outcome !== 'ok' && attempts.some",
  ),
  idempotency(
    'other-body',
    'Another body gets the receipt of the first.',
    'row.fingerprint !== asked.fingerprint',
    'false',
  ),
];
