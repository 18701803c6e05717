import { performance } from 'node:perf_hooks';
import type { WorkerOptions } from '../support/workerd.ts';
import { bodyFor, type Case } from './cases.ts';
import { assertWhole, connections, fire, type Limits, load, type Shot } from './load.ts';
import { cpuMs, type RunningWorker, startWorker } from './processes.ts';
import { type BenchProvider, type Pace, PROVIDERS } from './wires.ts';
import { AUTHORIZATION } from './workers.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The same question to the gateway and to the bare Worker, which passes that provider's own answer through. */
export function shots(
  provider: BenchProvider,
  history: number,
  pace: Pace | undefined,
  gateway: RunningWorker,
  bare: RunningWorker,
): { readonly gateway: Shot; readonly bare: Shot } {
  const body = bodyFor(provider, history, pace);
  const headers = { authorization: AUTHORIZATION };
  const ends: Readonly<Record<BenchProvider, string>> = {
    bedrock: 'end_turn',
    replicate: pace ? 'event: done' : 'succeeded',
    together: pace ? '[DONE]' : '"usage"',
    anyscale: pace ? '[DONE]' : '"usage"',
  };
  return {
    gateway: {
      port: gateway.port,
      path: '/v1/chat/completions',
      headers,
      body,
      ending: pace ? '[DONE]' : '"finish_reason":"stop"',
    },
    bare: { port: bare.port, path: `/${provider}/bare`, headers, body, ending: ends[provider] },
  };
}

export interface Cost {
  /** Microseconds of the process's CPU for each request. */
  readonly gateway: number;
  readonly bare: number;
  /** Median of the rounds' ratios: both halves of a round had the same neighbours on the machine. */
  readonly ratio: number;
}

/** CPU of both for one case, in rounds that take turns, so that a busy neighbour is busy for both. */
export async function cpuOf(
  one: Case,
  provider: BenchProvider,
  gateway: RunningWorker,
  bare: RunningWorker,
  plan: { readonly rounds: number; readonly ms: number },
): Promise<Cost> {
  const { gateway: ours, bare: theirs } = shots(provider, one.history, one.stream, gateway, bare);
  const limits = (ms: number): Limits => ({ connections: one.connections, ms, requests: 20_000 });
  const spend = async (shot: Shot, worker: RunningWorker): Promise<number> => {
    const before = cpuMs(worker.pid);
    const answered = await load(shot, limits(plan.ms));
    return ((cpuMs(worker.pid) - before) * 1000) / answered;
  };
  await load(ours, limits(plan.ms / 2));
  await load(theirs, limits(plan.ms / 4));
  const costs: Cost[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    const first = round % 2 === 0;
    const before = first ? await spend(ours, gateway) : 0;
    const floor = await spend(theirs, bare);
    const cost = first ? before : await spend(ours, gateway);
    costs.push({ gateway: cost, bare: floor, ratio: cost / floor });
  }
  return {
    gateway: median(costs.map((cost) => cost.gateway)),
    bare: median(costs.map((cost) => cost.bare)),
    ratio: median(costs.map((cost) => cost.ratio)),
  };
}

/** Milliseconds to the first bytes of a stream's body, over one connection: medians of requests that take turns. */
export async function firstContent(
  provider: BenchProvider,
  gateway: RunningWorker,
  bare: RunningWorker,
  requests: number,
): Promise<{ readonly gateway: number; readonly bare: number }> {
  const both = shots(provider, 0, 'first', gateway, bare);
  const agents = { gateway: connections(1), bare: connections(1) };
  const times = { gateway: [] as number[], bare: [] as number[] };
  try {
    for (let i = 0; i < requests; i++) {
      for (const name of ['gateway', 'bare'] as const) {
        const hit = await fire(both[name], agents[name]);
        assertWhole(hit, both[name].ending);
        if (i >= requests / 5) times[name].push(hit.firstMs);
      }
    }
  } finally {
    agents.gateway.destroy();
    agents.bare.destroy();
  }
  return { gateway: median(times.gateway), bare: median(times.bare) };
}

/** Milliseconds from starting the process to its first answer, which for the gateway is one that a provider gave. */
export async function startUp(options: WorkerOptions, shot: (worker: RunningWorker) => Shot): Promise<number> {
  const begun = performance.now();
  const worker = await startWorker(options);
  const agent = connections(1);
  try {
    const asked = shot(worker);
    assertWhole(await fire(asked, agent), asked.ending);
    return performance.now() - begun;
  } finally {
    agent.destroy();
    await worker.stop();
  }
}

/** The providers that the gateway answers from here; the others are not built or not configured. */
export async function answering(
  gateway: RunningWorker,
  bare: RunningWorker,
): Promise<{ readonly ready: BenchProvider[]; readonly skipped: string[] }> {
  const ready: BenchProvider[] = [];
  const skipped: string[] = [];
  const agent = connections(1);
  for (const provider of PROVIDERS) {
    try {
      for (const pace of [undefined, 'first'] as const) {
        const both = shots(provider, 0, pace, gateway, bare);
        assertWhole(await fire(both.gateway, agent), both.gateway.ending);
        assertWhole(await fire(both.bare, agent), both.bare.ending);
      }
      ready.push(provider);
    } catch (thrown) {
      skipped.push(`${provider}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  agent.destroy();
  return { ready, skipped };
}
