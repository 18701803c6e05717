import { describe, expect, it } from 'vitest';
import { follow } from '../../src/accounts/follow.ts';
import { forget } from '../../src/accounts/push.ts';
import { type Machine, onMachine } from './machine.ts';
import { HASH, settled, settleRequest } from './requests.ts';

const NOON = '2027-01-01T12:00:00Z';
const own = { id: 'k1', secretHash: HASH };
const look = (account: Machine, after?: number, key?: typeof own) =>
  follow(account.state, { ...(after === undefined ? {} : { after }), ...(key ? { key } : {}) }, account.now);
function call(account: Machine, id: string, key = 'k1'): void {
  account.reserve(id, { key });
  account.settle(settleRequest(id, settled(1, 2n)));
}
const names = (followed: ReturnType<typeof look>) => followed?.rows.map(({ call: id }) => id);

describe('somebody who watches an account', () => {
  it('begins now, and then misses no attempt, whether it was pushed or not', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      call(account, 'before');
      expect(look(account)).toMatchObject({ rows: [], seq: 1, more: false, gap: false });
      call(account, 'a');
      forget(account.state, 2);
      call(account, 'b');
      const first = look(account, 1);
      expect(names(first)).toEqual(['a']);
      expect(first).toMatchObject({ seq: 2, more: true });
      expect(names(look(account, 2))).toEqual(['b']);
      expect(look(account, 3)).toMatchObject({ rows: [], seq: 3, more: false });
    });
  });

  it('is told of calls that run, until they are over', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      account.key({}, 'k2');
      account.reserve('a');
      account.reserve('b', { key: 'k2' });
      const all = look(account, 0);
      expect(all).toMatchObject({ running: 2, rows: [] });
      expect(all?.attempts.map((one) => [one.call.call, one.attempt.provider])).toEqual([
        ['a', 'together'],
        ['b', 'together'],
      ]);
      account.settle(settleRequest('a', settled(1, 2n)));
      expect(look(account, 0)).toMatchObject({ running: 1, attempts: [{ call: { call: 'b' } }] });
    });
  });

  it('sees its own calls with its own key, and nothing once that is revoked', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      account.key({}, 'k2');
      call(account, 'mine');
      call(account, 'theirs', 'k2');
      account.reserve('running', { key: 'k2' });
      expect(look(account, 0, own)).toMatchObject({ rows: [{ call: 'mine' }], seq: 2, running: 0, attempts: [] });
      expect(look(account, 0, { ...own, secretHash: 'b'.repeat(64) })).toBeUndefined();
      expect(look(account, 0, { ...own, id: 'k9' })).toBeUndefined();
    });
  });

  it('is told that rows were left out where it is too far behind, and where they are gone', async () => {
    await onMachine(NOON, (account) => {
      account.key();
      for (const id of ['a', 'b']) call(account, id);
      forget(account.state, 2);
      call(account, 'c');
      account.sql.exec('DELETE FROM archive');
      expect(look(account, 0)).toMatchObject({ rows: [], seq: 3, gap: true });
      expect(look(account, 99)).toMatchObject({ rows: [], seq: 3, gap: true });
      expect(look(account, 2)).toMatchObject({ rows: [{ call: 'c' }], gap: false });
      account.state.seq = 2_003;
      expect(look(account, 2)).toMatchObject({ rows: [], seq: 2_003, gap: true });
    });
  });
});
