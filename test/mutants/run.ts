/**
 * `npm run mutants [-- beginning of an id …] [--again]`: plants one small fault after another in a copy of the repository and
 * runs the tests that must notice. What was found out is kept while neither the fault, nor its file, nor its tests change, so
 * a run that was broken off goes on where it stopped; `--again` forgets that.
 *
 * Ends with 1 where a fault's text is not in its file exactly once, where the tests fail without any fault, or where less
 * than 95 % are noticed.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MUTANTS } from './list/index.ts';
import type { Mutant } from './mutant.ts';
import type { Order, Result } from './runner.ts';

const LEAST_KILLED = 0.95;
const RUNNER = resolve('test/mutants/runner.ts');
/** A fault can make a test run for ever; that is noticed, too. */
const RUN_MS = 400_000;

/** Not below node_modules, which `npm ci` empties. */
const FOLDER = resolve('.mutants');
/** Its own for each run, so that two can go on side by side. */
const COPY = join(FOLDER, `copy-${process.pid}`);
const KNOWN = join(FOLDER, 'known.json');

type Verdict = 'killed' | 'survived';

const args = process.argv.slice(2);
const parts = args.filter((arg) => !arg.startsWith('--'));
const chosen = MUTANTS.filter(({ id }) => parts.length === 0 || parts.some((part) => id.startsWith(part)));

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Copies what git knows of and what it does not ignore. */
function copy(): void {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { encoding: 'utf8' });
  const files = listed.split('\0').filter((path) => path !== '' && existsSync(path));
  rmSync(COPY, { recursive: true, force: true });
  for (const path of files) {
    const to = join(COPY, path);
    mkdirSync(dirname(to), { recursive: true });
    // With its time: a lock file that looks new would be installed anew, through the link to our own packages.
    cpSync(path, to, { preserveTimestamps: true });
  }
  symlinkSync(resolve('node_modules'), join(COPY, 'node_modules'));
}

let runner: ChildProcess | undefined;
/** The Vitest that is kept, with everything that it has started. */
function endRunner(): void {
  const pid = runner?.pid;
  runner = undefined;
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
process.once('exit', () => {
  endRunner();
  rmSync(COPY, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** What is built once, before the tests, has to be built again with the fault in it. */
const drivesTheWorker = (test: string): boolean =>
  /^test\/(sandbox|gateway|guide|clients|examples|faults|servers)\//.test(test);

/**
 * Runs test files in the copy: `ok` is false where one of them fails or does not end. Rejects where they could not be run.
 * Tests inside workerd share one Vitest, which is started anew after a run that did not end.
 */
function passes(order: Order): Promise<Result> {
  if (order.tests.some(drivesTheWorker)) endRunner();
  // A group of its own, so that all it starts can be ended with it.
  runner ??= fork(RUNNER, [COPY], { detached: true, silent: true, env: { ...process.env, NO_COLOR: '1' } });
  const child = runner;
  let output = '';
  const hear = (text: Buffer): void => {
    output = (output + text).slice(-20_000);
  };
  return new Promise<Result>((settle, reject) => {
    const timer = setTimeout(() => {
      endRunner();
      settle({ ok: false, output: `They do not end.\n${output}` });
    }, RUN_MS);
    const ended = (): void => {
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', hear);
      child.off('close', closed);
    };
    const closed = (): void => {
      ended();
      if (runner === child) runner = undefined;
      reject(new Error(`The tests could not be run.\n${output}`));
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', hear);
    child.once('close', closed);
    child.once('message', (result: Result) => {
      ended();
      settle(result);
    });
    child.send(order);
  });
}

/** The file as it is and with the fault in it, or what is wrong with the fault. */
function planted({ file, find, replace }: Mutant): { source: string; text: string } | { mistake: string } {
  const path = join(COPY, file);
  if (!existsSync(path)) return { mistake: `${file} is not there` };
  const source = readFileSync(path, 'utf8');
  const found = source.split(find).length - 1;
  if (found !== 1) return { mistake: `its text stands ${found} times in ${file}` };
  if (find === replace) return { mistake: 'it changes nothing' };
  return { source, text: source.replace(find, () => replace) };
}

copy();
const readKnown = (): Record<string, Verdict> => (existsSync(KNOWN) ? JSON.parse(readFileSync(KNOWN, 'utf8')) : {});
let known: Record<string, Verdict> = args.includes('--again') ? {} : readKnown();
/** Of what is in the copy: who goes on working meanwhile does not change what was found out about it. */
const keyOf = (mutant: Mutant): string => {
  const paths = [mutant.file, ...mutant.tests];
  return sha([JSON.stringify(mutant), ...paths.map((path) => readFileSync(join(COPY, path), 'utf8'))].join('\0'));
};
const remember = (mutant: Mutant, verdict: Verdict): void => {
  // Another run may have added to it meanwhile.
  known = { ...readKnown(), ...known, [keyOf(mutant)]: verdict };
  writeFileSync(KNOWN, JSON.stringify(known));
};

const forget = (mutant: Mutant): void => {
  known = readKnown();
  delete known[keyOf(mutant)];
  writeFileSync(KNOWN, JSON.stringify(known));
};

const mistakes = chosen.flatMap((mutant) => {
  const result = planted(mutant);
  const missing = mutant.tests.filter((test) => !existsSync(join(COPY, test)));
  return [
    ...('mistake' in result ? [`${mutant.id}: ${result.mistake}`] : []),
    ...missing.map((test) => `${mutant.id}: there is no ${test}`),
  ];
});
if (mistakes.length > 0) {
  console.error(`These faults have to be mended first:\n  ${mistakes.join('\n  ')}`);
  process.exit(1);
}

const open = chosen.filter((mutant) => known[keyOf(mutant)] === undefined);
console.log(`${chosen.length} faults, ${chosen.length - open.length} of them known from an earlier run.`);
if (open.length > 0) {
  const tests = [...new Set(open.flatMap((mutant) => mutant.tests))];
  console.log(`Without any fault: ${tests.length} test files …`);
  const { ok, output } = await passes({ tests, changed: [] });
  if (!ok) {
    console.error(`The tests fail without any fault.\n${output}`);
    process.exit(1);
  }
}
let mended = '';
for (const [n, mutant] of open.entries()) {
  const result = planted(mutant);
  if ('mistake' in result) continue;
  const path = join(COPY, mutant.file);
  const from = performance.now();
  writeFileSync(path, result.text);
  const { ok } = await passes({ tests: mutant.tests, changed: [mended, mutant.file] });
  writeFileSync(path, result.source);
  mended = mutant.file;
  remember(mutant, ok ? 'survived' : 'killed');
  const seconds = ((performance.now() - from) / 1000).toFixed(0);
  console.log(`${n + 1}/${open.length} ${ok ? 'SURVIVED' : 'killed  '} ${mutant.id} (${seconds} s)`);
}

if (open.length > 0) {
  // The tests must pass again in the same Vitest: no fault may have left anything behind that the next was blamed for.
  const tests = [...new Set(open.flatMap((mutant) => mutant.tests))];
  const { ok, output } = await passes({ tests, changed: [mended] });
  if (!ok) {
    console.error(`The tests fail after the faults were mended: what was found out cannot be trusted.\n${output}`);
    for (const mutant of open) forget(mutant);
    process.exit(1);
  }
}
endRunner();

const areas = [...new Set(chosen.map(({ id }) => id.split('/')[0] ?? ''))];
const of = (mutants: readonly Mutant[], verdict: Verdict) => mutants.filter((one) => known[keyOf(one)] === verdict);
console.log(`\n${'area'.padEnd(12)} faults killed survived`);
for (const area of areas) {
  const all = chosen.filter(({ id }) => id.startsWith(`${area}/`));
  const counts = [all.length, of(all, 'killed').length, of(all, 'survived').length];
  console.log(`${area.padEnd(12)} ${counts.map((count) => String(count).padStart(6)).join(' ')}`);
}
const killed = of(chosen, 'killed').length;
console.log(`${killed} of ${chosen.length} faults were noticed.`);
for (const { id, what, file } of of(chosen, 'survived')) console.log(`  survived: ${id} (${file}): ${what}`);
if (killed < chosen.length * LEAST_KILLED) process.exitCode = 1;
