/** The gateway in a process that can be killed, with the data of those before it: on plain workerd or wrangler dev. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Bundle, bundle } from '../../src/cli/serve/bundle.ts';
import { runWorkerd } from '../../src/cli/serve/workerd.ts';
import { freePort } from '../support/free-port.ts';
import { KEY } from '../support/gateway.ts';

/** Ends what hangs. */
const START_MS = 120_000;

export type Line = Readonly<Record<string, string | number | boolean | null>>;

export interface LifeOptions {
  readonly config: string;
  /** Folder of its data. */
  readonly state: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
}

export interface Life {
  readonly url: string;
  /** Asks as the admin. Throws where the answer is an error. */
  json(path: string, body?: unknown): Promise<Line & Readonly<Record<string, unknown>>>;
  /** SIGKILL, for all that could still write. Resolves when nothing is left of it. */
  kill(): Promise<void>;
}

function lifeAt(url: string, kill: () => Promise<void>): Life {
  return {
    url,
    async json(path, body) {
      const answer = await fetch(url + path, {
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path} is answered with ${answer.status}: ${text.slice(0, 300)}`);
      return JSON.parse(text);
    },
    kill,
  };
}

let builtOf: Promise<Bundle> | undefined;
let builtFrom = '';

export async function onWorkerd({ config, state, variables, log }: LifeOptions): Promise<Life> {
  // Once for all lives: what is built anew while a test runs is another Worker.
  if (!builtOf || builtFrom !== config) builtOf = bundle({ config });
  builtFrom = config;
  const workerd = await runWorkerd({
    services: [{ name: 'gateway', bundle: await builtOf, bindings: variables, address: '127.0.0.1:0' }],
    state,
    log,
  });
  return lifeAt(`http://127.0.0.1:${workerd.ports.get('gateway')}`, async () => {
    if (workerd.pid > 0) process.kill(workerd.pid, 'SIGKILL');
    await workerd.exited;
    await workerd.stop();
  });
}

/** With Cloudflare's own D1 and Durable Objects, as wrangler emulates them. */
export async function onWranglerDev({ config, state, variables, log }: LifeOptions): Promise<Life> {
  const file = join(state, 'variables');
  await writeFile(
    file,
    Object.entries(variables)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
  );
  const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin', 'wrangler.js');
  const port = await freePort();
  const args = ['dev', '--config', config, '--port', String(port), '--persist-to', state, '--env-file', file];
  const child = spawn(process.execPath, [wrangler, ...args, '--inspector-port', String(await freePort())], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that wrangler and its workerd end together.
    detached: true,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', log);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const group = child.pid ?? 0;
  const end = () => {
    if (group > 0) process.kill(-group, 'SIGKILL');
  };
  process.once('exit', end);
  const life = lifeAt(`http://127.0.0.1:${port}`, async () => {
    process.off('exit', end);
    if (child.exitCode === null && child.signalCode === null) end();
    await exited;
  });
  for (let waited = 0; waited < START_MS; waited += 100) {
    const up = await fetch(`${life.url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) return life;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await life.kill();
  throw new Error('wrangler dev did not come up.');
}
