/**
 * `npm run bench:dialects`: what a call costs in each dialect beside the same call as a chat completion, in one run. CPU is user
 * and system time of one workerd process that serves all of them in turn. Trust the ratios: absolute times are this machine's.
 */
import { bodiesFor, CASES, type Case, MODELS } from './cases.ts';
import { load, type Shot } from './load.ts';
import { median } from './measure.ts';
import { cpuTime, startUpstream, startWorker } from './processes.ts';
import type { Pace } from './wires.ts';
import { AUTHORIZATION, gatewayAt } from './workers.ts';

const PROVIDERS = ['together', 'bedrock'] as const;
const KEYS = ['json', 'json20', 'paced', 'rush', 'burst'];
/** A stream of Messages begins with a count of its prompt, which one of chat completions need not make. */
const LONG_PROMPT: Case = {
  key: 'burst20',
  name: 'stream after 20 messages (8.7 KB), 200 events in one write',
  messages: 20,
  stream: 'burst',
  connections: 4,
};
const ROUNDS = 7;
const ROUND_MS = 700;

interface Chat {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly max_tokens: number;
  readonly temperature: number;
  readonly provider: unknown;
  readonly stream?: boolean;
  readonly stream_options?: unknown;
}

interface BenchDialect {
  readonly path: string;
  /** The body of the same call. */
  readonly body: (chat: Chat) => unknown;
  /** What is in the end of a whole answer, and of a whole stream. */
  readonly ends: readonly [json: string, stream: string];
}

const DIALECTS: Readonly<Record<string, BenchDialect>> = {
  chat: { path: '/v1/chat/completions', body: (chat) => chat, ends: ['"finish_reason":"stop"', '[DONE]'] },
  messages: {
    path: '/v1/messages',
    body: ({ messages, stream_options: _, ...rest }) => ({
      ...rest,
      ...(messages[0]?.role === 'system' ? { system: messages[0].content } : {}),
      messages: messages.filter(({ role }) => role !== 'system'),
    }),
    ends: ['"stop_reason":"end_turn"', 'message_stop'],
  },
};

const upstream = await startUpstream();
const worker = await startWorker(gatewayAt(upstream, { directory: '.', models: 1 }));

function shotAt(
  dialect: BenchDialect,
  provider: (typeof PROVIDERS)[number],
  messages: number,
  pace: Pace | undefined,
): Shot {
  const next = bodiesFor(provider, messages, pace);
  return {
    port: worker.port,
    path: dialect.path,
    headers: { authorization: AUTHORIZATION },
    body: () => Buffer.from(JSON.stringify(dialect.body(JSON.parse(next().toString())))),
    ending: dialect.ends[pace === undefined ? 0 : 1],
  };
}

console.log(`| case | provider | ${Object.keys(DIALECTS).join(' µs | ')} µs | ratio |`);
for (const { name, messages, stream, connections } of [...CASES.filter(({ key }) => KEYS.includes(key)), LONG_PROMPT]) {
  if (messages === 'growing') continue;
  for (const provider of PROVIDERS) {
    const all = Object.values(DIALECTS).map((dialect) => ({
      shot: shotAt(dialect, provider, messages, stream),
      rounds: [] as number[],
    }));
    const limits = (ms: number) => ({ connections, ms, requests: 20_000 });
    for (const { shot } of all) await load(shot, limits(ROUND_MS / 2));
    for (let round = 0; round < ROUNDS; round++) {
      for (const { shot, rounds } of round % 2 === 0 ? all : all.toReversed()) {
        const before = cpuTime(worker.pid).total;
        const answered = await load(shot, limits(ROUND_MS));
        rounds.push(((cpuTime(worker.pid).total - before) * 1000) / answered);
      }
    }
    const [chat, ...others] = all;
    const ratios = others.map(({ rounds }) => median(rounds.map((us, at) => us / (chat?.rounds[at] ?? Number.NaN))));
    const costs = all.map(({ rounds }) => median(rounds).toFixed(0)).join(' | ');
    console.log(
      `| ${name} | ${MODELS[provider]} at ${provider} | ${costs} | ${ratios.map((one) => `${one.toFixed(2)}×`).join(', ')} |`,
    );
  }
}
await worker.stop();
process.exit(0);
