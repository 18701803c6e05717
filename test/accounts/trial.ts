/** An account beside its model: each command is done on both, and they must agree. */
import { expect } from 'vitest';
import { type BoundStatement, booksAsD1, type ReportDatabase } from '../../src/accounts/database.ts';
import { accountState, changeAccount, changeKey, createKey, keyState, revokeKey } from '../../src/accounts/key-book.ts';
import { load } from '../../src/accounts/load.ts';
import type { Budget, KeySettings, ReserveRequest } from '../../src/accounts/protocol.ts';
import { pushAll } from '../../src/accounts/push.ts';
import { extend, GRACE_MS, reserve } from '../../src/accounts/reserve.ts';
import { expire, settle } from '../../src/accounts/settle.ts';
import type { State } from '../../src/accounts/state.ts';
import type { Sql } from '../../src/accounts/storage.ts';
import type { AttemptEnd, MoneyOutcome } from '../../src/core/index.ts';
import { type Command, type Failure, type Lost, type Plan, START } from './commands.ts';
import {
  type Asked,
  attemptsOf,
  budgetsOf,
  close,
  DAY_MS,
  type Expected,
  end,
  isRemembered,
  type Model,
  type ModelAttempt,
  type ModelCall,
  moneyFor,
  moneyOf,
  openCalls,
  openOf,
  verdict,
} from './model.ts';
import { attemptStart, newKey, reserveRequest } from './requests.ts';

class Died extends Error {}

/** An account over tables that were just made, its model, and a report database. */
export class Trial {
  readonly model: Model = { now: START, budget: undefined, keys: new Map(), calls: new Map(), names: new Map() };
  readonly #requests = new Map<string, ReserveRequest>();
  readonly #sql: Sql;
  readonly #books: Sql;
  readonly #pushes: typeof pushAll;
  #failures: Failure[] = [];
  readonly #db: ReportDatabase;
  #state: State;
  #restarted = false;

  constructor(sql: Sql, books: Sql, pushes: typeof pushAll) {
    this.#sql = sql;
    this.#books = books;
    this.#pushes = pushes;
    this.#db = booksAsD1({ getByName: () => ({ run: async (statements) => this.#runBooks(statements) }) });
    this.#state = load(sql, START, 'main');
  }

  #runBooks(statements: readonly BoundStatement[]) {
    const failure = this.#failures.shift();
    if (failure === 'before') return { failed: 'It did not arrive.' };
    const results = this.#books.transaction(() =>
      statements.map(({ sql, values }) => ({ results: this.#books.exec(sql, ...values), meta: { changes: 0 } })),
    );
    return failure === 'after' ? { failed: 'The answer was lost.' } : { results };
  }

  #restart(): void {
    this.#state = load(this.#sql, this.model.now, 'main');
    this.#restarted = true;
  }

  /** After a restart a call is known only by its attempts: as open by one that runs, as over by when the last ended. */
  #forgetIdle(): void {
    for (const call of this.#restarted ? this.model.calls.values() : []) {
      if (openOf(call).length === 0) call.over = { at: Math.max(...call.attempts.map(({ endedAt = 0 }) => endedAt)) };
    }
    this.#restarted = false;
  }

  /** Does something on the account, which may die at it. Undefined: it died, and nothing of it happened. */
  #do<T>(work: (state: State, now: number) => T, dies: Lost): { readonly reply: T } | undefined {
    const { now } = this.model;
    if (dies === 'before') {
      const dead = () =>
        this.#sql.transaction(() => {
          work(this.#state, now);
          throw new Died();
        });
      expect(dead).toThrow(Died);
      this.#restart();
      return undefined;
    }
    const reply = work(this.#state, now);
    if (dies === 'after') this.#restart();
    return { reply };
  }

  begin({ settings, budget }: Pick<Plan, 'settings' | 'budget'>): void {
    for (const id of ['k1', 'k2']) {
      const own = id === 'k1' ? settings : { name: 'test', atLimit: 'clamp' as const };
      this.model.keys.set(id, { id, settings: own, revoked: false });
      createKey(this.#state, newKey(own, id), START);
    }
    this.#account(budget);
  }

  #account(budget: Budget | undefined): void {
    changeAccount(this.#state, { budget }, this.model.now);
    this.model.budget = budget;
  }

  async run(command: Command): Promise<void> {
    switch (command.do) {
      case 'reserve':
        this.#reserve(command);
        break;
      case 'extend':
        this.#extend(command);
        break;
      case 'settle':
        this.#settle(command);
        break;
      case 'repeat':
        this.#repeat(command.call);
        break;
      case 'wait':
        this.model.now += command.ms;
        break;
      case 'expire':
        this.#expire(command.lost);
        break;
      case 'restart':
        this.#restart();
        break;
      case 'push':
        await this.#push(command.failures);
        if (command.lost) this.#restart();
        break;
      case 'change':
        this.#change(command.key, command.settings);
        break;
      case 'account':
        this.#account(command.budget);
        break;
      case 'revoke': {
        revokeKey(this.#state, command.key, this.model.now);
        const key = this.model.keys.get(command.key);
        if (key) key.revoked = true;
      }
    }
    this.#forgetIdle();
    this.check();
  }

  #change(id: string, settings: KeySettings): void {
    const key = this.model.keys.get(id);
    const state = keyState(this.#state, id, this.model.now);
    if (!key || !state) throw new Error('no key');
    const reply = changeKey(this.#state, { id, revision: state.terms.revision, settings }, this.model.now);
    if (key.revoked) {
      expect(reply).toBeUndefined();
      return;
    }
    expect(reply).toMatchObject({ terms: settings });
    expect(changeKey(this.#state, { id, revision: state.terms.revision, settings }, this.model.now)).toBe('stale');
    key.settings = settings;
  }

  #reserve(command: Extract<Command, { do: 'reserve' }>): void {
    const { model } = this;
    const { key, most, least, tokens, stale, name, sent, long } = command;
    const id = `call-${model.calls.size + this.#requests.size}`;
    const terms = this.#state.keys.get(key)?.terms;
    const request = reserveRequest(id, {
      key,
      now: model.now,
      cover: most === undefined ? undefined : { most, least },
      revision: (terms?.revision ?? this.#state.budgetRevision) + (stale ? 1 : 0),
      tokens,
      deadline: model.now + (long ? 600_000 : 30_000),
      ...(sent ? { sent: true } : {}),
      ...(name === undefined ? {} : { idempotency: { key: name, fingerprint: 'body' } }),
    });
    this.#requests.set(id, request);
    const done = this.#do((state, now) => reserve(state, request, now), command.lost);
    if (!done) return;
    const expected = verdict(model, { ...command, deadline: request.deadline });
    meets(done.reply, expected);
    this.#taken(request, expected, command.most);
    // A refusal may be another one after a restart, which frees the place of a call that only waits to be settled.
    if (expected.kind === 'held' || (sent && command.lost === undefined))
      meets(reserve(this.#state, request, model.now), this.#again(id) ?? expected);
  }

  /** The answer to a repeat of a call that was let in, while its first attempt runs. */
  #again(id: string): Expected | undefined {
    const call = this.model.calls.get(id);
    const [first] = call?.attempts ?? [];
    return call?.admitted && first && !first.end
      ? { kind: 'held', holds: first.held, budgeted: first.budgeted }
      : undefined;
  }

  /** Puts a call into the model that was let in, or that is on its way all the same. */
  #taken(request: ReserveRequest, expected: Expected, most: bigint | undefined): void {
    const held = expected.kind === 'held';
    if (!held && !request.sent) return;
    const { model } = this;
    const { start, deadline, idempotency, tokens } = request;
    const call: ModelCall = {
      id: start.call,
      key: start.key,
      deadline,
      name: idempotency?.key,
      admitted: held,
      attempts: [],
    };
    const money = held ? { held: expected.holds, budgeted: expected.budgeted } : { held: most, budgeted: false };
    call.attempts.push({ call, attempt: 1, reserved: model.now, counted: held, tokens, ...money });
    model.calls.set(call.id, call);
    if (!held) return;
    if (idempotency) model.names.set(`${start.key}/${idempotency.key}`, { call, at: model.now });
    this.#within(start.key);
  }

  /** After money was granted, no budget that the key is under is exceeded. */
  #within(key: string): void {
    for (const { of, budget } of budgetsOf(this.model, key)) {
      const { spent, pending } = moneyOf(this.model, of, budget.period);
      expect(spent + pending, `of ${of ?? 'the account'}`).toBeLessThanOrEqual(budget.limit);
    }
  }

  #open(at: number): ModelCall | undefined {
    const open = openCalls(this.model);
    return open[at % Math.max(1, open.length)];
  }

  #extend(command: Extract<Command, { do: 'extend' }>): void {
    const { model } = this;
    const call = this.#open(command.call);
    if (!call) return;
    const { most, least, tokens, before } = command;
    const [first] = openOf(call);
    const attempt = attemptStart(call.attempts.length + 1, model.now);
    const request = {
      call: call.id,
      ended: before === 'ends' && first ? [endOf(first.attempt, command)] : [],
      attempt,
      tokens,
      ...(command.sent ? { sent: true as const } : {}),
      ...(most === undefined ? {} : { cover: { most, least } }),
      ...(before === 'pays' && first ? { from: first.attempt } : {}),
    };
    const done = this.#do((state, now) => extend(state, request, now), command.lost);
    if (!done) return;
    if (before === 'ends' && first) this.#end(first, command.money, command.cost);
    const moved = smaller(before === 'pays' && first ? (first.held ?? 0n) : 0n, most ?? 0n);
    const expected = this.#extension(call, { most, least }, moved);
    meets(done.reply, expected);
    const held = expected.kind === 'held';
    if (!held && !command.sent) return;
    if (held && before === 'pays' && first?.held !== undefined) first.held -= moved;
    const money = held ? { held: expected.holds, budgeted: expected.budgeted } : { held: most, budgeted: false };
    call.attempts.push({ call, attempt: attempt.attempt, reserved: model.now, counted: false, tokens, ...money });
    if (!held) return;
    this.#within(call.key);
    meets(extend(this.#state, request, model.now), expected);
  }

  #extension(call: ModelCall, cover: Pick<Asked, 'most' | 'least'>, moved: bigint): Expected {
    if (!call.admitted) return { kind: 'refused', code: 'permission_denied' };
    if (this.model.keys.get(call.key)?.revoked) return { kind: 'refused', code: 'authentication' };
    if (call.deadline <= this.model.now) return { kind: 'refused', code: 'permission_denied' };
    return moneyFor(this.model, call.key, cover, moved);
  }

  #end(attempt: ModelAttempt, money: MoneyOutcome, cost: bigint | undefined, expired = false): void {
    end(attempt, money, cost, expired, this.model.now);
  }

  #settle(command: Extract<Command, { do: 'settle' }>): void {
    const { model } = this;
    const call = this.#open(command.call);
    if (!call) return;
    const ended = command.tells ? openOf(call).map(({ attempt }) => endOf(attempt, command)) : [];
    const outcome = command.money === 'settled' ? 'ok' : 'provider_error';
    const request = { call: call.id, ended, outcome, status: 200, endedAt: model.now };
    const open = openOf(call);
    const done = this.#do((state, now) => settle(state, request, now), command.lost);
    if (!done) return;
    expect(done.reply).toBe(true);
    for (const one of open) {
      if (command.tells) this.#end(one, command.money, command.cost);
      else this.#end(one, 'unknown', undefined);
    }
    close(model, call, outcome);
    expect(settle(this.#state, request, model.now)).toBe(false);
  }

  /** The first request of some call once more, as from a network that kept it for long. */
  #repeat(at: number): void {
    const { model } = this;
    const calls = [...model.calls.values()];
    const call = calls[at % Math.max(1, calls.length)];
    const request = call && this.#requests.get(call.id);
    if (!request) return;
    const again = this.#again(call.id);
    if (again) {
      meets(reserve(this.#state, request, model.now), again);
      return;
    }
    const ended = call.attempts[0]?.end !== undefined;
    if (isRemembered(call, model.now) || (!call.over && ended)) {
      meets(reserve(this.#state, request, model.now), { kind: 'refused', code: 'permission_denied' });
    }
  }

  #expire(dies: Lost): void {
    const { model } = this;
    const late = openCalls(model).filter(({ deadline }) => deadline + GRACE_MS <= model.now);
    const done = this.#do((state, now) => expire(state, now), dies);
    if (!done) return;
    expect(done.reply).toBe(late.length);
    for (const call of late) {
      for (const one of openOf(call)) this.#end(one, 'unknown', undefined, true);
      close(model, call, 'timeout');
    }
  }

  async #push(failures: readonly Failure[]): Promise<void> {
    this.#failures = [...failures];
    try {
      await this.#pushes((step) => step(this.#state), this.#db, 'main');
    } catch (thrown) {
      expect(String(thrown)).toMatch(/did not arrive|was lost/);
    }
    this.#failures = [];
  }

  /** The account says of itself what the model adds up. */
  check(): void {
    const { model } = this;
    const account = accountState(this.#state, model.now);
    expect(account).toMatchObject(moneyOf(model, undefined, model.budget?.period ?? 'total'));
    for (const { id, settings } of model.keys.values()) {
      const state = keyState(this.#state, id, model.now);
      expect(state, id).toMatchObject(moneyOf(model, id, settings.budget?.period ?? 'total'));
      expect(state?.running, id).toBe(openCalls(model).filter(({ key }) => key === id).length);
    }
  }

  /** At last everything ends, the database works again, and each attempt is in it once. */
  async finish(): Promise<void> {
    this.model.now += DAY_MS;
    this.#expire(undefined);
    this.check();
    await this.#push([]);
    this.#restart();
    this.#forgetIdle();
    this.check();
    expect(this.#state.waiting).toEqual([]);
    const rows = this.#books.exec('SELECT seq, call, attempt, key, money, cost, expired FROM ledger ORDER BY seq');
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1));
    const name = ({ call, attempt }: { readonly call?: unknown; readonly attempt?: unknown }) => `${call}/${attempt}`;
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const inBooks = rows.map((row) => ({ ...row, name: name(row), seq: 0 }));
    const inModel = attemptsOf(this.model).map(({ call, attempt, end }) => ({
      seq: 0,
      call: call.id,
      attempt,
      key: call.key,
      money: end?.money,
      cost: end?.cost === undefined ? null : Number(end.cost),
      expired: Number(end?.expired),
      name: name({ call: call.id, attempt }),
    }));
    expect(inBooks.sort(byName)).toEqual(inModel.sort(byName));
    const { attempts, settled, upperBound, unknown } = this.#state.sums;
    const sum = (of: MoneyOutcome) =>
      attemptsOf(this.model).reduce((all, { end }) => (end?.money === of ? all + (end.cost ?? 0n) : all), 0n);
    expect({ attempts, settled, upperBound }).toEqual({
      attempts: rows.length,
      settled: sum('settled'),
      upperBound: sum('upper_bound'),
    });
    expect(unknown).toBe(rows.filter(({ money }) => money === 'unknown').length);
  }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const endOf = (
  attempt: number,
  { money, cost }: { readonly money: MoneyOutcome; readonly cost: bigint | undefined },
): AttemptEnd => ({
  attempt,
  outcome: money === 'settled' ? 'ok' : 'provider_error',
  money,
  ended: START,
  ...(cost === undefined ? {} : { cost }),
});

/** A reply is the one that was expected. */
function meets(reply: { readonly kind: string; readonly held?: bigint }, expected: Expected): void {
  if (expected.kind !== 'held') {
    expect(reply).toMatchObject(expected);
    return;
  }
  expect(reply).toMatchObject({ kind: 'held' });
  expect(reply.held).toBe(expected.budgeted ? expected.holds : undefined);
}

/** Tries a plan on fresh tables. */
export async function attempt(sql: Sql, books: Sql, { commands, ...start }: Plan, pushes = pushAll): Promise<void> {
  const trial = new Trial(sql, books, pushes);
  trial.begin(start);
  for (const command of commands) await trial.run(command);
  await trial.finish();
}
