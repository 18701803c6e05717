import { type BundleOptions, bundle } from '../../src/cli/serve/bundle.ts';
import type { Service } from '../../src/cli/serve/capnp.ts';
import { runWorkerd } from '../../src/cli/serve/workerd.ts';

export { bundlesBuilt } from '../../src/cli/serve/bundle.ts';

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

/**
 * Runs Workers as they are deployed, in one plain workerd process on free ports of the loopback address, with the code
 * of `npm run serve`. Resolves when all of them listen.
 *
 * @example
 * const { urls, stop } = await serveWorkers([
 *   { name: 'sandbox', config: 'test/sandbox/wrangler.toml' },
 *   { name: 'gateway', config: 'wrangler.toml', bindings: { KEY: 'text' }, services: { SANDBOX: 'sandbox' } },
 * ]);
 */
export async function serveWorkers(workers: readonly WorkerOptions[]): Promise<Served> {
  const services: Service[] = [];
  // One after the other: two bundlers at once are slower on two cores.
  for (const { name, bindings = {}, services: others = {}, ...options } of workers) {
    services.push({
      name,
      bundle: await bundle(options),
      bindings,
      services: others,
      address: '127.0.0.1:0',
    });
  }
  const { pid, ports, stop, logs } = await runWorkerd({ services });
  const urls = Object.fromEntries(workers.map(({ name }) => [name, `http://127.0.0.1:${ports.get(name)}`]));
  return { urls, pids: [pid], stop, logs };
}
