/** What accounts are told of calls that are over: each once, whatever fails on the way. */
import { runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AccountRpc, type Told, tellNow } from '../../src/accounts/index.ts';
import { take, tellSoon } from '../../src/accounts/outbox.ts';
import { takeDown } from '../../src/accounts/record.ts';
import { beginSettling, settlingIn } from '../../src/accounts/settling.ts';
import type { CallRecord } from '../../src/core/index.ts';
import { emptied, Machine } from './machine.ts';
import { attemptStart } from './requests.ts';
import { newAccount } from './support.ts';

const START = Date.parse('2026-11-28T12:00:00Z');

const record = (call: string, attempts = 1, key = 'admin'): CallRecord => ({
  start: {
    call,
    account: 'main',
    key,
    dialect: 'chat',
    streamed: false,
    asked: 'm',
    started: START,
  },
  attempts: Array.from({ length: attempts }, (_, at) => ({
    start: attemptStart(at + 1, START),
    end: { attempt: at + 1, outcome: 'ok', money: 'settled', cost: BigInt(at + 1), ended: START },
  })),
  outcome: 'ok',
  status: 200,
  ended: START,
});

type Fate = 'arrives' | 'lost before' | 'lost after' | 'dropped before' | 'dropped after';
const fate = fc.constantFrom<Fate>('arrives', 'lost before', 'lost after', 'dropped before', 'dropped after');

/** What isolates and the platform do, in any order. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end'), attempts: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send'), fate }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.integer({ min: 0, max: 25_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let accounts = 0;

/** Plays the steps, then sends what is left. Returns how often each attempt is in the ledger. */
async function play(machine: Machine, steps: readonly Step[], tells = takeDown): Promise<Map<string, number>> {
  const name = `account-${accounts++}`;
  let told: readonly Told[];
  const arrive = () => tells(machine.state, told, machine.now);
  let calls = 0;
  for (const one of steps as readonly (Step & { attempts?: number; fate?: Fate; ms?: number })[]) {
    if (one.do === 'end') {
      beginSettling(name);
      const rpc = () => ({ tell: async () => undefined });
      tellSoon(
        { account: name, rpc, background: () => undefined },
        [{ call: record(`c${calls++}`, one.attempts) }],
        false,
      );
    } else if (one.do === 'wait') {
      machine.now += one.ms ?? 0;
      vi.setSystemTime(machine.now);
    } else if (one.do === 'restart') machine.restart();
    else {
      const batch = take(name);
      if (!batch) continue;
      ({ told } = batch);
      if (one.fate === 'arrives' || one.fate?.endsWith('after')) arrive();
      if (one.fate === 'arrives') batch.done();
      else if (one.fate?.startsWith('lost')) batch.failed();
    }
  }
  machine.now += 61_000;
  vi.setSystemTime(machine.now);
  for (let batch = take(name); batch; batch = take(name)) {
    ({ told } = batch);
    arrive();
    batch.done();
  }
  expect(settlingIn(name)).toBe(0);
  const rows = machine.sql.exec('SELECT call, attempt, seq FROM attempts ORDER BY seq');
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1));
  const counts = new Map<string, number>();
  for (const { call, attempt } of rows) {
    counts.set(`${call}/${attempt}`, (counts.get(`${call}/${attempt}`) ?? 0) + 1);
  }
  return counts;
}

const onTables = (test: (fresh: () => Machine) => Promise<void>): Promise<void> =>
  runInDurableObject(newAccount().stub, (_, { storage }) => test(() => new Machine(emptied(storage), START)));

afterEach(() => vi.useRealTimers());

describe('calls of keys without limits', () => {
  it('are in the ledger at most once each, and exactly once if nobody was silent for too long', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await onTables(async (fresh) => {
      const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        vi.setSystemTime(START);
        const machine = fresh();
        const counts = await play(machine, steps);
        expect([...counts.values()].every((times) => times === 1)).toBe(true);
        // What may have arrived is not told again after a while. Everything else is there.
        const ended = (steps as readonly { attempts?: number }[]).reduce((sum, { attempts = 0 }) => sum + attempts, 0);
        const sends = (steps as readonly { fate?: Fate }[]).map(({ fate: one }) => one);
        if (sends.every((one) => one === undefined || one === 'arrives')) expect(counts.size).toBe(ended);
        else expect(counts.size).toBeLessThanOrEqual(ended);
      });
      await fc.assert(property, { numRuns: 200 });
    });
  }, 120_000);

  it('are there although a reply was lost, or a request was dropped, as long as somebody tells again in time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await onTables(async (fresh) => {
      const soon = fc.array(
        step.filter(
          (one) => !((one as { ms?: number }).ms ?? 0) && !(one as { fate?: Fate }).fate?.startsWith('dropped'),
        ),
        { maxLength: 25 },
      );
      const property = fc.asyncProperty(soon, async (steps) => {
        vi.setSystemTime(START);
        const machine = fresh();
        const name = `once-${accounts}`;
        const counts = await play(machine, [...steps, { do: 'send', fate: 'arrives' } as Step]);
        const ended = (steps as readonly { attempts?: number }[]).reduce((sum, { attempts = 0 }) => sum + attempts, 0);
        expect([name, counts.size, [...counts.values()].every((times) => times === 1)]).toEqual([name, ended, true]);
      });
      await fc.assert(property, { numRuns: 200 });
    });
  }, 120_000);

  it('would be there twice if the account did not know what it was told', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await onTables(async (fresh) => {
      const careless: typeof takeDown = (state, told, now) => {
        state.over.clear();
        takeDown(state, told, now);
      };
      const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        vi.setSystemTime(START);
        const counts = await play(fresh(), steps, careless);
        expect([...counts.values()].every((times) => times === 1)).toBe(true);
      });
      expect(await fc.check(property, { numRuns: 500, endOnFailure: true })).toMatchObject({ failed: true });
    });
  }, 120_000);
});

describe('what accounts are to be told', () => {
  it('is told by one request for all that came within a moment, and told again by the next one if that failed', async () => {
    vi.useFakeTimers();
    const told: number[] = [];
    let down = true;
    const rpc = (): Pick<AccountRpc, 'tell'> => ({
      tell: async (all) => {
        if (down) throw new Error('down');
        told.push(all.length);
      },
    });
    const work: Promise<void>[] = [];
    const sender = { account: 'gathered', rpc, background: (one: Promise<void>) => work.push(one) };
    const end = (call: string) => {
      beginSettling('gathered');
      tellSoon(sender, [{ call: record(call) }], false);
    };
    for (const call of ['a', 'b', 'c']) end(call);
    expect(work).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20_000);
    expect([told, settlingIn('gathered')]).toEqual([[], 3]);
    down = false;
    end('d');
    expect(work).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([told, settlingIn('gathered')]).toEqual([[4], 0]);
  });

  it('is told by the next request where the one that was to tell it was dropped', async () => {
    vi.useFakeTimers();
    const told: number[] = [];
    const rpc = () => ({ tell: async (all: readonly Told[]) => void told.push(all.length) });
    const end = (background: (work: Promise<void>) => void) => {
      beginSettling('dropped');
      tellSoon({ account: 'dropped', rpc, background }, [{ call: record('x') }], false);
    };
    // A request that is dropped runs none of its timers; here they are taken away.
    end(() => vi.clearAllTimers());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual([]);
    end(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual([2]);
  });

  it('is told at once where a report asks', async () => {
    const told: number[] = [];
    beginSettling('asked');
    const rpc = () => ({ tell: async (all: readonly Told[]) => void told.push(all.length) });
    tellSoon({ account: 'asked', rpc, background: () => undefined }, [{ call: record('x') }], false);
    await tellNow('asked', rpc, 1_000);
    expect([told, settlingIn('asked')]).toEqual([[1], 0]);
  });
});
