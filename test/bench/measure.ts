/** How each kind of row is measured: CPU, time to the first content, start of a process, memory. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerOptions } from '../support/workerd.ts';
import type { Case } from './cases.ts';
import { assertWhole, connections, fire, hold, load, type Shot } from './load.ts';
import { cpuTime, type RunningWorker, residentBytes, startWorker } from './processes.ts';
import { shotAt } from './shots.ts';
import { type BenchProvider, type Pace, PROVIDERS } from './wires.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The Workers that take turns: the gateway of this checkout, that of another one, and the one that only passes on. */
export const CONTENDERS = ['now', 'before', 'bare'] as const;
export type Contender = (typeof CONTENDERS)[number];
export type Running = ReadonlyMap<Contender, RunningWorker>;

export interface Cost {
  /** Microseconds of the process's CPU for each request. */
  readonly us: number;
  /** Of these, in user mode. */
  readonly userUs: number;
  /** Median of the rounds' ratios to the bare Worker: all of a round had the same neighbours on the machine. */
  readonly ratio: number;
}

export type Costs = ReadonlyMap<Contender, Cost>;

/** One kind of request to one Worker, which takes turns with others. */
export interface Turn<N extends string> {
  readonly name: N;
  readonly worker: RunningWorker;
  readonly shot: Shot;
}

/** CPU of each kind of request, in rounds that take turns, so that a busy neighbour is busy for all. */
export async function cpuOfTurns<N extends string>(
  turns: readonly Turn<N>[],
  connections: number,
  plan: { readonly rounds: number; readonly ms: number },
): Promise<ReadonlyMap<N, { readonly rounds: readonly number[]; readonly userShare: number }>> {
  const limits = (ms: number) => ({ connections, ms, requests: 20_000 });
  const all = turns.map((turn) => ({ ...turn, rounds: [] as number[], userTicks: 0, ticks: 0 }));
  for (const { shot } of all) await load(shot, limits(plan.ms / 2));
  for (let round = 0; round < plan.rounds; round++) {
    for (const turn of round % 2 === 0 ? all : [...all].reverse()) {
      const before = cpuTime(turn.worker.pid);
      const answered = await load(turn.shot, limits(plan.ms));
      const after = cpuTime(turn.worker.pid);
      turn.rounds.push(((after.total - before.total) * 1000) / answered);
      turn.userTicks += after.userTicks - before.userTicks;
      turn.ticks += after.userTicks + after.kernelTicks - before.userTicks - before.kernelTicks;
    }
  }
  return new Map(all.map(({ name, rounds, userTicks, ticks }) => [name, { rounds, userShare: userTicks / ticks }]));
}

/** Median of the rounds' ratios: all of a round had the same neighbours on the machine. */
export const ratioOf = (rounds: readonly number[], base: readonly number[]): number =>
  median(rounds.map((us, round) => us / (base[round] ?? Number.NaN)));

/** CPU of each Worker for one case. */
export async function cpuOf(
  one: Case,
  provider: BenchProvider,
  running: Running,
  plan: { readonly rounds: number; readonly ms: number },
): Promise<Costs> {
  const turns = [...running].map(([name, worker]) => ({
    name,
    worker,
    shot: shotAt(name, worker.port, provider, one),
  }));
  const measured = await cpuOfTurns(turns, one.connections, plan);
  const bare = measured.get('bare')?.rounds ?? [];
  return new Map(
    [...measured].map(([name, { rounds, userShare }]) => [
      name,
      { us: median(rounds), userUs: median(rounds) * userShare, ratio: ratioOf(rounds, bare) },
    ]),
  );
}

/** Milliseconds to the first bytes of a stream's body, over one connection: medians of requests that take turns. */
export async function firstContent(
  provider: BenchProvider,
  running: Running,
  requests: number,
): Promise<ReadonlyMap<Contender, number>> {
  const all = [...running].map(([name, worker]) => ({
    name,
    shot: shotAt(name, worker.port, provider, { messages: 1, stream: 'first' }),
    agent: connections(1),
    times: [] as number[],
  }));
  try {
    for (let i = 0; i < requests; i++) {
      for (const { shot, agent, times } of all) {
        const hit = await fire(shot, agent);
        assertWhole(hit, shot.ending);
        if (i >= requests / 5) times.push(hit.firstMs);
      }
    }
  } finally {
    for (const { agent } of all) agent.destroy();
  }
  return new Map(all.map(({ name, times }) => [name, median(times)]));
}

/** Milliseconds from starting the process to its first answer, which a provider gave. */
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

/** Time for what was just sent to settle before memory is read. */
const SETTLE_MS = 2_000;

export interface Memory {
  /** Bytes that the process holds after so many calls. */
  readonly after: number;
  /** Bytes more for each stream that is held open. */
  readonly perStream: number;
}

/** What a fresh process holds after many calls, and then for streams that stay open. */
export async function memoryOf(
  options: WorkerOptions,
  shot: (worker: RunningWorker, pace: Pace | undefined) => Shot,
  { calls, streams }: { readonly calls: number; readonly streams: number },
): Promise<Memory> {
  const worker = await startWorker(options);
  try {
    await load(shot(worker, undefined), { connections: 16, ms: 600_000, requests: calls });
    await sleep(SETTLE_MS);
    const after = residentBytes(worker.pid);
    const release = await hold(shot(worker, 'slow'), streams);
    await sleep(SETTLE_MS);
    const held = residentBytes(worker.pid);
    release();
    return { after, perStream: (held - after) / streams };
  } finally {
    await worker.stop();
  }
}

/** The providers that every Worker answers from here; the others are not built or not configured. */
export async function answering(
  running: Running,
): Promise<{ readonly ready: BenchProvider[]; readonly skipped: string[] }> {
  const ready: BenchProvider[] = [];
  const skipped: string[] = [];
  const agent = connections(1);
  for (const provider of PROVIDERS) {
    try {
      for (const pace of [undefined, 'first'] as const) {
        for (const [name, worker] of running) {
          const shot = shotAt(name, worker.port, provider, { messages: 1, ...(pace ? { stream: pace } : {}) });
          assertWhole(await fire(shot, agent), shot.ending);
        }
      }
      ready.push(provider);
    } catch (thrown) {
      skipped.push(`${provider}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  agent.destroy();
  return { ready, skipped };
}
