/**
 * `npm run report`: prints what the gateway's calls used and cost, and what they would have cost elsewhere, by asking a
 * running gateway. It uses nothing but the gateway's HTTP API.
 */

import { command, understood, WIDTH } from './command.ts';
import { reach } from './gateway.ts';
import { HELP, readReportOptions } from './ledger-options.ts';
import { usageAnswer, usageTable, whatIfAnswer, whatIfTable } from './ledger-tables.ts';

await command(async (note) => {
  const options = readReportOptions(process.argv.slice(2), process.env);
  if (options.help) return console.log(HELP);
  const gateway = await reach(options, note);
  try {
    const usage = await gateway.read(`/v1/usage?${options.usage}`);
    const whatIf = await gateway.read(`/v1/whatif?${options.whatIf}`);
    if (options.json) return console.log(JSON.stringify({ usage, whatif: whatIf }, null, 2));
    console.log(usageTable(understood(usageAnswer, usage), WIDTH));
    console.log(`\n${whatIfTable(understood(whatIfAnswer, whatIf), WIDTH)}`);
    if (gateway.sandbox)
      console.log('\nThe sandbox stands in for all providers here, at the prices of the price book.');
  } finally {
    await gateway.stop();
  }
});
