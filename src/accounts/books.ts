import { DurableObject } from 'cloudflare:workers';
import type { BooksAnswer, BoundStatement, ReportResult } from './database.ts';

/** Rows changed since the object's connection was opened. */
const CHANGES = 'SELECT total_changes() AS changes';

/**
 * The database where there is no D1, that is on plain workerd: one Durable Object with SQLite, which runs the
 * statements that it is given. D1 itself is such an object, so both run the same SQL with the same limits. Used through
 * `booksAsD1`.
 */
export class Books extends DurableObject {
  /** Runs statements in one transaction: if one fails, none has happened, and the answer is SQLite's message. */
  run(statements: readonly BoundStatement[]): BooksAnswer {
    if (statements.length === 0) return { failed: 'No SQL statements.' };
    try {
      return { results: this.ctx.storage.transactionSync(() => statements.map((one) => this.#run(one))) };
    } catch (thrown) {
      return { failed: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }

  #run({ sql, values }: BoundStatement): ReportResult {
    const before = this.#changes();
    const results = this.ctx.storage.sql.exec(sql, ...values).toArray();
    return { results, meta: { changes: this.#changes() - before } };
  }

  #changes(): number {
    return Number(this.ctx.storage.sql.exec(CHANGES).one().changes);
  }
}
