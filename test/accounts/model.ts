/**
 * A model of an account. It keeps every attempt for ever and adds up from the start each time, so that it shares
 * nothing with the account but the promises. `commands.ts` tries the same on both.
 */
import { KEPT_MS } from '../../src/accounts/idempotency.ts';
import type { Budget, KeySettings, Period } from '../../src/accounts/protocol.ts';
import { GRACE_MS } from '../../src/accounts/reserve.ts';
import { REMEMBERED_MS } from '../../src/accounts/state.ts';
import type { MoneyOutcome } from '../../src/core/index.ts';

const DAY = 86_400_000;

export interface ModelAttempt {
  readonly call: ModelCall;
  readonly attempt: number;
  readonly reserved: number;
  /** It counts as a request of its minute. */
  counted: boolean;
  budgeted: boolean;
  held: bigint | undefined;
  tokens: number;
  endedAt?: number;
  end?: { readonly money: MoneyOutcome; readonly cost: bigint | undefined; readonly expired: boolean };
}

export interface ModelCall {
  readonly id: string;
  readonly key: string;
  readonly deadline: number;
  readonly name: string | undefined;
  admitted: boolean;
  over?: { readonly at: number };
  readonly attempts: ModelAttempt[];
}

export interface ModelKey {
  readonly id: string;
  settings: KeySettings;
  revoked: boolean;
}

export interface Model {
  now: number;
  budget: Budget | undefined;
  readonly keys: Map<string, ModelKey>;
  readonly calls: Map<string, ModelCall>;
  /** Idempotency keys: by key and name. */
  readonly names: Map<string, { readonly call: ModelCall; readonly at: number }>;
}

export const attemptsOf = (model: Model): ModelAttempt[] =>
  [...model.calls.values()].flatMap(({ attempts }) => attempts);
export const openCalls = (model: Model): ModelCall[] => [...model.calls.values()].filter(({ over }) => !over);
export const openOf = (call: ModelCall): ModelAttempt[] => call.attempts.filter(({ end }) => !end);

function periodStart(period: Period, now: number): number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (period === 'day') return Date.UTC(year, month, day);
  if (period === 'week') return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7));
  return period === 'month' ? Date.UTC(year, month, 1) : 0;
}

/** What a key, or without one the account, has spent and holds in a period. */
export function moneyOf(model: Model, key: string | undefined, period: Period): { spent: bigint; pending: bigint } {
  const start = periodStart(period, model.now);
  let [spent, pending] = [0n, 0n];
  for (const { call, reserved, held, end } of attemptsOf(model)) {
    if (reserved < start || (key !== undefined && call.key !== key)) continue;
    if (end) spent += end.cost ?? 0n;
    else pending += held ?? 0n;
  }
  return { spent, pending };
}

/** The budgets that a key is under: whose money, and how much. */
export const budgetsOf = (
  model: Model,
  key: string,
): { readonly of: string | undefined; readonly budget: Budget }[] => [
  ...(model.keys.get(key)?.settings.budget
    ? [{ of: key, budget: model.keys.get(key)?.settings.budget as Budget }]
    : []),
  ...(model.budget ? [{ of: undefined, budget: model.budget }] : []),
];

export function leftOf(model: Model, key: string): bigint | undefined {
  let left: bigint | undefined;
  for (const { of, budget } of budgetsOf(model, key)) {
    const { spent, pending } = moneyOf(model, of, budget.period);
    const rest = budget.limit - spent - pending;
    if (left === undefined || rest < left) left = rest;
  }
  return left;
}

export type Expected =
  | { readonly kind: 'held'; readonly holds: bigint | undefined; readonly budgeted: boolean }
  | { readonly kind: 'refused'; readonly code: string; readonly left?: bigint }
  | { readonly kind: 'stale' }
  | { readonly kind: 'repeated'; readonly state: 'running' | 'done'; readonly call: string };

export interface Asked {
  readonly key: string;
  readonly most: bigint | undefined;
  readonly least: bigint;
  readonly tokens: number;
  readonly deadline: number;
  readonly stale: boolean;
  readonly name: string | undefined;
}

/** What money is held for an attempt, if it may have it. `moved`: what another attempt's hold pays. */
export function moneyFor(
  model: Model,
  key: string,
  { most, least }: Pick<Asked, 'most' | 'least'>,
  moved = 0n,
): Expected {
  const rest = leftOf(model, key);
  if (rest === undefined) return { kind: 'held', holds: most, budgeted: false };
  const left = rest + moved < 0n ? 0n : rest + moved;
  if (most === undefined || left < least || left === 0n) return { kind: 'refused', code: 'insufficient_budget', left };
  return { kind: 'held', holds: most < left ? most : left, budgeted: true };
}

/** What the answer to a new call must be. */
export function verdict(model: Model, asked: Asked, before?: ModelAttempt): Expected {
  const { now } = model;
  const key = model.keys.get(asked.key);
  if (key?.revoked) return { kind: 'refused', code: 'authentication' };
  if (asked.stale) return { kind: 'stale' };
  if (asked.deadline + GRACE_MS <= now) return { kind: 'refused', code: 'permission_denied' };
  const taken = model.names.get(`${asked.key}/${asked.name}`);
  if (asked.name !== undefined && taken && taken.at + KEPT_MS > now) {
    return { kind: 'repeated', state: taken.call.over ? 'done' : 'running', call: taken.call.id };
  }
  const { concurrency, rpm, tpm } = key?.settings ?? {};
  const limited = { kind: 'refused', code: 'rate_limit_exceeded' } as const;
  const running = openCalls(model).filter((call) => call.key === asked.key).length;
  if (concurrency !== undefined && running >= concurrency) return limited;
  const recent = attemptsOf(model).filter(
    ({ call, reserved }) => call.key === asked.key && Math.floor(reserved / 1000) > Math.floor(now / 1000) - 61,
  );
  if (rpm !== undefined && recent.filter(({ counted }) => counted).length >= rpm) return limited;
  if (tpm !== undefined && recent.reduce((sum, { tokens }) => sum + tokens, asked.tokens) > tpm) return limited;
  return moneyFor(model, asked.key, asked, before?.held);
}

/** Whether a call's id is still known, so that it cannot be taken for a new one. */
export const isRemembered = ({ over }: ModelCall, now: number): boolean =>
  over !== undefined && over.at + REMEMBERED_MS > now;

/** Ends an attempt in the model. What may have been billed and has no known cost is taken at what it holds. */
export function end(
  attempt: ModelAttempt,
  money: MoneyOutcome,
  cost: bigint | undefined,
  expired: boolean,
  now: number,
): void {
  const { held } = attempt;
  attempt.endedAt = now;
  if (money === 'released') attempt.end = { money, cost: 0n, expired };
  else if (cost !== undefined) attempt.end = { money: money === 'unknown' ? 'upper_bound' : money, cost, expired };
  else if (held !== undefined) attempt.end = { money: 'upper_bound', cost: held, expired };
  else attempt.end = { money: 'unknown', cost: undefined, expired };
  if (money === 'released') attempt.tokens = 0;
}

/** Ends a call in the model, and with it what its idempotency key is good for. */
export function close(model: Model, call: ModelCall, outcome: string): void {
  call.over = { at: model.now };
  const name = `${call.key}/${call.name}`;
  const billed = call.attempts.some(({ end }) => end?.money !== 'released');
  if (model.names.get(name)?.call === call && outcome !== 'ok' && !billed) model.names.delete(name);
}

export const DAY_MS = DAY;
