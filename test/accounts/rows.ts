/** Rows of the ledger, random ones and such as tests need. */
import fc from 'fast-check';
import { type LedgerRow, ledgerRow } from '../../src/accounts/ledger-row.ts';
import type { AttemptEnd, AttemptStart, CallStart } from '../../src/core/index.ts';

export const DAY = 86_400_000;
/** 2026-11-20T00:00:00Z */
export const MIDNIGHT = Date.parse('2026-11-20');

export interface Attempted {
  readonly call: CallStart;
  readonly start: AttemptStart;
  readonly end: AttemptEnd;
  readonly expired: boolean;
}

const count = fc.integer({ min: 0, max: 200_000 });
const flag = fc.option(fc.constant(true as const), { nil: undefined });
/** Ordinary costs, and some of which two together are beyond what a double holds. */
const cost = fc.oneof(
  fc.bigInt({ min: 0n, max: 50_000_000n }),
  fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
  fc.bigInt({ min: 0n, max: 10n ** 17n }),
);

export const attempted: fc.Arbitrary<Attempted> = fc.record({
  call: fc.record({
    call: fc.uuid().map((id) => `gen-${id}`),
    account: fc.constant('none'),
    key: fc.constantFrom('k1', 'k2', "k'3"),
    dialect: fc.constantFrom('chat', 'messages', 'embeddings'),
    streamed: fc.boolean(),
    asked: fc.string({ maxLength: 300 }),
    started: fc.integer({ min: MIDNIGHT, max: MIDNIGHT + 2 * DAY }),
  }),
  start: fc
    .record({
      attempt: fc.integer({ min: 1, max: 3 }),
      model: fc.constantFrom('llama-3-8b-instruct', 'gpt-oss-20b'),
      provider: fc.constantFrom('bedrock', 'together', 'own'),
      service: fc.option(fc.constantFrom('s1', 's2'), { nil: undefined }),
      upstream: fc.constantFrom('u1', 'u"2'),
      api: fc.constantFrom('chat', 'completions'),
      requests: fc.integer({ min: 1, max: 4 }),
      started: fc.integer({ min: MIDNIGHT, max: MIDNIGHT + 2 * DAY }),
    })
    .map(({ service, ...rest }) => ({ ...rest, ...(service === undefined ? {} : { service }) })),
  end: fc
    .record({
      outcome: fc.constantFrom('ok', 'ok', 'ok', 'timeout', 'provider_error'),
      money: fc.constantFrom('settled', 'upper_bound', 'released', 'unknown'),
      cost: fc.option(cost, { nil: undefined }),
      priceRule: fc.option(fc.constantFrom('rule-1', 'rule-2'), { nil: undefined }),
      first: fc.option(fc.integer({ min: MIDNIGHT, max: MIDNIGHT + 3 * DAY }), { nil: undefined }),
      ended: fc.integer({ min: MIDNIGHT, max: MIDNIGHT + 3 * DAY }),
      usage: fc.option(
        fc
          .record({
            input: count,
            cacheRead: count,
            cacheWrite: count,
            output: count,
            reasoning: count,
            source: fc.constantFrom('provider', 'counted'),
            seconds: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
          })
          .map(({ seconds, ...rest }) => ({ ...rest, ...(seconds === undefined ? {} : { seconds }) })),
        { nil: undefined },
      ),
      canceled: flag,
      undelivered: flag,
      counts: fc.option(
        fc.dictionary(
          fc.constantFrom('llama-3', 'gpt-oss', 'x"y'),
          fc.tuple(count, count).map(([a, b]) => [a, b] as const),
          { maxKeys: 2, noNullPrototype: true },
        ),
        { nil: undefined },
      ),
    })
    .map((end) => {
      const present = Object.fromEntries(Object.entries(end).filter(([, value]) => value !== undefined));
      return { attempt: 1, ...present } as unknown as AttemptEnd;
    }),
  expired: fc.boolean(),
}) as fc.Arbitrary<Attempted>;

/** Rows with sequence numbers from 1. */
export const rowsOf = (all: readonly Attempted[]): LedgerRow[] =>
  all.map(({ call, start, end, expired }, at) => ledgerRow(call, start, end, at + 1, expired));
