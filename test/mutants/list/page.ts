import type { Mutant } from '../mutant.ts';

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string, only = tests): Mutant => ({
    id: `page/${name}`,
    what,
    file,
    find,
    replace,
    tests: only,
  });

const routes = inFile('src/routes/session.ts', ['test/routes/session.test.ts']);
const token = inFile('src/accounts/session.ts', ['test/accounts/session.test.ts']);
const throttle = inFile('src/accounts/sign-in-throttle.ts', ['test/accounts/session.test.ts']);

export const PAGE_MUTANTS: readonly Mutant[] = [
  routes(
    'same-site-counts',
    'A page on another port of the same host acts with the session of its visitor.',
    "return site === 'same-origin';",
    "return site !== 'cross-site';",
  ),
  routes(
    'origin-unread',
    'On plain HTTP any page of the same host acts with the session of its visitor.',
    'new URL(origin).host === new URL(request.url).host',
    'new URL(origin).hostname === new URL(request.url).hostname',
  ),
  routes(
    'no-origin-counts',
    'A request that does not say where it comes from changes something by a cookie.',
    "return request.method === 'GET' || request.method === 'HEAD';",
    'return true;',
  ),
  routes(
    'plain-on-https',
    'A neighbouring host plants a session on a page with https.',
    'isTrustworthy(request) ? SECURE_NAME : PLAIN_NAME',
    'headers.get("cookie")?.includes(SECURE_NAME) ? SECURE_NAME : PLAIN_NAME',
  ),
  routes(
    'open-to-others',
    'Answers to a cookie may be read by every origin.',
    "if (name.startsWith('access-control-')) delete headers[name];",
    "if (name.startsWith('access-control-x')) delete headers[name];",
  ),
  routes(
    'beside-a-key',
    'A request with a wrong key is let in by its cookie.',
    "cookies === null || headers.has('authorization') || headers.has('x-api-key')",
    'cookies === null',
  ),
  routes(
    'form-signs-in',
    'A form of another site signs its visitor in.',
    '/^application\\/json\\b/i.test(',
    '/^/.test(',
  ),
  routes('revoked-signs-in', 'A revoked key still has a session.', '      await terms.now(session.caller);\n', ''),
  routes(
    'isolates-apart',
    'Wrong keys are counted by each isolate alone.',
    '        await everywhere(address, true);\n',
    '',
  ),
  token('never-ends', 'A session never ends.', 'session && session.expiresAt > now', 'session'),
  token('unsigned', 'A token with another signature is believed.', 'if (!genuine) return undefined;', ''),
  throttle(
    'every-address-anew',
    'Whoever changes addresses may try any number of keys.',
    'const MOST_OF_ALL = 100;',
    'const MOST_OF_ALL = 100_000;',
  ),
];
