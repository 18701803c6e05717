/**
 * What a call's key means for it: its terms decide which offers may be used and who pays, its account covers every
 * attempt, and an `Idempotency-Key` lets a call be made once.
 */
import type { Context } from 'hono';
import { accountsMissing, CallAccount, type Caller, type KeyTerms, StaleTerms } from '../accounts/index.ts';
import { asGatewayError, type DialectName, GatewayError, isObject } from '../core/index.ts';
import { callerOf } from './access.ts';
import { limitHeaders } from './limit-headers.ts';
import { type Gateway, headersOf } from './request.ts';
import { tracedRequest } from './traces.ts';

/** Times that a call begins anew because the key's terms have changed meanwhile. */
const MOST_CHANGES = 3;

/** A key's terms, looked up while the body is still being read. */
export type PendingTerms = KeyTerms | undefined | Promise<KeyTerms | undefined>;

export function termsFor(c: Context, { terms }: Gateway): PendingTerms {
  const known = terms.of(callerOf(c));
  // Whoever needs them hears of a failure, and the body may fail before that.
  if (known instanceof Promise) known.catch(() => undefined);
  return known;
}

export interface Admitting {
  readonly id: string;
  readonly dialect: DialectName;
  readonly streamed: boolean;
  /** The first model the caller named, as written. */
  readonly asked: string;
  readonly body: unknown;
  readonly terms: PendingTerms;
}

/**
 * Makes a call under the terms of its key. The work begins anew where the terms turn out to have changed before
 * the caller has seen anything. If it fails, the account is told so; if it succeeds, the work has to tell.
 */
export async function underAccount<T>(
  c: Context,
  { config, relay, terms: known, background, onRecord }: Gateway,
  { id, dialect, streamed, asked, body, terms: pending }: Admitting,
  work: (account: CallAccount, terms: KeyTerms | undefined) => Promise<T>,
): Promise<T> {
  const caller = callerOf(c);
  const { accounts } = config;
  const idempotency = await idempotencyOf(c, caller, body);
  if (idempotency && !accounts) throw accountsMissing();
  const terms = pending instanceof Promise ? await pending : pending;
  const traced = tracedRequest(c);
  traced?.begins();
  const account = new CallAccount({
    start: { call: id, account: caller.account, key: caller.key, dialect, streamed, asked, started: relay.clock.now() },
    secretHash: caller.secretHash,
    terms,
    rpc: accounts && (() => accounts.getByName(caller.account)),
    ...(idempotency ? { idempotency } : {}),
    background,
    now: relay.clock.now,
    learn: (told) => known.learn(caller, told),
    carry: traced?.carry,
    onRecord: traced
      ? (record) => {
          traced.record(record);
          onRecord?.(record);
        }
      : onRecord,
    vouched: known.vouched(caller),
    vouch: (at) => known.vouch(caller, at),
  });
  try {
    return await byCurrentTerms(account, terms, work);
  } catch (thrown) {
    const error = asGatewayError(thrown);
    // The key was revoked, or something else about it has changed: the next call asks.
    if (error.code === 'authentication') known.forget(caller);
    account.finish(error.code, error.status);
    // By this id the ledger has its attempts.
    Object.assign(headersOf(c), limitHeaders(account.limits), { 'x-chasqui-generation-id': id });
    throw thrown;
  }
}

async function byCurrentTerms<T>(
  account: CallAccount,
  first: KeyTerms | undefined,
  work: (account: CallAccount, terms: KeyTerms | undefined) => Promise<T>,
): Promise<T> {
  let terms = first;
  for (let changes = 0; ; changes++) {
    try {
      return await work(account, terms);
    } catch (thrown) {
      if (!(thrown instanceof StaleTerms) || changes >= MOST_CHANGES) throw thrown;
      terms = thrown.terms;
      account.goBy(terms);
    }
  }
}

const HEADER = 'Idempotency-Key';
const LONGEST_KEY = 255;

/**
 * The value of `Idempotency-Key`: a quoted string by the draft of the IETF
 * (draft-ietf-httpapi-idempotency-key-header-07), though all clients send it bare.
 */
export function idempotencyKey(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)?.[1];
  const key = quoted === undefined ? value : quoted.replace(/\\(["\\])/g, '$1');
  if (key !== '' && key.length <= LONGEST_KEY && (quoted !== undefined || !value.startsWith('"'))) return key;
  throw new GatewayError(
    'invalid_request',
    `${HEADER}: must be 1 to ${LONGEST_KEY} characters, bare or as one quoted string.`,
    { param: HEADER },
  );
}

/** JSON in which the order of an object's members does not matter. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, canonical(value[name])]),
  );
}

const utf8 = new TextEncoder();

async function idempotencyOf(c: Context, { key: caller }: Caller, body: unknown) {
  const key = idempotencyKey(c.req.header(HEADER));
  if (key === undefined) return undefined;
  const said = JSON.stringify([caller, c.req.path, canonical(body)]);
  const digest = await crypto.subtle.digest('SHA-256', utf8.encode(said));
  const fingerprint = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { key, fingerprint };
}
