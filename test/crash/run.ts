/**
 * `npm run test:crash [-- seed] [kills] [wrangler]`: see crash.ts; with `wrangler` on `wrangler dev` and its D1. Prints one line of JSON for the gateway, one for the negative
 * control, in which an account forgets what it has sent whether or not the database has it, and a verdict. Ends with 1
 * if the ledger is wrong, or if that of the control is right.
 */
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { crash } from './crash.ts';
import { onWorkerd, onWranglerDev } from './life.ts';

const args = process.argv.slice(2);
const inWrangler = args.includes('wrangler');
const [seed = Date.now() % 100_000, kills = 5] = args.filter((arg) => arg !== 'wrangler').map(Number);
if (!Number.isInteger(seed) || !Number.isInteger(kills) || kills < 1) throw new Error('The seed, and how many kills.');
const runtime = inWrangler ? onWranglerDev : onWorkerd;
const options = { seed, kills, lifeMs: [500, 5_000], rate: 0.3, runtime } as const;

/** Git ignores it, and it is not below node_modules, whose files count as unchanged. */
const COPY = resolve('.mutants', `crash-${process.pid}`);
const FILE = 'src/accounts/push.ts';
const GUARDED = '    cursor = await pushRows(db, account, rows);\n';
const UNGUARDED = `    cursor = rows.at(-1)?.seq ?? from;
    await pushRows(db, account, rows).catch(() => undefined);
`;

/** The Worker without the guard: rows are forgotten up to the last that was sent. Returns its configuration. */
async function unguarded(): Promise<string> {
  await mkdir(COPY, { recursive: true });
  for (const part of ['src', 'providers', 'test/crash', 'test/sandbox', 'package.json', 'tsconfig.json']) {
    await cp(part, join(COPY, part), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(COPY, 'node_modules'));
  const source = await readFile(FILE, 'utf8');
  if (source.split(GUARDED).length !== 2) throw new Error(`${FILE} has changed: say anew where its guard is.`);
  await writeFile(join(COPY, FILE), source.replace(GUARDED, UNGUARDED));
  return join(COPY, 'test/crash/wrangler.toml');
}

const failures: string[] = [];
const verdict = await crash(options);
console.log(JSON.stringify({ scenario: 'as it is', ...verdict }));
failures.push(...verdict.broken);
for (const [what, count] of Object.entries({
  'No call was cut off by a kill.': verdict.cut,
  'No row expired.': verdict.expired,
  'The database never failed before a commit.': verdict.failuresBeforeCommit,
  'The database never failed after a commit.': verdict.failuresAfterCommit,
})) {
  if (count === 0) failures.push(`${what} Take another seed, or more kills.`);
}
try {
  const control = await crash({ ...options, config: await unguarded() });
  const { broken } = control;
  console.log(JSON.stringify({ scenario: 'negative control: no guard', ...control, broken: broken.slice(0, 5) }));
  if (broken.length === 0) failures.push('The negative control lost nothing: this test notices nothing.');
} finally {
  await rm(COPY, { recursive: true, force: true });
}
console.log(
  JSON.stringify({
    verdict: failures.length === 0 ? 'held' : 'broken',
    runtime: inWrangler ? 'wrangler dev' : 'workerd',
    seed,
    kills,
    failures,
  }),
);
process.exitCode = failures.length === 0 ? 0 : 1;
