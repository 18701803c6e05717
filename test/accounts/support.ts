import { env } from 'cloudflare:workers';
import type { Account } from '../../src/accounts/account.ts';
import type { AccountRpc } from '../../src/accounts/protocol.ts';

const namespace = Reflect.get(env, 'ACCOUNT') as DurableObjectNamespace<Account>;
let accounts = 0;

/** A new account: its stub, and the same as the Worker calls it. */
export function newAccount(): {
  readonly name: string;
  readonly stub: DurableObjectStub<Account>;
  readonly account: AccountRpc;
} {
  const name = `account-${++accounts}`;
  const stub = namespace.getByName(name);
  return { name, stub, account: stub as unknown as AccountRpc };
}
