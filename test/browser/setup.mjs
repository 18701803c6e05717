// Finds the browser of the tests, and installs it where it is missing: Debian's `chromium-headless-shell`, by apt-get.
// With --if-possible it is no failure when it cannot be had: the tests that need it are skipped then, and say so.
//
// Plain JavaScript without imports of ours, because CI runs it before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const PACKAGE = 'chromium-headless-shell';
/** Debian's, and other builds of Chromium that a machine may have. CHASQUI_CHROMIUM names another one. */
const PLACES = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

function found() {
  const named = process.env.CHASQUI_CHROMIUM;
  return named ? named : PLACES.find((path) => existsSync(path));
}

function apt(args) {
  const { error, status, stderr } = spawnSync('apt-get', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return { ok: !error && status === 0, said: (error?.message ?? stderr ?? '').trim().split('\n').at(-1) };
}

/**
 * Makes sure that there is a browser.
 *
 * @returns {{browser: string} | {missing: string}} its path, or why it could not be had
 */
export function install() {
  const known = found();
  if (known !== undefined) return { browser: known };
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return { missing: `there is no Chromium (Debian's package is ${PACKAGE}; CHASQUI_CHROMIUM names another one)` };
  }
  console.log(`Installing ${PACKAGE} with apt-get (once) …`);
  const packages = ['install', '--yes', '-qq', '--no-install-recommends', PACKAGE];
  let tried = apt(packages);
  if (!tried.ok) {
    apt(['update', '-qq']);
    tried = apt(packages);
  }
  const browser = tried.ok ? found() : undefined;
  return browser === undefined ? { missing: `apt-get could not install ${PACKAGE}: ${tried.said}` } : { browser };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const result = install();
  if ('missing' in result) {
    console.error(`The browser of the tests cannot be had: ${result.missing}.`);
    if (!process.argv.includes('--if-possible')) process.exit(1);
  }
}
