import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Builds Workers with wrangler, as `wrangler deploy` would, and remembers what it has built. */

const require = createRequire(import.meta.url);
const CACHE = resolve('node_modules/.cache/chasqui');

export interface BundleOptions {
  /** Path of a wrangler.toml. */
  readonly config: string;
  /** A section `[env.…]` of it. */
  readonly env?: string;
  readonly minify?: boolean;
}

/** A Worker as `wrangler deploy` would upload it. */
export interface Bundle {
  readonly name: string;
  /** Absolute paths; the first is the entry. */
  readonly modules: readonly { readonly name: string; readonly path: string }[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  /** Other Workers by their names. */
  readonly services: readonly { readonly binding: string; readonly service: string }[];
  /** Where it has a D1 database, `Books` is among them: plain workerd has no D1. */
  readonly durableObjects: readonly { readonly binding: string; readonly className: string }[];
  /** Static assets: an absolute path. */
  readonly assets?: { readonly binding: string; readonly directory: string };
}

type Stamps = Readonly<Record<string, number>>;

interface Kept {
  readonly bundle: Bundle;
  /** What went into it, and when that was last written. */
  readonly stamps: Stamps;
}

/** Longer than any run of the tests. */
const KEPT_MS = 6 * 3_600_000;

const stampsOf = async (paths: readonly string[]): Promise<Stamps> =>
  Object.fromEntries(await Promise.all(paths.map(async (path) => [path, (await stat(path)).mtimeMs])));

async function isFresh(stamps: Stamps): Promise<boolean> {
  const now = await stampsOf(Object.keys(stamps)).catch(() => undefined);
  return now !== undefined && Object.entries(stamps).every(([path, at]) => now[path] === at);
}

/** The Node that the repository brings: wrangler needs 22 or newer, and the one on the PATH may be older. */
function nodeBinary(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const own = resolve(`node_modules/node-${process.platform}-${process.arch}/bin/node`);
  return existsSync(own) ? own : process.execPath;
}

/** Builds into a folder that is this build's alone: a Worker that still runs from an older one keeps its files. */
async function build({ config, env, minify }: BundleOptions, name: string): Promise<Kept> {
  const wrangler = join(dirname(require.resolve('wrangler/package.json')), 'bin', 'wrangler.js');
  const into = await mkdtemp(join(CACHE, `${name}-`));
  const args = ['deploy', '--dry-run', '--config', config, '--env', env ?? '', '--outdir', into, '--metafile'];
  await promisify(execFile)(nodeBinary(), [wrangler, ...args, ...(minify ? ['--minify'] : [])], {
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1', NO_COLOR: '1' },
  }).catch(async ({ stderr }: { stderr: string }) => {
    await rm(into, { recursive: true, force: true });
    throw new Error(`${config} does not build.\n${stderr}`);
  });
  const { unstable_readConfig: readConfig } = await import('wrangler');
  const read = readConfig({ config, ...(env === undefined ? {} : { env }) }, { hideWarnings: true });
  const meta: { inputs: Record<string, unknown> } = JSON.parse(await readFile(join(into, 'bundle-meta.json'), 'utf8'));
  // What npm installed changes with the lock file only.
  const sources = Object.keys(meta.inputs)
    .map((path) => resolve(dirname(config), path))
    .filter((path) => !path.includes('node_modules') && existsSync(path));
  const stamps = await stampsOf([...sources, resolve(config), resolve('package-lock.json')]);
  const [entry = 'index.js', ...others] = (await readdir(into))
    .filter((name) => /\.(js|mjs|wasm|bin|txt|html|json)$/.test(name) && !/bundle-meta/.test(name))
    .sort((a, b) => Number(extname(b) === '.js') - Number(extname(a) === '.js'));
  const bundle: Bundle = {
    name: read.name ?? name,
    modules: [entry, ...others].map((name) => ({ name, path: join(into, name) })),
    compatibilityDate: read.compatibility_date ?? '',
    compatibilityFlags: read.compatibility_flags,
    vars: read.vars,
    services: (read.services ?? []).map(({ binding, service }: { binding: string; service: string }) => ({
      binding,
      service,
    })),
    durableObjects: [
      ...read.durable_objects.bindings.map((one: { name: string; class_name: string }) => ({
        binding: one.name,
        className: one.class_name,
      })),
      ...(read.d1_databases.length > 0 ? [{ binding: 'BOOKS', className: 'Books' }] : []),
    ],
    ...(read.assets?.binding && read.assets.directory
      ? { assets: { binding: read.assets.binding, directory: resolve(dirname(config), read.assets.directory) } }
      : {}),
  };
  return { bundle, stamps };
}

let builds = 0;
/** How many Workers this process has built, and not found in the cache. */
export const bundlesBuilt = (): number => builds;

/** Builds a Worker exactly as deployed, or takes it from the cache if nothing that went into it has changed. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { mtimeMs: written } = await stat(import.meta.filename);
  const key = createHash('sha256').update(
    JSON.stringify([resolve(options.config), options.env, options.minify ?? false, written]),
  );
  const name = key.digest('hex').slice(0, 16);
  const note = join(CACHE, `${name}.json`);
  const kept = await readFile(note, 'utf8').catch(() => undefined);
  if (kept !== undefined) {
    const { bundle: known, stamps }: Kept = JSON.parse(kept);
    if (await isFresh(stamps)) return known;
  }
  await mkdir(CACHE, { recursive: true });
  builds++;
  const built = await build(options, name);
  // Written aside and then moved, so that nobody reads half of it.
  const aside = `${note}.${process.pid}`;
  await writeFile(aside, JSON.stringify(built));
  await rename(aside, note);
  await forgetOld(name);
  return built.bundle;
}

/** Takes away builds that nothing can run from any more. */
async function forgetOld(name: string): Promise<void> {
  for (const folder of await readdir(CACHE)) {
    if (!folder.startsWith(`${name}-`)) continue;
    const path = join(CACHE, folder);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}
