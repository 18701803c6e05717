/**
 * `npm run catalog:sync`: asks the providers and the public lists what things cost, and proposes. Without `--write` nothing is
 * touched; with it, `src/catalog/prices.json` gets what the rules accept, for review as a difference. Never runs in the Worker.
 * `--from litellm=FILE` reads a source from a file of one's own; with one of these, only such sources are asked.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { listedFor, models } from '../../../src/catalog/index.ts';
import { apply } from './apply.ts';
import { ask } from './ask.ts';
import { judge, unlisted } from './judge.ts';
import { report, reportUnlisted } from './report.ts';
import { LIST_SOURCES, type ListSource } from './sources.ts';
import type { Heard } from './types.ts';

const PRICES = new URL('../../../src/catalog/prices.json', import.meta.url).pathname;
const { values } = parseArgs({ options: { write: { type: 'boolean' }, from: { type: 'string', multiple: true } } });
const files = new Map((values.from ?? []).map((text) => [text.split('=', 1)[0], text.slice(text.indexOf('=') + 1)]));
const strangers = [...files.keys()].filter((id) => !LIST_SOURCES.some((source) => source.id === id));
if (strangers.length > 0)
  throw new Error(
    `--from knows no source ${strangers.join(', ')}. There are ${LIST_SOURCES.map(({ id }) => id).join(', ')}.`,
  );

async function hear(source: ListSource): Promise<Heard | undefined> {
  const file = files.get(source.id);
  if (file === undefined) return ask(source, process.env, fetch);
  return { source: source.id, authority: source.authority, ...source.read(JSON.parse(await readFile(file, 'utf8'))) };
}

if (values.write && files.size > 0) throw new Error('--write needs every source: leave out --from.');

const asked = files.size === 0 ? LIST_SOURCES : LIST_SOURCES.filter(({ id }) => files.has(id));
const answers = await Promise.allSettled(asked.map(hear));
const heard: Heard[] = [];
const failed: string[] = [];
for (const [at, answer] of answers.entries()) {
  const id = asked[at]?.id;
  if (answer.status === 'rejected') {
    failed.push(`${id}: ${answer.reason instanceof Error ? answer.reason.message : 'failed'}`);
  } else if (answer.value) heard.push(answer.value);
  else console.error(`${id} is left out, for lack of ${asked[at]?.key}.`);
}
const today = new Date().toISOString().slice(0, 10);
const offers = models().flatMap((model) => model.offers);
const verdicts = judge(offers, listedFor, heard, today);
console.log([report(verdicts), reportUnlisted(unlisted(offers, heard))].filter(Boolean).join('\n\n'));
if (failed.length > 0) {
  // With a source missing, two that agree may be all there is, and what it alone knows would seem to be gone.
  console.error(`\nNothing was written, because not every source could be read:\n  ${failed.join('\n  ')}`);
  process.exitCode = 1;
} else if (values.write) {
  const text = await readFile(PRICES, 'utf8');
  await writeFile(PRICES, apply(text, verdicts, today));
  console.log('\nsrc/catalog/prices.json is written. Review the difference, and run npm test.');
}
