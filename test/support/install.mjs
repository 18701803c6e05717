// Installs what package-lock.json names unless it is there already: what lets `npm start` and `npm test` be the only
// commands on a fresh machine. Plain JavaScript without imports of ours, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
const wanted = 'package-lock.json';

const upToDate = existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs;
if (!upToDate) {
  console.log('Installing the packages of package-lock.json (once) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
