// `npm start`: the gateway and the emulator of its four providers in one local workerd. What follows `--` goes on to
// `wrangler dev`: npm start -- --port 9000 --env-file FILE
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { devArguments, readConfigFile } from '../../src/cli/config-file.mjs';
import { nodeObstacle } from '../support/requirements.mjs';

const unfit = nodeObstacle(process.versions.node);
if (unfit) {
  console.error(unfit);
  process.exit(1);
}

const DEFAULT_PORT = 8787;
const args = process.argv.slice(2);
const { port: givenPort } = parseArgs({ args, strict: false, options: { port: { type: 'string' } } }).values;
const port = Number(givenPort ?? DEFAULT_PORT);

/** Whether nobody listens there: else what answers below would be taken for this gateway. */
const isFree = () =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code }) => resolve(code !== 'EADDRINUSE'));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

if (Number.isInteger(port) && port > 0 && port < 65_536 && !(await isFree())) {
  console.error(
    `Port ${port} is in use, perhaps by another npm start. Stop that, or choose another port: npm start -- --port ${port === DEFAULT_PORT ? 9000 : DEFAULT_PORT}`,
  );
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

/** Asks until the gateway answers, then says what serves; a configuration with mistakes ends the start. */
async function announce() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    let answer;
    try {
      answer = await fetch(`http://127.0.0.1:${port}/healthz`);
    } catch {
      continue; // Not listening yet.
    }
    const sandbox = answer.headers.get('x-chasqui-sandbox') === '1';
    if (answer.status === 200) {
      console.log(
        sandbox
          ? `Chasqui on http://127.0.0.1:${port}: no provider has credentials, so the sandbox answers (x-chasqui-sandbox: 1).`
          : `Chasqui on http://127.0.0.1:${port}, with your providers.`,
      );
      return;
    }
    const body = await answer.json().catch(() => undefined);
    if (body?.error?.message) {
      console.error(body.error.message);
      child.kill('SIGTERM');
      process.exitCode = 1;
      return;
    }
  }
}
announce();
