/** 100,000 seeded strings a family against its oracle: `npm run fuzz:tokens [-- count seed]`. */
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { fromDisk } from './from-disk.ts';
import { ORACLES, type OracleFamily } from './oracles.ts';
import { strings } from './strings.ts';

const [count = 100_000, seed = 1] = process.argv.slice(2).map(Number);
let failures = 0;

for (const family of Object.keys(ORACLES) as OracleFamily[]) {
  const oracle = ORACLES[family];
  const tokenizer = await tokenizerFor(family, fromDisk);
  let compared = 0;
  let wrong = 0;
  for (const text of strings(seed, count)) {
    const ids = tokenizer.encode(text);
    const back = tokenizer.decode(ids);
    const sameBack = back === (family === 'llama2' || family === 'mistral' ? text.replaceAll('\u2581', ' ') : text);
    const sameCount = tokenizer.count(text) === ids.length;
    let same = true;
    if (!oracle.wrong(text)) {
      compared++;
      const expected = oracle.encode(text);
      same = ids.length === expected.length && ids.every((id, n) => id === expected[n]);
    }
    if (same && sameBack && sameCount) continue;
    wrong++;
    if (wrong <= 3)
      console.log(`${family}: ${JSON.stringify(text)} ids ${same}, decoded ${sameBack}, count ${sameCount}`);
  }
  failures += wrong;
  console.log(`${family}: ${count} strings, seed ${seed}: ${compared} compared with the oracle, ${wrong} wrong`);
}
if (failures > 0) process.exitCode = 1;
