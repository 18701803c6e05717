import { runInDurableObject } from 'cloudflare:test';
import { changeAccount, createKey, keyState } from '../../src/accounts/key-book.ts';
import { load } from '../../src/accounts/load.ts';
import type { Budget, ExtendRequest, KeySettings, SettleRequest } from '../../src/accounts/protocol.ts';
import { extend, reserve } from '../../src/accounts/reserve.ts';
import { expire, settle } from '../../src/accounts/settle.ts';
import type { State } from '../../src/accounts/state.ts';
import type { Sql } from '../../src/accounts/storage.ts';
import { type CallOptions, newKey, reserveRequest } from './requests.ts';
import { newAccount } from './support.ts';

/** SQLite of an object, with its tables taken away. */
export function emptied(storage: DurableObjectStorage): Sql {
  const exec: Sql['exec'] = (query, ...values) => storage.sql.exec(query, ...values).toArray();
  const tables = exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'");
  for (const { name } of tables) if (!String(name).startsWith('sqlite')) exec(`DROP TABLE "${name}"`);
  return { exec, transaction: (work) => storage.transactionSync(work) };
}

/** An account's state machine over real tables, with a clock that a test moves. */
export class Machine {
  now: number;
  readonly sql: Sql;
  state: State;

  constructor(sql: Sql, now: number) {
    this.sql = sql;
    this.now = now;
    this.state = load(sql, now, 'main');
  }

  restart(): void {
    this.state = load(this.sql, this.now, 'main');
  }
  key(settings: Partial<KeySettings> = {}, id = 'k1') {
    return createKey(this.state, newKey(settings, id), this.now);
  }
  budget(budget: Budget | undefined) {
    return changeAccount(this.state, { budget }, this.now);
  }
  reserve(call: string, options: CallOptions = {}) {
    const known = this.state.keys.get(options.key ?? 'k1')?.terms.revision ?? 0;
    return reserve(this.state, reserveRequest(call, { now: this.now, revision: known, ...options }), this.now);
  }
  extend(request: ExtendRequest) {
    return extend(this.state, request, this.now);
  }
  settle(request: SettleRequest) {
    return settle(this.state, request, this.now);
  }
  expire() {
    return expire(this.state, this.now);
  }
  keyState(id = 'k1') {
    return keyState(this.state, id, this.now);
  }
}

/** Runs a test on a fresh account. */
export async function onMachine(at: string, test: (machine: Machine) => void | Promise<void>): Promise<void> {
  await runInDurableObject(newAccount().stub, (_, { storage }) => test(new Machine(emptied(storage), Date.parse(at))));
}
