import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { Failure } from './options.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
/** What `npm start` runs. By its path alone: the product imports nothing of its tests. */
const START = 'test/sandbox/start.mjs';
const START_MS = 90_000;
const STOP_MS = 5_000;
const STEP_MS = 250;
/** Characters of what it printed that are kept, to say why it did not start. */
const KEPT = 4_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A port that nobody listens on. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** Ends it and all that it started: it has a process group of its own. */
async function end(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, name);
    } catch {
      // It is gone already.
    }
  };
  signal('SIGTERM');
  const late = setTimeout(() => signal('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(late);
}

async function listens(url: string): Promise<boolean> {
  try {
    await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(START_MS) });
    return true;
  } catch {
    // Not yet.
    return false;
  }
}

/** Starts what `npm start` starts, on a free port and without its words. Throws a `Failure` if it does not come up. */
export async function startLocal(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [START, '--port', String(port)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-KEPT);
    });
  }
  const stop = (): Promise<void> => end(child);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop().then(() => process.exit(1)));

  const until = Date.now() + START_MS;
  while (Date.now() < until && child.exitCode === null) {
    if (await listens(url)) return { url, stop };
    await pause(STEP_MS);
  }
  await stop();
  throw new Failure(`The gateway did not start. It said:\n${printed.trim()}`);
}
