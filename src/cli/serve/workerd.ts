import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Configuration, configurationFor, type Service } from './capnp.ts';
import { drain } from './drain.ts';

/** Runs Workers in a plain workerd process that ends when this one does. */

/** Ends what hangs. */
const START_MS = 120_000;
/** How much of what workerd prints is kept while it starts. */
const MAX_LOG_CHARACTERS = 256 * 1024;

/** workerd tells on this descriptor which port each socket got. */
const CONTROL_FD = 3;

export interface WorkerdOptions {
  readonly services: readonly Service[];
  /** Folder of the Durable Objects' data; without it a new one, which is removed in the end. */
  readonly state?: string;
  /** The binary; the one of the npm package, unless told. */
  readonly binary?: string;
  /** Whether `drain` will be called. */
  readonly drains?: boolean;
  /** Gets what workerd prints. */
  readonly log?: (text: string) => void;
}

export interface RunningWorkerd {
  readonly pid: number;
  /** By Worker name. */
  readonly ports: ReadonlyMap<string, number>;
  /** What it printed last. */
  logs(): string;
  /** Its exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Takes no new requests and lets it end after the running ones, with the work that these leave for later. */
  drain(): void;
  /** Ends it at once and removes its files. */
  stop(): Promise<void>;
}

export const workerdBinary = (): string => {
  const { default: binary }: { default: string } = createRequire(import.meta.url)('workerd');
  return binary;
};

function ports(child: ChildProcess, names: readonly string[], logs: () => string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${why}\n${logs()}`));
    const timer = setTimeout(() => fail(`workerd did not listen within ${START_MS} ms.`), START_MS);
    child.once('error', ({ message }) => fail(`workerd could not be started: ${message}`));
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`workerd ended with ${code} before it listened.`);
    });
    let rest = '';
    (child.stdio[CONTROL_FD] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const said: { event?: string; socket?: string; port?: number } = JSON.parse(line);
        if (said.event === 'listen' && said.socket && said.port) found.set(said.socket, said.port);
      }
      if (!names.every((name) => found.has(name))) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}

/**
 * Ends the process `pid` when this one ends, however it ends: its input closes then, even where nothing of ours runs
 * any more. Returns what calls it off.
 */
function guard(pid: number | undefined): () => void {
  if (pid === undefined || process.platform === 'win32') return () => undefined;
  const watch = spawn('sh', ['-c', 'read _; kill -9 "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watch.unref();
  return () => {
    watch.kill('SIGKILL');
    watch.stdin.destroy();
  };
}

/** Resolves when all Workers that have an address listen. */
export async function runWorkerd({
  services,
  state,
  binary,
  log,
  drains = false,
}: WorkerdOptions): Promise<RunningWorkerd> {
  // mkdtemp makes a folder that only this user can enter.
  const directory = await mkdtemp(join(tmpdir(), 'chasqui-workerd-'));
  const holdSocket = join(directory, 'hold.sock');
  const { text, environment, folders }: Configuration = configurationFor(services, {
    ...(drains && process.platform !== 'win32' ? { holdSocket } : {}),
    state: state ?? join(directory, 'state'),
    file(name, content) {
      const path = join(directory, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    },
  });
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(directory, 'config.capnp');
  await writeFile(file, text, { mode: 0o600 });
  const child = spawn(
    binary ?? workerdBinary(),
    ['serve', `--control-fd=${CONTROL_FD}`, '--import-path=/', '--experimental', file],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      // A group of its own: Ctrl-C in a terminal is for this process, which then lets running requests end.
      detached: process.platform !== 'win32',
    },
  );
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const dismiss = guard(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (said: string) => {
      output = (output + said).slice(-MAX_LOG_CHARACTERS);
      log?.(said);
    });
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(null));
  });
  const stop = async () => {
    process.off('exit', kill);
    dismiss();
    kill();
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const names = services.flatMap(({ name, address }) => (address === undefined ? [] : [name]));
    const found = await ports(child, names, () => output);
    return {
      pid: child.pid ?? 0,
      ports: found,
      logs: () => output,
      exited,
      drain: () =>
        void drain({
          ports: [...found.values()],
          holdSocket,
          terminate: () => child.kill('SIGTERM'),
          ended: () => child.exitCode !== null || child.signalCode !== null,
        }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
