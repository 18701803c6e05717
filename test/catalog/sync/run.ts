/**
 * `npm run catalog:sync`: asks the providers and the public lists what things cost, and proposes. Without `--write` nothing is
 * touched; with it, `src/catalog/prices.json` gets what the rules accept, for review as a difference. Never runs in the Worker.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { listedFor, models } from '../../../src/catalog/index.ts';
import { apply } from './apply.ts';
import { ask } from './ask.ts';
import { judge } from './judge.ts';
import { report } from './report.ts';
import { LIST_SOURCES } from './sources.ts';
import type { Heard } from './types.ts';

const PRICES = new URL('../../../src/catalog/prices.json', import.meta.url).pathname;
const answers = await Promise.allSettled(LIST_SOURCES.map((source) => ask(source, process.env, fetch)));
const heard: Heard[] = [];
const failed: string[] = [];
for (const [at, answer] of answers.entries()) {
  const id = LIST_SOURCES[at]?.id;
  if (answer.status === 'rejected') {
    failed.push(`${id}: ${answer.reason instanceof Error ? answer.reason.message : 'failed'}`);
  } else if (answer.value) heard.push(answer.value);
  else console.error(`${id} is left out, for lack of ${LIST_SOURCES[at]?.key}.`);
}
const today = new Date().toISOString().slice(0, 10);
const offers = models().flatMap((model) => model.offers);
const verdicts = judge(offers, listedFor, heard, today);
console.log(report(verdicts));
if (failed.length > 0) {
  // With a source missing, two that agree may be all there is, and what it alone knows would seem to be gone.
  console.error(`\nNothing was written, because not every source could be read:\n  ${failed.join('\n  ')}`);
  process.exitCode = 1;
} else if (process.argv.includes('--write')) {
  const text = await readFile(PRICES, 'utf8');
  await writeFile(PRICES, apply(text, verdicts, today));
  console.log('\nsrc/catalog/prices.json is written. Review the difference, and run npm test.');
}
