import { describe, expect, it } from 'vitest';
import type { Accounts, Followed, FollowQuery } from '../../src/accounts/index.ts';
import { cursorsFrom, cursorsText, type Look, watch } from '../../src/page/index.ts';

const quiet: Followed = { rows: [], seq: 7, more: false, gap: false, running: 0, attempts: [] };

/** Accounts that answer what a test says, and note what they are asked. */
function accountsThat(answer: (query: FollowQuery, asked: number) => Followed | undefined | Error) {
  const asked: (readonly [account: string, after: number | undefined])[] = [];
  const accounts = {
    getByName: (name: string) => ({
      follow: async (query: FollowQuery) => {
        asked.push([name, query.after]);
        const said = answer(query, asked.length);
        if (said instanceof Error) throw said;
        return said;
      },
    }),
  } as unknown as Accounts;
  return { asked, accounts };
}

const watcher = (accounts: Accounts | undefined, waits: number, more: Partial<Parameters<typeof watch>[0]> = {}) => {
  let waited = 0;
  return watch({
    ...{ accounts, database: undefined, own: 'main', account: 'main', subrequests: 50 },
    wait: async () => ++waited < waits,
    ...more,
  });
};
async function looksOf(looks: AsyncGenerator<Look>): Promise<Look[]> {
  const seen: Look[] = [];
  for await (const look of looks) seen.push(look);
  return seen;
}

describe('a watch', () => {
  it('goes on after the last row that it has, and ends when its watcher leaves', async () => {
    const { accounts, asked } = accountsThat(({ after = 7 }) => ({ ...quiet, seq: after + 2 }));
    const looks = await looksOf(watcher(accounts, 3));
    expect(asked).toEqual([
      ['main', undefined],
      ['main', 9],
      ['main', 11],
    ]);
    expect(looks.map(({ cursors }) => cursorsText(cursors))).toEqual(['main:9', 'main:11', 'main:13']);
  });

  it('does not wait where there is more', async () => {
    const { accounts } = accountsThat((_, asked) => ({ ...quiet, seq: asked, more: asked < 4 }));
    expect(await looksOf(watcher(accounts, 1))).toHaveLength(4);
  });

  it('makes no more requests than the platform allows one invocation', async () => {
    const { accounts, asked } = accountsThat(() => quiet);
    await looksOf(watcher(accounts, 1_000, { subrequests: 20 }));
    // One is for the check of its key.
    expect(asked).toHaveLength(19);
  });

  it('ends after ten minutes', async () => {
    const { accounts, asked } = accountsThat(() => quiet);
    await looksOf(watcher(accounts, 10_000, { subrequests: 10_000 }));
    expect(asked).toHaveLength(601);
  });

  it('ends when its key is gone', async () => {
    const { accounts, asked } = accountsThat((_, times) => (times < 3 ? quiet : undefined));
    const key = { id: 'k', secretHash: 'h' };
    expect(await looksOf(watcher(accounts, 100, { key }))).toHaveLength(2);
    expect(asked).toHaveLength(3);
  });

  it('lives through an account that fails for a moment, and not through one that stays away', async () => {
    // Every look asks a failing account twice.
    const moment = accountsThat((_, asked) => (asked > 1 && asked < 6 ? new Error('restarts') : quiet));
    expect(await looksOf(watcher(moment.accounts, 5))).toHaveLength(3);
    const away = accountsThat((_, asked) => (asked > 1 ? new Error('gone') : quiet));
    await expect(looksOf(watcher(away.accounts, 100))).rejects.toMatchObject({ status: 503 });
    expect(away.asked).toHaveLength(7);
  });

  it('fails at once where there are no accounts', async () => {
    await expect(looksOf(watcher(undefined, 9))).rejects.toMatchObject({ code: 'not_implemented' });
  });

  it('of all accounts goes on where it was, and says of others that they may have had calls', async () => {
    const { accounts, asked } = accountsThat(() => quiet);
    const looks = await looksOf(
      watcher(accounts, 1, { own: 'local', account: undefined, after: new Map([['main', 5]]) }),
    );
    expect(asked).toEqual([
      ['local', undefined],
      ['main', 5],
    ]);
    expect(looks.map(({ gap }) => gap)).toEqual([true]);
  });
});

describe('the id of an event', () => {
  it('is read as it was written', () => {
    const cursors = new Map([
      ['main', 12],
      ['a-team.1', 0],
    ]);
    expect(cursorsFrom(cursorsText(cursors))).toEqual(cursors);
    expect(cursorsFrom('')).toEqual(new Map());
  });

  it.each([
    'x',
    'main',
    'main:',
    'main:-1',
    'main:1.5',
    ':1',
    '/:1',
    'main:1,',
    'main:1;acme:2',
    `main:${'9'.repeat(16)}`,
  ])('is not %s', (text) => {
    expect(cursorsFrom(text)).toBeUndefined();
  });

  it('names no more accounts than are asked', () => {
    const many = Array.from({ length: 21 }, (_, at) => `a${at}:1`).join(',');
    expect(cursorsFrom(many)).toBeUndefined();
  });
});
