/**
 * `npm run bench`: what the gateway costs beside a Worker that only passes on (`fetch(upstream)`), as a Markdown table.
 *
 * Each Worker runs in a plain workerd of its own, the gateway bundled as deployed; a Node process answers for the four
 * providers at once, so that what is measured is the gateway. CPU is user and system time of the workerd process. Trust
 * the ratios: absolute times are this machine's.
 *
 *   npm run bench                                    everything, some twenty minutes
 *   npm run bench -- --quick                         fewer and shorter rounds
 *   npm run bench -- --only=together,anyscale        these providers
 *   npm run bench -- --cases=json,rush               these rows: --cases=? lists them
 *   npm run bench -- --without-accounts              without the accounts that a deployment has
 *   npm run bench -- --against=../chasqui-before     another checkout's Worker in the same rounds (with its node_modules)
 */
import { parseArgs } from 'node:util';
import { CASES, DIALECT_CASES } from './cases.ts';
import { load } from './load.ts';
import {
  answering,
  type Contender,
  type Costs,
  cpuOf,
  cpuOfTurns,
  firstContent,
  median,
  memoryOf,
  type Running,
  ratioOf,
  startUp,
} from './measure.ts';
import { type RunningWorker, startUpstream, startWorker } from './processes.ts';
import { type BenchDialect, DIALECTS, dialectShotAt, SAMPLES, shotAt } from './shots.ts';
import { dialectTable, tableFor } from './table.ts';
import { type BenchProvider, type Pace, TEXTS } from './wires.ts';
import { bareAt, gatewayAt, sizeOf } from './workers.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    cases: { type: 'string' },
    against: { type: 'string' },
    'without-accounts': { type: 'boolean', default: false },
  },
});
const plan = values.quick
  ? { rounds: 3, ms: 300, starts: 5, firsts: 60, calls: 5_000, streams: 500 }
  : { rounds: 5, ms: 900, starts: 9, firsts: 300, calls: 50_000, streams: 500 };

/** The rows that are no case of one request: `free` is worked out of `paced` and `long`. */
const OTHER_ROWS = ['first', 'models', 'free', 'memory', 'start', 'size'];
/** Rows of the second table, in which dialects stand beside chat completions. */
const DIALECT_KEYS = ['messages', 'responses'] as const satisfies readonly BenchDialect[];
const KEYS = [...new Set(CASES.map(({ key }) => key)), ...DIALECT_KEYS, ...OTHER_ROWS];
const asked = (values.cases ?? KEYS.join()).split(',');
const unknown = asked.filter((key) => !KEYS.includes(key));
const wants = (key: string): boolean =>
  asked.includes(key) || (asked.includes('free') && (key === 'paced' || key === 'long'));

const MODELS = 1_000;
/** CPU time a request may take on the Workers free plan: https://developers.cloudflare.com/workers/platform/limits/ */
const FREE_PLAN_US = 10_000;

const table = tableFor(values.against !== undefined);
const rows: string[] = [];
const dialectRows: string[] = [];
function note(row: string, to = rows): void {
  to.push(row);
  console.error(row);
}

async function main(): Promise<void> {
  if (unknown.length > 0) {
    console.log(`--cases takes ${KEYS.join(', ')}`);
    return;
  }
  const upstream = await startUpstream();
  const directories: readonly (readonly [Contender, string | undefined])[] = [
    ['now', '.'],
    ['before', values.against],
  ];
  const gateway = (directory: string, models = 1) =>
    gatewayAt(upstream, { directory, models, accounts: !values['without-accounts'] });
  const everyone = async (models: number): Promise<Map<Contender, RunningWorker>> => {
    const running = new Map<Contender, RunningWorker>();
    for (const [name, directory] of directories) {
      if (directory !== undefined) running.set(name, await startWorker(gateway(directory, models)));
    }
    return running.set('bare', await startWorker(bareAt(upstream)));
  };
  const stopAll = (running: Map<Contender, RunningWorker>) =>
    Promise.all([...running.values()].map((worker) => worker.stop()));

  const running = await everyone(1);
  const { ready, skipped } = await answering(running);
  const chosen = values.only?.split(',');
  const providers = ready.filter((provider) => chosen === undefined || chosen.includes(provider));
  for (const reason of skipped) console.error(`Not measured: ${reason}`);

  for (const one of CASES) {
    const costs = new Map<BenchProvider, Costs>();
    if (!wants(one.key)) continue;
    for (const provider of providers) {
      if (one.providers && !one.providers.includes(provider)) continue;
      costs.set(provider, await cpuOf(one, provider, running, plan));
      note(table.caseRow(one, provider, costs.get(provider) ?? new Map()));
    }
    measured.set(one.key, costs);
  }
  if (wants('vote')) await noteSamples(upstream, running, providers);
  const dialects = DIALECT_KEYS.filter(wants);
  if (dialects.length > 0) for (const provider of providers) await noteDialects(dialects, provider, running);
  if (wants('first')) {
    for (const provider of providers)
      note(table.firstContentRow(provider, await firstContent(provider, running, plan.firsts)));
  }
  if (wants('free')) for (const provider of providers) noteFreePlan(provider);
  await stopAll(running);

  const [single] = CASES;
  if (wants('models') && single && providers.includes('anyscale')) {
    const many = await everyone(MODELS);
    const name = `JSON, one message, ${MODELS.toLocaleString('en-US')} models configured`;
    const { aim: _aim, portkey: _portkey, ...one } = single;
    note(table.caseRow({ ...one, name }, 'anyscale', await cpuOf(one, 'anyscale', many, plan)));
    await stopAll(many);
  }

  const [provider] = providers.includes('anyscale') ? (['anyscale'] as const) : providers;
  if (!provider) return;
  const fresh = (name: Contender) => {
    const directory = directories.find(([one]) => one === name)?.[1];
    return directory === undefined ? bareAt(upstream) : gateway(directory);
  };
  const names = [...running.keys()];
  if (wants('memory')) {
    const megabytes = new Map<Contender, string>();
    const kilobytes = new Map<Contender, string>();
    for (const name of names) {
      const shot = (worker: RunningWorker, pace: Pace | undefined) =>
        shotAt(name, worker.port, provider, { messages: 1, ...(pace ? { stream: pace } : {}) });
      const { after, perStream } = await memoryOf(fresh(name), shot, plan);
      megabytes.set(name, `${(after / 1e6).toFixed(0)} MB`);
      kilobytes.set(name, `${(perStream / 1e3).toFixed(0)} KB`);
    }
    note(table.plainRow(`memory after ${plan.calls.toLocaleString('en-US')} calls`, megabytes, '250 MB', '281 MB'));
    note(table.plainRow(`memory for each of ${plan.streams} open streams`, kilobytes, '80 KB', '202 KB'));
  }
  if (wants('start')) {
    const times = new Map(names.map((name) => [name, [] as number[]]));
    for (let i = 0; i < plan.starts; i++) {
      for (const name of names) {
        const shot = (worker: RunningWorker) => shotAt(name, worker.port, provider, { messages: 1 });
        times.get(name)?.push(await startUp(fresh(name), shot));
      }
    }
    const figures = new Map([...times].map(([name, ms]) => [name, `${median(ms).toFixed(0)} ms`] as const));
    note(table.plainRow('start of the process to its first answer', figures, '2.5× bare', '226 ms (bare 53)'));
  }
  if (wants('size')) {
    const kb = ({ bytes, gzipped }: { readonly bytes: number; readonly gzipped: number }) =>
      `${(bytes / 1000).toFixed(0)} KB (${(gzipped / 1000).toFixed(0)} KB)`;
    const code = new Map<Contender, string>();
    const data = new Map<Contender, string>();
    for (const name of names) {
      if (name === 'bare') continue;
      const size = await sizeOf(fresh(name));
      code.set(name, kb(size.code));
      data.set(name, kb(size.data));
    }
    note(table.plainRow('code, minified (gzip)', code, '300 KB gzip'));
    note(table.plainRow('vocabularies beside it (gzip)', data));
  }
}

const measured = new Map<string, ReadonlyMap<BenchProvider, Costs>>();

/** How many events of a stream fit into the free plan's CPU time: what a stream costs, as a fixed part and one by the event. */
function noteFreePlan(provider: BenchProvider): void {
  const short = measured.get('paced')?.get(provider);
  const long = measured.get('long')?.get(provider);
  if (!short || !long) return;
  const fitting = new Map<Contender, string>();
  for (const [name, cost] of long) {
    const each = (cost.userUs - (short.get(name)?.userUs ?? Number.NaN)) / (TEXTS.long - TEXTS.paced);
    const fixed = cost.userUs - each * TEXTS.long;
    fitting.set(name, Math.floor((FREE_PLAN_US - fixed) / each).toLocaleString('en-US'));
  }
  note(table.plainRow(`streamed events in 10 ms of user CPU (free plan), ${provider}`, fitting));
}

/** Requests that a vote sends: no more than its samples, whatever becomes of them. */
async function noteSamples(upstream: string, running: Running, providers: readonly BenchProvider[]): Promise<void> {
  const worker = running.get('now');
  const [one] = CASES.filter(({ api }) => api === 'vote');
  if (!worker || !one) return;
  const count = async () => Number(await (await fetch(`${upstream}/samples`)).text());
  for (const provider of providers) {
    const before = await count();
    const answered = await load(shotAt('now', worker.port, provider, one), {
      connections: 4,
      ms: 5_000,
      requests: 100,
    });
    const each = ((await count()) - before) / answered;
    note(
      table.plainRow(
        `requests upstream of a vote of ${SAMPLES}, ${provider}`,
        new Map([['now', each.toFixed(2)]]),
        `${SAMPLES}`,
      ),
    );
  }
}

/** The same calls in each dialect and as chat completions, by turns. */
async function noteDialects(
  dialects: readonly BenchDialect[],
  provider: BenchProvider,
  running: Running,
): Promise<void> {
  const gateway = running.get('now');
  const bare = running.get('bare');
  if (!gateway || !bare) return;
  for (const one of DIALECT_CASES) {
    const turns = [
      { name: 'chat' as const, worker: gateway, shot: shotAt('now', gateway.port, provider, one) },
      ...dialects.map((name) => ({ name, worker: gateway, shot: dialectShotAt(name, gateway.port, provider, one) })),
      { name: 'bare' as const, worker: bare, shot: shotAt('bare', bare.port, provider, one) },
    ];
    const costs = await cpuOfTurns(turns, one.connections, plan);
    const of = (name: BenchDialect | 'chat' | 'bare') => costs.get(name)?.rounds ?? [];
    for (const name of dialects) {
      const us = { chat: median(of('chat')), dialect: median(of(name)), bare: median(of('bare')) };
      const ratios = { bare: ratioOf(of(name), of('bare')), chat: ratioOf(of(name), of('chat')) };
      note(dialectTable.row(one, provider, DIALECTS[name].name, us, ratios), dialectRows);
    }
  }
}

try {
  await main();
  if (rows.length > 0) console.log(['', table.head, ...rows].join('\n'));
  if (dialectRows.length > 0) console.log(['', dialectTable.head, ...dialectRows].join('\n'));
} catch (thrown) {
  console.error(
    `The benchmark broke off: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
  );
}
process.exit(0);
