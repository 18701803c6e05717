/**
 * The gateway as it is, except that the report database fails an account now and then, before or after it has stored
 * what it was sent. `CRASH_SEED` and `CRASH_RATE` say when, `CRASH_AHEAD_MS` puts the clock ahead, so that calls expire,
 * and `/crash/…` tells what the object and the database hold.
 */
import { Account as RealAccount } from '../../src/accounts/account.ts';
import { databaseOf, ledgerTables, type ReportDatabase } from '../../src/accounts/index.ts';
import app from '../../src/index.ts';
import { fraction, hash } from '../sandbox/random.ts';

export { Books } from '../../src/accounts/books.ts';

type Env = Readonly<Record<string, unknown>> & { readonly ACCOUNT: DurableObjectNamespace<Account> };

/** Every second failure comes after the commit. */
function failing(db: ReportDatabase, seed: number, rate: number): ReportDatabase {
  let batches = 0;
  return {
    prepare: (sql) => db.prepare(sql),
    exec: (sql) => db.exec(sql),
    async batch(statements) {
      const drawn = fraction(seed, batches++);
      if (drawn < rate / 2) {
        console.log('crash-fault: before the commit');
        throw new Error('The database failed before it stored anything.');
      }
      const results = await db.batch(statements);
      if (drawn < rate) {
        console.log('crash-fault: after the commit');
        throw new Error('The database failed after it had stored everything.');
      }
      return results;
    },
  };
}

export class Account extends RealAccount {
  constructor(ctx: DurableObjectState, env: Env) {
    const db = databaseOf(env);
    const seed = hash(`${env.CRASH_SEED} ${ctx.id.name}`);
    super(ctx, { ...env, ...(db ? { DB: failing(db, seed, Number(env.CRASH_RATE)) } : {}) });
  }

  /** Does now what the alarm will do. */
  ring(): Promise<void> {
    return this.alarm();
  }
}

let ahead = 0;
function putClockAhead(ms: number): void {
  if (ms === ahead) return;
  const now = Date.now.bind(Date);
  const by = ms - ahead;
  Date.now = () => now() + by;
  ahead = ms;
}

const SUMS = `SELECT COUNT(*) AS attempts, COUNT(DISTINCT call || ' ' || attempt) AS distinct_attempts,
  MIN(seq) AS first, MAX(seq) AS last,
  COALESCE(SUM(CASE money WHEN 'settled' THEN cost END), 0) AS settled,
  COALESCE(SUM(CASE money WHEN 'upper_bound' THEN cost END), 0) AS upper_bound FROM ledger WHERE account = ?1`;
const ROLLED = `SELECT COALESCE(SUM(attempts), 0) AS attempts, COALESCE(SUM(cost), 0) AS cost
  FROM rollup WHERE account = ?1 AND span = 't' AND money = ?2`;

async function books(db: ReportDatabase, account: string) {
  await ledgerTables(db);
  const [rows, cursor, settled, bounds, released, unknown] = await db.batch([
    db.prepare(SUMS).bind(account),
    db.prepare('SELECT seq FROM ledger_cursor WHERE account = ?1').bind(account),
    ...['settled', 'upper_bound', 'released', 'unknown'].map((money) => db.prepare(ROLLED).bind(account, money)),
  ]);
  const one = (result: typeof rows) => result?.results[0] ?? {};
  return {
    rows: one(rows),
    cursor: one(cursor).seq ?? 0,
    rolled: { settled: one(settled), upper_bound: one(bounds), released: one(released), unknown: one(unknown) },
  };
}

const json = (value: unknown): Response =>
  new Response(JSON.stringify(value, (_name, held) => (typeof held === 'bigint' ? String(held) : held)));

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    putClockAhead(Number(env.CRASH_AHEAD_MS ?? 0));
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith('/crash/')) return app.fetch(request, env, ctx);
    const account = searchParams.get('account') ?? '';
    const object = env.ACCOUNT.getByName(account);
    if (pathname === '/crash/ring') {
      await object.ring();
      return json({ totals: await object.totals() });
    }
    const db = databaseOf(env);
    return json(db ? await books(db, account) : {});
  },
} satisfies ExportedHandler<Env>;
