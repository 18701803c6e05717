/**
 * Runs test files again and again in one Vitest, for `run.ts`: starting Vitest costs more than most of the tests. Started
 * with the folder of the copy; takes `{ tests, changed }` and answers `{ ok, output }`.
 */
import { inspect } from 'node:util';
import { BaseSequencer, createVitest, type TestSpecification } from 'vitest/node';

export interface Order {
  readonly tests: readonly string[];
  /** What was written since the last order. */
  readonly changed: readonly string[];
}

export interface Result {
  readonly ok: boolean;
  readonly output: string;
}

const TEST_MS = 45_000;

const folder = process.argv[2];
if (folder === undefined || process.send === undefined) throw new Error('Only run.ts starts this.');
process.chdir(folder);

/** The longest that each file has taken, in ms. */
const took = new Map<string, number>();

/** The first failure ends a run: what costs least is asked first. Vitest itself begins with the slowest. */
class QuickestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const of = ({ moduleId }: TestSpecification): number => took.get(moduleId) ?? 0;
    return files.toSorted((a, b) => of(a) - of(b));
  }
}

const vitest = await createVitest('test', {
  watch: false,
  bail: 1,
  maxWorkers: 1,
  reporters: ['dot'],
  testTimeout: TEST_MS,
  sequence: { sequencer: QuickestFirst },
});
await vitest.standalone();

async function run({ tests, changed }: Order): Promise<Result> {
  for (const path of changed) vitest.invalidateFile(`${folder}/${path}`);
  const specifications = await vitest.globTestSpecifications([...tests]);
  const missing = tests.filter((test) => !specifications.some(({ moduleId }) => moduleId.endsWith(`/${test}`)));
  if (missing.length > 0) throw new Error(`Vitest does not find ${missing.join(', ')}.`);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  for (const one of testModules) {
    took.set(one.moduleId, Math.max(took.get(one.moduleId) ?? 0, one.diagnostic().duration));
  }
  const failed = testModules.filter((one) => !one.ok());
  const output = [
    ...unhandledErrors.map((error) => inspect(error)),
    ...failed.flatMap((one) => [
      `${one.moduleId}: ${one.state()}`,
      ...one.errors().map(({ message }) => message),
      ...[...one.children.allTests('failed')].flatMap((test) => [
        test.fullName,
        ...(test.result().errors ?? []).map(({ message }) => message),
      ]),
    ]),
  ];
  const all = testModules.length === specifications.length;
  return { ok: output.length === 0 && all, output: output.join('\n') };
}

process.on('message', (order: Order) => {
  run(order).then(
    (result) => process.send?.(result),
    (thrown: unknown) => {
      console.error(thrown);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
