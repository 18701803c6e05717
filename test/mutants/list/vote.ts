import type { Mutant } from '../mutant.ts';

const at =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `vote/${name}`,
    what,
    file,
    find,
    replace,
    tests: [...tests],
  });
const voting = at('src/relay/vote.ts', ['test/relay/vote.test.ts']);
const counting = at('src/relay/decide.ts', ['test/relay/decide.test.ts']);
const ballots = at('src/relay/ballots.ts', ['test/relay/ballots.test.ts']);
const patterns = at('src/core/pattern.ts', ['test/core/pattern.test.ts']);

export const VOTE_MUTANTS: readonly Mutant[] = [
  voting(
    'runs-on',
    'A vote is decided, and the samples under way go on and are billed.',
    "stop(new GatewayError('canceled', 'The vote was decided without this sample.'));",
    '',
  ),
  voting(
    'asks-all',
    'A long vote asks for more samples than can still decide it.',
    'asked < WIDTH ? WIDTH : counted.wanting',
    'WIDTH',
  ),
  voting(
    'one-failure',
    'A vote that fails names only the attempts of its first sample.',
    'attempts: errors.flatMap((error) => error.details.attempts ?? []),',
    '',
  ),
  voting('one-seed', 'With a seed, all samples of a vote are the same.', 'seed: seed + at', 'seed'),
  voting(
    'caller-left',
    'The caller of a vote leaves, and its samples go on.',
    "caller.addEventListener('abort', onCallerGone, { once: true });",
    '',
  ),
  voting(
    'deadline-each',
    'Each further sample of a vote gets the whole time of the call again.',
    'totalMs - spent',
    'totalMs',
  ),
  counting(
    'decided-at-a-tie',
    'A vote ends while a tie is possible, which a later and cheaper sample would win.',
    'most + more > rival + left',
    'most + more >= rival + left',
  ),
  counting(
    'share-of-some',
    'The share that must agree is one of the samples so far, so that the first ones decide alone.',
    'Math.ceil(minAgreement * samples - EPSILON)',
    'Math.ceil(minAgreement * casts.length - EPSILON)',
  ),
  counting(
    'abstention-votes',
    'Samples without an answer agree with each other.',
    'abstentions++;\n      continue;',
    'abstentions++;',
  ),
  ballots(
    'thinking-votes',
    'A number in what a model thought is its vote.',
    'const text = withoutThinking(sample.text).trim();',
    'const text = sample.text.trim();',
  ),
  ballots(
    'rule-and-ladder',
    "Where the caller's rule finds nothing, any number in the text is the vote.",
    'if (rule) return byRule(text, rule) || undefined;',
    'const ruled = rule && byRule(text, rule);\n  if (ruled) return ruled;',
  ),
  ballots(
    'cut-off-votes',
    'The last number of a text that was cut off is its vote.',
    "if (sample.finish === 'length')",
    'if (sample.finish === undefined)',
  ),
  patterns(
    'one-way-twice',
    'A way to match is followed again for each way to reach it, so that patterns take exponential time.',
    'if (seen[at] === here) return;',
    '',
  ),
];
