/** Ends calls: by what the Worker says of them, or at what they hold if it says nothing in time. */
import type { AttemptEnd } from '../core/index.ts';
import { endAttempt, endAttempts } from './attempts.ts';
import { finishName } from './idempotency.ts';
import type { SettleRequest } from './protocol.ts';
import { GRACE_MS } from './reserve.ts';
import { type CallEnd, type OpenAttempt, type OpenCall, type State, tick } from './state.ts';

/** An attempt of which nobody told the end: it may have been billed. */
const untold = ({ attempt }: OpenAttempt, ended: number): AttemptEnd => ({
  attempt,
  outcome: 'timeout',
  money: 'unknown',
  ended,
});

function close(state: State, call: OpenCall, end: CallEnd): void {
  finishName(state, call, end);
  state.calls.delete(call.id);
  state.over.set(call.id, { at: state.now, slots: call.slots, attempts: [...call.ended.keys()] });
  call.key.running--;
}

/**
 * Ends a call and all its attempts; one that the Worker does not mention costs what it holds. False where the call is
 * not open: it was settled before, was never let in, or has expired. An expired call keeps its upper bound, because
 * its rows may be in the database already.
 */
export function settle(state: State, { call: id, ended, ...over }: SettleRequest, clock: number): boolean {
  const now = tick(state, clock);
  const call = state.calls.get(id);
  if (call === undefined) return false;
  const { outcome, status, endedAt } = over;
  const end: CallEnd = { outcome, status, endedAt };
  state.sql.transaction(() => {
    endAttempts(state, call, ended, end);
    for (const attempt of call.open.values()) endAttempt(state, call, attempt, untold(attempt, now), { over: end });
    close(state, call, end);
  });
  return true;
}

/** Ends every call whose deadline and grace are over, at what it holds. Returns how many. */
export function expire(state: State, clock: number): number {
  const now = tick(state, clock);
  const late = [...state.calls.values()].filter(({ deadline }) => deadline + GRACE_MS <= now);
  if (late.length === 0) return 0;
  state.sql.transaction(() => {
    for (const call of late) {
      const end: CallEnd = { outcome: 'timeout', status: 504, endedAt: call.deadline };
      for (const attempt of call.open.values()) {
        endAttempt(state, call, attempt, untold(attempt, call.deadline), { expired: true, over: end });
      }
      close(state, call, end);
    }
  });
  return late.length;
}

/** When the next open call expires; infinite if none is open. */
export function nextExpiry({ calls }: State): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { deadline } of calls.values()) next = Math.min(next, deadline + GRACE_MS);
  return next;
}
