import type { AccountRpc, Accounts, KeyTerms } from '../../src/accounts/index.ts';

/** Accounts whose objects answer as a test says. Whatever else they are asked fails as an exception. */
export const accountsOf = (of: (account: string) => Partial<AccountRpc>): Accounts => ({
  getByName: (account) => of(account) as AccountRpc,
});

export const termsOf = (id: string, more: Partial<KeyTerms> = {}): KeyTerms => ({
  id,
  revision: 1,
  name: 'a test',
  atLimit: 'clamp',
  budgeted: false,
  limited: false,
  ...more,
});
