/** The two Workers of `npm run serve`, built here, or kept in a folder that needs neither wrangler nor the sources. */
import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Bundle } from './bundle.ts';
import { namesIn } from './variables.ts';
import { workerdBinary } from './workerd.ts';

export interface Built {
  /** The first is the gateway, the others are what it is bound to. */
  readonly workers: readonly { readonly name: string; readonly bundle: Bundle }[];
  /** Names of the variables that the gateway reads. */
  readonly variables: readonly string[];
  /** Path of workerd. */
  readonly binary: string;
}

/** As `npm start` runs them: the gateway with the emulator bound to it. */
const CONFIGS = ['wrangler.toml', 'test/sandbox/wrangler.toml'];
const EXAMPLE = '.dev.vars.example';
const MANIFEST = 'manifest.json';

export async function build(): Promise<Built> {
  // Loaded here: a folder that was built before is served without wrangler.
  const { bundle } = await import('./bundle.ts');
  const workers: { name: string; bundle: Bundle }[] = [];
  for (const config of CONFIGS) {
    const built = await bundle({ config, env: 'local' });
    workers.push({ name: built.name, bundle: built });
  }
  return { workers, variables: namesIn(await readFile(EXAMPLE, 'utf8')), binary: workerdBinary() };
}

/** Copies a build into a folder, with workerd. What is there is replaced. */
export async function keep({ workers, variables, binary }: Built, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const kept: Built['workers'][number][] = [];
  for (const { name, bundle } of workers) {
    const inside = join(folder, name);
    await mkdir(inside, { recursive: true });
    for (const module of bundle.modules) await copyFile(module.path, join(inside, module.name));
    if (bundle.assets) await cp(bundle.assets.directory, join(inside, 'assets'), { recursive: true });
    kept.push({
      name,
      bundle: {
        ...bundle,
        modules: bundle.modules.map((module) => ({ name: module.name, path: join(name, module.name) })),
        ...(bundle.assets ? { assets: { ...bundle.assets, directory: join(name, 'assets') } } : {}),
      },
    });
  }
  await copyFile(binary, join(folder, 'workerd'));
  await chmod(join(folder, 'workerd'), 0o755);
  const manifest: Built = { workers: kept, variables, binary: 'workerd' };
  await writeFile(join(folder, MANIFEST), JSON.stringify(manifest, undefined, 2));
}

/** Reads a folder that `keep` wrote. */
export async function kept(folder: string): Promise<Built> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => {
    throw new Error(`${folder} has no ${MANIFEST}: make it with npm run serve -- --build ${folder}`);
  });
  const { workers, variables, binary }: Built = JSON.parse(text);
  return {
    workers: workers.map(({ name, bundle }) => ({
      name,
      bundle: {
        ...bundle,
        modules: bundle.modules.map((module) => ({ name: module.name, path: resolve(folder, module.path) })),
        ...(bundle.assets ? { assets: { ...bundle.assets, directory: resolve(folder, bundle.assets.directory) } } : {}),
      },
    })),
    variables,
    binary: resolve(folder, binary),
  };
}
