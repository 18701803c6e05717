/**
 * `npm run test:budget [-- calls]`: 2,000 calls at once, in every scenario, on a budget that pays for a quarter of them.
 * Prints one line of JSON a scenario and a verdict. Ends with 1 if a budget did not hold, or if the negative control
 * held.
 */
import { billedAfterwards, rateLimited, SCENARIOS, startStorms, storm } from './storm.ts';

const [given = '2000', ...names] = process.argv.slice(2);
const calls = Number(given);
if (!Number.isInteger(calls) || calls < 8) throw new Error(`${given} is no number of calls.`);
const buys = Math.floor(calls / 4);

const stack = await startStorms();
const failures: string[] = [];
try {
  for (const scenario of SCENARIOS) {
    if (names.length > 0 && !names.some((name) => scenario.name.startsWith(name))) continue;
    const verdict = await storm(stack, scenario, calls, buys);
    console.log(JSON.stringify(verdict));
    failures.push(...verdict.broken.map((what) => `${scenario.name}: ${what}`));
  }
  const control = await billedAfterwards(stack, calls, buys);
  console.log(JSON.stringify(control));
  if (control.broken.length === 0) failures.push('The negative control did not overspend: this test notices nothing.');
  const limited = await rateLimited(stack, 100, 300);
  console.log(JSON.stringify({ scenario: 'RPM 100, 300 calls', ...limited }));
  if (limited['200'] !== 100 || limited.rate_limit_exceeded !== 200) failures.push('RPM 100 did not let in 100.');
} finally {
  await stack.stop();
}
console.log(JSON.stringify({ verdict: failures.length === 0 ? 'held' : 'broken', calls, failures }));
process.exitCode = failures.length === 0 ? 0 : 1;
