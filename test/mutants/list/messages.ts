import type { Mutant } from '../mutant.ts';

/** Anthropic's dialect: what its clients and Claude Code would stumble over. */

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `messages/${name}`,
    what,
    file: `src/dialects/messages/${file}`,
    find,
    replace,
    tests,
  });

const UNIT = ['test/dialects/messages.test.ts'];
const ORACLE = ['test/oracles/messages.test.ts'];
const content = inFile('content.ts', UNIT);
const request = inFile('request.ts', UNIT);
const errors = inFile('errors.ts', UNIT);
const models = inFile('models.ts', UNIT);
const GATEWAY = ['test/gateway/messages.test.ts'];
const stream = inFile('stream.ts', ORACLE);
const answer = inFile('answer.ts', ORACLE);
const sizes: typeof stream = (...mutant) => ({
  ...inFile('', GATEWAY)(...mutant),
  file: 'src/relay/overflow.ts',
});
const anyBody: typeof stream = (...mutant) => ({
  ...inFile('', ['test/gateway/tokens.test.ts', 'test/gateway/offers.test.ts'])(...mutant),
  file: 'src/routes/any-body.ts',
});
const blocks: typeof stream = (...mutant) => ({ ...stream(...mutant), file: 'src/dialects/blocks.ts' });

export const MESSAGES_MUTANTS: readonly Mutant[] = [
  sizes(
    'limit-not-read',
    'Claude Code shortens to a context that the provider does not have.',
    'told.limit ?? offer.contextLength',
    'offer.contextLength',
  ),
  sizes(
    'refusals-without-sizes',
    'Claude Code gives up where the provider finds the prompt too long.',
    "if (error.code !== 'context_length_exceeded' || error.details.offers) return error;",
    'if (error.code) return error;',
  ),
  anyBody(
    'messages-by-header-only',
    'A body of Messages is read as a chat, and its system text is not counted.',
    "if ('messages' in body) return isMessages(body) ? 'messages' : 'others';",
    "if ('messages' in body) return 'others';",
  ),
  anyBody(
    'items-are-embedded',
    'A body of Responses is taken for embeddings.',
    "return isResponses(body) ? 'responses' : 'others';",
    "return 'others';",
  ),
  content(
    'billing-kept',
    'No prefix cache holds for Claude Code.',
    "one === '' || one.startsWith(BILLING)",
    "one === ''",
  ),
  content('never-cleared', 'What was said for one turn is said for ever.', '|| lastUser < at', '|| true'),
  content('always-cleared', 'The system’s last word is lost.', '|| lastUser < at', ''),
  content(
    'foreign-thinking',
    'Any client can make a model believe that it thought something.',
    'if (!carried ||',
    'if (carried === null ||',
  ),
  content(
    'mixed-thinking',
    'One model is told another’s thoughts as its own.',
    'reasoningFamily !== carried.reasoningFamily',
    'false',
  ),
  content(
    'error-lost',
    'A model takes a failed tool for one that worked.',
    'one.is_error ? { isError: true as const } : {}',
    '{}',
  ),
  content(
    'result-of-nothing',
    'A result without a call reaches a template.',
    'if (!this.#called) throw',
    'if (false) throw',
  ),
  request(
    'safeguards-faked',
    'A safety check is ignored, and the client believes it was made.',
    "if (key === 'safeguards')",
    "if (key === '')",
  ),
  request('edits-unsaid', 'An edit of the context that nobody makes is not named.', "edit.keep === 'all'", 'true'),
  request('indexes-shifted', 'A marker in a tool is reported in another tool.', 'places[Number(at)] ?? at', 'at'),
  request(
    'parallel-lost',
    'Tools run side by side where that was forbidden.',
    'if (body.tool_choice.disable_parallel_tool_use)',
    'if (false)',
  ),
  errors(
    'overflow-words',
    'Claude Code does not shorten its conversation.',
    'return `prompt is too long:',
    'return `The prompt is too long:',
  ),
  errors('long-sleep', 'Anthropic’s clients sleep for an hour.', 'status, LONGEST_WAIT_MS)', 'status)'),
  {
    id: 'messages/vain-retries',
    what: 'What cannot succeed is sent three times.',
    file: 'src/dialects/dialect.ts',
    find: "{ 'x-should-retry': 'false' }",
    replace: '{}',
    tests: UNIT,
  },
  models('page-before', 'Going back a page shows the first one.', 'Math.max(0, before - limit)', '0'),
  blocks(
    'closed-block',
    'A piece of a tool call comes after its block is closed.',
    "!all && open?.type === 'tool' && !isComplete(open.text)",
    'false',
  ),
  blocks(
    'late-piece',
    'Arguments that come too late vanish.',
    "if (event.arguments.trim() === '') return '';",
    "return '';",
  ),
  stream('gap', 'Indexes of blocks have gaps.', 'index += 1;', 'index += 2;'),
  stream(
    'unsigned',
    'Thinking comes without its signature, and never goes back.',
    "if (signature !== '') out",
    "if (signature === '') out",
  ),
  answer(
    'made-up-input',
    'A tool is called with nothing in place of arguments that cannot be read.',
    'return JSON.parse(text);',
    'return text.length > 1e9 ? 0 : JSON.parse(text.endsWith("}") ? text : "{}");',
  ),
  answer(
    'tools-not-run',
    'A forced call ends like any answer, and the agent does not run it.',
    "reason === 'stop' && calls ? 'tool_use' : REASONS[reason]",
    'REASONS[reason]',
  ),
];
