import type { Mutant } from '../mutant.ts';

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `traces/${name}`,
    what,
    file,
    find,
    replace,
    tests,
  });

const context = inFile('src/traces/context.ts', ['test/traces/context.test.ts']);
const settings = inFile('src/traces/settings.ts', ['test/traces/settings.test.ts']);
const sender = inFile('src/traces/sender.ts', ['test/traces/sender.test.ts']);
const spans = inFile('src/traces/spans.ts', ['test/gateway/traces.test.ts']);
const replicate = inFile('providers/replicate/index.ts', ['test/gateway/traces.test.ts']);

export const TRACE_MUTANTS: readonly Mutant[] = [
  context('zero-span', 'A parent of zeros is taken.', '(?!0{16})', ''),
  context('same-span', 'An attempt has the span of its request.', '+ BigInt(attempt)', '+ 0n * BigInt(attempt)'),
  settings(
    'parent-ignored',
    'What the caller decided is not heard.',
    'byParent && parent !== undefined',
    'false && parent',
  ),
  settings('path-lost', 'The common endpoint is taken for that of traces.', '}/v1/traces`', '}`'),
  sender(
    'unbounded',
    'Any number of requests waits for a collector that hangs.',
    'unanswered.length >= MOST_UNANSWERED',
    'false',
  ),
  sender('loss-unsaid', 'Rejected spans are not counted.', 'if (rejected > 0)', 'if (rejected < 0)'),
  spans('integers', 'Integers are numbers.', 'intValue: String(value)', 'intValue: (value + 0.5) as unknown as string'),
  spans(
    'uncached-only',
    'Input tokens leave out cached ones.',
    'usage && promptTokens(usage)',
    'usage && usage.cacheRead',
  ),
  spans(
    'status-lost',
    'A failed attempt is no error.',
    "outcome === 'ok' || outcome === 'canceled' ? {}",
    'outcome ? {}',
  ),
  replicate('untraced', "Replicate's requests carry no trace.", '  carryAlike(caller, own.signal);\n', ''),
];
