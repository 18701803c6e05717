// Installs the Python packages of the tests into `.python/`, unless they are there already. There are four lists:
// `wheels` (wheels.txt, taken without dependencies), `requirements` (requirements.txt), in addition to the latter
// `clients` (clients.txt, without dependencies), and `openapi` (openapi.txt), which has a folder of its own and is
// installed only where it is named. Without arguments it installs the other three:
// node test/python/setup.mjs [wheels] [requirements] [clients] [openapi]
// With --if-possible it is no failure when they cannot be had: the tests that need them are skipped then, and say so.
//
// Plain JavaScript without imports of ours, because CI runs it before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const HOME = fileURLToPath(new URL('../../.python/', import.meta.url));
const DEFAULT = ['wheels', 'requirements', 'clients'];

/** xllamacpp's wheels are built for this version and later. */
const LEAST = [3, 10];
const NAMES = ['python3', 'python', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];

const LISTS = {
  wheels: { file: 'wheels.txt', options: ['--no-deps', '--only-binary', ':all:'] },
  requirements: { file: 'requirements.txt', options: ['--only-binary', ':all:'] },
  clients: { file: 'clients.txt', options: ['--no-deps', '--only-binary', ':all:'], after: 'requirements' },
  openapi: { file: 'openapi.txt', options: ['--no-deps', '--only-binary', ':all:'], folder: 'openapi' },
};

const inFolder = (home, name) =>
  process.platform === 'win32' ? join(home, 'Scripts', `${name}.exe`) : join(home, 'bin', name);

function run(command, args) {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return { ok: !error && status === 0, said: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() };
}

function systemPython() {
  for (const name of NAMES) {
    const { ok, said } = run(name, ['-c', 'import sys, venv; print(sys.version_info[0], sys.version_info[1])']);
    const [major = 0, minor = 0] = said.split(' ').map(Number);
    if (ok && major === LEAST[0] && minor >= LEAST[1]) return name;
  }
  return undefined;
}

const lastLine = (said) => said.split('\n').at(-1) ?? '';

/**
 * Makes sure that a list is installed. Returns the path of the Python that has it, or the reason why it could not be had.
 */
export function install(name) {
  const { file, options, after, folder = '' } = LISTS[name];
  const home = join(HOME, folder);
  const before = after === undefined ? {} : install(after);
  if ('missing' in before) return before;
  const wanted = join(HERE, file);
  const stamp = join(home, `${name}.installed`);
  const sum = createHash('sha256').update(readFileSync(wanted)).digest('hex');
  const python = inFolder(home, 'python');
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === sum) return { python };
  if (!existsSync(python)) {
    const system = systemPython();
    if (system === undefined) return { missing: `there is no Python ${LEAST.join('.')} or later with venv` };
    mkdirSync(home, { recursive: true });
    const made = run(system, ['-m', 'venv', home]);
    if (!made.ok) return { missing: `no virtual environment could be made: ${lastLine(made.said)}` };
  }
  console.log(`Installing the Python packages of test/python/${file} into .python/ (once) …`);
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  const installed = run(python, ['-m', 'pip', 'install', ...quiet, ...options, '-r', wanted]);
  if (!installed.ok) return { missing: `pip could not install test/python/${file}: ${lastLine(installed.said)}` };
  writeFileSync(stamp, sum);
  return { python };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const given = process.argv.slice(2);
  const ifPossible = given.includes('--if-possible');
  const chosen = given.filter((name) => name !== '--if-possible');
  const names = chosen.length > 0 ? chosen : DEFAULT;
  for (const name of names) {
    if (!Object.hasOwn(LISTS, name)) {
      console.error(`There is no list ${name}: use ${Object.keys(LISTS).join(' or ')}.`);
      process.exit(2);
    }
    const result = install(name);
    if ('missing' in result) {
      console.error(`The tests that need ${name} cannot run: ${result.missing}.`);
      if (!ifPossible) process.exitCode = 1;
    }
  }
}
