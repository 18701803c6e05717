import type { Mutant } from '../mutant.ts';

/** Keys: who may do what, and what a key is held to. */

const inFile =
  (area: string, file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string, only = tests): Mutant => ({
    id: `${area}/${name}`,
    what,
    file,
    find,
    replace,
    tests: only,
  });

const ACCESS = ['test/routes/access.test.ts'];
const KEYS = ['test/routes/keys.test.ts'];
const accounts = inFile('accounts', 'src/accounts/access.ts', ['test/accounts/authenticate.test.ts']);
const keyText = inFile('accounts', 'src/accounts/key-text.ts', ['test/accounts/key-text.test.ts']);
const access = inFile('keys', 'src/routes/access.ts', ACCESS);
const permits = inFile('keys', 'src/offers/assess.ts', ACCESS);
const keys = inFile('keys', 'src/routes/keys.ts', KEYS);
const keyBody = inFile('keys', 'src/dialects/key-body.ts', KEYS);
const keyNames = inFile('keys', 'src/routes/key-names.ts', KEYS);
const terms = inFile('keys', 'src/accounts/terms.ts', ['test/accounts/terms.test.ts']);
const limits = inFile('keys', 'src/routes/limit-headers.ts', ['test/routes/limit-headers.test.ts']);

export const KEYS_MUTANTS: readonly Mutant[] = [
  accounts(
    'prefix-passes',
    'Any prefix of the key passes.',
    'let difference = presented.length ^ secret.length;',
    'let difference = 0;',
  ),
  accounts(
    'first-character-decides',
    'Only the last character of a key is compared.',
    'difference |= presented',
    'difference = presented',
  ),
  accounts(
    'empty-key',
    'An empty x-api-key is taken for a key.',
    "(headers.get('x-api-key') || undefined)",
    "(headers.get('x-api-key') ?? 'x')",
    ['test/accounts/authenticate.test.ts'],
  ),
  accounts('other-scheme', 'Any authorization is taken for a key.', '/^Bearer\\s+(\\S+)\\s*$/i', '/(\\S+)\\s*$/i'),
  accounts(
    'unconfigured-open',
    'A deployment with credentials and without a key is open to all.',
    "if (access.kind === 'unconfigured') {",
    "if (access.kind === 'unconfigured') return LOCAL;\n  if (access.kind === 'unconfigured') {",
  ),
  accounts(
    'wrong-key-passes',
    'Any key passes.',
    'if (sameSecret(presented, access.adminKey)) return ADMIN;',
    'return ADMIN;',
  ),
  accounts(
    'no-key-passes',
    'No key passes.',
    'if (presented === undefined) {',
    'if (presented === undefined) return ADMIN;\n  if (presented === undefined) {',
  ),
  access(
    'guard-gone',
    'Nobody is asked for a key.',
    'const caller = sessionCaller(c, gateway) ?? authenticate(c.req.raw.headers, config.access);',
    "const caller = { account: 'main', key: 'admin', admin: true } as ReturnType<typeof authenticate>;",
    ['test/gateway/http.test.ts', ...ACCESS],
  ),
  access(
    'key-is-admin',
    "A caller's key may do what the admin key may.",
    'if (!callerOf(c).admin) throw forAdmins(c);',
    '',
  ),
  access(
    'revoked-reads',
    'A revoked key may still use what costs nothing.',
    'await terms.now(caller);',
    'await terms.of(caller);',
  ),
  permits(
    'any-model',
    'A key may use models that it may not.',
    'if (models && !names',
    'if (false && models && !names',
  ),
  permits(
    'any-provider',
    'A key may use providers that it may not.',
    'if (providers && !providers',
    'if (false && providers && !providers',
  ),
  access(
    'markers-forced',
    "A key's handling of markers overrides that of a call.",
    ' && call.templating.markers === undefined',
    '',
  ),
  keys(
    'secret-twice',
    'The text of a key is shown again.',
    '...keyJson(account, state), key: text }',
    '...keyJson(account, state), key: text, name: text }',
  ),
  keys('pages-in-vain', 'Every page of keys is the first.', '...(after === undefined ? {} : { before: after })', ''),
  keys(
    'stale-change',
    'A change undoes another that came in between.',
    "if (state === 'stale') continue;",
    "if (state === 'stale') break;",
  ),
  keys('revoked-shown', 'A revoked key still reads what it had.', '!state || state.revokedAt !== undefined', '!state'),
  keyBody(
    'null-kept',
    'Null does not remove a setting.',
    'if (value === null) members.delete(key);',
    'if (value === null) continue;',
  ),
  keyBody('patch-replaces', 'A change of one limit removes the others.', 'merged(members.get(key), value)', 'value'),
  keyBody(
    'past-expiry',
    'A key can end before it begins.',
    'known.expiresAt > now) return known;',
    'known.expiresAt > 0) return known;',
  ),
  keyBody('zero-budget', 'A budget of nothing is taken.', 'amountOf(given) > 0n', 'amountOf(given) >= 0n'),
  keyNames(
    'pin-widened',
    'A model at one provider is taken for the model anywhere.',
    'if (pin === undefined) return model;',
    'return model;',
  ),
  terms(
    'revoked-remembered',
    'What makes no reservation goes by remembered terms.',
    '(caller.secretHash === undefined ? undefined : asked(caller, caller.secretHash)),',
    '(caller.secretHash === undefined ? undefined : (known.get(nameOf(caller)) ?? asked(caller, caller.secretHash))),',
  ),
  terms(
    'accounts-mixed',
    'Keys of two accounts share their terms.',
    "({ account, key }: Pick<Caller, 'account' | 'key'>): string",
    "({ key: account, key }: Pick<Caller, 'account' | 'key'>): string",
  ),
  terms('memory-grows', 'Terms are remembered without end.', 'known.size >= MOST_REMEMBERED', 'false'),
  limits(
    'reset-in-seconds',
    'A reset of less than a second is told as none.',
    'if (whole < 1_000) return',
    'if (whole < 1) return',
  ),
  limits('overdrawn', 'Less than nothing is said to be left.', 'Math.max(0, remaining)};t', 'remaining};t'),
  keyText('any-mac', 'A forged key is taken for a genuine one.', 'if (!genuine) return undefined;', ''),
  keyText(
    'account-unsigned',
    'The account of a key can be changed.',
    'bytesOf(tag), utf8.encode(signed));',
    'bytesOf(tag), utf8.encode(secretPart));',
  ),
  keyText('loose-mac', 'A key has several spellings.', "'[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]'", "'[A-Za-z0-9_-]{43}'"),
];
