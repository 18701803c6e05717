/** The Durable Object of an account: gives the state machine its storage, its clock and its alarm. */
import { DurableObject } from 'cloudflare:workers';
import { sanitise } from '../core/index.ts';
import { databaseOf } from './database.ts';
import { follow, noteRunning } from './follow.ts';
import { forgetNames } from './idempotency.ts';
import {
  accountState,
  changeAccount,
  changeKey,
  createKey,
  keyState,
  listKeys,
  revokeKey,
  totals,
} from './key-book.ts';
import { load } from './load.ts';
import type {
  AccountRpc,
  Budget,
  ExtendRequest,
  FollowQuery,
  KeyChange,
  KeyQuery,
  NewKey,
  ReserveRequest,
  SentAttempt,
  SettleRequest,
  Told,
} from './protocol.ts';
import { pushAll, rowsOf } from './push.ts';
import { takeDown } from './record.ts';
import { confirm, extend, GRACE_MS, reserve, vouchedTerms } from './reserve.ts';
import { expire, nextExpiry, settle } from './settle.ts';
import { signInThrottle } from './sign-in-throttle.ts';
import type { KeyRecord, State } from './state.ts';
import type { Row, Sql } from './storage.ts';
import { VOUCHED_MS } from './terms.ts';

/** How long an attempt waits for others to be pushed with, and the longest wait after failures. */
const PUSH_MS = 2000;
const LONGEST_PUSH_MS = 300_000;
const NAMES_MS = 3_600_000;

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
  readonly #db = databaseOf(this.env as unknown as Readonly<Record<string, unknown>>);
  #pushing: Promise<void> | undefined;
  /** Pushes that failed in a row. */
  #failures = 0;
  /** Until when Workers may go by what this object said of keys before it started. */
  #unknownUntil = 0;
  /** Remembered while the object runs, which it does for longer than wrong keys count. */
  readonly #signIns = signInThrottle();
  /** When idempotency keys are to be looked through again. */
  #namesAt = 0;

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
    const state = load(sqlOf(this.ctx), now, this.ctx.id.name);
    // An earlier life of this object may have vouched for its keys.
    if (state.keys.size > 0) this.#unknownUntil = now + 2 * VOUCHED_MS;
    this.#wake(state.waiting.length > 0 ? now + PUSH_MS : nextExpiry(state));
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
    const changed = this.#run((state, now) => changeKey(state, change, now));
    await this.#known(({ id }) => id === change.id);
    return changed;
  }

  async revokeKey(id: string) {
    const revoked = this.#run((state, now) => revokeKey(state, id, now));
    await this.#known((key) => key.id === id);
    return revoked;
  }

  /** Waits until no Worker goes by what it was told of some keys before. */
  async #known(of: (key: KeyRecord) => boolean): Promise<void> {
    const until = this.#run(({ keys }) =>
      [...keys.values()].filter(of).reduce((latest, { vouched = 0 }) => Math.max(latest, vouched), this.#unknownUntil),
    );
    const ms = until - Date.now();
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
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

  async totals() {
    return this.#run(totals);
  }

  async changeAccount(change: { readonly budget: Budget | undefined }) {
    const changed = this.#run((state, now) => changeAccount(state, change, now));
    await this.#known(() => true);
    return changed;
  }

  async signIn(address: string, failed: boolean) {
    const now = Date.now();
    if (failed) this.#signIns.failed(address, now);
    return this.#signIns.waitMs(address, now);
  }

  async terms(key: string, secretHash: string) {
    return this.#run((state, now) => vouchedTerms(state, key, secretHash, now));
  }

  async confirm(key: string, secretHash: string | undefined, revision: number, running: readonly SentAttempt[] = []) {
    return this.#run((state, now) => {
      const reply = confirm(state, key, secretHash, revision, now);
      if (reply?.kind !== 'refused') noteRunning(state, running);
      return reply;
    });
  }

  async reserve(request: ReserveRequest, told: readonly Told[] = []) {
    if (told.length > 0) await this.tell(told);
    const reply = this.#run((state, now) => reserve(state, request, now));
    if (reply.kind === 'held' || request.sent) this.#wake(request.deadline + GRACE_MS);
    return reply;
  }

  async extend(request: ExtendRequest) {
    const reply = this.#run((state, now) => extend(state, request, now));
    if (request.ended.length > 0) this.#wake(Date.now() + PUSH_MS);
    return reply;
  }

  async settle(request: SettleRequest) {
    const done = this.#run((state, now) => settle(state, request, now));
    if (done) this.#wake(Date.now() + PUSH_MS);
    return done;
  }

  async tell(told: readonly Told[], running: readonly SentAttempt[] = []) {
    this.#run((state, now) => {
      takeDown(state, told, now);
      noteRunning(state, running);
    });
    this.#wake(Date.now() + PUSH_MS);
  }

  async push() {
    await this.#push();
    return this.#run(({ waiting }) => waiting.length);
  }

  async rowsOf(call: string) {
    return this.#run((state) => rowsOf(state, call));
  }

  async follow(query: FollowQuery) {
    return this.#run((state, now) => follow(state, query, now));
  }

  /** One push at a time: a second one waits for the first. */
  #push(): Promise<void> {
    const account = this.#run(({ name }) => name);
    if (this.#db === undefined || account === undefined) return Promise.resolve();
    this.#pushing ??= pushAll((step) => this.#run(step), this.#db, account).finally(() => {
      this.#pushing = undefined;
    });
    return this.#pushing;
  }

  /** Ends what nobody settled, pushes what has ended, and sets the next alarm itself: the platform retries only 6 times. */
  override async alarm() {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.#run((state, now) => {
      expire(state, now);
      if (now < this.#namesAt) return;
      this.#namesAt = now + NAMES_MS;
      forgetNames(state);
    });
    try {
      await this.#push();
      this.#failures = 0;
    } catch (thrown) {
      this.#failures++;
      console.error(`Account ${this.ctx.id.name}: attempts wait to be pushed.`, sanitise(String(thrown)));
    }
    const delay = Math.min(PUSH_MS * 2 ** this.#failures, LONGEST_PUSH_MS);
    const [next, waiting] = this.#run((state) => [nextExpiry(state), state.waiting.length]);
    this.#wake(waiting > 0 && this.#db ? Math.min(next, Date.now() + delay) : next);
  }
}
