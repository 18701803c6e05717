/** The Durable Object of an account: gives the state machine its storage, its clock and its alarm. */
import { DurableObject } from 'cloudflare:workers';
import { accountState, changeAccount, changeKey, createKey, keyState, listKeys, revokeKey } from './key-book.ts';
import { load } from './load.ts';
import type {
  AccountRpc,
  Budget,
  ExtendRequest,
  KeyChange,
  KeyQuery,
  NewKey,
  ReserveRequest,
  SettleRequest,
} from './protocol.ts';
import { extend, GRACE_MS, reserve, usableTerms } from './reserve.ts';
import { expire, nextExpiry, settle } from './settle.ts';
import type { State } from './state.ts';
import type { Row, Sql } from './storage.ts';

const sqlOf = ({ storage }: DurableObjectState): Sql => ({
  exec: (query, ...values) => storage.sql.exec(query, ...values).toArray() satisfies readonly Row[],
  transaction: (work) => storage.transactionSync(work),
});

/**
 * One account: its keys, budgets, open calls and the attempts that are not yet in the database. Every method is one
 * transaction, and answers with plain data; it throws only where the storage fails.
 */
export class Account extends DurableObject implements AccountRpc {
  #state: State | undefined;
  /** When the alarm rings, as far as this object knows. */
  #alarmAt = Number.POSITIVE_INFINITY;

  /** Does one thing. If it fails half-way, memory is read again from the tables, which know nothing of it. */
  #run<T>(work: (state: State, now: number) => T): T {
    const now = Date.now();
    this.#state ??= this.#load(now);
    const state = this.#state;
    try {
      return work(state, now);
    } catch (thrown) {
      this.#state = undefined;
      throw thrown;
    }
  }

  #load(now: number): State {
    const state = load(sqlOf(this.ctx), now);
    this.#wake(nextExpiry(state));
    return state;
  }

  #wake(at: number): void {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    // Not awaited: no reply leaves before it is stored, and if that fails the object starts anew.
    this.ctx.storage.setAlarm(at);
  }

  async createKey(key: NewKey) {
    return this.#run((state, now) => createKey(state, key, now));
  }

  async changeKey(change: KeyChange) {
    return this.#run((state, now) => changeKey(state, change, now));
  }

  async revokeKey(id: string) {
    return this.#run((state, now) => revokeKey(state, id, now));
  }

  async keyState(id: string) {
    return this.#run((state, now) => keyState(state, id, now));
  }

  async listKeys(query: KeyQuery) {
    return this.#run((state, now) => listKeys(state, query, now));
  }

  async accountState() {
    return this.#run(accountState);
  }

  async changeAccount(change: { readonly budget: Budget | undefined }) {
    return this.#run((state, now) => changeAccount(state, change, now));
  }

  async terms(key: string, secretHash: string) {
    return this.#run((state, now) => usableTerms(state, key, secretHash, now));
  }

  async reserve(request: ReserveRequest) {
    const reply = this.#run((state, now) => reserve(state, request, now));
    if (reply.kind === 'held' || request.sent) this.#wake(request.deadline + GRACE_MS);
    return reply;
  }

  async extend(request: ExtendRequest) {
    return this.#run((state, now) => extend(state, request, now));
  }

  async settle(request: SettleRequest) {
    return this.#run((state, now) => settle(state, request, now));
  }

  override async alarm() {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const next = this.#run((state, now) => {
      expire(state, now);
      return nextExpiry(state);
    });
    this.#wake(next);
  }
}
