/** The gateway to ask: the one at `--url`, the local one, or one that is started for this command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import * as v from 'valibot';
import { Failure, LOCAL_URL, type Options } from './options.ts';
import { refusal } from './report.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
/** What `npm start` runs. Started by its path, because the product must not import its tests. */
const START = 'test/sandbox/start.mjs';
const START_MS = 90_000;
const STOP_MS = 5_000;
const STEP_MS = 250;
/** How many characters of its output are kept, to show why it did not start. */
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

/** Ends the process and everything it started. It has its own process group. */
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

/** Starts what `npm start` starts, on a free port, without printing its output. Throws a `Failure` if that fails. */
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

/** A running gateway. */
export interface RunningGateway {
  readonly url: string;
  /** It uses the sandbox instead of real providers. */
  readonly sandbox: boolean;
  /** Sends a request; throws a `Failure` with what the gateway says if it refuses. */
  ask(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Reads a report, or throws as `ask` does. */
  read(path: string): Promise<unknown>;
  /** Ends the gateway if it was started for this command. */
  stop(): Promise<void>;
}

/** The gateway at a URL. Undefined if nothing listens there. */
async function find(url: string): Promise<{ readonly sandbox: boolean } | undefined> {
  let answer: Response;
  try {
    answer = await fetch(`${url}/healthz`);
  } catch {
    return undefined;
  }
  const body: unknown = await answer.json().catch(() => undefined);
  const refused = v.safeParse(refusal, body);
  if (refused.success) throw new Failure(refused.output.error.message);
  if (!answer.ok) throw new Failure(`What answers at ${url} is no Chasqui: its /healthz is a ${answer.status}.`);
  return { sandbox: answer.headers.get('x-chasqui-sandbox') === '1' };
}

async function answerOf(url: string, init: RequestInit): Promise<unknown> {
  const answer = await fetch(url, init).catch(() => {
    throw new Failure(`The gateway at ${url} went away before it answered.`);
  });
  const json: unknown = await answer.json().catch(() => undefined);
  if (answer.ok && json !== undefined) return json;
  const refused = v.safeParse(refusal, json);
  if (!refused.success) throw new Failure(`${url} answers ${answer.status} and no reason.`);
  const how = answer.status === 401 ? ' Here it is --key or CHASQUI_ADMIN_KEY.' : '';
  throw new Failure(refused.output.error.message + how);
}

/** The gateway at `--url`, or the local one, which is started if nothing listens. */
export async function reach(
  { url, key }: Pick<Options, 'url' | 'key'>,
  note: (text: string) => void,
): Promise<RunningGateway> {
  const auth = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const at = (found: string, sandbox: boolean, stop: RunningGateway['stop']): RunningGateway => ({
    url: found,
    sandbox,
    ask: (path, body, headers = {}) =>
      answerOf(`${found}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...auth, ...headers },
        body: JSON.stringify(body),
      }),
    read: (path) => answerOf(`${found}${path}`, { headers: auth }),
    stop,
  });
  const there = await find(url ?? LOCAL_URL);
  if (there) return at(url ?? LOCAL_URL, there.sandbox, () => Promise.resolve());
  if (url !== undefined) throw new Failure(`Nothing answers at ${url}. Start the gateway there, or leave --url out.`);

  note(`Nothing listens at ${LOCAL_URL}: starting a gateway for this …`);
  const local = await startLocal();
  try {
    const started = await find(local.url);
    if (started) return at(local.url, started.sandbox, local.stop);
    throw new Failure('The gateway ended before it could be asked.');
  } catch (thrown) {
    await local.stop();
    throw thrown;
  }
}
