/** `/v1/keys`, `/v1/key` and `/v1/accounts`: who may use this deployment, for how much money. */
import type { Context, Handler } from 'hono';
import {
  ACCOUNT_NAME,
  type AccountRpc,
  type AccountState,
  type Accounts,
  askAccount,
  type Budget,
  KEY_ID,
  type KeySettings,
  type KeyState,
  keyGone,
  MAIN_ACCOUNT,
  type Spending,
  tellNow,
} from '../accounts/index.ts';
import { formatDollars, GatewayError } from '../core/index.ts';
import {
  budgetJson,
  changedBudget,
  changedSettings,
  invalid,
  readNewKey,
  settingsJson,
} from '../dialects/openai/index.ts';
import { callerOf } from './access.ts';
import { withKnownNames } from './key-names.ts';
import { type Gateway, headersOf, queryFlag, readJson, replyJson } from './request.ts';

/** Far above any settings, so that what is too long in them is named. */
const MAX_BYTES = 4_000_000;

const timeJson = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** Money of the running period: without a budget there is nothing left to tell. */
function spendingJson({ spent, pending, periodEnds }: Spending, budget: Budget | undefined) {
  const left = budget && budget.limit - spent - pending;
  return {
    spent: formatDollars(spent),
    pending: formatDollars(pending),
    // A cost above what was held for it can leave less than nothing.
    left: left === undefined ? null : formatDollars(left > 0n ? left : 0n),
    period_ends: timeJson(periodEnds),
  };
}

/** How long an answer about money waits for calls that have just been answered. */
const TOLD_MS = 300;

/** Asks an account once it has been told of the calls that have their answers. */
async function askCurrent<T>(
  accounts: Accounts | undefined,
  name: string,
  ask: (account: AccountRpc) => Promise<T>,
): Promise<T> {
  if (accounts) await tellNow(name, () => accounts.getByName(name), TOLD_MS);
  return askAccount(accounts, name, ask);
}

/** A key as answers show it. Its secret is in none but the one that made it. */
const keyJson = (account: string, state: KeyState) => ({
  id: state.terms.id,
  object: 'key',
  account,
  ...settingsJson(state.terms),
  revision: state.terms.revision,
  created_at: timeJson(state.createdAt),
  revoked_at: timeJson(state.revokedAt),
  ...spendingJson(state, state.terms.budget),
  running: state.running,
  rate_limits: state.limits.map(({ name, limit, remaining, resetMs }) => ({
    name,
    limit,
    remaining,
    reset_ms: Math.ceil(resetMs),
  })),
  account_budget: state.account
    ? { ...budgetJson(state.account.budget), ...spendingJson(state.account, state.account.budget) }
    : null,
});

const accountJson = (account: string, state: AccountState) => ({
  id: account,
  object: 'account',
  budget: budgetJson(state.budget),
  ...spendingJson(state, state.budget),
  keys: state.keys,
});

/** Throws `invalid_request` for a parameter that the route does not have: a misspelt one would have no effect. */
function onlyQueries(c: Context, known: readonly string[]): void {
  const stray = Object.keys(c.req.query()).find((name) => !known.includes(name));
  if (stray === undefined) return;
  const what = known.length > 0 ? `known are ${known.join(', ')}` : 'there are none';
  throw invalid(stray.slice(0, 100), `is not a parameter of this route; ${what}.`);
}

/** The account that `?account=` names. */
function accountOf(c: Context): string {
  const account = c.req.query('account') ?? MAIN_ACCOUNT;
  if (ACCOUNT_NAME.test(account)) return account;
  throw invalid('account', 'must be the name of an account.');
}

const noSuchKey = (id: string, account: string): GatewayError =>
  new GatewayError(
    'not_found',
    `There is no key ${id.slice(0, 100)} in account ${account}. GET /v1/keys lists the keys of an account; ?account= names another.`,
    { param: 'id' },
  );

/** The key that a path names, and what its account says about it. */
async function found<T>(
  c: Context,
  { config }: Gateway,
  ask: (account: AccountRpc, id: string) => Promise<T | undefined>,
): Promise<{ readonly account: string; readonly id: string; readonly known: T }> {
  onlyQueries(c, ['account']);
  const account = accountOf(c);
  const id = c.req.param('id') ?? '';
  if (!KEY_ID.test(id)) throw noSuchKey(id, account);
  const known = await askCurrent(config.accounts, account, (object) => ask(object, id));
  if (known === undefined) throw noSuchKey(id, account);
  return { account, id, known };
}

/** `POST /v1/keys`: makes a key. Its text is in this answer and in no other. */
export const createKey =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { config } = gateway;
    const { access, accounts } = config;
    if (access.kind === 'unconfigured') throw keyGone();
    onlyQueries(c, []);
    const now = Date.now();
    const { account = MAIN_ACCOUNT, settings } = readNewKey(await readJson(c.req.raw, MAX_BYTES), now);
    const named = await withKnownNames(settings, gateway);
    const { id, text, secretHash } = await access.keyring.make(account, now);
    const state = await askAccount(accounts, account, (object) =>
      object.createKey({ id, secretHash, settings: named }),
    );
    if (state === 'full') throw invalid('account', `${account} has as many keys as it may have. Use another account.`);
    if (!state) throw new GatewayError('internal', 'The key could not be made. Try again.', { retryable: true });
    headersOf(c)['cache-control'] = 'no-store';
    return replyJson(c, 201, { ...keyJson(account, state), key: text });
  };

const MOST_LISTED = 100;

/** `GET /v1/keys`: the keys of an account, the newest first, in pages. */
export const listKeys =
  ({ config }: Gateway): Handler =>
  async (c) => {
    onlyQueries(c, ['account', 'limit', 'after', 'revoked']);
    const account = accountOf(c);
    const given = c.req.query('limit') ?? String(MOST_LISTED);
    const limit = /^\d{1,4}$/.test(given) ? Number(given) : 0;
    if (limit < 1 || limit > MOST_LISTED) throw invalid('limit', `must be a whole number from 1 to ${MOST_LISTED}.`);
    const after = c.req.query('after');
    if (after !== undefined && !KEY_ID.test(after)) throw invalid('after', 'must be the last id of a page.');
    const query = { limit, revoked: queryFlag(c, 'revoked'), ...(after === undefined ? {} : { before: after }) };
    const { keys, more } = await askCurrent(config.accounts, account, (object) => object.listKeys(query));
    return replyJson(c, 200, {
      object: 'list',
      data: keys.map((state) => keyJson(account, state)),
      has_more: more,
      last_id: keys.at(-1)?.terms.id ?? null,
    });
  };

/** `GET /v1/keys/{id}` */
export const getKey =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { account, known } = await found(c, gateway, (object, id) => object.keyState(id));
    return replyJson(c, 200, keyJson(account, known));
  };

/** Admins who change one key at the same moment. */
const MOST_TRIES = 5;

/** `PATCH /v1/keys/{id}`: members replace what was set, null removes it, the rest stays. */
export const changeKey =
  (gateway: Gateway): Handler =>
  async (c) => {
    const body = await readJson(c.req.raw, MAX_BYTES);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { account, id, known } = await found(c, gateway, (object, key) => object.keyState(key));
      if (known.revokedAt !== undefined) throw revokedAlready(id);
      const { revision } = known.terms;
      const settings = await changed(known.terms, body, gateway);
      const state = await askAccount(gateway.config.accounts, account, (object) =>
        object.changeKey({ id, revision, settings }),
      );
      if (state === undefined) throw revokedAlready(id);
      if (state === 'stale') continue;
      gateway.terms.forget({ account, key: id });
      return replyJson(c, 200, keyJson(account, state));
    }
    throw new GatewayError('invalid_request', 'Others are changing this key at the same time. Try again.', {
      status: 409,
      retryable: true,
    });
  };

/** Names are looked up only where they change: a model may have gone since. */
async function changed(known: KeySettings, body: unknown, gateway: Gateway): Promise<KeySettings> {
  const settings = changedSettings(known, body, Date.now());
  return withKnownNames(settings, gateway, known);
}

const revokedAlready = (id: string): GatewayError =>
  new GatewayError('invalid_request', `The key ${id} was revoked, and stays so. Make another: POST /v1/keys.`, {
    param: 'id',
    status: 409,
  });

/** `DELETE /v1/keys/{id}`: from now on the key is refused. */
export const revokeKey =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { account, id, known } = await found(c, gateway, (object, key) => object.revokeKey(key));
    gateway.terms.forget({ account, key: id });
    return replyJson(c, 200, keyJson(account, known));
  };

/** `GET /v1/key`: the caller's own key. */
export const ownKey =
  ({ config }: Gateway): Handler =>
  async (c) => {
    const { account, key, secretHash, admin } = callerOf(c);
    if (secretHash === undefined) {
      return replyJson(c, 200, { id: key, object: 'key', account, admin, budget: null, limits: null, allow: null });
    }
    const state = await askCurrent(config.accounts, account, (object) => object.keyState(key));
    if (!state || state.revokedAt !== undefined) throw keyGone();
    return replyJson(c, 200, { ...keyJson(account, state), admin });
  };

/** The account that a path names. */
function accountIn(c: Context): string {
  onlyQueries(c, []);
  const account = c.req.param('id') ?? '';
  if (ACCOUNT_NAME.test(account)) return account;
  throw new GatewayError('not_found', 'An account has a name of 1 to 63 letters, digits, ".", "_" or "-".', {
    param: 'id',
  });
}

/** `GET /v1/accounts/{id}` */
export const getAccount =
  ({ config }: Gateway): Handler =>
  async (c) => {
    const account = accountIn(c);
    const state = await askCurrent(config.accounts, account, (object) => object.accountState());
    return replyJson(c, 200, accountJson(account, state));
  };

/** `PATCH /v1/accounts/{id}`: the budget of all keys of an account together. */
export const changeAccount =
  ({ config }: Gateway): Handler =>
  async (c) => {
    const account = accountIn(c);
    const body = await readJson(c.req.raw, MAX_BYTES);
    const known = await askCurrent(config.accounts, account, (object) => object.accountState());
    const budget = changedBudget(known.budget, body);
    const state = await askCurrent(config.accounts, account, (object) => object.changeAccount({ budget }));
    return replyJson(c, 200, accountJson(account, state));
  };
