/**
 * `npm run bench:reports`: how long reports take over a ledger of 1,000,000 rows (or `-- --rows N`), filled as accounts
 * fill it, in plain workerd with the SQLite object `Books`. Prints Markdown.
 */
import { parseArgs } from 'node:util';
import { median } from './measure.ts';
import { cpuMs, startWorker } from './processes.ts';

const KEY = 'bench-admin-key-0123456789';
const ROUNDS = 15;
const FILLED_AT_ONCE = 10_000;

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(values.rows);

/** What is asked, and the milliseconds that it may take. */
const REPORTS: readonly (readonly [what: string, path: string, aim: number])[] = [
  ['usage by provider and model, 30 days', '/v1/usage?account=main', 200],
  ['usage by day', '/v1/usage?account=main&group_by=day', 200],
  ['usage by key and day', '/v1/usage?account=main&group_by=key,day&limit=1000', 200],
  ['usage by hour, 30 days', '/v1/usage?account=main&group_by=hour&limit=1000', 200],
  [
    'usage by day, provider, model, key and dialect',
    '/v1/usage?account=main&group_by=day,provider,model,key,dialect',
    200,
  ],
  ['usage of one key by day', '/v1/usage?account=main&key=key-3&group_by=day', 200],
  ['usage of all accounts', '/v1/usage', 200],
  ['usage as CSV', '/v1/usage?account=main&group_by=key,model&limit=1000', 200],
  ['what-if, 30 days, prices of each day', '/v1/whatif?account=main', 200],
  ['what-if, 30 days, prices of today, policy', '/v1/whatif?account=main&prices=today&order=replicate', 200],
  ["what-if, with the lines of the page's panel", '/v1/whatif?account=main&detail=offers', 300],
  ["the page's Spend panel: groups", '/v1/usage?group_by=provider&limit=1000', 300],
  ["the page's Spend panel: over time", '/v1/usage?group_by=day,key&limit=1000', 300],
  ["the page's Spend panel: offers", '/v1/usage?group_by=provider,model&limit=1000&percentiles=all_time', 300],
  ["the page's Spend panel: saved", '/v1/whatif?policy=most_expensive', 300],
  ['what-if of one key', '/v1/whatif?account=main&key=key-3', 200],
  ['ledger, newest page', '/v1/generations?account=main', 100],
  ['ledger, newest page of all accounts', '/v1/generations', 100],
  ['ledger, page of 500', '/v1/generations?account=main&limit=500', 100],
  [
    'ledger, of one provider and model',
    '/v1/generations?account=main&provider=replicate&model=llama-3-8b-instruct',
    100,
  ],
  ['ledger, of one key', '/v1/generations?account=main&key=key-15', 100],
  ['ledger, an outcome that seven rows have', '/v1/generations?account=main&outcome=content_policy', 100],
  ['ledger, an outcome that none has', '/v1/generations?account=main&outcome=context_length_exceeded', 100],
  ['one generation', `/v1/generations/gen-${Math.floor(rows / 2)}`, 100],
];

async function main(): Promise<void> {
  const worker = await startWorker({
    name: 'reports',
    config: 'test/bench/reports-worker/wrangler.toml',
    minify: true,
    bindings: { CHASQUI_ADMIN_KEY: KEY, AWS_REGION: 'us-east-1' },
  });
  const origin = `http://127.0.0.1:${worker.port}`;
  const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
    const answer = await fetch(origin + path, { headers: { authorization: `Bearer ${KEY}` }, ...init });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text.slice(0, 500)}`);
    return text;
  };
  try {
    const now = Date.now();
    const began = performance.now();
    for (let from = 0; from < rows; from += FILLED_AT_ONCE) {
      const to = Math.min(rows, from + FILLED_AT_ONCE);
      await ask(`/fill?from=${from}&to=${to}&of=${rows}&now=${now}`, { method: 'POST' });
      if (process.stderr.isTTY) process.stderr.write(`\r${to} rows`);
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(`${rows.toLocaleString('en-US')} rows, filled at ${Math.round(rows / seconds)} a second.\n`);
    console.log(
      '| report | first | median | slowest | CPU | aim | size |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    );
    for (const [what, path, aim] of REPORTS) {
      const times: number[] = [];
      let size = 0;
      const before = cpuMs(worker.pid);
      for (let round = 0; round <= ROUNDS; round++) {
        const start = performance.now();
        size = (await ask(path)).length;
        times.push(performance.now() - start);
      }
      const [first = 0, ...others] = times;
      const cpu = (cpuMs(worker.pid) - before) / times.length;
      const shown = [first, median(others), Math.max(...others), cpu].map((ms) => `${ms.toFixed(1)} ms`).join(' | ');
      console.log(`| ${what} | ${shown} | ${aim} ms | ${(size / 1000).toFixed(1)} KB |`);
    }
  } finally {
    await worker.stop();
  }
}

await main();
process.exit(0);
