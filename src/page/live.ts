/**
 * Calls as they happen, for somebody who watches. Once a second the objects of the accounts are asked what has ended and
 * what runs. They know both anyway, so nothing is asked for a call that nobody watches, and a watched call costs no more.
 */
import {
  ACCOUNT_NAME,
  type AccountRow,
  type Accounts,
  activeAccounts,
  askAccount,
  type Followed,
  type FollowQuery,
  ledgerTables,
  MAIN_ACCOUNT,
  type ReportDatabase,
  type RunningAttempt,
} from '../accounts/index.ts';

/** The last row that a watcher has of each account. */
export type Cursors = ReadonlyMap<string, number>;

export interface Watcher {
  readonly accounts: Accounts | undefined;
  /** Tells which other accounts have calls, where all of them are watched. */
  readonly database: ReportDatabase | undefined;
  /** The watcher's own account. */
  readonly own: string;
  /** The account that is watched; undefined: all of them. */
  readonly account: string | undefined;
  /** A caller's key, which sees its own calls. */
  readonly key?: NonNullable<FollowQuery['key']>;
  /** Where an earlier watch ended. */
  readonly after?: Cursors;
  /** Requests that the platform lets one watch make. */
  readonly subrequests: number;
  /** Resolves after so many milliseconds, or with false as soon as the watcher has left. */
  wait(ms: number): Promise<boolean>;
}

/** What has happened since the last look. */
export interface Look {
  readonly rows: readonly AccountRow[];
  /** Rows were left out: the report database has them. */
  readonly gap: boolean;
  /** Calls that are not over, and some of their attempts. */
  readonly running: number;
  readonly attempts: readonly RunningAttempt[];
  readonly cursors: Cursors;
}

const LOOK_MS = 1_000;
/** A client comes back by itself, with what it has; until then its key and its accounts are not looked up anew. */
const LONGEST_MS = 600_000;
/** Looks between two at the list of accounts. */
const LOOKS_A_LIST = 5;
/** Accounts without calls for so long are left alone, so that their objects can sleep. */
const ACTIVE_MS = 60_000;
const MOST_ACCOUNTS = 20;
/** Looks that may fail in a row. */
const MOST_FAILURES = 3;

const ENTRY = /^([^:,]+):(\d{1,15})$/;

export const cursorsText = (cursors: Cursors): string =>
  [...cursors].map(([account, seq]) => `${account}:${seq}`).join(',');

/** Undefined for a text that `cursorsText` did not make. */
export function cursorsFrom(text: string): Cursors | undefined {
  const cursors = new Map<string, number>();
  for (const entry of text === '' ? [] : text.split(',')) {
    const [, account, seq] = ENTRY.exec(entry) ?? [];
    if (account === undefined || !ACCOUNT_NAME.test(account) || cursors.size === MOST_ACCOUNTS) return undefined;
    cursors.set(account, Number(seq));
  }
  return cursors;
}

/** An account's answer, with its name. */
type Answer = Followed & { readonly account: string };

/**
 * Looks once a second, and yields whatever there is, at first where the watch begins. Ends when the watcher leaves, when
 * its key is revoked, and after ten minutes or the requests of one invocation, since a client can come back with the
 * last cursors. Throws if the accounts cannot be reached.
 */
export async function* watch(watcher: Watcher): AsyncGenerator<Look> {
  const { accounts, own, account, key, subrequests } = watcher;
  const cursors = new Map([...(watcher.after ?? [])].filter(([name]) => account === undefined || name === account));
  const begun = new Set(cursors.keys());
  let names = [account ?? own];
  let asked = 0;
  let failures = 0;

  const follow = async (name: string): Promise<Answer | undefined> => {
    const after = cursors.get(name);
    const query = { ...(after === undefined ? {} : { after }), ...(key ? { key } : {}) };
    const answer = await askAccount(accounts, name, (object) => object.follow(query));
    return answer && { ...answer, account: name };
  };

  const look = async (at: number): Promise<Look | undefined> => {
    if (account === undefined && at % LOOKS_A_LIST === 0) {
      asked++;
      names = await activeNames(watcher);
    }
    asked += names.length;
    const answers = await Promise.all(names.map(follow));
    if (answers.some((answer) => answer === undefined)) return undefined;
    const known = answers.filter((answer) => answer !== undefined);
    // An account whose first look this is, after the watch began, may have had calls which are not in its rows.
    const joined = (at > 0 || watcher.after !== undefined) && known.some((answer) => !begun.has(answer.account));
    for (const answer of known) {
      begun.add(answer.account);
      cursors.delete(answer.account);
      cursors.set(answer.account, answer.seq);
    }
    for (const [oldest] of cursors) {
      if (cursors.size <= MOST_ACCOUNTS) break;
      cursors.delete(oldest);
    }
    more = known.some((answer) => answer.more);
    return {
      rows: known.flatMap(({ rows, account: of }) => rows.map((row) => ({ ...row, account: of }))),
      gap: joined || known.some(({ gap }) => gap),
      running: known.reduce((sum, { running }) => sum + running, 0),
      attempts: known.flatMap(({ attempts }) => attempts),
      cursors: new Map(cursors),
    };
  };

  let more = false;
  for (let at = 0, waited = 0; ; at++) {
    let seen: Look | undefined;
    try {
      seen = await look(at);
      if (!seen) return;
      failures = 0;
    } catch (thrown) {
      if (++failures >= MOST_FAILURES || at === 0) throw thrown;
    }
    if (seen) yield seen;
    if (waited >= LONGEST_MS || asked + names.length >= subrequests) return;
    if (more) continue;
    waited += LOOK_MS;
    if (!(await watcher.wait(LOOK_MS))) return;
  }
}

/** The accounts to ask when all are watched: the two that are always there, and those with calls in the last minute. */
async function activeNames({ database, own }: Watcher): Promise<string[]> {
  const always = [own, MAIN_ACCOUNT];
  if (!database) return [...new Set(always)];
  try {
    await ledgerTables(database);
    const active = await activeAccounts(database, Date.now() - ACTIVE_MS, MOST_ACCOUNTS);
    return [...new Set([...always, ...active])].slice(0, MOST_ACCOUNTS);
  } catch {
    // The database fails for now. These accounts tell what they know without it.
    return [...new Set(always)];
  }
}
