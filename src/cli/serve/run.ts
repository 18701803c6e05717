/**
 * `npm run serve`: the gateway on plain workerd, for a machine of one's own. Started with `node --`: without it Node
 * takes `--env-file` for its own option, wherever it stands.
 */
import { parseArgs } from 'node:util';
import { DEFAULT_PORT, portObstacle, whatServes } from '../listening.mjs';
import { type Built, build, keep, kept } from './build.ts';
import { takeState } from './state.ts';
import { findVariables } from './variables.ts';
import { runWorkerd } from './workerd.ts';

const HELP = `npm run serve -- [options]

The gateway on plain workerd, until it gets SIGTERM or SIGINT.

  --port N          ${DEFAULT_PORT} unless told; 0 is any free one
  --host ADDRESS    127.0.0.1 unless told; 0.0.0.0 is reached from other machines
  --state DIR       where data is kept: .chasqui unless told. For one process at a time
  --env-file FILE   variables, as in .dev.vars; several times. Without it .dev.vars is read
  --no-sandbox      answer nothing while no provider has credentials
  --grace SECONDS   how long running calls may take when it is to stop: 30 unless told
  --build DIR       only build, into a folder that can be moved elsewhere
  --built DIR       serve such a folder
  --help            this`;

/** Why it cannot serve, in a sentence for people. */
class Obstacle extends Error {}

function readOptions() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: String(DEFAULT_PORT) },
        host: { type: 'string', default: '127.0.0.1' },
        state: { type: 'string', default: '.chasqui' },
        'env-file': { type: 'string', multiple: true, default: [] },
        'no-sandbox': { type: 'boolean', default: false },
        grace: { type: 'string', default: '30' },
        build: { type: 'string' },
        built: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new Obstacle(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most) throw new Obstacle(`${option} must be a whole number from 0 to ${most}.`);
  return value;
}

type Options = ReturnType<typeof readOptions>;

async function serve(options: Options, { workers, variables: known, binary }: Built): Promise<number> {
  const { host } = options;
  const port = wholeNumber('--port', options.port, 65_535);
  const graceMs = wholeNumber('--grace', options.grace, 3600) * 1000;
  const inUse = await portObstacle(port, host, 'npm run serve');
  if (inUse !== undefined) throw new Obstacle(inUse);
  const { variables, fromEnvironment } = findVariables(options['env-file'], known, process.env);
  await takeState(options.state);

  const [gateway, ...others] = workers;
  if (!gateway) throw new Obstacle('There is no Worker in the build.');
  const { bundle } = gateway;
  const alone = options['no-sandbox'];
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const workerd = await runWorkerd({
    services: [
      {
        ...gateway,
        bundle: alone ? { ...bundle, services: [] } : bundle,
        bindings: variables,
        address: `${bracketed}:${port}`,
      },
      ...(alone ? [] : others),
    ],
    state: options.state,
    binary,
    drains: true,
    log: (text) => process.stdout.write(text),
  });

  let stopping = false;
  const stop = () => {
    if (stopping) return void workerd.stop();
    stopping = true;
    console.log(`Stopping: running calls may take ${options.grace} s more; a second signal ends them at once.`);
    workerd.drain();
    setTimeout(() => workerd.stop(), graceMs).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  if (fromEnvironment.length > 0) console.log(`From the environment: ${fromEnvironment.join(', ')}.`);
  const local = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : bracketed;
  const said = await Promise.race([whatServes(`http://${local}:${workerd.ports.get(gateway.name)}`), workerd.exited]);
  if (typeof said === 'object' && said !== null) {
    if (!said.ready) {
      await workerd.stop();
      throw new Obstacle(said.text);
    }
    console.log(said.text);
  }
  const code = await workerd.exited;
  await workerd.stop();
  if (stopping) return 0;
  console.error(`workerd ended by itself (${code ?? 'by a signal'}).`);
  return 1;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const built = options.built === undefined ? await build() : await kept(options.built);
  if (options.build === undefined) return await serve(options, built);
  await keep(built, options.build);
  console.log(`Built into ${options.build}. Serve it with npm run serve -- --built ${options.build}`);
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
