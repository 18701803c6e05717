/**
 * `npm run bench:accounts [-- --quick]`: what an account adds to a call, as a Markdown table. The same Worker without
 * accounts, with an account of a key without limits, and with one of a key with a budget take turns in one run with
 * the bare Worker. CPU is that of the workerd process, in which the account's object runs too; on Cloudflare it runs
 * elsewhere.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { assertWhole, connections, fire, load, type Shot } from './load.ts';
import { cpuOfTurns, median, ratioOf } from './measure.ts';
import { type RunningWorker, startUpstream, startWorker } from './processes.ts';
import { shotAt } from './shots.ts';
import { AUTHORIZATION, bareAt, bareObjectAt, gatewayAt } from './workers.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const plan = values.quick
  ? { rounds: 3, ms: 600, calls: 400, loadMs: 2_000 }
  : { rounds: 7, ms: 1_500, calls: 2_000, loadMs: 8_000 };

/** Its prices are in the price book. */
const PROVIDER = 'together';
/** Calls at once when throughput is measured. */
const AT_ONCE = 64;

async function keyOf({ port }: RunningWorker, settings: Readonly<Record<string, unknown>>): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/keys`, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', account: 'bench', ...settings }),
  });
  const { key } = (await answer.json()) as { key?: string };
  if (answer.status !== 201 || key === undefined) throw new Error(`no key: ${answer.status}`);
  return `Bearer ${key}`;
}

interface Timed {
  readonly p50: number;
  readonly p99: number;
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Milliseconds of a call over one connection, of kinds that take turns. */
async function latencies(shots: ReadonlyMap<string, Shot>): Promise<ReadonlyMap<string, Timed>> {
  const all = [...shots].map(([name, shot]) => ({ name, shot, agent: connections(1), times: [] as number[] }));
  for (let call = 0; call < plan.calls; call++) {
    for (const { shot, agent, times } of all) {
      const begun = performance.now();
      assertWhole(await fire(shot, agent), shot.ending);
      if (call >= plan.calls / 10) times.push(performance.now() - begun);
    }
  }
  for (const { agent } of all) agent.destroy();
  return new Map(
    all.map(({ name, times }) => {
      const sorted = times.toSorted((a, b) => a - b);
      return [name, { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }];
    }),
  );
}

async function throughput(shot: Shot): Promise<number> {
  const begun = performance.now();
  const answered = await load(shot, { connections: AT_ONCE, ms: plan.loadMs, requests: 1_000_000 });
  return (answered * 1000) / (performance.now() - begun);
}

async function main(): Promise<void> {
  const [single] = CASES;
  if (!single) throw new Error('There is no case.');
  const upstream = await startUpstream();
  const gateway = gatewayAt(upstream);
  const served = await startWorker(gateway);
  // A text in the place of the binding: then there are no accounts.
  const without = await startWorker({ ...gateway, bindings: { ...gateway.bindings, ACCOUNT: 'none' } });
  const bare = await startWorker(bareAt(upstream));
  const object = await startWorker(bareObjectAt(upstream));
  const shotOf = (worker: RunningWorker, authorization = AUTHORIZATION): Shot => {
    const shot = shotAt('now', worker.port, PROVIDER, single);
    return { ...shot, headers: { ...shot.headers, authorization } };
  };
  const kinds = [
    { name: 'bare Worker', worker: bare, shot: shotAt('bare', bare.port, PROVIDER, single) },
    {
      name: 'bare Worker, two empty calls of an object',
      worker: object,
      shot: shotAt('bare', object.port, PROVIDER, single),
    },
    { name: 'without accounts', worker: without, shot: shotOf(without) },
    { name: 'the admin key', worker: served, shot: shotOf(served) },
    { name: 'a key without limits', worker: served, shot: shotOf(served, await keyOf(served, {})) },
    {
      name: 'a key with a budget',
      worker: served,
      shot: shotOf(served, await keyOf(served, { budget: { limit: '1000000', period: 'month' } })),
    },
  ];
  const costs = await cpuOfTurns(kinds, single.connections, plan);
  const times = await latencies(new Map(kinds.map(({ name, shot }) => [name, shot])));
  const rows: string[] = [];
  for (const { name, shot } of kinds) {
    const rounds = costs.get(name)?.rounds ?? [];
    const ratio = ratioOf(rounds, costs.get('bare Worker')?.rounds ?? []);
    const plain = ratioOf(rounds, costs.get('without accounts')?.rounds ?? []);
    const { p50 = Number.NaN, p99 = Number.NaN } = times.get(name) ?? {};
    const persecond = await throughput(shot);
    rows.push(
      `| ${name} | ${median(rounds).toFixed(0)} µs | ${ratio.toFixed(2)}× | ${plain.toFixed(2)}× | ${p50.toFixed(2)} ms | ${p99.toFixed(2)} ms | ${persecond.toFixed(0)} |`,
    );
    console.error(rows.at(-1));
  }
  console.log(
    [
      '| JSON, one message | CPU of the process | to the bare Worker | to no accounts | latency p50 | p99 | calls a second |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
      ...rows,
    ].join('\n'),
  );
}

main().then(
  () => process.exit(0),
  (thrown) => {
    console.error(thrown);
    process.exit(1);
  },
);
