/** 100,000 seeded strings a family against its oracles: `npm run fuzz:tokens [-- count seed family]`. */
import type { TokenizerFamily } from '../../src/tokens/tokenizer.ts';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { fromDisk } from './from-disk.ts';
import { MAKER_FAMILIES, makerOracle } from './maker-oracles.ts';
import { ORACLES, type Oracle, type OracleFamily } from './oracles.ts';
import { decodedFrom, strings } from './strings.ts';

const [given = '100000', seed = '1', only] = process.argv.slice(2);
const count = Number(given);
let failures = 0;

async function fuzz(family: TokenizerFamily, oracle: Oracle): Promise<void> {
  const tokenizer = await tokenizerFor(family, fromDisk);
  let compared = 0;
  let wrong = 0;
  for (const text of strings(Number(seed), count)) {
    const ids = tokenizer.encode(text);
    const sameBack = tokenizer.decode(ids) === decodedFrom(family, text);
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

for (const family of Object.keys(ORACLES) as OracleFamily[]) {
  if (only === undefined || only === family) await fuzz(family, ORACLES[family]);
}
for (const family of MAKER_FAMILIES) {
  if (only === undefined || only === family) await fuzz(family, await makerOracle(family));
}
if (failures > 0) process.exitCode = 1;
