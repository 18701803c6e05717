/**
 * What an account tells somebody who watches its calls: attempts that have ended since the last look, pushed or not, and
 * calls that run. It reads only what calls leave here anyway, so a call costs the same whether anybody watches or not.
 */
import type { AttemptStart, CallStart } from '../core/index.ts';
import type { Followed, FollowQuery, RunningAttempt, SentAttempt } from './protocol.ts';
import { rowsAfter } from './push.ts';
import { usableTerms } from './reserve.ts';
import { type State, tick } from './state.ts';

/** A watcher who is further behind goes on from now. */
const MOST_BEHIND = 2_000;
/** Running attempts that are told one by one. */
const MOST_RUNNING = 50;
/** Running calls that are remembered though nothing is held for them. */
const MOST_SENT = 2_000;

type Missed = Pick<Followed, 'rows' | 'seq' | 'gap'>;

function missed(state: State, after: number | undefined): Missed {
  const now = { rows: [], seq: state.seq, gap: false };
  if (after === undefined || after === state.seq) return now;
  // The account was set back to an earlier state, or too much has happened.
  if (after > state.seq || state.seq - after > MOST_BEHIND) return { ...now, gap: true };
  try {
    const rows = rowsAfter(state, after);
    return { rows, seq: rows.at(-1)?.seq ?? state.seq, gap: false };
  } catch {
    // The archive keeps these rows no longer. They are in the report database.
    return { ...now, gap: true };
  }
}

/** Remembers calls that run though nothing is held for them, until they are told of or must be over. */
export function noteRunning(state: State, running: readonly SentAttempt[]): void {
  for (const one of running) {
    const { call } = one.call;
    if (!state.over.has(call) && (state.sent.has(call) || state.sent.size < MOST_SENT)) state.sent.set(call, one);
  }
}

function sentAttempts(state: State, key: string | undefined): readonly SentAttempt[] {
  for (const [call, { deadline }] of state.sent) if (deadline < state.now) state.sent.delete(call);
  return [...state.sent.values()].filter(({ call }) => key === undefined || call.key === key);
}

function runningAttempts(state: State, key: string | undefined): readonly RunningAttempt[] {
  const slots: number[] = [];
  for (const call of state.calls.values()) {
    if (slots.length >= MOST_RUNNING) break;
    if (key !== undefined && call.key.id !== key) continue;
    for (const { slot } of call.open.values()) slots.push(slot);
  }
  if (slots.length === 0) return [];
  return state.sql
    .exec('SELECT start FROM attempts WHERE slot IN (SELECT value FROM json_each(?))', JSON.stringify(slots))
    .map(({ start }) => {
      const { call, attempt } = JSON.parse(String(start)) as {
        readonly call: CallStart;
        readonly attempt: AttemptStart;
      };
      return { call, attempt };
    });
}

/** What has happened since `after`. Undefined: the key that watches was revoked or has expired. */
export function follow(state: State, { after, key }: FollowQuery, clock: number): Followed | undefined {
  if (key && !usableTerms(state, key.id, key.secretHash, clock)) return undefined;
  const own = key && state.keys.get(key.id);
  tick(state, clock);
  const { rows, ...rest } = missed(state, after);
  const sent = sentAttempts(state, key?.id);
  return {
    ...rest,
    rows: key ? rows.filter((row) => row.key === key.id) : rows,
    more: rest.seq < state.seq,
    running: (key ? (own?.running ?? 0) : state.calls.size) + sent.length,
    attempts: [...runningAttempts(state, key?.id), ...sent].slice(0, MOST_RUNNING),
  };
}
