import { describe, it } from 'vitest';
import { install } from './setup.mjs';

/** What CI systems set for everything they run: there a test that cannot run is a failure. */
const inCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';

/**
 * Tests that need Python packages of `test/python/`. Where these cannot be had, the tests are skipped under a name that
 * gives the reason; in CI they fail instead.
 *
 * @param list which packages: `wheels` (wheels.txt), `requirements` (requirements.txt), or
 *   `clients` (both requirements.txt and clients.txt)
 * @param tests is given the path of the Python that has them
 */
export function describeWithPython(
  name: string,
  list: 'wheels' | 'requirements' | 'clients',
  tests: (python: string) => void,
): void {
  const result = install(list);
  if ('python' in result) describe(name, () => tests(result.python));
  else if (inCi) {
    it(`${name} (cannot run: ${result.missing})`, () => {
      throw new Error(`CI needs these tests, and ${result.missing}. Run: node test/python/setup.mjs ${list}`);
    });
  } else {
    // A reporter may leave out what is skipped.
    console.warn(`Skipped: ${name}, because ${result.missing}.`);
    describe.skip(`${name} (skipped: ${result.missing})`, () => tests('python3'));
  }
}
