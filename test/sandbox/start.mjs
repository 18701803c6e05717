// `npm start`: the gateway and the emulator of its four providers in one local workerd. What follows `--` goes on to
// `wrangler dev`: npm start -- --port 9000 --env-file FILE
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { devArguments, readConfigFile } from '../../src/cli/config-file.mjs';
import { DEFAULT_PORT, portObstacle, whatServes } from '../../src/cli/listening.mjs';
import { nodeObstacle } from '../support/requirements.mjs';

const unfit = nodeObstacle(process.versions.node);
if (unfit) {
  console.error(unfit);
  process.exit(1);
}

const args = process.argv.slice(2);
const { port: givenPort } = parseArgs({ args, strict: false, options: { port: { type: 'string' } } }).values;
const port = Number(givenPort ?? DEFAULT_PORT);

const inUse =
  Number.isInteger(port) && port > 0 && port < 65_536 ? await portObstacle(port, '127.0.0.1', 'npm start') : undefined;
if (inUse) {
  console.error(inUse);
  process.exit(1);
}

function configArguments() {
  try {
    const text = readConfigFile();
    return text === undefined ? [] : devArguments(text, args, 'local');
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}

const require = createRequire(import.meta.url);
const wrangler = join(dirname(require.resolve('wrangler/package.json')), 'bin', 'wrangler.js');
const child = spawn(
  process.execPath,
  [
    wrangler,
    'dev',
    '--config',
    'wrangler.toml',
    '--config',
    'test/sandbox/wrangler.toml',
    '--env',
    'local',
    ...(givenPort !== undefined ? [] : ['--port', String(DEFAULT_PORT)]),
    ...args,
    ...configArguments(),
  ],
  // No questions and no news: this must come up on a machine nobody sits at.
  { stdio: ['ignore', 'inherit', 'inherit'], env: { WRANGLER_SEND_METRICS: 'false', ...process.env } },
);
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));

const { ready, text } = await whatServes(`http://127.0.0.1:${port}`);
if (ready) console.log(text);
else {
  console.error(text);
  child.kill('SIGTERM');
  process.exitCode = 1;
}
