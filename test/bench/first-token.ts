/**
 * `npm run bench:first-token`: how much later the first token of a server comes through the gateway, by `npm start` and
 * by `npm run serve`, than from the server itself. They are asked in turn, in one run. The server is a real
 * llama.cpp, and then one that answers at once: there nothing competes with the gateway for the processor.
 *
 *   npm run bench:first-token -- --rounds 200
 *   npm run bench:first-token -- --server llama      only that one; or `immediate`
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { install } from '../python/setup.mjs';
import { ALIAS, startLlamaCpp } from '../servers/llama-cpp.ts';
import { freePort } from '../support/free-port.ts';
import { serveCommand } from '../support/serve.ts';
import { connections } from './load.ts';
import { startWorker } from './processes.ts';
import { bareAt } from './workers.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '150' }, server: { type: 'string' } },
});
const rounds = Number(values.rounds);
/** Rounds that only warm up what is measured. */
const WARM = 20;
const TIMEOUT_MS = 60_000;
/** Between the two tokens of a server that answers at once. */
const PAUSE_MS = 30;
const KEY = 'bench-admin-key-0123456789';

const BODY = JSON.stringify({
  model: ALIAS,
  stream: true,
  max_tokens: 2,
  temperature: 0,
  // A short one: reading it takes the model less time, so that less noise is in the figures.
  prompt: 'The color of the sky is',
});
const CONTENT = /"text":"[^"]/;

/** Milliseconds from sending a request to the first text of its stream. */
function firstToken(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
    const options = { method: 'POST', agent, headers, timeout: TIMEOUT_MS };
    const outgoing = request(`${url}/v1/completions`, options, (answer) => {
      let text = '';
      let at = Number.NaN;
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        if (Number.isNaN(at) && CONTENT.test(text)) at = performance.now() - begun;
      });
      answer.on('end', () => (text.includes('[DONE]') ? resolve(at) : reject(new Error(text.slice(0, 400)))));
      answer.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject).end(BODY);
  });
}

/** `npm start` on a port, until the returned function is called. */
async function startDevelopment(port: number, file: string, state: string): Promise<() => void> {
  const args = ['test/sandbox/start.mjs', '--port', String(port), '--env-file', file, '--persist-to', state];
  // A group of its own, so that all it starts can be ended with it.
  const child = spawn(process.execPath, ['--', ...args], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
  };
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
      if (/Chasqui on/.test(said)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}.\n${said}`)));
  });
  return stop;
}

const quantile = (times: readonly number[], q: number): number =>
  [...times].sort((a, b) => a - b)[Math.floor(q * (times.length - 1))] ?? Number.NaN;

interface Upstream {
  readonly name: string;
  readonly url: string;
  stop(): unknown;
}

async function llamaCpp(): Promise<Upstream> {
  const python = install('wheels');
  if ('missing' in python) throw new Error(`llama.cpp cannot be had: ${python.missing}.`);
  const { url, kill } = await startLlamaCpp(python.python);
  return { name: 'llama.cpp', url, stop: kill };
}

/** Sends its first token at once and the next after a pause, so that whoever waits for that is seen. */
async function immediate(): Promise<Upstream> {
  const event = (text: string, finish: string | null) => {
    const choice = { index: 0, text, logprobs: null, finish_reason: finish };
    return `data: ${JSON.stringify({ id: 'c', object: 'text_completion', created: 1, model: ALIAS, choices: [choice] })}\n\n`;
  };
  const server = createServer((incoming, answer) => {
    incoming.resume().on('end', async () => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(' blue', null));
      await wait(PAUSE_MS);
      answer.end(`${event('.', 'length')}data: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { name: 'a server that answers at once', url, stop: () => server.closeAllConnections() };
}

async function measure(upstream: Upstream): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'chasqui-first-token-'));
  const services = [{ id: 'llama', base_url: `${upstream.url}/v1`, models: { [ALIAS]: { family: 'chatml' } } }];
  const file = join(folder, 'variables');
  const lines = [`CHASQUI_ADMIN_KEY=${KEY}`, `OPENAI_COMPATIBLE_SERVICES='${JSON.stringify(services)}'`];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const serve = serveCommand(['--port', '0', '--state', join(folder, 'serve'), '--env-file', file]);
  const port = await freePort();
  const endStart = await startDevelopment(port, file, join(folder, 'start'));
  const bare = await startWorker(bareAt(upstream.url));

  const all = [
    { name: `${upstream.name} itself`, url: upstream.url },
    { name: 'a Worker that only passes on', url: `http://127.0.0.1:${bare.port}` },
    { name: '`npm start`', url: `http://127.0.0.1:${port}` },
    { name: '`npm run serve`', url: await serve.url() },
  ].map((one) => ({ ...one, agent: connections(1), times: [] as number[] }));
  for (let round = -WARM; round < rounds; round++) {
    // Another one begins each time.
    for (let i = 0; i < all.length; i++) {
      const one = all[(i + round + WARM) % all.length];
      const ms = one && (await firstToken(one.url, one.agent));
      if (one && ms !== undefined && round >= 0) one.times.push(ms);
    }
  }
  const [direct] = all;
  for (const one of all) {
    // On a busy machine the fast calls say what is added; the median also says what others were doing.
    const cells = [0.5, 0.1].flatMap((q) => {
      const [ms, least] = [quantile(one.times, q), quantile(direct?.times ?? [], q)];
      return [`${ms.toFixed(1)} ms`, one === direct ? '' : `${(ms - least).toFixed(1)} ms`];
    });
    console.log(`| ${[one.name, ...cells].join(' | ')} |`);
    one.agent.destroy();
  }
  endStart();
  await bare.stop();
  serve.kill('SIGKILL');
  await serve.exited;
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
}

console.log('| first token of | median | added | fastest tenth | added |');
console.log('| --- | ---: | ---: | ---: | ---: |');
for (const [name, upstream] of Object.entries({ immediate, llama: llamaCpp })) {
  if (values.server === undefined || values.server === name) await measure(await upstream());
}
process.exit(0);
