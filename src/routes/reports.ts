/** What reports share: the database, the attempts that accounts have not pushed yet, and how a page is answered. */
import type { Context } from 'hono';
import {
  type Accounts,
  knownAccounts,
  ledgerTables,
  MAIN_ACCOUNT,
  type ReportDatabase,
  tellNow,
} from '../accounts/index.ts';
import { formatDollars, GatewayError, type NanoDollars } from '../core/index.ts';
import { callerOf } from './access.ts';
import { type Gateway, headersOf, reply, replyJson } from './request.ts';

const withoutDatabase = (): GatewayError =>
  new GatewayError(
    'not_implemented',
    'There is no ledger to report from: no database is bound. Add [[d1_databases]] with binding = "DB" to wrangler.toml and deploy.',
  );

const RETRY_MS = 2_000;

const unreadable = (): GatewayError =>
  new GatewayError('internal', 'The report database cannot be read at the moment. Try again.', {
    status: 503,
    retryable: true,
    retryAfterMs: RETRY_MS,
  });

/** How long a report waits for calls that have just been answered, and for an account that is asked to push. */
const SETTLE_MS = 1_000;
const PUSH_MS = 2_500;
/** A push that was under way may have begun before the last attempt ended. */
const MOST_PUSHES = 3;
/** Accounts that a report over all of them asks. The others push by themselves, seconds after a call. */
const MOST_ASKED = 20;

/** What a report is made from. */
export interface Source {
  readonly db: ReportDatabase;
  /** Attempts that ended and are not in the figures; null if an account did not say so in time. */
  readonly pending: number | null;
}

async function pushed(accounts: Accounts, account: string): Promise<number> {
  await tellNow(account, () => accounts.getByName(account), SETTLE_MS);
  let waiting = await accounts.getByName(account).push();
  for (let again = 1; waiting > 0 && again < MOST_PUSHES; again++) waiting = await accounts.getByName(account).push();
  return waiting;
}

async function left(accounts: Accounts, account: string): Promise<number | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PUSH_MS);
  });
  try {
    return await Promise.race([pushed(accounts, account), late]);
  } catch {
    // The account or its database failed. The report is made from what is there, and says that it may lack something.
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads the report database, which has its tables then. A failure of it is a 503. */
export async function databaseFor<T>(
  { config: { database } }: Gateway,
  read: (db: ReportDatabase) => Promise<T>,
): Promise<T> {
  if (!database) throw withoutDatabase();
  try {
    await ledgerTables(database);
    return await read(database);
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    console.error(`a report failed: ${thrown instanceof Error ? thrown.name : typeof thrown}`);
    throw unreadable();
  }
}

/**
 * Makes a report: has the accounts push what they have, and then reads.
 *
 * @param account whose report it is; undefined: of all accounts
 */
export const reportFrom = <T>(
  c: Context,
  gateway: Gateway,
  account: string | undefined,
  read: (source: Source) => Promise<T>,
): Promise<T> =>
  databaseFor(gateway, async (db) => {
    const { accounts } = gateway.config;
    const asked = account === undefined ? await mostRecent(db, callerOf(c).account) : [account];
    const pending = accounts ? await Promise.all(asked.map((name) => left(accounts, name))) : [];
    return read({ db, pending: pending.reduce((a, b) => (a === null || b === null ? null : a + b), 0) });
  });

const mostRecent = async (db: ReportDatabase, own: string): Promise<readonly string[]> =>
  [...new Set([own, MAIN_ACCOUNT, ...(await knownAccounts(db, MOST_ASKED))])].slice(0, MOST_ASKED);

export const dollars = (amount: NanoDollars): string => formatDollars(amount);

/** Puts the address of the next page into `Link`, for readers of CSV. */
function linkNext(c: Context, next: string | null): void {
  if (next === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set('after', next);
  headersOf(c).link = `<${url.pathname}${url.search}>; rel="next"`;
}

export type Cell = string | number | null | boolean;

/** A list as JSON, or as CSV where the caller accepts that and not JSON. */
export function replyList(
  c: Context,
  data: readonly Readonly<Record<string, Cell>>[],
  columns: readonly string[],
  { next, ...rest }: Readonly<Record<string, unknown>> & { readonly next: string | null },
): Response {
  linkNext(c, next);
  const accept = c.req.header('accept') ?? '';
  headersOf(c).vary = 'accept';
  if (!/\btext\/csv\b/i.test(accept)) {
    return replyJson(c, 200, { object: 'list', data, has_more: next !== null, next, ...rest });
  }
  const lines = [columns, ...data.map((row) => columns.map((column) => row[column] ?? ''))];
  return reply(c, 200, 'text/csv; charset=utf-8', lines.map((line) => `${line.map(csvCell).join(',')}\r\n`).join(''));
}

/** What a spreadsheet takes for a formula. Callers choose some of the texts, such as the name of a model. */
const FORMULA = /^[=+\-@\t\r\n]/;
const AMOUNT = /^-?\d+(?:\.\d+)?$/;

/** RFC 4180, and an apostrophe before what would be a formula. */
const csvCell = (value: Cell): string => {
  const plain = String(value);
  const text = FORMULA.test(plain) && !AMOUNT.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
