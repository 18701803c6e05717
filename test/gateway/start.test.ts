import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { readStream } from '../support/sse.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const MONEY = readFileSync(join(ROOT, 'docs/money.md'), 'utf8');

/** The `curl` commands of the README and of the page about money, in their order. */
const curls = [...`${README}\n${MONEY}`.matchAll(/```sh\n(curl[\s\S]*?)```/g)].map((match) => match[1] ?? '');
/** The sheet's first offer and the receipt, as that page prints them. */
const [sheet, receipt] = [...MONEY.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => JSON.parse(match[1] ?? ''));
/** The table that the README says \`npm run compare\` prints, and the command above it. */
const [, compare = '', table = ''] = /```sh\n(npm run compare[^\n]*)\n```\n\n```\n([\s\S]*?)```/.exec(README) ?? [];

/** A database of its own: another test may run \`npm start\` at the same time. */
const state = mkdtempSync(join(tmpdir(), 'chasqui-state-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

let running: ChildProcess | undefined;
afterEach(async () => {
  if (!running || running.exitCode !== null) return;
  const gone = new Promise((resolve) => running?.once('exit', resolve));
  process.kill(-(running.pid ?? 0), 'SIGTERM');
  await gone;
});

/** `npm start`, as a newcomer types it. */
function start(...args: string[]): {
  output: () => string;
  until: (pattern: RegExp) => Promise<void>;
  exited: Promise<number | null>;
} {
  let output = '';
  // A group of its own, so that all it starts can be stopped with it.
  const child = spawn('npm', ['start', '--', ...args, '--persist-to', state], { cwd: ROOT, detached: true });
  running = child;
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    output: () => output,
    exited,
    async until(pattern) {
      for (let waited = 0; !pattern.test(output); waited += 100) {
        if (waited > 240_000 || child.exitCode !== null) throw new Error(`npm start did not get there:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}

describe('npm start without any key', () => {
  it('serves the README’s requests from the sandbox as it prints them, and says so', { timeout: 300_000 }, async () => {
    const port = await freePort();
    const gateway = start('--port', String(port));
    await gateway.until(/the sandbox answers/);
    await gateway.until(new RegExp(`The page: http://127\\.0\\.0\\.1:${port}/`));
    const files = ['/', '/ui/main.js', '/ui/styles.css', '/vocab/qwen.bin', '/ui/..%2fvocab/qwen.bin'];
    const served = await Promise.all(files.map((path) => fetch(`http://127.0.0.1:${port}${path}`)));
    expect(served.map(({ status, headers }) => `${status} ${headers.get('content-type')}`)).toEqual([
      '200 text/html; charset=utf-8',
      '200 text/javascript; charset=utf-8',
      '200 text/css; charset=utf-8',
      '404 application/json; charset=utf-8',
      '404 application/json; charset=utf-8',
    ]);
    expect(served[0]?.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(curls).toHaveLength(3);
    const run = async (command: string) => {
      const here = command.replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`).replace('curl', 'curl -sS -i');
      const { stdout } = await promisify(execFile)('bash', ['-c', here]);
      const [head = '', ...body] = stdout.split('\r\n\r\n');
      return { head, body: body.join('\r\n\r\n') };
    };

    const chat = await run(curls[0] ?? '');
    expect(chat.head).toMatch(/^HTTP\/1\.1 200/);
    expect(chat.head).toMatch(/^x-chasqui-sandbox: 1/im);
    expect(readStream(chat.body)).toMatchObject({
      done: true,
      text: [expect.stringMatching(/blue/)],
      finish: ['stop'],
    });

    const completion = await run(curls[1] ?? '');
    expect(completion.head).toMatch(/^HTTP\/1\.1 200/);
    expect(JSON.parse(completion.body).choices[0].text).toMatch(/blue/);

    const offers = await run(curls[2] ?? '');
    // How old a price is changes from day to day.
    const { age_days: _, stale: __, ...price } = sheet.price;
    expect(JSON.parse(offers.body).data[0]).toMatchObject({ ...sheet, price });
    const answer = await run((curls[2] ?? '').replace('/v1/offers', '/v1/chat/completions'));
    expect(answer.head).toMatch(new RegExp(`^x-chasqui-cost: ${receipt.cost_exact}`, 'im'));
    expect(JSON.parse(answer.body).usage).toEqual(receipt);

    const compared = await promisify(execFile)('bash', ['-c', `${compare} --url http://127.0.0.1:${port}`], {
      cwd: ROOT,
    });
    expect(table.split('\n').length).toBeGreaterThan(3);
    // Which of two offers is asked first changes from minute to minute.
    const withoutRanks = (text: string) => text.replace(/^ +\d+ /gm, '');
    expect(withoutRanks(compared.stdout)).toContain(withoutRanks(table));

    // All four are there, each through its own wire.
    for (const model of [
      'bedrock/llama-3-8b-instruct',
      'replicate/llama-3-8b-instruct',
      'together/llama-3.3-70b-instruct',
      'anyscale/llama-3-8b-instruct',
    ]) {
      const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({
          model,
          messages: [{ role: 'user', content: 'What is the capital of the California?' }],
        }),
      });
      expect(await response.text(), model).toMatch(/Sacramento/);
      expect(response.headers.get('x-chasqui-sandbox')).toBe('1');
    }
  });
});

describe('npm start on a port that somebody has', () => {
  it('says so, and does not take what answers there for itself', { timeout: 300_000 }, async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      const gateway = start('--port', String(port));
      expect(await gateway.exited).toBe(1);
      expect(gateway.output()).toContain(`Port ${port} is in use`);
      expect(gateway.output()).not.toContain('Chasqui on');
    } finally {
      other.close();
    }
  });
});

describe('npm start with credentials', () => {
  it('uses them and not the sandbox, and asks for a key', { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chasqui-'));
    const file = join(folder, 'env');
    writeFileSync(
      file,
      'TOGETHER_API_KEY=key\nTOGETHER_BASE_URL=http://127.0.0.1:1/v1\nCHASQUI_ADMIN_KEY=my-admin-key\n',
    );
    try {
      const port = await freePort();
      const gateway = start('--port', String(port), '--env-file', file);
      await gateway.until(/with your providers/);
      const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/v1/health`, { headers });
      expect((await ask({})).status).toBe(401);
      const health = await ask({ 'x-api-key': 'my-admin-key' });
      expect(health.headers.get('x-chasqui-sandbox')).toBeNull();
      expect(await health.json()).toMatchObject({ sandbox: false, providers: [{ id: 'together' }] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes them from chasqui.json too', { timeout: 240_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chasqui-'));
    const file = join(folder, 'env');
    writeFileSync(file, 'CHASQUI_ADMIN_KEY=my-admin-key\n');
    const config = { services: [{ id: 'mine', base_url: 'http://127.0.0.1:1/v1', models: { "it's a $HOME": {} } }] };
    writeFileSync(join(folder, 'chasqui.json'), JSON.stringify(config, undefined, 2));
    process.env.CHASQUI_CONFIG_FILE = join(folder, 'chasqui.json');
    try {
      const port = await freePort();
      const gateway = start(`--port=${port}`, `--env-file=${file}`);
      await gateway.until(/with your providers/);
      const models = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { 'x-api-key': 'my-admin-key' } });
      const { data } = (await models.json()) as { data: { id: string }[] };
      expect(data[0]?.id).toBe("it's a $HOME");
    } finally {
      delete process.env.CHASQUI_CONFIG_FILE;
      rmSync(folder, { recursive: true });
    }
  });

  it('ends with every mistake in them', { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chasqui-'));
    const file = join(folder, 'env');
    writeFileSync(file, 'TOGETHER_API_KEY=key\nTOGETHER_BASE_URL=nowhere\nAWS_ACCESS_KEY_ID=AKIA0000000000000000\n');
    try {
      const gateway = start('--port', String(await freePort()), '--env-file', file);
      expect(await gateway.exited).not.toBe(0);
      expect(gateway.output()).toMatch(/TOGETHER_BASE_URL/);
      expect(gateway.output()).toMatch(/AWS_SECRET_ACCESS_KEY/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
