import type { Mutant } from '../mutant.ts';

const inFolder =
  (folder: string, tests: readonly string[]) =>
  (file: string) =>
  (name: string, what: string, find: string, replace: string, only = tests): Mutant => ({
    id: `wires/${name}`,
    what,
    file: `providers/${folder}/${file}`,
    find,
    replace,
    tests: only,
  });

const openai = inFolder('openai', [
  'test/providers/openai-wire-choices.test.ts',
  'test/providers/openai-wire-errors.test.ts',
  'test/providers/openai-wire-replay.test.ts',
  'test/providers/openai-wire-request.test.ts',
  'test/providers/openai-wire-servers.test.ts',
  'test/providers/openai-wire-stream.test.ts',
]);
const replicate = inFolder('replicate', [
  'test/providers/replicate.test.ts',
  'test/providers/replicate-captures.test.ts',
  'test/providers/replicate-request.test.ts',
]);

const mapper = openai('response-mapper.ts');
const stream = openai('stream.ts');
const template = openai('stream.ts');
const usage = openai('response-fields.ts');
const finish = openai('response-fields.ts');
const toolCalls = openai('tool-calls.ts');
const errors = openai('errors.ts');
const followed = replicate('prediction.ts');
const prediction = replicate('api.ts');
const listen = replicate('api.ts');
const generate = replicate('index.ts');
const frames = inFolder('bedrock', ['test/providers/bedrock-eventstream.test.ts'])('event-stream.ts');
const sse = inFolder('http', ['test/providers/openai-wire-stream.test.ts', 'test/providers/http-sse.test.ts'])(
  'index.ts',
);
const body = inFolder('http', ['test/providers/http-body.test.ts'])('index.ts');

export const WIRES_MUTANTS: readonly Mutant[] = [
  ...(
    [
      [
        'file-name',
        'Two PDFs of one name have one name.',
        'converse-request.ts',
        'const number = () => ++files;',
        'const number = () => 1;',
      ],
      [
        'file-alone',
        'A PDF goes without a text beside it.',
        'converse-request.ts',
        'return alone ? [...blocks, { text: NO_WORDS }] : blocks;',
        'return blocks;',
      ],
      [
        'many-files',
        'More PDFs than Bedrock takes are sent.',
        'converse-request.ts',
        'if (files > MOST_FILES)',
        'if (false)',
      ],
      [
        'files-for-all',
        'Every model of Meta’s is sent PDFs.',
        'about.ts',
        'return reads ? CONVERSE_LLAMA_FILES : CONVERSE_LLAMA;',
        'return CONVERSE_LLAMA_FILES;',
      ],
    ] as const
  ).map(([id, what, file, find, replace]) => ({
    id: `wires/${id}`,
    what,
    file: `providers/bedrock/${file}`,
    find,
    replace,
    tests: ['test/gateway/files.test.ts'],
  })),
  mapper(
    'text-twice',
    "Together's text comes twice.",
    "(job.kind === 'chat' ? (content ?? text) : (text ?? content)) ?? ''",
    "(content ?? '') + (text ?? '')",
  ),
  mapper(
    'early-finish-final',
    'A choice that goes on after its finish is taken for complete.',
    '      choice.pieces ||= isObject(wire.delta);\n      choice.finish = undefined;\n',
    '',
  ),
  mapper('error-under-200', 'An error under status 200 is taken for an answer.', 'if (failure) throw failure;', ''),
  mapper(
    'cut-is-complete',
    'A stream that is cut looks complete.',
    "if (form === 'chunks' && !complete) throw interrupted(upstream);",
    '',
  ),
  mapper(
    'missing-choice',
    'An answer without one of its choices is complete when the connection closes.',
    '(terminated || choices.size >= job.n)',
    'true',
  ),
  mapper(
    'tools-say-stop',
    'An answer with tool calls says that it stopped.',
    "reason === 'stop' && choice.tools.any ? 'tool_calls' : reason",
    'reason',
  ),
  mapper(
    'failed-choice',
    'A choice that the provider gave up is an answer.',
    "if (reason === 'failed') {",
    'if (false) {',
  ),
  mapper(
    'reasoning-content',
    'reasoning_content is not read.',
    "= ['reasoning', 'reasoning_content'];",
    "= ['reasoning'];",
  ),
  mapper(
    'said-twice',
    "MiniMax's closing message is said once more.",
    "choice.pieces && !isObject(wire.delta) && typeof wire.text !== 'string'",
    'false',
  ),
  mapper('error-in-choice', 'An error in a choice is passed over.', 'if (gaveUp) throw gaveUp;', ''),
  mapper(
    'bill-in-choice',
    "Moonshot's bill is lost.",
    'isObject(last) ? readUsage(last.usage) : undefined',
    'undefined',
  ),
  mapper('zeros-billed', 'Zeros pass for a bill.', 'if (usage && !isPlaceholder(usage))', 'if (usage)'),
  finish('full-window', 'A window that is full looks like an end.', "  model_length: 'length',\n", ''),
  finish('gave-up', 'An answer that the server gave up on passes for a whole one.', "  network_error: 'failed',\n", ''),
  toolCalls(
    'calls-by-id',
    'Pieces of calls that are told apart by their ids alone are mixed up.',
    'if (id !== undefined && id !== known?.id) {',
    'if (false) {',
  ),
  toolCalls(
    'calls-merged',
    'Calls of one answer that share an id are one.',
    "if (form === 'whole') return open(number);",
    '',
  ),
  toolCalls('bare-call', 'A call without arguments is no JSON.', "arguments: '{}' }", "arguments: '' }"),
  stream(
    'plain-body',
    'What an error says is lost where it calls itself a stream.',
    'if (ended && !events) takePlain();',
    '',
  ),
  stream(
    'done-ignored',
    '[DONE] does not end a stream.',
    "if (data.length < 20 && data.trim() === '[DONE]') {",
    'if (false) {',
  ),
  stream(
    'split-characters',
    'A character that is split over two reads is garbled.',
    'utf8.decode(bytes, { stream: true })',
    'utf8.decode(bytes)',
  ),
  stream('error-event', 'A named error event is read as a chunk.', "if (event === 'error') throw", 'if (false) throw'),
  stream(
    'malformed-chunk',
    'A chunk that is no JSON is passed over.',
    "else if (data.trim() !== '' && !(mapper.finished && (ended || mapper.settled))) throw interrupted(upstream);",
    '',
  ),
  stream(
    'abort-unheard',
    'After an abort the stream ends as if it were cut.',
    'if (signal.aborted) {\n      close();\n      throw abortReason(signal);\n    }',
    '',
  ),
  stream('body-not-canceled', 'The body of an answer that nobody wants is read on.', 'else reader.cancel();', ''),
  stream(
    'template-with-usage',
    'A usage that comes with a text again is not read again.',
    'alone.finished || alone.hasUsage ? [] : events',
    'events',
  ),
  template(
    'template-places',
    'A chunk with another text beside its content is taken for one with the same text twice.',
    'if (place > 1 && data.slice(at, at + size) !== literal) return undefined;',
    '',
  ),
  template(
    'template-unproven',
    'The place of a text is not proven.',
    "event?.type !== 'text' || event.text !== PROBE || event.choice !== only.choice || more.length > 0",
    'false',
  ),
  usage(
    'half-a-usage',
    'A usage of the answer alone counts as none.',
    'if (completion === undefined) return undefined;',
    'if (prompt === undefined || completion === undefined) return undefined;',
    ['test/gateway/replay.test.ts'],
  ),
  usage('cached-tokens', "Together's cached tokens are not read.", ' ?? count(wire.cached_tokens)', ''),
  usage(
    'reasoning-beside',
    "xAI's reasoning is left out of the completion.",
    'beside ? completion + reasoning : completion',
    'completion',
  ),
  errors(
    'retry-after-ms',
    'retry-after-ms is ignored.',
    'if (Number.isFinite(ms) && ms >= 0) return Math.ceil(ms);',
    '',
  ),
  errors(
    'rate-limit-reset',
    "Together's x-ratelimit-reset is ignored.",
    "status === 429 ? parseRetryAfter(headers.get('x-ratelimit-reset')) : undefined",
    'undefined',
  ),
  errors(
    'loading-unheard',
    'A server that is loading its model counts as overloaded.',
    "code === 'provider_overloaded' && LOADING.test(said) ? { loading: true } : {}",
    '{}',
  ),
  followed(
    'failed-is-complete',
    'A prediction that failed after its stream said done is complete.',
    'if (prediction && state && NOT_DONE.has(state.kind)) return conclude(job, prediction, said);',
    '',
  ),
  followed(
    'length-unsaid',
    'An answer that was cut by its limit says that it stopped.',
    "made >= job.maxTokens ? 'length' : 'stop'",
    "made > 1e9 ? 'length' : 'stop'",
  ),
  followed(
    'rest-lost',
    'What the stream left out is lost.',
    'return [...textEvents(rest), ...ending(finishReason',
    'return [...ending(finishReason',
  ),
  followed(
    'poll-repeats',
    'Polling repeats what was said already.',
    'const rest = remainder(said, prediction.said);',
    'const rest = prediction.said;',
  ),
  followed(
    'json-begun-early',
    'A JSON answer is begun before it is whole.',
    'if (job.stream) {\n        // While',
    'if (true) {\n        // While',
  ),
  prediction(
    'unknown-status-ends',
    'An unknown status is taken for a failure.',
    "(json.completed_at ? 'failed' : 'running')",
    "'failed'",
  ),
  prediction(
    'lost-is-empty',
    'An output that was deleted is an empty answer.',
    "if (text === undefined && outputTokens !== 0) return { kind: 'lost' };",
    '',
  ),
  prediction(
    'foreign-stream-url',
    "A stream's address of any kind is taken.",
    "typeof streamUrl === 'string' && httpUrl(streamUrl)",
    "typeof streamUrl === 'string'",
  ),
  followed('scattered-failures', 'Scattered failed looks abandon a running prediction.', '        failures = 0;\n', ''),
  followed(
    'endless-failures',
    'A prediction that cannot be read is looked at for ever.',
    'const MAX_FAILURES = 5;',
    'const MAX_FAILURES = 5000;',
  ),
  followed(
    'retry-after-ignored',
    'Retry-After of a look is ignored.',
    'pause = Math.max(pause, failure.details.retryAfterMs ?? 0);',
    '',
  ),
  listen('unknown-done-reason', 'An unknown reason of done is a good end.', '?? CUT;', "?? { kind: 'done' };"),
  listen(
    'failed-is-done',
    'A stream that ended in an error is complete.',
    "['error', { kind: 'failed', error: '' }],",
    "['error', { kind: 'done' }],",
  ),
  listen(
    'split-characters-replicate',
    'A character that is split over two reads is garbled.',
    'utf8.decode(bytes, { stream: true })',
    'utf8.decode(bytes)',
  ),
  listen(
    'text-before-broken-lost',
    'Text that came in the same read as a broken event is lost.',
    "if (text === '' && !end) throw broken;",
    'throw broken;',
  ),
  listen(
    'broken-done-is-done',
    'A done event that broke in its middle is a good end.',
    "if (data.startsWith('{')) return CUT;",
    '',
  ),
  generate(
    'orphan-not-held',
    'A prediction whose caller left before it was made runs on, and is billed.',
    'background(created);',
    '',
  ),
  generate('cancel-not-held', 'The cancel ends with the caller.', 'background(canceled.catch(() => undefined));', ''),
  frames(
    'whole-frames-lost',
    'Frames that came whole before a corrupt one in the same read are lost.',
    'failure = answerError(thrown, signal, response);',
    'events = [];\n      failure = answerError(thrown, signal, response);',
  ),
  frames(
    'checksum-ignored',
    'A frame whose bytes have changed on the way is read.',
    'if (checksum(bytes, at, end) !== uint32(bytes, end))',
    'if (false)',
  ),
  frames(
    'cut-frame',
    'A stream that is cut within its last frame looks complete.',
    'if (filled > 0) throw new Error',
    'if (filled < 0) throw new Error',
  ),
  sse(
    'error-field-unread',
    'What llama.cpp says in its own error field is lost.',
    "text.startsWith('error:', from)",
    'false',
  ),
  body(
    'split-characters-body',
    'A body without a length that is split inside a character is garbled.',
    'decoder.decode(bytes, { stream: true })',
    'new TextDecoder().decode(bytes)',
  ),
  mapper(
    'done-without-reason',
    'A stream with usage and [DONE] from a server that gives no reasons is broken.',
    '(terminated || choices.size >= job.n)) || doneWithoutReason(terminated)',
    '(terminated || choices.size >= job.n))',
  ),
  mapper(
    'unfinished-without-reason',
    'A choice without a reason is complete though its server gives reasons.',
    'usage !== undefined &&\n    !reasons &&',
    'usage !== undefined &&',
  ),
  mapper(
    'reasoning-object',
    'A reasoning that comes as an object is lost.',
    'if (!isObject(value)) return undefined;\n  return reasoningIn(',
    'if (value !== undefined) return undefined;\n  return reasoningIn(',
  ),
];
