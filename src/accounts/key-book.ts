/** The keys of an account: made, changed, revoked, listed; and the account's own budget. */
import { minuteState } from './minute.ts';
import { spendingOf } from './periods.ts';
import type {
  AccountState,
  AccountTotals,
  AttemptTotals,
  Budget,
  KeyChange,
  KeyQuery,
  KeyState,
  NewKey,
} from './protocol.ts';
import { type KeyRecord, putKey, renewTerms, type State, type StoredKey, tick, tickKey } from './state.ts';
import { packed, writeMeta } from './storage.ts';

/** Keys of one account, those that were revoked included. */
export const MOST_KEYS = 10_000;
/** Characters of a key's settings as stored. */
const MOST_SETTINGS = 65_536;
const LONGEST_PAGE = 1000;

function store(state: State, id: string, stored: StoredKey): KeyRecord {
  const { revision, secretHash, settings, created, revoked } = stored;
  const text = packed(settings);
  if (text.length > MOST_SETTINGS) throw new RangeError(`The settings of a key may have ${MOST_SETTINGS} characters.`);
  state.sql.exec(
    `INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET revision = excluded.revision, settings = excluded.settings, revoked = excluded.revoked`,
    id,
    revision,
    secretHash,
    text,
    created,
    revoked ?? null,
  );
  return putKey(state, id, stored);
}

/** A key that is in the table. */
interface Listed extends KeyRecord {
  readonly stored: StoredKey;
}
const isListed = (key: KeyRecord | undefined): key is Listed => key?.stored !== undefined;

function keyStateOf(state: State, key: Listed): KeyState {
  tickKey(state, key);
  const { settings, created, revoked } = key.stored;
  return {
    terms: key.terms,
    createdAt: created,
    ...(revoked === undefined ? {} : { revokedAt: revoked }),
    running: key.running,
    limits: minuteState(key.minute, key.terms, state.now),
    ...spendingOf(key.purse, settings.budget),
    ...(state.budget ? { account: { budget: state.budget, ...spendingOf(state.purse, state.budget) } } : {}),
  };
}

/** The same key again changes nothing. */
export function createKey(
  state: State,
  { id, secretHash, settings }: NewKey,
  clock: number,
): KeyState | 'full' | undefined {
  const now = tick(state, clock);
  const before = state.keys.get(id);
  if (isListed(before)) return before.stored.secretHash === secretHash ? keyStateOf(state, before) : undefined;
  if (listed(state).length >= MOST_KEYS) return 'full';
  return shown(state, store(state, id, { secretHash, settings, created: now, revision: 1 }));
}

const shown = (state: State, key: KeyRecord | undefined): KeyState | undefined =>
  isListed(key) ? keyStateOf(state, key) : undefined;

const listed = (state: State): Listed[] => [...state.keys.values()].filter(isListed);

export function changeKey(state: State, change: KeyChange, clock: number): KeyState | 'stale' | undefined {
  tick(state, clock);
  const key = state.keys.get(change.id);
  if (!isListed(key) || key.stored.revoked !== undefined) return undefined;
  if (key.terms.revision !== change.revision) return 'stale';
  const stored = { ...key.stored, settings: change.settings, revision: key.stored.revision + 1 };
  return shown(state, store(state, key.id, stored));
}

export function revokeKey(state: State, id: string, clock: number): KeyState | undefined {
  const now = tick(state, clock);
  const key = state.keys.get(id);
  if (!isListed(key) || key.stored.revoked !== undefined) return shown(state, key);
  return shown(state, store(state, id, { ...key.stored, revoked: now, revision: key.stored.revision + 1 }));
}

export function keyState(state: State, id: string, clock: number): KeyState | undefined {
  tick(state, clock);
  return shown(state, state.keys.get(id));
}

/** The newest first. */
export function listKeys(state: State, { before, limit, revoked }: KeyQuery, clock: number) {
  tick(state, clock);
  const found = listed(state)
    .filter(({ id, stored }) => (before === undefined || id < before) && (revoked || stored.revoked === undefined))
    .sort((a, b) => Number(a.id < b.id) - Number(a.id > b.id));
  const page = found.slice(0, Math.max(1, Math.min(limit, LONGEST_PAGE)));
  return { keys: page.map((key) => keyStateOf(state, key)), more: found.length > page.length };
}

export function accountState(state: State, clock: number): AccountState {
  const now = tick(state, clock);
  const usable = listed(state).filter(
    ({ stored: { revoked, settings } }) =>
      revoked === undefined && (settings.expiresAt ?? Number.POSITIVE_INFINITY) > now,
  );
  return {
    ...(state.budget ? { budget: state.budget } : {}),
    ...spendingOf(state.purse, state.budget),
    keys: usable.length,
  };
}

export function changeAccount(
  state: State,
  { budget }: { readonly budget: Budget | undefined },
  clock: number,
): AccountState {
  const revision = state.budgetRevision + Number((budget === undefined) !== (state.budget === undefined));
  writeMeta(state.sql, 'account', packed({ budget, revision }));
  state.budget = budget;
  state.budgetRevision = revision;
  renewTerms(state);
  return accountState(state, clock);
}

const totalsOf = ({ purse, sums }: Pick<KeyRecord, 'purse' | 'sums'>, running: number): AttemptTotals => ({
  ...sums,
  pending: purse.total.pending,
  running,
});

export function totals(state: State, clock: number): AccountTotals {
  tick(state, clock);
  const used = [...state.keys.values()].filter(({ sums, running }) => sums.attempts > 0 || running > 0);
  return {
    ...totalsOf(state, state.calls.size),
    pushed: state.pushed,
    seq: state.seq,
    keys: Object.fromEntries(used.map((key) => [key.id, totalsOf(key, key.running)])),
  };
}
