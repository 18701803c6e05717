import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run report`, as people type it. */
function report(...args: string[]): Promise<Ran> {
  const { CHASQUI_URL: _url, CHASQUI_ADMIN_KEY: _key, ...env } = process.env;
  return new Promise((resolve) => {
    execFile('npm', ['run', '-s', 'report', '--', ...args], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  for (const model of ['bedrock/llama-3-8b-instruct', 'bedrock/llama-3-8b-instruct', 'together/gpt-oss-120b']) {
    const body = { model, messages: [{ role: 'user', content: 'Count to five.' }], max_tokens: 20 };
    expect((await stack.post('/v1/chat/completions', body)).status).toBe(200);
  }
});
afterAll(() => stack.stop());
const there = (...args: string[]) => report('--url', stack.url, '--key', KEY, ...args);

describe('npm run report', () => {
  it('prints usage and what-if as tables that fit a terminal', async () => {
    const { code, stdout, stderr } = await there();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^Calls from \d{4}-\d\d-\d\d to before \d{4}-\d\d-\d\d \(UTC\)\n\nprovider +model +calls +requests/,
    );
    expect(stdout).toMatch(/^bedrock +llama-3-8b-instruct +2 +2 /m);
    expect(stdout).toMatch(/^together +gpt-oss-120b +1 +1 /m);
    expect(stdout).toMatch(/^all +3 +3 /m);
    const [, total = ''] = /^all +3 +3 .*?(0\.\d+)/m.exec(stdout) ?? [];
    const usage = (await (await stack.get('/v1/usage')).json()) as { total: { cost: string } };
    expect(Number(total)).toBe(Number(usage.total.cost));
    expect(stdout).toMatch(/^The same traffic elsewhere, by the prices of each day\n\nat +would cost \$/m);
    for (const provider of ['bedrock', 'replicate', 'together', 'policy price']) {
      expect(stdout).toMatch(new RegExp(`^${provider} `, 'm'));
    }
    expect(stdout).toMatch(/Without a price:\n.*together, 2 of llama-3-8b-instruct: /s);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
  });

  it('groups, filters and prices hardware of your own', async () => {
    const { stdout } = await there(
      '--by',
      'day',
      '--model',
      'gpt-oss-120b',
      '--usd-per-hour',
      '0.95',
      '--tokens-per-second',
      '400',
    );
    expect(stdout).toMatch(/^day +calls/m);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d +1 +1 /m);
    expect(stdout).toMatch(/^own, \$0\.95 an hour +~0\.\d+ /m);
  });

  it('prints what the gateway answers with --json', async () => {
    const { stdout } = await there('--json');
    expect(JSON.parse(stdout)).toMatchObject({
      usage: { object: 'list', total: { calls: 3 } },
      whatif: { object: 'list', actual: { requests: 3 } },
    });
  });

  it('has no calls of a time in which there were none', async () => {
    const { stdout } = await there('--to', '2026-01-31');
    expect(stdout).toContain('There are none.');
    expect(stdout).toContain('There is nothing to compare.');
  });

  it('ends with a sentence where an option makes no sense, or the key is wrong', async () => {
    expect(await there('--sort', 'cost')).toMatchObject({ code: 2, stderr: expect.stringContaining("'--sort'") });
    expect(await there('--by', 'colour')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^group_by: colour is no group; there are [^\n]*\n$/),
    });
    expect(await report('--url', stack.url)).toMatchObject({ code: 1, stderr: expect.stringContaining('--key') });
  });
});
