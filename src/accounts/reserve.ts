/**
 * Lets a call in, or refuses it: its key, its idempotency key, the limits of its key, then the money. A call that is
 * let in holds the most its attempt can cost, or what is left of the budget if that is less.
 */
import type { NanoDollars } from '../core/index.ts';
import { admitAttempt, endAttempts, moveHold, openAttempt } from './attempts.ts';
import { claimName, nameRefusal, nameState } from './idempotency.ts';
import { MOST_COST } from './ledger-row.ts';
import { minuteRefusal, minuteState } from './minute.ts';
import { leftOf } from './periods.ts';
import type {
  ConfirmReply,
  Cover,
  ExtendReply,
  ExtendRequest,
  RefusalCode,
  ReserveReply,
  ReserveRequest,
} from './protocol.ts';
import { type KeyRecord, type OpenAttempt, type OpenCall, putKey, type State, tick, tickKey } from './state.ts';
import { VOUCHED_MS } from './terms.ts';

/** How long after its deadline a call may still be settled. */
export const GRACE_MS = 60_000;
/** How far a clock here may be ahead of a Worker's within `VOUCHED_MS`. */
const CLOCKS_MS = 50;
/** No deadline is later, whatever a Worker asks for. */
const LONGEST_CALL_MS = 86_400_000;
/** Calls of one account that are not over. */
export const MOST_OPEN = 20_000;
/** Attempts of one call. */
const MOST_ATTEMPTS = 1000;
/** When a place among the calls at the same time may be free again: nobody knows, but it can be. */
const AGAIN_MS = 1000;
/** The keys that no table has: of the admin, and of the open sandbox. Nobody else can present their ids. */
const BUILT_IN: ReadonlySet<string> = new Set(['admin', 'local']);

interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly left?: NanoDollars;
}

/** What is left for a key: of its own budget, and of its account's. Undefined: there is no budget. */
export function leftFor(state: State, key: KeyRecord): NanoDollars | undefined {
  const own = key.stored?.settings.budget;
  const left = own && leftOf(key.purse, own);
  const shared = state.budget && leftOf(state.purse, state.budget);
  return left === undefined || (shared !== undefined && shared < left) ? shared : left;
}

const UNKNOWN_KEY = {
  code: 'authentication',
  message: 'This key is not known to its account. Ask who gave it to you.',
} as const satisfies Refusal;

function keyRefusal({ id, stored }: KeyRecord, secretHash: string | undefined, now: number): Refusal | undefined {
  const refused = (message: string): Refusal => ({ code: 'authentication', message });
  if (stored === undefined) {
    return BUILT_IN.has(id) ? undefined : UNKNOWN_KEY;
  }
  if (stored.secretHash !== secretHash) return refused('The secret of this key is wrong. Copy the key again.');
  if (stored.revoked !== undefined) return refused('This key was revoked. Ask for another one.');
  const { expiresAt } = stored.settings;
  if (expiresAt !== undefined && expiresAt <= now) {
    return refused(`This key expired on ${new Date(expiresAt).toISOString()}. Ask for another one.`);
  }
  return undefined;
}

/** The terms of a key that may be used. */
export function usableTerms(
  state: State,
  id: string,
  secretHash: string,
  clock: number,
): KeyRecord['terms'] | undefined {
  const now = tick(state, clock);
  const key = state.keys.get(id);
  return key?.stored && keyRefusal(key, secretHash, now) === undefined ? key.terms : undefined;
}

/** The same, for a Worker whose calls go by them. */
export function vouchedTerms(...asked: Parameters<typeof usableTerms>): KeyRecord['terms'] | undefined {
  const terms = usableTerms(...asked);
  const [state, id] = asked;
  const key = terms && state.keys.get(id);
  if (key) vouch(key, state.now);
  return terms;
}

/** Calls of a key with limits are asked about one by one. */
function vouch(key: KeyRecord, now: number): void {
  if (!key.terms.limited) key.vouched = now + VOUCHED_MS + CLOCKS_MS;
}

/** Whether calls of a key may go on by the terms that a Worker remembers: undefined if so. */
export function confirm(
  state: State,
  id: string,
  secretHash: string | undefined,
  revision: number,
  clock: number,
): ConfirmReply | undefined {
  const now = tick(state, clock);
  const key = state.keys.get(id) ?? (BUILT_IN.has(id) ? putKey(state, id, undefined) : undefined);
  const refusal = key ? keyRefusal(key, secretHash, now) : UNKNOWN_KEY;
  if (!key || refusal) return { kind: 'refused', ...(refusal ?? UNKNOWN_KEY), limits: [] };
  vouch(key, now);
  return key.terms.revision === revision ? undefined : { kind: 'stale', terms: key.terms };
}

const LIMIT_WORDS = { rpm: 'requests', tpm: 'tokens' } as const;

function limitRefusal(state: State, key: KeyRecord, tokens: number, running: number): Refusal | undefined {
  const { concurrency } = key.terms;
  const code = 'rate_limit_exceeded';
  if (concurrency !== undefined && running >= concurrency) {
    const message = `This key may have ${concurrency} calls at the same time, and has them. Retry when one has ended.`;
    return { code, message, retryAfterMs: AGAIN_MS };
  }
  if (state.calls.size >= MOST_OPEN) {
    return { code, message: `This account has ${MOST_OPEN} calls that are not over. Retry.`, retryAfterMs: AGAIN_MS };
  }
  const broken = minuteRefusal(key.minute, key.terms, tokens, state.now);
  if (broken === undefined) return undefined;
  const { name, limit, retryAfterMs } = broken;
  const words = LIMIT_WORDS[name];
  return retryAfterMs === undefined
    ? { code, message: `This call can use ${tokens} ${words}; this key may use ${limit} a minute. Ask for less.` }
    : {
        code,
        message: `This key may use ${limit} ${words} a minute. Retry when Retry-After has passed.`,
        retryAfterMs,
      };
}

const smaller = (a: NanoDollars, b: NanoDollars): NanoDollars => (a < b ? a : b);

/** How much an attempt holds, or why it cannot. `moved`: what another hold of its call pays. */
function moneyFor(
  state: State,
  key: KeyRecord,
  cover: Cover | undefined,
  moved: NanoDollars = 0n,
): { readonly held: NanoDollars | undefined; readonly refusal?: never } | { readonly refusal: Refusal } {
  const most = cover && smaller(cover.most, MOST_COST);
  if (!key.terms.budgeted) return { held: most };
  const free = (leftFor(state, key) ?? 0n) + moved;
  const left = free < 0n ? 0n : free;
  const code = 'insufficient_budget';
  if (cover === undefined || most === undefined) {
    const message = 'This key has a budget, and the offer has no known price. Name a model or provider with a price.';
    return { refusal: { code, message, left } };
  }
  if (left < cover.least || left === 0n) {
    const message = 'The budget has less left than the shortest answer to this call can cost.';
    return { refusal: { code, message, left } };
  }
  return { held: smaller(most, left) };
}

const heldBy = ({ budgeted, held }: OpenAttempt) => (budgeted && held !== undefined ? { held } : {});

/** Why a call is not let in; undefined where nothing but its money is left to decide. */
function verdict(
  state: State,
  key: KeyRecord,
  request: ReserveRequest,
  tokens: number,
  running: number,
): Refusal | Extract<ReserveReply, { kind: 'stale' | 'repeated' }> | undefined {
  const refusal = keyRefusal(key, request.secretHash, state.now);
  if (refusal) return refusal;
  if (key.terms.revision !== (request.revision ?? 0)) return { kind: 'stale', terms: key.terms };
  if (request.deadline + GRACE_MS <= state.now) {
    return { code: 'permission_denied', message: 'The deadline of this call is over.' };
  }
  const { idempotency } = request;
  const repeated = idempotency && (nameState(state, key, idempotency) ?? nameRefusal(state, idempotency));
  return repeated ?? limitRefusal(state, key, tokens, running);
}

/** Lets a call in and covers its first attempt. Asked again for the same call, it answers the same. */
export function reserve(state: State, request: ReserveRequest, clock: number): ReserveReply {
  const now = tick(state, clock);
  const { start, attempt, cover } = request;
  const known = state.calls.get(start.call);
  const key = known?.key ?? keyFor(state, request);
  if (key === undefined) return { kind: 'refused', ...UNKNOWN_KEY, limits: [] };
  tickKey(state, key);
  const limits = () => minuteState(key.minute, key.terms, now);
  const before = known?.open.get(attempt.attempt);
  if (known?.admitted && before) return { kind: 'held', ...heldBy(before), limits: limits() };
  if (known?.admitted || known?.ended.has(attempt.attempt) || state.over.has(start.call)) {
    const message = 'This call was let in before, and this attempt of it has ended.';
    return { kind: 'refused', code: 'permission_denied', message, limits: limits() };
  }
  const tokens = Math.max(0, Math.ceil(request.tokens));
  // What was sent already is among the calls and in the minute.
  const reply = verdict(state, key, request, before ? 0 : tokens, key.running - (known ? 1 : 0));
  const money = reply ?? moneyFor(state, key, cover, before?.held);
  const call = known ?? newCall(key, request, now);
  if ('held' in money) {
    const { held } = money;
    const { budgeted } = key.terms;
    const { idempotency } = request;
    const letIn = () => {
      call.admitted = true;
      if (before) admitAttempt(state, call, before, held, budgeted);
      else openAttempt(state, call, { start, attempt, held, budgeted, tokens, counted: true });
      if (idempotency) claimName(state, call, idempotency.fingerprint);
    };
    // One statement needs no transaction around it.
    if (idempotency) state.sql.transaction(letIn);
    else letIn();
    if (!known) addCall(state, call);
    return { kind: 'held', ...(budgeted && held !== undefined ? { held } : {}), limits: limits() };
  }
  if (request.sent && !before && request.deadline + GRACE_MS > now) {
    // It is on its way, so it has its row and its hold whatever becomes of the call.
    openAttempt(state, call, {
      start,
      attempt,
      held: cover && smaller(cover.most, MOST_COST),
      budgeted: false,
      tokens,
      counted: false,
    });
    if (!known) addCall(state, call);
  }
  if ('kind' in money) return money;
  return { kind: 'refused', ...('refusal' in money ? money.refusal : money), limits: limits() };
}

/** The key of a call. One that is in no table gets a record only if its attempt needs one. */
function keyFor(state: State, { start, sent }: ReserveRequest): KeyRecord | undefined {
  const known = state.keys.get(start.key);
  return known ?? (sent || BUILT_IN.has(start.key) ? putKey(state, start.key, undefined) : undefined);
}

const newCall = (key: KeyRecord, { start, deadline, idempotency }: ReserveRequest, now: number): OpenCall => ({
  id: start.call,
  start,
  key,
  deadline: Math.min(deadline, now + LONGEST_CALL_MS),
  idempotency: idempotency?.key,
  admitted: false,
  open: new Map(),
  ended: new Map(),
  slots: [],
});

function addCall(state: State, call: OpenCall): void {
  state.calls.set(call.id, call);
  call.key.running++;
}

/** Whether one more attempt of a call may be made, and what it holds. */
function extension(
  state: State,
  call: OpenCall,
  { cover }: ExtendRequest,
  moved: NanoDollars,
): ReturnType<typeof moneyFor> {
  const { key, open, ended, deadline, admitted } = call;
  const refused = (message: string) => ({ refusal: { code: 'permission_denied', message } as const });
  if (!admitted) return refused('This call was not let in.');
  const refusal = keyRefusal(key, key.stored?.secretHash, state.now);
  if (refusal) return { refusal };
  if (deadline <= state.now) return refused('The deadline of this call is over.');
  if (open.size + ended.size >= MOST_ATTEMPTS) return refused(`A call may have ${MOST_ATTEMPTS} attempts.`);
  return moneyFor(state, key, cover, moved);
}

/** Covers one more attempt of a call, after the ends of those before it, which count even if it is refused. */
export function extend(state: State, request: ExtendRequest, clock: number): ExtendReply {
  tick(state, clock);
  const { attempt, cover, sent } = request;
  const call = state.calls.get(request.call);
  const refused = (message: string): ExtendReply => ({ kind: 'refused', code: 'permission_denied', message });
  if (call === undefined) return refused('This call is over, or has expired.');
  const { key, start } = call;
  tickKey(state, key);
  return state.sql.transaction((): ExtendReply => {
    endAttempts(state, call, request.ended);
    const before = call.open.get(attempt.attempt);
    if (before && call.admitted) return { kind: 'held', ...heldBy(before) };
    if (call.ended.has(attempt.attempt)) return refused('This attempt has ended.');
    const from = request.from === undefined ? undefined : call.open.get(request.from);
    const moved = smaller(from?.held ?? 0n, cover?.most ?? 0n);
    const money = extension(state, call, request, moved);
    const tokens = Math.max(0, Math.ceil(request.tokens));
    if ('refusal' in money && money.refusal) {
      const held = cover && smaller(cover.most, MOST_COST);
      if (sent && !before) openAttempt(state, call, { start, attempt, held, budgeted: false, tokens, counted: false });
      return { kind: 'refused', ...money.refusal };
    }
    if (from) moveHold(state, call, from, moved);
    const { held } = money;
    const { budgeted } = key.terms;
    openAttempt(state, call, { start, attempt, held, budgeted, tokens, counted: false });
    return { kind: 'held', ...(budgeted && held !== undefined ? { held } : {}) };
  });
}
