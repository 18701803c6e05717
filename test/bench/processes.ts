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

const TICKS_PER_SECOND = 100;

/**
 * Milliseconds of CPU a process has used, in user and in kernel mode: of its threads to the nanosecond where the kernel
 * tells (/proc/<pid>/task/<tid>/schedstat, first field), else in ticks of 10 ms (proc(5), stat, fields 14 and 15).
 */
export function cpuMs(pid: number): number {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'), 10);
    }
    if (nanoseconds > 0) return nanoseconds / 1e6;
  } catch {
    // A kernel without it; the ticks are always there.
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}
