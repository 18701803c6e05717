import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Bundle, type BundleOptions, bundle } from './bundle.ts';

/** Ends what hangs. */
const START_MS = 120_000;
const MAX_LOG_CHARACTERS = 256 * 1024;

export interface WorkerOptions extends BundleOptions {
  readonly name: string;
  /** Added to the configuration's own vars; text as it is, anything else as JSON. */
  readonly bindings?: Readonly<Record<string, unknown>>;
  /** Binding name → name of another Worker of the same call. */
  readonly services?: Readonly<Record<string, string>>;
}

export interface Served {
  /** By Worker name, without a slash at the end: `http://127.0.0.1:41231`. */
  readonly urls: Readonly<Record<string, string>>;
  readonly pids: readonly number[];
  stop(): Promise<void>;
  /** What the Workers printed. */
  logs(): string;
}

const quote = (text: string): string => JSON.stringify(text);

const MODULE_KINDS: Readonly<Record<string, string>> = {
  '.js': 'esModule',
  '.mjs': 'esModule',
  '.wasm': 'wasm',
  '.txt': 'text',
  '.html': 'text',
  '.json': 'json',
  '.bin': 'data',
};

const bindingOf = (name: string, value: unknown): string =>
  typeof value === 'string'
    ? `(name = ${quote(name)}, text = ${quote(value)})`
    : `(name = ${quote(name)}, json = ${quote(JSON.stringify(value))})`;

function workerText({ name, bindings, services }: WorkerOptions, built: Bundle): string {
  const modules = built.modules.map(
    (module) => `(name = ${quote(module.name)}, ${MODULE_KINDS[extname(module.name)]} = embed ${quote(module.path)})`,
  );
  const bound = [
    ...Object.entries({ ...built.vars, ...bindings }).map(([key, value]) => bindingOf(key, value)),
    ...Object.entries(services ?? {}).map(([key, to]) => `(name = ${quote(key)}, service = ${quote(to)})`),
    ...(built.assets ? [`(name = ${quote(built.assets.binding)}, service = ${quote(`${name}-assets`)})`] : []),
    ...built.durableObjects
      .filter(({ binding }) => bindings?.[binding] === undefined)
      .map(({ binding, className }) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`),
  ];
  const objects = built.durableObjects.map(
    ({ className }) =>
      `(className = ${quote(className)}, uniqueKey = ${quote(`${name}-${className}`)}, enableSql = true)`,
  );
  return `(
    modules = [${modules.join(', ')}],
    compatibilityDate = ${quote(built.compatibilityDate)},
    compatibilityFlags = [${built.compatibilityFlags.map(quote).join(', ')}],
    bindings = [${bound.join(',\n      ')}],
    durableObjectNamespaces = [${objects.join(', ')}],
    ${objects.length > 0 ? `durableObjectStorage = (localDisk = ${quote(`${name}-disk`)}),` : ''}
  )`;
}

/** workerd's configuration: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function configText(workers: readonly WorkerOptions[], bundles: readonly Bundle[], directory: string): string {
  const services = workers.flatMap((worker, i) => {
    const built = bundles[i];
    if (!built) return [];
    const disk = `(name = ${quote(`${worker.name}-disk`)}, disk = (path = ${quote(join(directory, worker.name))}, writable = true))`;
    return [
      `(name = ${quote(worker.name)}, worker = ${workerText(worker, built)})`,
      ...(built.durableObjects.length > 0 ? [disk] : []),
      // Answers GET with the file.
      ...(built.assets
        ? [`(name = ${quote(`${worker.name}-assets`)}, disk = (path = ${quote(built.assets.directory)}))`]
        : []),
    ];
  });
  // Reaching 127.0.0.1 is the point here; workerd allows public addresses alone unless told.
  const internet =
    '(name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true)))';
  const sockets = workers.map(
    ({ name }) => `(name = ${quote(name)}, address = "127.0.0.1:0", http = (), service = ${quote(name)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${[...services, internet].join(',\n  ')}],
  sockets = [${sockets.join(', ')}]
);
`;
}

/** workerd tells on this descriptor which port each socket got. */
const CONTROL_FD = 3;

function ports(child: ChildProcess, names: readonly string[], logs: () => string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${why}\n${logs()}`));
    const timer = setTimeout(() => fail(`workerd did not listen within ${START_MS} ms.`), START_MS);
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

/**
 * Runs Workers as they are deployed, in one plain workerd process on free ports of the loopback address. Resolves when
 * all of them listen.
 *
 * @example
 * const { urls, stop } = await serveWorkers([
 *   { name: 'sandbox', config: 'test/sandbox/wrangler.toml' },
 *   { name: 'gateway', config: 'wrangler.toml', bindings: { KEY: 'text' }, services: { SANDBOX: 'sandbox' } },
 * ]);
 */
export async function serveWorkers(workers: readonly WorkerOptions[]): Promise<Served> {
  const bundles: Bundle[] = [];
  // One after the other: two bundlers at once are slower on two cores.
  for (const worker of workers) bundles.push(await bundle(worker));
  const directory = await mkdtemp(join(tmpdir(), 'chasqui-workerd-'));
  for (const { name } of workers) await mkdir(join(directory, name));
  const file = join(directory, 'config.capnp');
  await writeFile(file, configText(workers, bundles, directory));
  const { default: binary }: { default: string } = createRequire(import.meta.url)('workerd');
  const child = spawn(binary, ['serve', `--control-fd=${CONTROL_FD}`, '--import-path=/', '--experimental', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const dismiss = guard(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_LOG_CHARACTERS);
    });
  }
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    process.off('exit', kill);
    dismiss();
    kill();
    await gone;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const names = workers.map(({ name }) => name);
    const found = await ports(child, names, () => output);
    const urls = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${found.get(name)}`]));
    return { urls, pids: child.pid === undefined ? [] : [child.pid], stop, logs: () => output };
  } catch (error) {
    await stop();
    throw error;
  }
}
