import type { Mutant } from '../mutant.ts';

const HTTP = ['test/routes/http.test.ts', 'test/routes/paths.test.ts'];

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

const request = inFile('http', 'src/routes/request.ts', HTTP);
const middleware = inFile('http', 'src/routes/middleware.ts', HTTP);
const access = inFile('http', 'src/routes/access.ts', HTTP);
const GATEWAY = ['test/gateway/http.test.ts'];
const events = inFile('http', 'src/routes/sse.ts', [...HTTP, 'test/faults/failover.test.ts']);
const generate = inFile('http', 'src/routes/generate.ts', ['test/gateway/http.test.ts', 'test/gateway/offers.test.ts']);

export const HTTP_MUTANTS: readonly Mutant[] = [
  inFile('http', 'src/routes/middleware.ts', ['test/gateway/messages.test.ts'])(
    'anthropic-everywhere',
    "A header gives OpenAI's routes the errors of Anthropic's API.",
    ' && !OPENAI_ONLY.has(c.req.path)',
    '',
  ),
  request(
    'split-character',
    'A body without a length is garbled where it is cut inside a character.',
    'decoder.decode(piece, { stream: true })',
    'decoder.decode(piece)',
  ),
  request(
    'declared-limit',
    'A body that says it is too large is read all the same.',
    'if (declared !== null && Number(declared) > limit) throw tooLarge(limit);',
    '',
    ['test/gateway/http.test.ts', ...HTTP],
  ),
  request(
    'undeclared-limit',
    'A body that does not say its length has no limit.',
    'if (bytes > limit) throw tooLarge(limit);',
    '',
    ['test/gateway/http.test.ts', ...HTTP],
  ),
  request(
    'last-character',
    'Half a character at the end of a body is lost without a word.',
    'return text + decoder.decode();',
    'return text;',
  ),
  request('empty-body', 'An empty body is told as broken JSON.', "if (text.trim() === '') throw", 'if (false) throw', [
    'test/gateway/http.test.ts',
    ...HTTP,
  ]),
  request(
    'unknown-encoding',
    'A body in an encoding that nobody reads is read as it is.',
    'if (!format) throw unreadable();',
    '',
  ),
  middleware('any-request-id', 'Any x-request-id is echoed.', 'given && SAFE_ID.test(given) ? given', 'given ? given'),
  middleware(
    'request-id-lost',
    "The caller's own x-request-id is not kept.",
    'given && SAFE_ID.test(given) ? given : ',
    '',
  ),
  middleware(
    'sandbox-unsaid',
    "The sandbox's answers do not say that they are its.",
    "if (config.sandbox) headers['x-chasqui-sandbox'] = '1';",
    '',
    HTTP,
  ),
  access(
    'mistakes-served',
    'A configuration with mistakes is served.',
    'if (config.mistakes.length > 0) throw misconfigured(config);',
    '',
    ['test/gateway/http.test.ts'],
  ),
  middleware('retry-after-unsaid', 'No Retry-After is said.', '  Object.assign(headers, own);\n', ''),
  middleware(
    'error-not-redacted',
    'An error shows a credential.',
    'const error = redactError(known, config.redact);',
    'const error = known;',
    ['test/gateway/http.test.ts'],
  ),
  middleware(
    'other-origin',
    'An answer cannot be read from another origin.',
    "headers['access-control-allow-origin'] = '*';",
    '',
    ['test/gateway/http.test.ts'],
  ),
  middleware(
    'allow-unsaid',
    'A 405 does not say which methods there are.',
    '    headersOf(c).allow = allowed(methods);\n',
    '',
  ),
  middleware(
    'preflight-unsaid',
    'A preflight does not say which methods its path takes.',
    '  if (methods) headers.allow = allowed(methods);\n',
    '',
    ['test/gateway/methods.test.ts'],
  ),
  middleware(
    'nothing-is-a-method',
    'A file that is not there is answered as a wrong method.',
    'if (own || foreignApi(',
    'if (foreignApi(',
    ['test/gateway/methods.test.ts'],
  ),
  middleware('trailing-slash', 'A slash at the end is a wrong URL.', ".replace(/(?<=.)\\/$/, '')", ''),
  middleware(
    'without-v1',
    'A base URL without /v1 is a wrong URL.',
    "return BELOW_V1.has(rest.slice(1).split('/', 1)[0] ?? '') ?",
    'return false ?',
  ),
  middleware('no-next-step', 'A wrong URL gets no next step.', ': route !== undefined\n', ': false\n'),
  request(
    'timeout-of-anything',
    'A time-out that is no number is taken.',
    'if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {',
    'if (false) {',
    GATEWAY,
  ),
  request(
    'strict-unheard',
    'x-chasqui-strict is without effect.',
    "strict: headerFlag(c, 'x-chasqui-strict'),",
    'strict: false,',
    GATEWAY,
  ),
  events(
    'no-keep-alive',
    'No comment is sent while nothing comes.',
    '    writer.write(encoder.encode(keepAliveText)).catch(fail);\n',
    '',
  ),
  events(
    'keep-alive-among-data',
    'Comments are sent although data comes.',
    '    writing = false;\n    quiet = 0;\n',
    '    writing = false;\n',
    HTTP,
  ),
  events(
    'write-for-each-event',
    'Every event of a burst is a write of its own.',
    'if (now !== wroteAt || waiting.length >= MAX_WAITING) {',
    'if (true) {',
    HTTP,
  ),
  events(
    'gathered-text-stuck',
    'What waits to be written with more is written only when more comes.',
    'else timer ??= setTimeout(flush, GATHER_MS);',
    '',
    HTTP,
  ),
  events(
    'rest-written-twice',
    'What was gathered when the stream ended is written twice.',
    "      waiting = '';\n      await writer",
    '      await writer',
    HTTP,
  ),
  events(
    'reads-ahead-without-bound',
    'The upstream is read on for a caller who does not read.',
    'if (waiting.length < MAX_WAITING) return undefined;',
    'return undefined;',
    HTTP,
  ),
  events('error-unsaid', 'A broken stream ends without its error.', 'last = dialect.fail(error);', "last = '';"),
  events(
    'reader-gone-unheard',
    'A provider goes on for a caller who left while nothing came.',
    'writer.write(encoder.encode(keepAliveText)).catch(fail);',
    'writer.write(encoder.encode(keepAliveText)).catch(() => undefined);',
    ['test/routes/http.test.ts'],
  ),
  generate(
    'dropped-unsaid',
    'What was dropped is not said.',
    "if (offer.drops.length > 0) headers['x-chasqui-dropped']",
    "if (false) headers['x-chasqui-dropped']",
  ),
  generate('header-breaks', 'A parameter name breaks a header.', ".replace(/[^\\x20-\\x7e]|,/g, '?')", ''),
  generate(
    'cost-header',
    'x-chasqui-cost is missing.',
    "if (typeof cost === 'string') headers['x-chasqui-cost'] = cost;",
    '',
  ),
  generate(
    'stream-error-shows-key',
    'An error in mid-stream shows a credential.',
    'encoder.fail(redactError(parsed.callersNames ? error.renamed(parsed.callersNames) : error, config.redact))',
    'encoder.fail(parsed.callersNames ? error.renamed(parsed.callersNames) : error)',
    ['test/gateway/http.test.ts'],
  ),
  generate(
    'leaving-unheard',
    'A caller who leaves before the first content goes on being served.',
    "request.addEventListener('abort', gone, { once: true });",
    '',
    ['test/gateway/http.test.ts', 'test/faults/failover.test.ts'],
  ),
];
