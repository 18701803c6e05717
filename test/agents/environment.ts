/**
 * Coding agents that tests run, each an npm package with a lock file of its own in `test/agents/`. They are large programs, so
 * they are no dependencies of this repository: the first test that needs one installs it into `.agents/`, which git ignores.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';

const HERE = new URL('.', import.meta.url).pathname;
const HOME = new URL('../../.agents/', import.meta.url).pathname;

/** What CI systems set for everything they run: there a test that cannot run is a failure. */
const inCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';

type Installed = { readonly folder: string } | { readonly missing: string };

/** Makes sure that an agent is installed. The folder has its `node_modules`. */
function install(agent: string): Installed {
  const folder = join(HOME, agent);
  const lock = join(HERE, agent, 'package-lock.json');
  const stamp = join(folder, 'installed');
  const sum = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const known = existsSync(join(folder, 'node_modules')) && existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  if (known === sum) return { folder };
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(HERE, agent, file), join(folder, file));
  console.log(`Installing ${agent} into .agents/ (once) …`);
  const args = ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { error, status, stderr } = spawnSync('npm', args, { encoding: 'utf8', cwd: folder });
  if (error || status !== 0) {
    return { missing: `npm could not install ${agent}: ${(error?.message ?? stderr).trim().split('\n').at(-1) ?? ''}` };
  }
  writeFileSync(stamp, sum);
  return { folder };
}

/**
 * Tests that run an agent. Where it cannot be had, they are skipped under a name that gives the reason; in CI they fail instead.
 *
 * @param tests is given the folder that has the agent's `node_modules`
 */
export function describeWithAgent(name: string, agent: string, tests: (folder: string) => void): void {
  const result = install(agent);
  if ('folder' in result) describe(name, () => tests(result.folder));
  else if (inCi) {
    it(`${name} (cannot run: ${result.missing})`, () => {
      throw new Error(`CI needs these tests, and ${result.missing}.`);
    });
  } else {
    // A reporter may leave out what is skipped.
    console.warn(`Skipped: ${name}, because ${result.missing}.`);
    describe.skip(`${name} (skipped: ${result.missing})`, () => tests(''));
  }
}
