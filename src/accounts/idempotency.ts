/**
 * Idempotency keys: one call for each key and body. A key is taken in the transaction that lets its call in, and free
 * again if the call failed and was certainly not billed. Otherwise it is kept for a day, with what the call came to.
 */
import type { CallOutcome, ReserveReply, ReserveRequest } from './protocol.ts';
import type { CallEnd, KeyRecord, OpenCall, State } from './state.ts';
import { packed, unpacked } from './storage.ts';

export const KEPT_MS = 86_400_000;
export const LONGEST_NAME = 255;
/** Idempotency keys of one account. */
const MOST_NAMES = 200_000;
const SHORTEST_WAIT_MS = 1000;

type Asked = NonNullable<ReserveRequest['idempotency']>;

export const nameRefusal = (state: State, { key }: Asked) => {
  if (key.length > LONGEST_NAME) {
    const message = `An idempotency key may have ${LONGEST_NAME} characters.`;
    return { code: 'permission_denied', message } as const;
  }
  if (state.names < MOST_NAMES) return undefined;
  const message = `This account has used ${MOST_NAMES} idempotency keys within a day. Send none, or retry later.`;
  return { code: 'rate_limit_exceeded', message, retryAfterMs: 60_000 } as const;
};

/** What is known of an idempotency key; undefined where it is free. */
export function nameState(
  state: State,
  key: KeyRecord,
  asked: Asked,
): Extract<ReserveReply, { kind: 'repeated' }> | undefined {
  const [row] = state.sql.exec(
    'SELECT fingerprint, call, at, came FROM idempotency WHERE key = ? AND name = ?',
    key.id,
    asked.key,
  );
  if (row === undefined || Number(row.at) + KEPT_MS <= state.now) return undefined;
  if (row.fingerprint !== asked.fingerprint) return { kind: 'repeated', state: 'other_body' };
  const call = String(row.call);
  const running = state.calls.get(call);
  if (running && row.came === null) {
    // Nobody knows how long it takes. Asking again after as long as it has run doubles the wait each time.
    const run = Math.max(SHORTEST_WAIT_MS, state.now - Number(row.at));
    const retryAfterMs = Math.max(SHORTEST_WAIT_MS, Math.min(run, running.deadline - state.now));
    return { kind: 'repeated', state: 'running', call, retryAfterMs };
  }
  if (row.came === null) return { kind: 'repeated', state: 'done', call };
  return { kind: 'repeated', state: 'done', call, came: unpacked(String(row.came)) as CallOutcome };
}

/** Takes the idempotency key for a call. */
export function claimName(state: State, call: OpenCall, fingerprint: string): void {
  if (call.idempotency === undefined) return;
  state.sql.exec(
    'REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, NULL)',
    call.key.id,
    call.idempotency,
    fingerprint,
    call.id,
    state.now,
  );
  state.names++;
}

/** Keeps what the call came to, or frees its idempotency key. */
export function finishName(state: State, call: OpenCall, end: CallEnd): void {
  if (call.idempotency === undefined || !call.admitted) return;
  const attempts = [...call.ended.values()];
  const where = [call.key.id, call.idempotency, call.id] as const;
  if (end.outcome !== 'ok' && attempts.every(({ money }) => money === 'released')) {
    state.sql.exec('DELETE FROM idempotency WHERE key = ? AND name = ? AND call = ?', ...where);
    state.names--;
    return;
  }
  const came = packed({ ...end, attempts });
  state.sql.exec('UPDATE idempotency SET came = ? WHERE key = ? AND name = ? AND call = ?', came, ...where);
}

/** Forgets the idempotency keys of more than a day ago. */
export function forgetNames(state: State): void {
  if (state.names === 0) return;
  state.sql.exec('DELETE FROM idempotency WHERE at <= ?', state.now - KEPT_MS);
  state.names = Number(state.sql.exec('SELECT COUNT(*) AS n FROM idempotency')[0]?.n);
}
