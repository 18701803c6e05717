import { GatewayError } from '../core/index.ts';
import type { Caller } from './key-text.ts';
import type { AccountRpc, Accounts, KeyTerms } from './protocol.ts';

/**
 * The terms of the keys that this isolate has seen. A call may go by remembered terms, because its reservation says
 * their revision and the account answers with newer ones. Whatever makes no reservation asks the account each time.
 */
export interface Terms {
  /**
   * What a call may do: remembered, or asked of the account. Undefined for `admin` and `local`, which may do anything,
   * until their account says otherwise: it may have a budget.
   * Throws `authentication` for a key that was revoked or has expired, and 503 if the account cannot be reached.
   */
  of(caller: Caller): KeyTerms | undefined | Promise<KeyTerms>;
  /** The same, asked of the account now. */
  now(caller: Caller): Promise<KeyTerms | undefined>;
  /** Remembers what an account has told. */
  learn(caller: Caller, terms: KeyTerms): void;
  /** Whether the account vouches for what `of` says, so that a call of a key without limits need not ask. */
  vouched(caller: Caller): boolean;
  /** The account has vouched for it: it was asked at `at`. */
  vouch(caller: Caller, at: number): void;
  /** After a refusal or a change, so that the next call asks. */
  forget(caller: Pick<Caller, 'account' | 'key'>): void;
}

/**
 * So long after it was asked, an account stands by what it said of a key without limits: whoever changes or revokes the
 * key has no answer before that. So calls without limits ask this often, and no call begins by terms that no longer hold.
 */
export const VOUCHED_MS = 500;

const MOST_REMEMBERED = 2_000;
const RETRY_MS = 1_000;

/** The account cannot be reached: it restarts, or is overloaded. */
export const accountUnavailable = (): GatewayError =>
  new GatewayError('internal', 'The account of this key cannot be reached at the moment. Try again.', {
    status: 503,
    retryable: true,
    retryAfterMs: RETRY_MS,
  });

/** The account knows no such key any more. */
export const keyGone = (): GatewayError =>
  new GatewayError('authentication', 'This key was revoked or has expired. Ask who runs this gateway for another.');

/** Without the binding `ACCOUNT` there can be no keys but the admin's. */
export const accountsMissing = (): GatewayError =>
  new GatewayError(
    'not_implemented',
    'There are no accounts here: the Durable Object ACCOUNT is not bound. Take over [exports.Account] and its binding from wrangler.toml and deploy.',
  );

/**
 * Asks the object of an account. Once more if that fails: every method may be repeated after a lost reply. Throws 503
 * if it fails again.
 */
export async function askAccount<T>(
  accounts: Accounts | undefined,
  name: string,
  ask: (account: AccountRpc) => Promise<T>,
): Promise<T> {
  if (!accounts) throw accountsMissing();
  const once = async () => ask(accounts.getByName(name));
  try {
    return await once().catch(once);
  } catch {
    // The runtime's own words about an object may name what callers are not to see.
    throw accountUnavailable();
  }
}

export function rememberedTerms(accounts: Accounts | undefined): Terms {
  const known = new Map<string, { readonly terms: KeyTerms | undefined; readonly askedAt: number }>();
  const nameOf = ({ account, key }: Pick<Caller, 'account' | 'key'>): string => `${account}/${key}`;

  const terms: Terms = {
    of: (caller) => {
      const remembered = known.get(nameOf(caller))?.terms;
      if (caller.secretHash === undefined) return remembered;
      const expired = remembered?.expiresAt !== undefined && remembered.expiresAt <= Date.now();
      return remembered && !expired ? remembered : asked(caller, caller.secretHash);
    },
    now: async (caller) => (caller.secretHash === undefined ? undefined : asked(caller, caller.secretHash)),
    learn(caller, told) {
      remember(caller, told, 0);
    },
    vouched(caller) {
      const askedAt = known.get(nameOf(caller))?.askedAt ?? 0;
      return Math.abs(Date.now() - askedAt) < VOUCHED_MS;
    },
    vouch: (caller, at) => remember(caller, known.get(nameOf(caller))?.terms, at),
    forget: (caller) => void known.delete(nameOf(caller)),
  };

  function remember(caller: Caller, told: KeyTerms | undefined, askedAt: number): void {
    const name = nameOf(caller);
    const [oldest] = known.keys();
    if (!known.has(name) && known.size >= MOST_REMEMBERED && oldest !== undefined) known.delete(oldest);
    known.set(name, { terms: told, askedAt });
  }

  async function asked(caller: Caller, secretHash: string): Promise<KeyTerms> {
    const at = Date.now();
    const told = await askAccount(accounts, caller.account, (account) => account.terms(caller.key, secretHash));
    if (!told) {
      terms.forget(caller);
      throw keyGone();
    }
    remember(caller, told, at);
    return told;
  }

  return terms;
}
