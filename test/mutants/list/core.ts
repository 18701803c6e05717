import type { Mutant } from '../mutant.ts';

const CORE = [
  'test/core/errors.test.ts',
  'test/core/money.test.ts',
  'test/core/prefixes.test.ts',
  'test/core/redact.test.ts',
  'test/core/usage.test.ts',
];
const DIALECTS = [
  'test/dialects/answer.test.ts',
  'test/dialects/body-schema.test.ts',
  'test/dialects/cost.test.ts',
  'test/dialects/parse.test.ts',
  'test/dialects/stream.test.ts',
  'test/dialects/unknown-fields.test.ts',
];
const FORMS = ['test/gateway/conformance.test.ts', 'test/gateway/fields.test.ts'];

const inFile =
  (area: string, folder: string, tests: readonly string[]) =>
  (file: string) =>
  (name: string, what: string, find: string, replace: string, only = tests): Mutant => ({
    id: `${area}/${name}`,
    what,
    file: `${folder}/${file}`,
    find,
    replace,
    tests: only,
  });

const core = inFile('core', 'src/core', CORE);
const dialect = inFile('dialects', 'src/dialects/openai', DIALECTS);
const anyDialect = inFile('dialects', 'src/dialects', DIALECTS);

const money = core('values.ts');
const usage = core('event.ts');
const sanitise = core('redact.ts');
const redact = core('redact.ts');
const errors = core('errors.ts');
const answer = dialect('answer.ts');
const stream = dialect('stream.ts');
const cost = anyDialect('dialect.ts');
const bodySchema = anyDialect('body-schema.ts');
const parse = dialect('request.ts');
const tools = dialect('tools.ts');
const messages = dialect('messages.ts');

const PROVIDER_ERRORS = ['test/providers/openai-wire-errors.test.ts', 'test/providers/bedrock-errors.test.ts'];

export const CORE_MUTANTS: readonly Mutant[] = [
  money(
    'nano-lost',
    'A dollar amount with few decimals is read as less.',
    "padEnd(NANO_DIGITS, '0')",
    "padEnd(NANO_DIGITS - 1, '0')",
  ),
  money('exponent-taken', 'An amount that is no plain decimal is taken.', '/^(\\d{1,12})(?:', '/(\\d{1,12})(?:'),
  money(
    'sign-lost',
    'A negative amount is shown as a positive one.',
    "const sign = amount < 0n ? '-' : '';",
    "const sign = '';",
  ),
  usage(
    'negative-input',
    'Cached tokens above the prompt make a negative input.',
    'Math.min(totals.cacheRead ?? 0, totals.prompt)',
    '(totals.cacheRead ?? 0)',
  ),
  usage(
    'negative-output',
    'Reasoning above the completion makes a negative output.',
    'Math.min(totals.reasoning ?? 0, totals.completion)',
    '(totals.reasoning ?? 0)',
  ),
  usage(
    'sum-surer-than-parts',
    'A sum of an estimate and a bill passes for a bill.',
    'SURENESS.indexOf(a) > SURENESS.indexOf(b) ? a : b',
    'SURENESS.indexOf(a) > SURENESS.indexOf(b) ? b : a',
  ),
  sanitise(
    'key-in-query',
    'The query of a URL is shown.',
    "'$1')\n        .replace(/(:\\/\\/)",
    "'$&')\n        .replace(/(:\\/\\/)",
  ),
  sanitise('replicate-token', "A token of Replicate's is shown.", "'r8_\\\\w{6,}', ", ''),
  sanitise('aws-key-id', 'An AWS access key id is shown.', "'A(?:KIA|SIA|", "'A(?:XIA|SIA|"),
  sanitise('jwt', 'A JSON web token is shown.', "prefixed('eyJ[", "prefixed('eyX["),
  sanitise('bearer', 'What follows Bearer is shown.', '/\\b(Bearer\\s+)', '/\\b(Bearrer\\s+)'),
  sanitise(
    'half-a-secret',
    'A text is cut in the middle of a credential, half of which is shown.',
    'while (end > 0 && /[!-~]/',
    'while (false && /[!-~]/',
  ),
  sanitise(
    'words-redacted',
    'Words are taken for credentials.',
    'hasLetterAndDigit(value) || value.length >= 20',
    'true',
  ),
  sanitise('random-run', 'A long random run is shown.', 'looksRandom(run) && ', 'false && '),
  sanitise('ids-redacted', "A provider's ids are taken for credentials.", '&& !ID_BEFORE.test(', '&& ID_BEFORE.test('),
  redact(
    'by-case',
    'A credential of the deployment is shown in capitals.',
    'const small = form.bytes.toLowerCase();',
    'const small = form.bytes;',
  ),
  redact('escapes', 'A credential is shown percent-encoded.', 'const DEPTH = 4;', 'const DEPTH = 1;'),
  redact(
    'base64-alignment',
    'A credential is shown in base64.',
    'for (let skip = 0; skip < 4; skip++) {',
    'for (let skip = 0; skip < 1; skip++) {',
  ),
  redact(
    'details-shown',
    "A credential is shown in an error's details.",
    'redactDeep(error.details, clean)',
    'error.details',
  ),
  errors(
    'retry-after-date',
    'Retry-After as a date is ignored.',
    'return Number.isNaN(date) ? undefined : Math.max(0, date - now);',
    'return undefined;',
  ),
  errors(
    'retry-after-fraction',
    'Half a second of Retry-After is cut off.',
    'Math.ceil(seconds * 1000)',
    'Math.floor(seconds) * 1000',
  ),
  errors('408-is-callers', "A provider's time-out is the caller's fault.", 'if (status === 408 || ', 'if (', [
    ...PROVIDER_ERRORS,
    'test/providers/replicate.test.ts',
    'test/providers/replicate-captures.test.ts',
  ]),
  errors('402-is-callers', 'An account without credit is the fault of the caller.', 'status === 402 || ', ''),
  errors('529-is-error', 'An overloaded provider counts as broken.', ' || status === 529', ''),
  errors(
    'exception-text-shown',
    'The text of an unforeseen exception is shown.',
    "    'The gateway failed on its own account.",
    "    String(thrown) + 'The gateway failed on its own account.",
  ),
  answer(
    'empty-content-beside-tools',
    'Content is "" instead of null beside tool calls.',
    "choice.text === '' && calls.length > 0 ? null : choice.text",
    'choice.text',
  ),
  answer(
    'fingerprint-left-out',
    'system_fingerprint is missing where the provider gave none.',
    '    system_fingerprint: envelope.fingerprint,\n    choices: choices.map(',
    '    choices: choices.map(',
  ),
  answer(
    'tool-arguments-last',
    'Only the last piece of the arguments of a tool is kept.',
    'tool.arguments += event.arguments;',
    'tool.arguments = event.arguments;',
  ),
  answer('finish-lost', 'Every answer says that it stopped by itself.', 'choice.finish = event.reason;', '', [
    ...FORMS,
    'test/gateway/replay.test.ts',
  ]),
  answer(
    'completion-reason',
    'A completion ends in a reason that OpenAI does not know there.',
    "reason === 'tool_calls' || reason === 'function_call' ? 'stop' : reason;",
    'reason;',
  ),
  stream(
    'done-after-error',
    'A broken stream looks complete.',
    'JSON.stringify(failed)}]}\\n\\n`;',
    'JSON.stringify(failed)}]}\\n\\ndata: [DONE]\\n\\n`;',
    [...DIALECTS, 'test/faults/failover.test.ts'],
  ),
  stream('role-missing', 'A stream begins without a role.', '\'{"role":"assistant","content":""}\'', "'{}'"),
  stream('role-repeated', 'Every chunk begins with a role.', 'begun.add(event.choice);', ''),
  stream(
    'usage-unasked',
    'A stream ends with a usage that nobody asked for.',
    'if (!options.includeUsage || !usage)',
    'if (!usage)',
  ),
  stream(
    'usage-null-missing',
    'Chunks lack usage: null where the usage was asked for.',
    'options.includeUsage ? \'],"usage":null}\\n\\n\'',
    "options.includeUsage ? ']}\\n\\n'",
  ),
  stream(
    'choices-merged',
    'Texts of two choices in one read become one.',
    'text?.type !== first.type || text.choice !== first.choice',
    'text?.type !== first.type',
  ),
  stream(
    'hidden-reasoning-shown',
    'Reasoning is shown to who does not want it.',
    '? options.hideReasoning === true',
    '? false',
    ['test/gateway/fields.test.ts', ...DIALECTS],
  ),
  cost(
    'cost-is-text',
    'usage.cost is a string, which clients add up.',
    '    cost: total,',
    '    cost: formatDollars(cost.total) as never,',
  ),
  cost(
    'unknown-is-zero',
    'An unknown cost is zero.',
    'return { cost: null, cost_exact: null,',
    "return { cost: 0, cost_exact: '0',",
  ),
  cost(
    'failed-not-told',
    'What failed attempts may have cost is not told.',
    '      ...(cost.estimate ? { estimate: true } : {}),\n      ...attempts,',
    '      ...(cost.estimate ? { estimate: true } : {}),',
    [...DIALECTS, 'test/gateway/offers.test.ts'],
  ),
  cost(
    'retry-after-rounded-down',
    'Retry-After is rounded down.',
    'Math.max(1, Math.ceil(ms / 1000))',
    'Math.max(1, Math.floor(ms / 1000))',
    ['test/routes/http.test.ts'],
  ),
  stream(
    'fingerprint-null-in-chunks',
    'Chunks say null of a system_fingerprint that nobody gave, which OpenAI’s schema does not have.',
    'const known = fingerprint === null ? {} : { system_fingerprint: fingerprint };',
    'const known = { system_fingerprint: fingerprint };',
  ),
  answer(
    'cached-tokens-null',
    'cached_tokens is null where the provider says nothing of them, and @openrouter/sdk refuses every answer.',
    'usage.cacheTold ? { cached_tokens: usage.cacheRead } : {}',
    '{ cached_tokens: usage.cacheTold ? usage.cacheRead : (null as never) }',
  ),
  answer(
    'cached-unknown-is-none',
    'Cached tokens are 0 where the provider says nothing of them.',
    'usage.cacheTold ? { cached_tokens: usage.cacheRead } : {}',
    '{ cached_tokens: usage.cacheRead }',
    [...DIALECTS, 'test/gateway/replay.test.ts', 'test/gateway/conformance.test.ts'],
  ),
  parse(
    'strict-header-lost',
    'x-chasqui-strict is without effect.',
    'if (context.strict) route.requireParameters = true;',
    '',
  ),
  parse('seed-zero-lost', 'A seed of 0 is not sent.', 'if (body.seed != null)', 'if (body.seed)'),
  parse(
    'empty-stop-sent',
    'An empty stop string ends every answer at once.',
    "stops.filter((text) => text !== '')",
    'stops',
  ),
  parse(
    'completion-limit-ignored',
    'max_completion_tokens is without effect.',
    'body.max_completion_tokens ?? body.max_tokens',
    'body.max_tokens',
  ),
  parse(
    'unread-not-named',
    'Fields that nobody reads are not named.',
    '    unknownParameters,\n  };',
    '    unknownParameters: [],\n  };',
  ),
  parse(
    'too-many-choices',
    'Prompts times n are without limit.',
    'if (prompts.length * shared.n > MAX_CHOICES)',
    'if (false)',
  ),
  parse(
    'models-repeated',
    'A model that is named twice is asked twice.',
    '[...new Set([...(model ?',
    '[...([...(model ?',
  ),
  bodySchema(
    'limits-unchecked',
    'A number above its limit is accepted.',
    'value >= node.min &&\n        value <= node.max &&',
    'value >= node.min &&',
  ),
  bodySchema('required-unchecked', 'A field that is required may be missing.', 'return missing === 0;', 'return true;'),
  bodySchema(
    'constructor-in-record',
    'A key that valibot leaves out of a record is passed on.',
    'if (isOddKey(key) || ',
    'if (',
  ),
  stream(
    'plain-chunk-unopened',
    'A stream of text alone begins without a role.',
    'isReady: () => begun.has(0),',
    'isReady: () => true,',
  ),
  stream(
    'plain-logprobs-lost',
    'Log probabilities are lost from chunks.',
    'event.choice !== 0 || event.logprobs',
    'event.choice !== 0',
  ),
  tools(
    'unknown-tool-named',
    'A choice of a tool that is not there is sent on.',
    'if (!tools.some((tool) => tool.name === name)) throw invalid(',
    'if (false) throw invalid(',
  ),
  tools(
    'required-without-tools',
    'tool_choice required without tools is sent on.',
    'if (tools.length === 0) throw invalid(',
    'if (false) throw invalid(',
  ),
  tools(
    'schema-of-json-object',
    'A schema that comes with json_object is lost.',
    '  if (wire.schema) {',
    '  if (false) {',
  ),
  messages('image-detail-lost', "An image's detail is lost.", 'return image.detail ? ', 'return false ? '),
  messages(
    'reasoning-lost',
    'The reasoning of earlier turns is lost.',
    'const text = wire.reasoning_content ?? wire.reasoning;',
    'const text = undefined;',
  ),
  messages(
    'empty-assistant',
    'An assistant message without anything is sent on.',
    'if (content == null && toolCalls.length === 0 && !reasoning) {',
    'if (false) {',
  ),
];
