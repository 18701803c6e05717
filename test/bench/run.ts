/**
 * `npm run bench`: what the gateway costs beside a Worker that only passes on (`fetch(upstream)`), as a Markdown table.
 *
 * Both run in a plain workerd of their own, the gateway bundled as deployed; a Node process answers for the four
 * providers at once, so that what is measured is the gateway. CPU is user and system time of the workerd process. Trust
 * the ratios: absolute times are this machine's. `-- --quick` takes a minute, `-- --only=together` asks one provider.
 */
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { answering, cpuOf, firstContent, median, shots, startUp } from './measure.ts';
import { type RunningWorker, startUpstream, startWorker } from './processes.ts';
import { caseRow, HEAD, plainRow } from './table.ts';
import { PROVIDERS } from './wires.ts';
import { bareAt, EMPTY, gatewayAt, sizeOf } from './workers.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
const plan = values.quick
  ? { rounds: 3, ms: 300, starts: 5, firsts: 60 }
  : { rounds: 5, ms: 900, starts: 9, firsts: 300 };

async function main(): Promise<void> {
  const upstream = await startUpstream();
  const gateway = await startWorker(gatewayAt(upstream));
  const bare = await startWorker(bareAt(upstream));
  try {
    await measure(upstream, gateway, bare);
  } finally {
    await Promise.all([gateway.stop(), bare.stop()]);
  }
}

async function measure(upstream: string, gateway: RunningWorker, bare: RunningWorker): Promise<void> {
  const { ready, skipped } = await answering(gateway, bare);
  const providers = ready.filter((provider) => values.only === undefined || values.only === provider);
  for (const reason of skipped) console.error(`Not measured: ${reason}`);

  const rows: string[] = [];
  const note = (row: string) => {
    rows.push(row);
    console.error(row);
  };
  for (const one of CASES) {
    for (const provider of providers) {
      note(caseRow(one, provider, await cpuOf(one, provider, gateway, bare, plan)));
    }
  }
  for (const provider of providers) {
    const { gateway: ours, bare: theirs } = await firstContent(provider, gateway, bare, plan.firsts);
    const added = (ours - theirs).toFixed(2);
    note(plainRow(`first content, p50 added, ${provider}`, `${added} ms`, `${theirs.toFixed(2)} ms`, '< 1 ms'));
  }
  const [provider] = ready;
  const asked = { gateway: [] as number[], alive: [] as number[], empty: [] as number[] };
  const ok = { path: '/healthz', headers: {}, body: Buffer.alloc(0), ending: '' };
  for (let i = 0; i < plan.starts; i++) {
    asked.empty.push(await startUp(EMPTY, ({ port }) => ({ ...ok, port })));
    if (provider) {
      asked.gateway.push(
        await startUp(gatewayAt(upstream), (worker) => shots(provider, 0, undefined, worker, bare).gateway),
      );
    }
  }
  const empty = median(asked.empty);
  note(
    plainRow(
      'start of the process to its first answer',
      `${median(asked.gateway).toFixed(0)} ms`,
      `${empty.toFixed(0)} ms, empty`,
      '',
    ),
  );
  const kb = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`;
  const { code, data } = await sizeOf(gatewayAt(upstream));
  note(plainRow('code, minified (gzip)', `${kb(code.bytes)} (${kb(code.gzipped)})`, '', '< 300 KB gzip'));
  note(plainRow('vocabularies beside it (gzip)', `${kb(data.bytes)} (${kb(data.gzipped)})`, '', ''));
  console.log(['', HEAD, ...rows].join('\n'));
  console.log(`\nProviders measured: ${providers.join(', ') || 'none'} of ${PROVIDERS.join(', ')}.`);
}

try {
  await main();
} catch (thrown) {
  console.error(`The benchmark broke off: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
}
process.exit(0);
