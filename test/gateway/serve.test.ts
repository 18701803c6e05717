import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { runWorkerd } from '../../src/cli/serve/workerd.ts';
import { type ServeCommand, type ServeOptions, serveCommand } from '../support/serve.ts';
import { readStream } from '../support/sse.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'chasqui-serve-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const none = join(folder, 'none');
writeFileSync(none, '');

const running: ServeCommand[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.kill('SIGKILL');
    await one.exited;
  }
});

let states = 0;
/** On a free port, with a new folder for its data and without a developer's variables. */
function serve(args: readonly string[] = [], options: ServeOptions = {}): ServeCommand {
  const files = args.includes('--env-file') ? [] : ['--env-file', none];
  const state = args.includes('--state') ? [] : ['--state', join(folder, `state-${states++}`)];
  const command = serveCommand(['--port', '0', ...state, ...files, ...args], options);
  running.push(command);
  return command;
}

const KEY = { authorization: 'Bearer my-admin-key' };
const chat = (url: string, body: object = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: KEY,
    body: JSON.stringify({
      model: 'llama-3.3-70b-instruct',
      messages: [{ role: 'user', content: 'What is the capital of California?' }],
      ...body,
    }),
  });

const filesIn = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inside = join(path, entry.name);
    return entry.isDirectory() ? filesIn(inside) : entry.isFile() ? [inside] : [];
  });

describe('npm run serve without any key', () => {
  it('serves from the sandbox, says so, and takes no call without it when told', async () => {
    const gateway = serve();
    const url = await gateway.url();
    expect(gateway.output()).toContain('the sandbox answers');
    const answer = await chat(url);
    expect(answer.headers.get('x-chasqui-sandbox')).toBe('1');
    expect(await answer.text()).toMatch(/Sacramento/);
    const alone = await serve(['--no-sandbox']).url();
    expect((await chat(alone)).status).toBe(401);
  });

  it('keeps what it stores in a folder of its own, over a restart', async () => {
    const state = join(folder, 'kept');
    const prices = { bedrock: { 'meta.llama3-8b-instruct-v1:0': { input_per_mtok: '0.25', output_per_mtok: '0.6' } } };
    const first = serve(['--state', state]);
    const put = await fetch(`${await first.url()}/v1/prices`, {
      method: 'PUT',
      body: JSON.stringify({ source: 'a contract', prices }),
    });
    expect(await put.json()).toMatchObject({ version: 1 });
    first.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    const second = await serve(['--state', state]).url();
    expect(await (await fetch(`${second}/v1/prices`)).json()).toMatchObject({ version: 1 });
    // Nobody else may read it.
    expect(statSync(state).mode & 0o077).toBe(0);
  });

  it.runIf(process.platform === 'linux')('does not share that folder with another', async () => {
    const state = join(folder, 'taken');
    await serve(['--state', state]).url();
    const other = serve(['--state', state]);
    expect(await other.exited).toBe(1);
    expect(other.output()).toContain(`${state} is in use by another npm run serve`);
  });
});

describe('npm run serve with credentials', () => {
  it('takes them from a file and from the environment, and writes them into no file and no argument', async () => {
    const [inFile, inEnvironment, named] = ['secret-of-the-file-4711', 'secret-of-the-env-4712', 'named-secret-4713'];
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(String(request.headers.authorization));
      response.writeHead(401).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const file = join(folder, 'variables');
    writeFileSync(file, `TOGETHER_API_KEY=${inFile}\nTOGETHER_BASE_URL=${upstream}\nCHASQUI_ADMIN_KEY=another\n`);
    const config = join(folder, 'chasqui.json');
    const service = { id: 'mine', base_url: upstream, token: { env: 'MY_TOKEN' }, models: { "it's a $HOME": {} } };
    writeFileSync(config, JSON.stringify({ services: [service] }));
    const temporary = join(folder, 'tmp');
    mkdirSync(temporary);
    const state = join(folder, 'secrets');
    const gateway = serve(['--env-file', file, '--state', state], {
      env: {
        CHASQUI_ADMIN_KEY: 'my-admin-key',
        CHASQUI_CONFIG_FILE: config,
        MY_TOKEN: named,
        REPLICATE_API_TOKEN: inEnvironment,
        REPLICATE_BASE_URL: upstream,
        SOMETHING_ELSE: 'not-for-the-gateway',
        TMPDIR: temporary,
      },
    });
    try {
      const url = await gateway.url();
      expect(gateway.output()).toMatch(/From the environment: .*REPLICATE_API_TOKEN/);
      expect((await fetch(`${url}/v1/models`)).status).toBe(401);
      const models = await fetch(`${url}/v1/models`, { headers: KEY });
      expect(await models.json()).toMatchObject({
        data: expect.arrayContaining([expect.objectContaining({ id: "it's a $HOME" })]),
      });
      await fetch(`${url}/v1/health?probe=1`, { headers: KEY });
      expect(new Set(seen)).toEqual(new Set([inFile, inEnvironment, named].map((secret) => `Bearer ${secret}`)));

      const written = [...filesIn(temporary), ...filesIn(state)];
      expect(written.some((path) => path.endsWith('.capnp'))).toBe(true);
      for (const path of written) {
        const text = readFileSync(path, 'latin1');
        for (const secret of [inFile, inEnvironment, named, 'my-admin-key']) expect(text, path).not.toContain(secret);
      }
      const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
      for (const secret of [inFile, inEnvironment, named]) {
        expect(processes).not.toContain(secret);
        expect(gateway.output()).not.toContain(secret);
      }
    } finally {
      server.close();
    }
  });

  it('passes on a configuration that is too long for an environment, in a file that nobody else reads', async () => {
    const models = Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`a-model-of-many-${i}`, {}]));
    const config = join(folder, 'long.json');
    writeFileSync(config, JSON.stringify({ services: [{ id: 'mine', base_url: 'http://127.0.0.1:1/v1', models }] }));
    expect(statSync(config).size).toBeGreaterThan(100_000);
    const temporary = join(folder, 'tmp-long');
    mkdirSync(temporary);
    const env = { CHASQUI_CONFIG_FILE: config, CHASQUI_ADMIN_KEY: 'my-admin-key', TMPDIR: temporary };
    const url = await serve([], { env }).url();
    const { data } = (await (await fetch(`${url}/v1/models`, { headers: KEY })).json()) as { data: unknown[] };
    expect(data.length).toBeGreaterThanOrEqual(4000);
    const long = filesIn(temporary).filter((path) => path.endsWith('CHASQUI_CONFIG'));
    expect(long.map((path) => statSync(path).mode & 0o777)).toEqual([0o600]);
  });

  it('ends with every mistake in them', async () => {
    const file = join(folder, 'mistakes');
    writeFileSync(file, 'TOGETHER_API_KEY=key\nTOGETHER_BASE_URL=nowhere\nAWS_ACCESS_KEY_ID=AKIA0000000000000000\n');
    const gateway = serve(['--env-file', file]);
    expect(await gateway.exited).toBe(1);
    expect(gateway.output()).toMatch(/TOGETHER_BASE_URL/);
    expect(gateway.output()).toMatch(/AWS_SECRET_ACCESS_KEY/);
  });
});

describe('npm run serve with odd options', () => {
  it.each([
    [['--prot', '1'], /Unknown option '--prot'[\s\S]*--port N/],
    [['--port', '70000'], /--port must be a whole number from 0 to 65535/],
    [['--grace', 'soon'], /--grace must be a whole number from 0 to 3600/],
    [['--env-file', '/nowhere/at/all'], /--env-file names \/nowhere\/at\/all, which does not exist/],
    [['--built', '/nowhere/at/all'], /\/nowhere\/at\/all has no manifest\.json: make it with/],
  ])('%j is refused in a sentence', async (args, said) => {
    const gateway = serve(args);
    expect(await gateway.exited).toBe(1);
    expect(gateway.output()).toMatch(said);
    expect(gateway.output()).not.toMatch(/^ {4}at /m);
  });

  it('says which port is in use', async () => {
    const port = new URL(await serve().url()).port;
    const other = serve(['--port', port]);
    expect(await other.exited).toBe(1);
    expect(other.output()).toContain(`Port ${port} is in use`);
  });
});

describe('npm run serve when it is to stop', () => {
  it('lets a running stream end, takes no new call, and leaves nothing behind', async () => {
    const temporary = join(folder, 'tmp-stop');
    mkdirSync(temporary);
    const gateway = serve([], { env: { TMPDIR: temporary } });
    const url = await gateway.url();
    const answer = await chat(url, { stream: true, messages: [{ role: 'user', content: 'Count from 1 to 40.' }] });
    gateway.kill('SIGTERM');
    const stream = readStream(await answer.text());
    expect(stream).toMatchObject({ done: true, finish: ['stop'] });
    expect(await gateway.exited).toBe(0);
    await expect(chat(url)).rejects.toThrow();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('lets work end that goes on after the answer', async () => {
    const module = join(folder, 'later.js');
    writeFileSync(
      module,
      `export default { fetch(request, env, context) {
        const { readable, writable } = new TransformStream();
        const work = async () => {
          const to = writable.getWriter();
          await to.write(new Uint8Array(1));
          await scheduler.wait(500);
          await to.close();
          await scheduler.wait(50);
          console.log('settled');
        };
        context.waitUntil(work());
        return new Response(readable);
      } };`,
    );
    const bundle = {
      name: 'later',
      modules: [{ name: 'later.js', path: module }],
      compatibilityDate: '2026-10-20',
      compatibilityFlags: [],
      vars: {},
      services: [],
      durableObjects: [],
    };
    const workerd = await runWorkerd({ services: [{ name: 'later', bundle, address: '127.0.0.1:0' }], drains: true });
    const answer = await fetch(`http://127.0.0.1:${workerd.ports.get('later')}`);
    workerd.drain();
    await answer.arrayBuffer();
    expect(await workerd.exited).toBe(0);
    expect(workerd.logs()).toContain('settled');
    await workerd.stop();
  });

  it('ends at once when it is told again', async () => {
    const stalled = createServer(() => undefined);
    await new Promise<void>((resolve) => stalled.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(stalled.address() as AddressInfo).port}/v1`;
    const env = { TOGETHER_API_KEY: 'key', TOGETHER_BASE_URL: address, CHASQUI_ADMIN_KEY: 'my-admin-key' };
    const gateway = serve(['--grace', '3600'], { env });
    try {
      const call = chat(await gateway.url(), { model: 'together/llama-3.3-70b-instruct' });
      const lost = expect(call).rejects.toThrow();
      await new Promise((resolve) => stalled.once('request', resolve));
      gateway.kill('SIGINT');
      await gateway.until(/Stopping/);
      gateway.kill('SIGINT');
      expect(await gateway.exited).toBe(0);
      await lost;
    } finally {
      stalled.closeAllConnections();
      stalled.close();
    }
  });
});

describe('a folder that npm run serve -- --build made', () => {
  it('is served elsewhere, without wrangler and the sources', async () => {
    const built = join(folder, 'built');
    const build = serve(['--build', built]);
    expect(await build.exited).toBe(0);
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    cpSync(built, join(elsewhere, 'dist'), { recursive: true });
    rmSync(built, { recursive: true });
    cpSync(join(ROOT, 'src/cli'), join(elsewhere, 'src/cli'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(elsewhere, 'package.json'));
    const url = await serve(['--built', 'dist'], { cwd: elsewhere }).url();
    expect(await (await chat(url)).text()).toMatch(/Sacramento/);
    // A vocabulary was there.
    const tokens = await fetch(`${url}/v1/tokenize`, {
      method: 'POST',
      body: JSON.stringify({ model: 'qwen3-coder-480b-a35b-instruct', input: 'hello' }),
    });
    expect(await tokens.json()).toMatchObject({ count: 1, exactness: 'exact' });
  });
});
