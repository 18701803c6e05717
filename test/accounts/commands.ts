/** What is tried on an account and its model side by side: random commands, crashes and a failing database. */
import fc from 'fast-check';
import type { Budget, KeySettings } from '../../src/accounts/protocol.ts';
import type { MoneyOutcome } from '../../src/core/index.ts';
import { type Asked, DAY_MS } from './model.ts';

/** Sunday, ten minutes before a day, a week and a month end together. */
export const START = Date.parse('2027-01-31T23:50:00Z');

/** Where the object dies: before what it did is stored, or after that but before its reply arrives. */
export type Lost = 'before' | 'after' | undefined;
export type Failure = 'before' | 'after' | undefined;

export type Command =
  | ({ readonly do: 'reserve'; readonly sent: boolean; readonly long: boolean; readonly lost: Lost } & Omit<
      Asked,
      'deadline'
    >)
  | {
      readonly do: 'extend';
      readonly call: number;
      readonly most: bigint | undefined;
      readonly least: bigint;
      readonly tokens: number;
      /** What becomes of the attempt before: it ends, pays for the new one, or runs on. */
      readonly before: 'ends' | 'pays' | 'runs';
      readonly sent: boolean;
      readonly cost: bigint | undefined;
      readonly money: MoneyOutcome;
      readonly lost: Lost;
    }
  | {
      readonly do: 'settle';
      readonly call: number;
      readonly cost: bigint | undefined;
      readonly money: MoneyOutcome;
      readonly tells: boolean;
      readonly lost: Lost;
    }
  | { readonly do: 'repeat'; readonly call: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'expire'; readonly lost: Lost }
  | { readonly do: 'restart' }
  | { readonly do: 'push'; readonly failures: readonly Failure[]; readonly lost: boolean }
  | { readonly do: 'change'; readonly key: string; readonly settings: KeySettings }
  | { readonly do: 'account'; readonly budget: Budget | undefined }
  | { readonly do: 'revoke'; readonly key: string };

const lost: fc.Arbitrary<Lost> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.constantFrom('before' as const, 'after' as const) },
);
const amount = (max: bigint) => fc.bigInt({ min: 0n, max });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 4 });
const pick = fc.nat({ max: 1000 });
const outcome = fc.constantFrom<MoneyOutcome>('settled', 'settled', 'upper_bound', 'released', 'unknown');
const budget: fc.Arbitrary<Budget> = fc.record({
  limit: amount(120n),
  period: fc.constantFrom('day', 'week', 'month', 'total'),
});
const settings: fc.Arbitrary<KeySettings> = fc
  .record({
    budget: maybe(budget),
    rpm: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    tpm: fc.option(fc.integer({ min: 50, max: 500 }), { nil: undefined }),
    concurrency: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  })
  .map((some) => ({ name: 'test', atLimit: 'clamp', ...present(some) }));
const whoever = fc.constantFrom('k1', 'k1', 'k2', 'admin');

/** Without the members that are undefined. */
function present<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const money = { most: maybe(amount(40n)), least: amount(3n), tokens: fc.nat({ max: 100 }) };
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('reserve'),
      key: whoever,
      ...money,
      stale: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
      name: fc.option(fc.constantFrom('n1', 'n2'), { nil: undefined, freq: 1 }),
      sent: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
      long: fc.boolean(),
      lost,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('extend'),
      call: pick,
      ...money,
      before: fc.constantFrom('ends', 'pays', 'runs'),
      sent: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
      cost: maybe(amount(45n)),
      money: outcome,
      lost,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle'),
      call: pick,
      cost: maybe(amount(45n)),
      money: outcome,
      tells: fc.integer({ min: 0, max: 5 }).map((dice) => dice > 0),
      lost,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat'), call: pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.oneof(fc.nat({ max: 2000 }), fc.constantFrom(59_000, 61_000, 130_000, 600_000, DAY_MS, 8 * DAY_MS)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire'), lost }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('push'),
      failures: fc.array(fc.constantFrom(undefined, 'before' as const, 'after' as const), { maxLength: 4 }),
      lost: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change'), key: fc.constantFrom('k1', 'k2'), settings }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('account'), budget: maybe(budget) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke'), key: fc.constant('k2') }) },
) as fc.Arbitrary<Command>;

export interface Plan {
  readonly settings: KeySettings;
  readonly budget: Budget | undefined;
  readonly commands: readonly Command[];
}

export const plan: fc.Arbitrary<Plan> = fc.record({
  settings,
  budget: fc.option(budget, { nil: undefined, freq: 1 }),
  commands: fc.array(command, { minLength: 1, maxLength: 60, size: 'max' }),
});
