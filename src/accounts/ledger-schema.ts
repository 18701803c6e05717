/**
 * The tables of the report database, made by their first use. The version row says how far a database has come, and
 * every later version is one step that is taken in one transaction, whoever comes first.
 */
import type { ReportDatabase } from './database.ts';

/** Money is INTEGER nano-dollars: SQLite adds 64-bit integers exactly, and fails loudly on more than $9.2 billion. */
const LEDGER = `CREATE TABLE IF NOT EXISTS ledger (
  account TEXT NOT NULL, seq INTEGER NOT NULL, called INTEGER NOT NULL, call TEXT NOT NULL, attempt INTEGER NOT NULL,
  key TEXT NOT NULL, dialect TEXT NOT NULL, streamed INTEGER NOT NULL, asked TEXT NOT NULL,
  model TEXT NOT NULL, provider TEXT NOT NULL, service TEXT NOT NULL, upstream TEXT NOT NULL, api TEXT NOT NULL,
  requests INTEGER NOT NULL, started INTEGER NOT NULL, first INTEGER, ended INTEGER NOT NULL,
  outcome TEXT NOT NULL, money TEXT NOT NULL, cost INTEGER, rule TEXT NOT NULL,
  status INTEGER, finish TEXT, source TEXT, input INTEGER NOT NULL, cacheRead INTEGER NOT NULL,
  cacheWrite INTEGER NOT NULL, output INTEGER NOT NULL, reasoning INTEGER NOT NULL, nanoseconds INTEGER,
  upstreamId TEXT, canceled INTEGER NOT NULL, resumed INTEGER NOT NULL, undelivered INTEGER NOT NULL,
  overrun INTEGER NOT NULL, expired INTEGER NOT NULL, counts TEXT,
  PRIMARY KEY (called, account, seq)
) STRICT, WITHOUT ROWID`;

/**
 * Sums of rows. `span` is an hour, a day, or all time (`h`, `d`, `t`), and `start` its number since 1970. A report reads
 * a range of one account and one span. `key` is empty in sums of all keys; of all time there are no others. `metered`: 1 for attempts whose tokens are known.
 */
const ROLLUP = `CREATE TABLE IF NOT EXISTS rollup (
  account TEXT NOT NULL, span TEXT NOT NULL, start INTEGER NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL,
  service TEXT NOT NULL, model TEXT NOT NULL, upstream TEXT NOT NULL, rule TEXT NOT NULL, dialect TEXT NOT NULL,
  outcome TEXT NOT NULL, money TEXT NOT NULL, metered INTEGER NOT NULL,
  attempts INTEGER NOT NULL, calls INTEGER NOT NULL, cost INTEGER NOT NULL,
  input INTEGER NOT NULL, cacheRead INTEGER NOT NULL, cacheWrite INTEGER NOT NULL, output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL, nanoseconds INTEGER NOT NULL, timed INTEGER NOT NULL, canceled INTEGER NOT NULL, undelivered INTEGER NOT NULL,
  expired INTEGER NOT NULL, durationMs INTEGER NOT NULL, firstMs INTEGER NOT NULL, firsts INTEGER NOT NULL,
  PRIMARY KEY (account, span, start, key, provider, service, model, upstream, rule, dialect, outcome, money, metered)
) STRICT, WITHOUT ROWID`;

/** A day's attempts as each family of models counts their tokens, for repricing, and what these attempts cost. */
const COUNTED = `CREATE TABLE IF NOT EXISTS counted (
  account TEXT NOT NULL, day INTEGER NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL, service TEXT NOT NULL,
  model TEXT NOT NULL, upstream TEXT NOT NULL, family TEXT NOT NULL,
  attempts INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,
  cost INTEGER NOT NULL, upperBound INTEGER NOT NULL, unknown INTEGER NOT NULL,
  PRIMARY KEY (account, day, key, provider, service, model, upstream, family)
) STRICT, WITHOUT ROWID`;

/** Histograms of all time: attempts whose duration, or time to the first content, falls into a bucket. */
const LATENCY = `CREATE TABLE IF NOT EXISTS latency (
  account TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL, bucket INTEGER NOT NULL,
  attempts INTEGER NOT NULL, ms INTEGER NOT NULL,
  PRIMARY KEY (account, provider, model, kind, bucket)
) STRICT, WITHOUT ROWID`;

/** What a version adds to the one before it. Never changed once released; older Workers go on with newer tables. */
const STEPS: readonly (readonly string[])[] = [
  [
    // How far each account's rows are in here, and when they came.
    'CREATE TABLE IF NOT EXISTS ledger_cursor (account TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL) STRICT',
    LEDGER,
    'CREATE INDEX IF NOT EXISTS ledger_call ON ledger (call)',
    'CREATE INDEX IF NOT EXISTS ledger_key ON ledger (account, key, called, seq)',
    ROLLUP,
    COUNTED,
    LATENCY,
  ],
];

const VERSION_TABLE =
  'CREATE TABLE IF NOT EXISTS ledger_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)';

/** Databases whose tables this isolate has seen at the newest version. */
const ready = new WeakMap<ReportDatabase, Promise<void>>();

/** Makes or migrates the tables, once for each isolate. */
export function ledgerTables(db: ReportDatabase): Promise<void> {
  let known = ready.get(db);
  if (!known) {
    known = migrate(db, STEPS).catch((thrown: unknown) => {
      ready.delete(db);
      throw thrown;
    });
    ready.set(db, known);
  }
  return known;
}

/** Looks at the tables again before the next use: a statement failed, and the database may be another one now. */
export const distrustTables = (db: ReportDatabase): boolean => ready.delete(db);

async function versionOf(db: ReportDatabase): Promise<number> {
  const [, , read] = await db.batch([
    db.prepare(VERSION_TABLE),
    db.prepare('INSERT OR IGNORE INTO ledger_version (one, version) VALUES (1, 0)'),
    db.prepare('SELECT version FROM ledger_version'),
  ]);
  return Number(read?.results[0]?.version);
}

/**
 * Takes the missing steps, each in a transaction with its version. Another Worker may take the same one at the same
 * time: then ours fails or changes nothing, and we go on from where the other has come to.
 */
export async function migrate(db: ReportDatabase, steps: readonly (readonly string[])[]): Promise<void> {
  for (let version = await versionOf(db); version < steps.length; ) {
    const step = steps[version] ?? [];
    let failed: unknown;
    try {
      await db.batch([
        ...step.map((sql) => db.prepare(sql)),
        db.prepare('UPDATE ledger_version SET version = ?2 WHERE version = ?1').bind(version, version + 1),
      ]);
    } catch (thrown) {
      failed = thrown;
    }
    const reached = await versionOf(db);
    if (reached === version) throw failed ?? new Error(`The ledger's tables stay at version ${version}.`);
    version = reached;
  }
}
