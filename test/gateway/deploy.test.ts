import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const DOC = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
const blocks = (language: string) =>
  [...DOC.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

const run = (command: string, env: Record<string, string> = {}) =>
  promisify(execFile)('bash', ['-c', command], {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1', NO_COLOR: '1', ...env },
  });

/** A place that has no chasqui.json of a developer's. */
const folder = mkdtempSync(join(tmpdir(), 'chasqui-deploy-'));
const config = join(folder, 'chasqui.json');
writeFileSync(config, '{"routes": {"fast": "gpt-oss-120b"}}');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/deploy.md', () => {
  it('has a dry run that builds the Worker with its database and its vocabularies', async () => {
    expect(DOC).toContain('npm run deploy -- --dry-run');
    const { stdout } = await run('npm run deploy -- --dry-run', { CHASQUI_CONFIG_FILE: config });
    expect(stdout).toMatch(/env\.DB +D1 Database/);
    expect(stdout).toMatch(/env\.ASSETS +Assets/);
    expect(stdout).toMatch(/--dry-run: exiting now/);
    // The emulator is not deployed.
    expect(stdout).not.toMatch(/SANDBOX/);
  });

  it('shows a line for a domain that wrangler understands where the page says to put it', async () => {
    const [line = ''] = blocks('toml');
    const own = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
    const file = join(folder, 'wrangler.toml');
    writeFileSync(file, own.replace('[[', `${line}workers_dev = true\n[[`));
    const { unstable_readConfig: readConfig } = await import('wrangler');
    const read = readConfig({ config: file }, { hideWarnings: true });
    expect(read.routes).toEqual([{ pattern: 'llm.example.com', custom_domain: true }]);
    expect(read.workers_dev).toBe(true);
    expect(read.d1_databases).toMatchObject([{ binding: 'DB' }]);
  });

  it('names commands that wrangler has', async () => {
    const named = [...DOC.matchAll(/npx wrangler ((?:(?:secret|d1) )?\w+)/g)].map(([, name = '']) => name);
    expect(named).toContain('secret put');
    const helps = await Promise.all(['', 'secret', 'd1'].map((group) => run(`npx wrangler ${group} --help`)));
    const help = helps.map(({ stdout }) => stdout).join('\n');
    for (const name of named) expect(help).toMatch(new RegExp(`^ *wrangler ${name}\\b`, 'm'));
  });
});

describe('the calls of docs/deploy.md', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack((origin) => ({ ...sandboxEnv(origin), ANYSCALE_SERVICES: '' }));
  });
  afterAll(() => stack.stop());

  it('are answered by a gateway with a key and credentials', async () => {
    const calls = blocks('sh').filter((text) => text.startsWith('curl'));
    expect(calls).toHaveLength(3);
    const [health, probe, chat] = await Promise.all(
      calls.map(async (call) => {
        const here = call.replaceAll('https://chasqui.YOUR-SUBDOMAIN.workers.dev', stack.url);
        const { stdout } = await run(here.replace('curl', 'curl -sS --fail-with-body'), { CHASQUI_ADMIN_KEY: KEY });
        return JSON.parse(stdout);
      }),
    );
    expect(health).toEqual({ status: 'ok' });
    expect(probe.providers.map(({ id }: { id: string }) => id)).toContain('bedrock');
    expect(chat.usage.cost).toBeGreaterThan(0);
  });
});
