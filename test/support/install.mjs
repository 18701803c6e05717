// Says in one sentence where nothing can run. Else installs what package-lock.json names unless it is there already: what lets
// `npm start` and `npm test` be the only commands on a fresh machine. Plain JavaScript, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { obstacle } from './requirements.mjs';

const { platform, arch, versions, env } = process;
const glibc = platform === 'linux' ? process.report.getReport().header.glibcVersionRuntime : undefined;
const reason = obstacle({ platform, arch, node: versions.node, release: release(), ...(glibc ? { glibc } : {}) });
if (reason) {
  console.error(reason);
  process.exit(1);
}

const installed = 'node_modules/.package-lock.json';
const wanted = 'package-lock.json';

const upToDate = existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs;
if (!upToDate) {
  console.log('Installing the packages of package-lock.json (once) …');
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  // By its script where npm runs this: Windows starts no `npm.cmd` without a shell.
  const script = env.npm_execpath?.endsWith('npm-cli.js') ? env.npm_execpath : undefined;
  const { status, error } = script
    ? spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' })
    : spawnSync('npm', args, { stdio: 'inherit', shell: platform === 'win32' });
  if (error) console.error(`npm could not be started (${error.code}). Run "npm ci" yourself, and then this again.`);
  if (status !== 0) process.exit(status ?? 1);
}
