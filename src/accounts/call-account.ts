import type { AttemptEnd, AttemptStart, CallRecord, CallStart, ErrorCode, GatewayError } from '../core/index.ts';
import type { Admission, Covered, Need } from './admission.ts';
import type {
  AccountRpc,
  ExtendReply,
  ExtendRequest,
  KeyTerms,
  LimitState,
  ReserveReply,
  ReserveRequest,
} from './protocol.ts';
import { refusalOf, repeatOf, StaleTerms } from './refusals.ts';
import { retried, soon } from './retried.ts';
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
  /** Is told of the call once it is over. */
  readonly onRecord?: ((record: CallRecord) => void) | undefined;
}

type FirstReply = Exclude<ReserveReply, { kind: 'stale' | 'repeated' }>;

/** An account that answers with terms which it was just told of would be asked for ever. */
const isOlder = ({ revision }: KeyTerms, request: ReserveRequest): boolean => revision <= (request.revision ?? -1);

interface Over {
  readonly outcome: 'ok' | ErrorCode;
  readonly status: number;
  readonly endedAt: number;
}

/**
 * One call and its account: reserves for the first attempt, extends for each further one, and settles when all have
 * ended and the caller has its answer. For a key with a budget, limits or an idempotency key each attempt waits until
 * it is covered. For all others the account is told at the moment at which the attempt is sent.
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
  readonly #attempts: { readonly start: AttemptStart; end: AttemptEnd | undefined }[] = [];
  /** Ends that the account has not been told of. */
  #untold: AttemptEnd[] = [];
  #count = 0;
  #open = 0;
  /** Whether the account knows the call. `perhaps`: its reply was lost. */
  #reserved: 'no' | 'perhaps' | 'yes' = 'no';
  #reserving: Promise<void> | undefined;
  #refused: GatewayError | undefined;
  #answered = false;
  /** What was sent last without being waited for. Never rejects. */
  #sent: Promise<void> | undefined;
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
    this.#sent = undefined;
    this.#reserved = this.#attempts.length > 0 ? 'perhaps' : 'no';
  }

  cover(need: Need): Covered | Promise<Covered> {
    const attempt = { ...need.attempt, attempt: ++this.#count };
    if (this.#waits) return this.#ask(attempt, need);
    this.#begin(attempt);
    if (this.#given.rpc) this.#tell(attempt, need, this.#given.rpc);
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
    this.#untold.push(end);
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
  #begin(start: AttemptStart): void {
    this.#attempts.push({ start, end: undefined });
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
      ...(this.#waits ? {} : { sent: true as const }),
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
      ...(this.#waits ? {} : { sent: true as const }),
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
    const { rpc, learn } = this.#given;
    const request = this.#reserveRequest(attempt, need);
    let reply: ReserveReply;
    try {
      reply = await retried(() => this.#rpc(rpc).reserve(request), 'ask');
    } catch {
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

  // Keys without limits: the account is told, and nobody waits.

  #tell(attempt: AttemptStart, need: Need, rpc: () => AccountRpc): void {
    const before = this.#sent;
    if (before) {
      this.#sent = before.then(async () => {
        const request = this.#extendRequest(attempt, need);
        await retried(() => rpc().extend(request), 'tell').catch(() => this.#untold.unshift(...request.ended));
      });
      return;
    }
    this.#reserved = 'perhaps';
    const request = this.#reserveRequest(attempt, need);
    const first = this.#reserveSent(request, rpc);
    // A failing account does not stop the call. It is told again, while the call goes on.
    this.refusal = first.catch(() => undefined);
    this.#sent = first.then(
      () => undefined,
      async () => {
        await retried(() => this.#reserveSent(request, rpc), 'tell').catch(() =>
          console.error('An account could not be told of a call.'),
        );
      },
    );
  }

  /** Tells the account of a call on its way. Returns why it refuses the call, if it does. */
  async #reserveSent(request: ReserveRequest, rpc: () => AccountRpc): Promise<GatewayError | undefined> {
    const reply = await rpc().reserve(request);
    if (reply.kind === 'stale') {
      const { terms } = reply;
      this.#given.learn?.(terms);
      // A key without limits goes on by the terms that the call began with. If it has limits now, the call begins anew.
      if (!terms.limited && !isOlder(terms, request)) {
        return this.#reserveSent({ ...request, revision: terms.revision }, rpc);
      }
      this.#refused = new StaleTerms(terms);
    } else if (reply.kind === 'refused') this.#refused = refusalOf(reply);
    this.#answered = true;
    if (reply.kind === 'held' || reply.kind === 'refused') this.limits = reply.limits;
    if (reply.kind === 'held' && reply.terms) this.#given.learn?.(reply.terms);
    return this.#refused;
  }

  // The end.

  #settleIfOver(): void {
    if (!this.#over || this.#open > 0) return;
    const { rpc, onRecord, start } = this.#given;
    const { outcome, status, endedAt } = this.#over;
    onRecord?.({
      start,
      attempts: this.#attempts.flatMap(({ start: began, end }) => (end ? [{ start: began, end }] : [])),
      outcome,
      status,
      ended: endedAt,
    });
    const done = () => {
      endSettling(start.account);
      this.#done?.();
    };
    if (!rpc || this.#reserved === 'no') {
      done();
      return;
    }
    this.#stay();
    this.#settle(this.#over, rpc).then(done, () => {
      // The account closes the call by itself at the most that it can have cost.
      console.error('A call could not be settled with its account.');
      done();
    });
  }

  async #settle({ outcome, status, endedAt }: Over, rpc: () => AccountRpc): Promise<void> {
    await this.#sent;
    const request = { call: this.#given.start.call, ended: this.#untold, outcome, status, endedAt };
    await retried(() => rpc().settle(request), 'tell');
  }
}
