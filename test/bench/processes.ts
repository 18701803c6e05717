import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveWorkers, type WorkerOptions } from '../support/workerd.ts';

/** A Worker in a workerd of its own, so that the CPU time of the process is the Worker's. */
export interface RunningWorker {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { urls, pids, stop } = await serveWorkers([options]);
  const [pid] = pids;
  const url = urls[options.name];
  if (pid === undefined || url === undefined) throw new Error('workerd did not start');
  return { pid, port: Number(new URL(url).port), stop };
}

const START_MS = 10_000;

/** The emulated providers, which end with this process. Resolves to their origin. */
export function startUpstream(): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'upstream.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the upstream did not start')), START_MS);
    let text = '';
    child.once('exit', (code) => reject(new Error(`the upstream ended with ${code}`)));
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
      const port = /^(\d+)\n/.exec(text)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}

const MS_PER_TICK = 10;

/** Milliseconds of CPU that a process has used. */
export interface CpuTime {
  readonly total: number;
  /** The same in ticks of 10 ms, in user mode (which is what Workers bills) and in the kernel's, networking above all. */
  readonly userTicks: number;
  readonly kernelTicks: number;
}

/**
 * The CPU time of a process: of its threads to the nanosecond (/proc/<pid>/task/<tid>/schedstat, first field), and in
 * ticks by mode (proc(5), stat, fields 14 and 15), whose share wants a second or more between two readings.
 */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const userTicks = Number(fields[11]);
  const kernelTicks = Number(fields[12]);
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'), 10);
    }
    if (nanoseconds > 0) return { total: nanoseconds / 1e6, userTicks, kernelTicks };
  } catch {
    // A kernel without it; the ticks are always there.
  }
  return { total: (userTicks + kernelTicks) * MS_PER_TICK, userTicks, kernelTicks };
}

export const cpuMs = (pid: number): number => cpuTime(pid).total;

/** Bytes of memory that a process holds. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? Number.NaN) * 1024;
}
