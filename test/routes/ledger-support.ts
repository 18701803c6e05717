/** A gateway over a ledger that a test has filled. */
import { env } from 'cloudflare:workers';
import { keyring, pushRows, type ReportDatabase } from '../../src/accounts/index.ts';
import type { LedgerRow } from '../../src/accounts/ledger-row.ts';
import { accountsOf, termsOf } from '../accounts/fake-accounts.ts';
import { gateway, KEY } from './support.ts';

export const db: ReportDatabase = Reflect.get(env, 'DB') as D1Database;

/** Tests share a database, so each has accounts of its own. */
export const newAccount = (): string => `acc-${crypto.randomUUID().slice(0, 13)}`;

/** Pushes rows as an account does. */
export async function fill(account: string, rows: readonly LedgerRow[]): Promise<void> {
  for (let done = 0; done < rows.length; ) done = await pushRows(db, account, rows.slice(done));
}

export interface Ledgers {
  /** What an account still has when it is asked to push. */
  readonly waiting?: Map<string, LedgerRow[]>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly push?: (account: string) => Promise<number>;
}

/** Sends GET requests as the admin, or with another key. */
export function reporting({ waiting = new Map(), settings = {}, push }: Ledgers = {}) {
  const accounts = accountsOf((account) => ({
    terms: async (key) => termsOf(key),
    push:
      push === undefined
        ? async () => {
            await fill(account, waiting.get(account) ?? []);
            return 0;
          }
        : () => push(account),
    rowsOf: async (call) => (waiting.get(account) ?? []).filter((row) => row.call === call),
  }));
  const ask = gateway(async () => new Response(), { DB: db, ACCOUNT: accounts, ...settings });
  return (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(ask('GET', path, null, headers));
}

/** A key of an account, and its id. */
export async function keyOf(account: string): Promise<{ readonly id: string; readonly authorization: string }> {
  const { id, text } = await keyring(KEY).make(account, Date.now());
  return { id, authorization: `Bearer ${text}` };
}
