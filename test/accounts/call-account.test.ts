import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type AccountRpc,
  CallAccount,
  type KeyTerms,
  type Need,
  type ReserveReply,
  StaleTerms,
  type Told,
} from '../../src/accounts/index.ts';
import type { AttemptEnd, CallRecord } from '../../src/core/index.ts';
import { termsOf } from './fake-accounts.ts';

const start = {
  call: 'gen-1',
  account: 'team-a',
  key: 'k1',
  dialect: 'chat',
  streamed: false,
  asked: 'llama-3-8b-instruct',
  started: 1,
} as const;

const need = (more: Partial<Need> = {}): Need => ({
  attempt: { model: 'm', provider: 'p', upstream: 'u', api: 'chat', requests: 1, started: 1 },
  cover: { most: 100n, least: 10n },
  tokens: 0,
  deadline: 1_000,
  ...more,
});

const ended = (attempt: number, more: Partial<AttemptEnd> = {}): AttemptEnd => ({
  attempt,
  outcome: 'ok',
  money: 'settled',
  cost: 7n,
  ended: 2,
  ...more,
});

const held: ReserveReply = { kind: 'held', held: 100n, limits: [] };

/** One call of an account that answers as the test says, and what it was asked. */
function scene(
  terms: KeyTerms | undefined,
  answers: Partial<AccountRpc> = {},
  secretHash?: string,
  vouchedFor = false,
) {
  const asked: [method: string, request: unknown][] = [];
  const noting =
    <A, R>(method: string, answer: (request: A) => Promise<R>) =>
    (request: A) => {
      asked.push([method, request]);
      return answer(request);
    };
  const rpc = {
    reserve: noting('reserve', answers.reserve ?? (async () => held)),
    extend: noting('extend', answers.extend ?? (async () => ({ kind: 'held' as const, held: 100n }))),
    confirm: (key: string, secretHash: string | undefined, revision: number) => {
      asked.push(['confirm', { key, secretHash, revision }]);
      return (answers.confirm ?? (async () => undefined))(key, secretHash, revision);
    },
    tell: async (told: readonly Told[]) => {
      for (const { settle, call } of told) asked.push(settle ? ['settle', settle] : ['call', call]);
    },
  } as AccountRpc;
  const work: Promise<void>[] = [];
  const records: CallRecord[] = [];
  const learned: KeyTerms[] = [];
  const vouched: number[] = [];
  const account = new CallAccount({
    start,
    secretHash,
    terms,
    rpc: () => rpc,
    background: (one) => work.push(one),
    now: () => 5,
    learn: (told) => learned.push(told),
    vouched: vouchedFor,
    vouch: (at) => vouched.push(at),
    onRecord: (record) => records.push(record),
  });
  return { account, asked, records, learned, vouched, settled: () => Promise.all(work) };
}

const LIMITED = termsOf('k1', { budgeted: true, limited: true });

afterEach(() => vi.useRealTimers());

describe('a call of a key with a budget', () => {
  it('is sent nowhere before its account has answered', async () => {
    let answer: (reply: ReserveReply) => void = () => undefined;
    const { account } = scene(LIMITED, { reserve: () => new Promise((resolve) => (answer = resolve)) });
    let covered = false;
    const covering = Promise.resolve(account.cover(need())).then(() => {
      covered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(covered).toBe(false);
    answer(held);
    await covering;
  });

  it('reserves once, extends for each further attempt with the ends before it, and settles with the rest', async () => {
    const { account, asked, settled, records } = scene(LIMITED);
    expect(await account.cover(need())).toEqual({ kind: 'held', attempt: 1, held: 100n });
    account.end(ended(1, { outcome: 'provider_error', money: 'released' }));
    expect(await account.cover(need())).toMatchObject({ attempt: 2 });
    account.finish('ok', 200);
    expect(asked.map(([method]) => method)).toEqual(['reserve', 'extend']);
    account.end(ended(2));
    await settled();
    expect(asked.map(([method]) => method)).toEqual(['reserve', 'extend', 'settle']);
    expect(asked[1]?.[1]).toMatchObject({ call: 'gen-1', ended: [{ attempt: 1, money: 'released' }] });
    expect(asked[2]?.[1]).toMatchObject({ ended: [{ attempt: 2, cost: 7n }], outcome: 'ok', status: 200 });
    expect(records).toMatchObject([{ outcome: 'ok', attempts: [{ end: { attempt: 1 } }, { end: { attempt: 2 } }] }]);
  });

  it('gives the number of an attempt that was refused to the next one', async () => {
    const replies: ReserveReply[] = [
      { kind: 'refused', code: 'insufficient_budget', message: 'No.', left: 5n, limits: [] },
      held,
    ];
    const { account } = scene(LIMITED, { reserve: async () => replies.shift() ?? held });
    expect(await account.cover(need())).toMatchObject({ kind: 'refused', left: 5n });
    expect(await account.cover(need())).toMatchObject({ kind: 'held', attempt: 1 });
  });

  it('settles nothing that was refused', async () => {
    const refused: ReserveReply = { kind: 'refused', code: 'insufficient_budget', message: 'No.', limits: [] };
    const { account, asked, settled } = scene(LIMITED, { reserve: async () => refused });
    await account.cover(need());
    account.finish('insufficient_budget', 402);
    await settled();
    expect(asked.map(([method]) => method)).toEqual(['reserve']);
  });

  it('begins anew by newer terms, before anything is sent', async () => {
    const newer = termsOf('k1', { revision: 2, budgeted: true, limited: true });
    const { account, learned } = scene(LIMITED, {
      reserve: async ({ revision }) => (revision === 2 ? held : { kind: 'stale', terms: newer }),
    });
    await expect(Promise.resolve(account.cover(need()))).rejects.toBeInstanceOf(StaleTerms);
    expect(learned).toEqual([newer]);
    account.goBy(newer);
    expect(await account.cover(need())).toMatchObject({ kind: 'held' });
  });

  it('is refused with 503 where the account cannot be reached, and what it may hold is released', async () => {
    const { account, asked, settled } = scene(LIMITED, { reserve: () => Promise.reject(new Error('canary')) });
    const failed = await Promise.resolve(account.cover(need())).catch((thrown) => thrown);
    expect(failed).toMatchObject({ status: 503, retryable: true });
    expect(failed.message).not.toContain('canary');
    account.finish('internal', 503);
    await settled();
    expect(asked.at(-1)).toMatchObject(['settle', { ended: [{ attempt: 1, money: 'released' }] }]);
  });

  it('asks again after a lost reply, with the same request', async () => {
    let lost = 1;
    const { account, asked } = scene(LIMITED, {
      reserve: () => (lost-- > 0 ? Promise.reject(new Error('lost')) : Promise.resolve(held)),
    });
    expect(await account.cover(need())).toMatchObject({ kind: 'held', attempt: 1 });
    expect(asked).toHaveLength(2);
    expect(asked[0]).toEqual(asked[1]);
  });
});

describe('a call of a key without limits', () => {
  const REVOKED = { kind: 'refused', code: 'authentication', message: 'Revoked.', limits: [] } as const;

  it('waits for nothing before it is sent, and holds nothing', async () => {
    const { account, asked } = scene(termsOf('k1'), {}, 'hash');
    expect(account.cover(need())).toEqual({ kind: 'held', attempt: 1 });
    await Promise.resolve();
    expect(asked).toEqual([['confirm', { key: 'k1', secretHash: 'hash', revision: 1 }]]);
    expect(await account.admitted()).toBeUndefined();
  });

  it('asks nothing where its account has just vouched for its key, but does by terms that came in between', async () => {
    const { account, asked, vouched } = scene(termsOf('k1'), {}, 'hash', true);
    account.cover(need());
    expect(account.admitted()).toBeUndefined();
    expect(asked).toEqual([]);
    account.goBy(termsOf('k1', { revision: 2 }));
    account.cover(need());
    await account.admitted();
    expect(asked).toMatchObject([['confirm', { revision: 2 }]]);
    expect(vouched).toEqual([5]);
  });

  it('tells of its attempts together when all have ended, however they overlap', async () => {
    const { account, asked, settled, records } = scene(termsOf('k1'), {}, 'hash', true);
    for (const attempt of [1, 2, 3]) expect(account.cover(need())).toMatchObject({ attempt });
    for (const attempt of [2, 1]) account.end(ended(attempt));
    account.finish('ok', 200);
    expect(asked).toEqual([]);
    account.end(ended(3));
    await settled();
    expect(asked).toEqual([['call', records[0]]]);
    expect(records[0]?.attempts.map(({ end }) => end.attempt)).toEqual([1, 2, 3]);
  });

  it('is refused where its key was revoked, and told of all the same', async () => {
    const { account, asked, settled } = scene(termsOf('k1'), { confirm: async () => REVOKED }, 'hash');
    account.cover(need());
    expect(await account.admitted()).toMatchObject({ code: 'authentication' });
    expect(await account.refusal).toMatchObject({ code: 'authentication' });
    expect(account.admitted()).toMatchObject({ code: 'authentication' });
    account.end(ended(1, { outcome: 'canceled', money: 'upper_bound' }));
    account.finish('authentication', 401);
    await settled();
    expect(asked.at(-1)).toMatchObject(['call', { status: 401, attempts: [{ end: { money: 'upper_bound' } }] }]);
  });

  it('goes on by newer terms without limits, and begins anew by terms with limits', async () => {
    const newer = (limited: boolean) => termsOf('k1', { revision: 2, limited });
    for (const limited of [false, true]) {
      const { account, learned, vouched } = scene(
        termsOf('k1'),
        { confirm: async (_, __, revision) => (revision === 2 ? undefined : { kind: 'stale', terms: newer(limited) }) },
        'hash',
      );
      account.cover(need());
      const refusal = await account.admitted();
      expect(refusal instanceof StaleTerms).toBe(limited);
      expect(learned).toEqual([newer(limited)]);
      expect(vouched).toEqual(limited ? [] : [5]);
    }
  });

  it('that got limits on its way is settled for what was reserved, and told of what was sent before', async () => {
    const { account, asked, settled } = scene(termsOf('k1'), {}, 'hash', true);
    account.cover(need());
    account.end(ended(1, { outcome: 'canceled' }));
    account.goBy(termsOf('k1', { revision: 2, limited: true, budgeted: true }));
    expect(await account.cover(need())).toMatchObject({ kind: 'held', attempt: 2 });
    account.end(ended(2));
    account.finish('ok', 200);
    await settled();
    expect(asked).toMatchObject([
      ['reserve', { revision: 2, attempt: { attempt: 2 } }],
      ['settle', { ended: [{ attempt: 2 }] }],
      ['call', { attempts: [{ end: { attempt: 1 } }] }],
    ]);
  });

  it('is not stopped by an account that fails, or that never answers', async () => {
    const failing = scene(termsOf('k1'), { confirm: () => Promise.reject(new Error('down')) }, 'hash');
    failing.account.cover(need());
    expect(await failing.account.admitted()).toBeUndefined();
    vi.useFakeTimers();
    const silent = scene(termsOf('k1'), { confirm: () => new Promise(() => undefined) }, 'hash');
    silent.account.cover(need());
    const admitted = Promise.resolve(silent.account.admitted());
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await admitted).toBeUndefined();
  });

  it('waits for no answer where it is nobody’s, and cannot be revoked', () => {
    const { account } = scene(undefined, { confirm: () => new Promise(() => undefined) });
    account.cover(need());
    expect(account.admitted()).toBeUndefined();
  });
});

describe('the end of an attempt', () => {
  it('is told exactly once', async () => {
    const { account } = scene(LIMITED);
    await account.cover(need());
    account.end(ended(1));
    expect(() => account.end(ended(1))).toThrow();
    expect(() => account.end(ended(2))).toThrow();
  });
});
