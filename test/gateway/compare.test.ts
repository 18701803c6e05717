import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run compare`, as people type it. */
function compare(...args: string[]): Promise<Ran> {
  const { CHASQUI_URL: _url, CHASQUI_ADMIN_KEY: _key, ...env } = process.env;
  return new Promise((resolve) => {
    execFile('npm', ['run', '-s', 'compare', '--', ...args], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

let stack: Stack;
beforeAll(async () => {
  const CHASQUI_ROUTES = JSON.stringify({ 'cheap-chat': { models: ['gpt-oss-120b', 'llama-3-8b-instruct'] } });
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_ROUTES }));
});
afterAll(() => stack.stop());
const there = (...args: string[]) => compare('--url', stack.url, '--key', KEY, ...args);

describe('npm run compare', () => {
  it('prints the sheet as a table, cheapest first, without calling anybody', async () => {
    await stack.reset();
    const { code, stdout, stderr } = await there('--model', 'llama-3-8b-instruct', '--max-tokens', '50', 'Hi');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head = '', ...lines] = stdout.split('\n');
    expect(head).toMatch(
      /^asked +provider +model there +prompt +context +expected \$ +at most \$ +\$\/M in +\$\/M out/,
    );
    expect(lines.slice(0, 3).map((line) => line.trim().split(/\s+/)[1])).toEqual(['replicate', 'bedrock', 'anyscale']);
    expect(lines[2]).toMatch(/\?\s+\?$/);
    expect(stdout).toMatch(/Left out:\n +anyscale .*retired/s);
    for (const line of [head, ...lines]) expect(line.length).toBeLessThanOrEqual(120);
    expect((await stack.journal()).filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('compares offers of embeddings, and makes them', async () => {
    const { code, stdout, stderr } = await there('--model', 'titan-embed-text-v2', '--embed', '--call', 'Cusco');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/bedrock +amazon\.titan-embed-text-v2:0/);
    expect(stdout).toContain('1 vector of 1,024 numbers.');
    expect(stdout).toMatch(/It cost \$0\.0+\d+/);
  });

  it('prints what a vote would cost, all its samples together', async () => {
    const cost = async (...more: string[]) => {
      const { stdout } = await there(
        '--model',
        'bedrock/llama-3-8b-instruct',
        '--max-tokens',
        '50',
        ...more,
        '--json',
        'Hi',
      );
      const { data } = JSON.parse(stdout) as { data: { cost: { expected: string } | null }[] };
      return Number(data[0]?.cost?.expected);
    };
    expect(await cost('--vote', '5')).toBeCloseTo(5 * (await cost()), 8);
  });

  it('makes the call at the first offer, and prints answer, receipt and savings', async () => {
    const { code, stdout } = await there(
      '--model',
      'cheap-chat',
      '--max-tokens',
      '50',
      '--call',
      'What color is the sky?',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('By the route cheap-chat.');
    expect(stdout).toMatch(/\nreplicate answers as llama-3-8b-instruct:\n\nYou asked/);
    expect(stdout).toMatch(/\d+ prompt tokens, \d+ of output\. It cost \$0\.0000\d+: \$0\.\d+ for the prompt/);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /The same elsewhere: .*Saved \$0\.\d+ compared with the most expensive of them\./,
    );
  });

  it('takes a request from a file, and answers in JSON', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chasqui-'));
    try {
      const file = join(folder, 'body.json');
      writeFileSync(file, JSON.stringify({ model: 'llama-2-70b', prompt: 'The sky is', max_tokens: 5, stream: true }));
      const { code, stdout } = await there('--file', file, '--json', '--call');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        offers: { object: 'list', data: expect.arrayContaining([expect.objectContaining({ provider: 'replicate' })]) },
        answer: { object: 'text_completion', model: 'llama-2-70b' },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each<[string, number, RegExp, string[]]>([
    [
      'what the gateway refuses',
      1,
      /^model: nothing-like-it is not known here\..*\n$/,
      ['--model', 'nothing-like-it', 'Hi'],
    ],
    ['a key that is wrong', 1, /^This key is not known here\..*--key.*\n$/, ['--key', 'x', '--model', 'm', 'Hi']],
    [
      'nobody there',
      1,
      /^Nothing answers at http:\/\/127\.0\.0\.1:1\..*\n$/,
      ['--url', 'http://127.0.0.1:1', '--model', 'm', 'Hi'],
    ],
    ['an option there is none of', 2, /^Unknown option '--modell'\. .*\n$/, ['--modell', 'm', 'Hi']],
    ['a file there is none of', 2, /^--file: \/nope cannot be read\.\n$/, ['--file', '/nope']],
  ])('says %s in one sentence', async (_what, code, sentence, args) => {
    const ran = await there(...args);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(sentence);
  });

  it('starts a gateway of its own where none listens', { timeout: 300_000 }, async ({ skip }) => {
    const taken = await fetch('http://127.0.0.1:8787/healthz').then(
      () => true,
      () => false,
    );
    if (taken) skip('Somebody listens on 8787.');
    const { code, stdout, stderr } = await compare('--model', 'llama-3.3-70b-instruct', 'What color is the sky?');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Nothing listens at http://127.0.0.1:8787: starting a gateway for this …\n',
    });
    expect(stdout).toMatch(/^asked .*\n +\d +\w+ +\S+Llama.*\n/i);
    expect(stdout).toContain('The sandbox stands in for all providers here, at the prices of the price book.');
  });
});
