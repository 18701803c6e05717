import type { AttemptEnd, AttemptStart, CallRecord, CallStart, ErrorCode, GatewayError } from '../core/index.ts';
import type { Admission, Covered, Need } from './admission.ts';
import { take, tellSoon } from './outbox.ts';
import type {
  AccountRpc,
  ExtendReply,
  ExtendRequest,
  KeyTerms,
  LimitState,
  ReserveReply,
  ReserveRequest,
  Told,
} from './protocol.ts';
import { refusalOf, repeatOf, StaleTerms } from './refusals.ts';
import { retried, soon } from './retried.ts';
import { began, ended, runningIn } from './running.ts';
import { beginSettling, endSettling } from './settling.ts';
import { accountUnavailable } from './terms.ts';

/** How long an answer waits for the account of a key without limits, which then does without. */
const ADMIT_MS = 2_000;

export interface CallAccountOptions {
  readonly start: CallStart;
  readonly secretHash?: string | undefined;
  /** Undefined for `admin` and `local`, which have no limits. */
  readonly terms: KeyTerms | undefined;
  /** A stub that is not broken: a new one each time. Absent: there is no account, and the call is only recorded. */
  readonly rpc?: (() => AccountRpc) | undefined;
  readonly idempotency?: ReserveRequest['idempotency'];
  /** Keeps the request alive until the work is done. */
  readonly background: (work: Promise<void>) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** As in `Admission`. */
  readonly carry?: Admission['carry'];
  /** Is told newer terms. */
  readonly learn?: (terms: KeyTerms) => void;
  /** The account has just vouched for the terms. */
  readonly vouched?: boolean;
  /** Is told that the account vouches for the terms, as it was asked at that time. */
  readonly vouch?: (at: number) => void;
  /** Is told of the call once it is over. */
  readonly onRecord?: ((record: CallRecord) => void) | undefined;
}

type FirstReply = Exclude<ReserveReply, { kind: 'stale' | 'repeated' }>;

interface Begun {
  readonly start: AttemptStart;
  /** The account was asked before. */
  readonly asked: boolean;
  end: AttemptEnd | undefined;
}

interface Over {
  readonly outcome: 'ok' | ErrorCode;
  readonly status: number;
  readonly endedAt: number;
}

/**
 * One call and its account: reserves for the first attempt, extends for each further one, and settles when all have
 * ended and the caller has its answer. For a key with a budget, limits or an idempotency key each attempt waits until
 * it is covered. For all others nothing is reserved, and the account is told of the call when it is over.
 */
export class CallAccount implements Admission {
  budgeted = false;
  cheaper = false;
  metered = false;
  readonly parts = 1;
  readonly carry: Admission['carry'];
  refusal: Promise<GatewayError | undefined> | undefined;
  /** What is left of the limits by the minute, once the account has answered. */
  limits: readonly LimitState[] = [];
  readonly #given: CallAccountOptions;
  #terms: KeyTerms | undefined;
  #waits = false;
  readonly #attempts: Begun[] = [];
  /** Ends that the account has not been told of. */
  #untold: AttemptEnd[] = [];
  #count = 0;
  #open = 0;
  /** Whether the account knows the call. `perhaps`: its reply was lost. */
  #reserved: 'no' | 'perhaps' | 'yes' = 'no';
  #reserving: Promise<void> | undefined;
  #refused: GatewayError | undefined;
  #answered = false;
  #over: Over | undefined;
  #done: (() => void) | undefined;

  constructor(given: CallAccountOptions) {
    this.#given = given;
    this.carry = given.carry;
    this.goBy(given.terms);
  }

  /** Begins the call, or begins it anew by other terms. Attempts that were sent before still belong to it. */
  goBy(terms: KeyTerms | undefined): void {
    const { rpc, idempotency } = this.#given;
    this.#terms = terms;
    this.budgeted = terms?.budgeted === true;
    this.cheaper = terms?.atLimit === 'cheaper';
    this.metered = terms?.tpm !== undefined;
    this.#waits = rpc !== undefined && (terms?.limited === true || idempotency !== undefined);
    this.refusal = undefined;
    this.#refused = undefined;
    this.#answered = false;
  }

  cover(need: Need): Covered | Promise<Covered> {
    const attempt = { ...need.attempt, attempt: ++this.#count };
    if (this.#waits) return this.#ask(attempt, need);
    this.#begin(attempt, false);
    const { rpc, vouched, start } = this.#given;
    began({ call: start, attempt, deadline: need.deadline });
    // Terms that came in the middle of the call are newer than those the account vouched for.
    const current = vouched === true && this.#terms === this.#given.terms;
    if (rpc && !current && !this.refusal) this.#confirm(rpc);
    return { kind: 'held', attempt: attempt.attempt };
  }

  admitted(): GatewayError | undefined | Promise<GatewayError | undefined> {
    // `admin` and `local` cannot be revoked, so there is nothing to wait for.
    const revocable = this.#given.secretHash !== undefined;
    if (this.#answered || !this.refusal || !revocable) return this.#refused;
    return soon(this.refusal, ADMIT_MS);
  }

  end(end: AttemptEnd): void {
    const attempt = this.#attempts.find(({ start }) => start.attempt === end.attempt);
    if (!attempt || attempt.end) throw new Error(`Attempt ${end.attempt} is not under way.`);
    attempt.end = end;
    if (attempt.asked) this.#untold.push(end);
    this.#open--;
    this.#settleIfOver();
  }

  /** The call is over for its caller. It is settled in the background as soon as every attempt has ended. */
  finish(outcome: 'ok' | ErrorCode, status: number): void {
    if (this.#over) return;
    this.#over = { outcome, status, endedAt: this.#given.now() };
    beginSettling(this.#given.start.account);
    this.#settleIfOver();
  }

  /** Keeps the request alive from the first attempt on until the call is settled, whatever becomes of its caller. */
  #begin(start: AttemptStart, asked = true): void {
    this.#attempts.push({ start, asked, end: undefined });
    this.#open++;
    this.#stay();
  }

  #stay(): void {
    if (this.#done) return;
    const work = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    this.#given.background(work);
  }

  #reserveRequest(attempt: AttemptStart, need: Need): ReserveRequest {
    const terms = this.#terms;
    const { start, secretHash, idempotency } = this.#given;
    return {
      start,
      ...(secretHash === undefined ? {} : { secretHash }),
      ...(terms ? { revision: terms.revision } : {}),
      attempt,
      ...(need.cover ? { cover: need.cover } : {}),
      tokens: need.tokens,
      deadline: need.deadline,
      ...(idempotency ? { idempotency } : {}),
    };
  }

  #extendRequest(attempt: AttemptStart, need: Need): ExtendRequest {
    const ended = this.#untold;
    this.#untold = [];
    return {
      call: this.#given.start.call,
      ended,
      attempt,
      ...(need.cover ? { cover: need.cover } : {}),
      ...(need.from === undefined ? {} : { from: need.from }),
      tokens: need.tokens,
    };
  }

  // Keys with limits: the account is asked first.

  async #ask(attempt: AttemptStart, need: Need): Promise<Covered> {
    // The samples of a vote begin together. One of them reserves.
    while (this.#reserving && this.#reserved === 'no') await this.#reserving;
    const reply = this.#reserved === 'yes' ? await this.#extend(attempt, need) : await this.#first(attempt, need);
    if (reply.kind === 'held') {
      this.#begin(attempt);
      return {
        kind: 'held',
        attempt: attempt.attempt,
        ...(reply.held === undefined ? {} : { held: reply.held }),
      };
    }
    // It is not sent, so the next one takes its number.
    if (this.#count === attempt.attempt) this.#count--;
    const error = refusalOf(reply);
    return { kind: 'refused', error, ...(reply.left === undefined ? {} : { left: reply.left }) };
  }

  #first(attempt: AttemptStart, need: Need): Promise<FirstReply> {
    const reserving = this.#reserve(attempt, need);
    const over = () => {
      this.#reserving = undefined;
    };
    this.#reserving = reserving.then(over, over);
    return reserving;
  }

  async #reserve(attempt: AttemptStart, need: Need): Promise<FirstReply> {
    const { rpc, learn, start } = this.#given;
    const request = this.#reserveRequest(attempt, need);
    // What has ended frees money, so it goes first.
    const others = take(start.account);
    let reply: ReserveReply;
    try {
      reply = await retried(() => this.#rpc(rpc).reserve(request, others?.told), 'ask');
      others?.done();
    } catch {
      others?.failed();
      // What the runtime says of an object is not for callers. The hold, if there is one, is released by `finish`.
      this.#reserved = 'perhaps';
      this.#begin(attempt);
      this.end({ attempt: attempt.attempt, outcome: 'internal', money: 'released', ended: this.#given.now() });
      throw accountUnavailable();
    }
    if (reply.kind === 'stale') {
      learn?.(reply.terms);
      throw new StaleTerms(reply.terms);
    }
    if (reply.kind === 'repeated') throw repeatOf(reply);
    this.limits = reply.limits;
    if (reply.kind === 'held') {
      this.#reserved = 'yes';
      if (reply.terms) learn?.(reply.terms);
    }
    return reply;
  }

  async #extend(attempt: AttemptStart, need: Need): Promise<ExtendReply> {
    const request = this.#extendRequest(attempt, need);
    try {
      return await retried(() => this.#rpc(this.#given.rpc).extend(request), 'ask');
    } catch {
      // As above: the attempt is not sent, and whatever is held for it is released when the call is settled.
      this.#untold.unshift(...request.ended);
      this.#begin(attempt);
      this.end({ attempt: attempt.attempt, outcome: 'internal', money: 'released', ended: this.#given.now() });
      throw accountUnavailable();
    }
  }

  #rpc(rpc: CallAccountOptions['rpc']): AccountRpc {
    if (!rpc) throw new Error('There is no account.');
    return rpc();
  }

  // Keys without limits: the account hears of the call when it is over.

  /** Asks whether the key still is what this Worker remembers, unless the account has just said so. */
  #confirm(rpc: () => AccountRpc): void {
    const { start, secretHash, now, learn, vouch } = this.#given;
    const asked = now();
    const confirming = rpc()
      .confirm(start.key, secretHash, this.#terms?.revision ?? 0, runningIn(start.account))
      .then((reply) => {
        if (reply?.kind === 'stale') {
          learn?.(reply.terms);
          // The call goes on by the terms that it began with. If the key has limits now, it begins anew.
          if (reply.terms.limited) this.#refused = new StaleTerms(reply.terms);
        } else if (reply) this.#refused = refusalOf(reply);
        if (!this.#refused) vouch?.(asked);
        this.#answered = true;
        return this.#refused;
      });
    // A failing account does not stop the call.
    this.refusal = confirming.catch(() => undefined);
  }

  // The end.

  #settleIfOver(): void {
    if (!this.#over || this.#open > 0) return;
    const { rpc, onRecord, start, background, idempotency } = this.#given;
    const { outcome, status, endedAt } = this.#over;
    const record = (attempts: readonly Begun[]): CallRecord => ({
      start,
      attempts: attempts.flatMap(({ start: began, end }) => (end ? [{ start: began, end }] : [])),
      outcome,
      status,
      ended: endedAt,
    });
    onRecord?.(record(this.#attempts));
    ended(start.account, start.call);
    const told: Told[] = [];
    if (this.#reserved !== 'no') {
      told.push({ settle: { call: start.call, ended: this.#untold, outcome, status, endedAt } });
    }
    const unasked = this.#attempts.filter(({ asked }) => !asked);
    if (unasked.length > 0) told.push({ call: record(unasked) });
    if (!rpc || told.length === 0) endSettling(start.account);
    else {
      if (told.length > 1) beginSettling(start.account);
      // A place among the calls at once, and an idempotency key, are waited for.
      const atOnce = idempotency !== undefined || this.#terms?.concurrency !== undefined;
      tellSoon({ account: start.account, rpc, background }, told, atOnce);
    }
    this.#done?.();
  }
}
