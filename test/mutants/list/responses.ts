import type { Mutant } from '../mutant.ts';

/** OpenAI's Responses: what clients hold on to in its streams, and what must come back from them as it was sent. */

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `responses/${name}`,
    what,
    file,
    find,
    replace,
    tests,
  });

const UNIT = ['test/dialects/responses.test.ts'];
const blocks = inFile('src/dialects/blocks.ts', UNIT);
const stream = inFile('src/dialects/responses/stream.ts', UNIT);
const answer = inFile('src/dialects/responses/answer.ts', UNIT);
const input = inFile('src/dialects/responses/input.ts', UNIT);
const tools = inFile('src/dialects/responses/tools.ts', UNIT);
const request = inFile('src/dialects/responses/request.ts', UNIT);
const form = inFile('src/dialects/responses/index.ts', ['test/gateway/responses.test.ts']);
const TYPES = ['test/gateway/published-types.test.ts'];
const typedStream = inFile('src/dialects/responses/stream.ts', TYPES);
const typedAnswer = inFile('src/dialects/responses/answer.ts', TYPES);
const typedTools = inFile('src/dialects/responses/tools.ts', TYPES);
const models = inFile('src/routes/models.ts', ['test/gateway/responses.test.ts']);

export const RESPONSES_MUTANTS: readonly Mutant[] = [
  blocks(
    'cut-call',
    'A tool call ends before its arguments are complete.',
    'if (!all && open?.type',
    'if (all && open?.type',
  ),
  stream('sequence', 'Deltas in a row share a number.', '{sequence++},"delta"', '{sequence},"delta"'),
  stream(
    'broken-done',
    'A broken stream ends like a complete one.',
    "withResponse('response.failed',",
    "withResponse('response.completed',",
  ),
  stream(
    'half-lost',
    'What had come of a broken answer is not in its end.',
    "if (item) output.push(item.written('incomplete'));",
    '',
  ),
  answer('no-arguments', 'A call without arguments cannot be parsed.', "? '{}' : ''", "? '' : ''"),
  answer(
    'namespace-lost',
    'A call says nothing of its namespace.',
    'tool.namespace === undefined ? {} :',
    'tool.namespace !== undefined ? {} :',
  ),
  answer('no-wait', 'Codex is not told how long to wait.', 'Please try again in', 'Try again after'),
  answer('cut-completed', 'An answer that was cut off is complete.', "length: 'max_output_tokens',", ''),
  input(
    'calls-apart',
    'Text and calls of one answer become two turns.',
    'const turn = this.assistant(path, () => true);',
    'const turn = this.assistant(path, () => false);',
  ),
  input('loose-result', 'A result without its call passes.', 'if (!this.calls.has(id)) {', 'if (false) {'),
  input(
    'foreign-reasoning',
    'What OpenAI encrypted is lost in silence.',
    'if (carrier || (wire.summary',
    'if ((wire.summary',
  ),
  tools('long-names', 'Long names of one beginning are one.', '{digest(whole)}`', '`'),
  tools('collision', 'Two tools of one name pass.', 'if (known.has(name)) {', 'if (false) {'),
  tools(
    'all-allowed',
    'Tools that are not allowed are offered.',
    'all.filter(({ name }) => allowed.has(name))',
    'all.filter(() => true)',
  ),
  request(
    'stored',
    'A reference to a stored answer is ignored.',
    "if (body.previous_response_id != null) throw stateless('previous_response_id');",
    '',
  ),
  form(
    'codex-400',
    'Codex is not told that a prompt is too long.',
    "fromCodex && code === 'context_length_exceeded'",
    'false',
  ),
  form(
    'everyone-200',
    'Every client gets a stream for a prompt that is too long.',
    "fromCodex && code === 'context_length_exceeded'",
    "code === 'context_length_exceeded'",
  ),
  typedStream(
    'nameless-call',
    'The end of arguments does not name the tool.',
    'const name = JSON.stringify(item.name);',
    'const name = null;',
  ),
  typedStream(
    'flat-error',
    "An error event lacks Open Responses' object.",
    'error: { type: typeOfError(error), ...told }',
    '',
  ),
  typedAnswer('null-bytes', 'A likely token may have no bytes.', 'bytes: other.bytes ?? []', 'bytes: other.bytes'),
  typedTools(
    'half-format',
    'A schema is repeated without its description.',
    'name, description, schema, strict: strict',
    'name, schema, strict: strict',
  ),
  models('codex-toolless', 'Codex is offered models that call no tools.', "(known && !can('tools'))", 'false'),
];
