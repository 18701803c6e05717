import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithAgent } from '../agents/environment.ts';
import { describeWithPython } from '../python/environment.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** docs/clients.md, run as it is written: only the gateway's address is another one. */
const page = await readFile(new URL('../../docs/clients.md', import.meta.url).pathname, 'utf8');

/** The code blocks of a language under a heading. */
function blocks(heading: string, language: string): string[] {
  const from = page.indexOf(`\n## ${heading}\n`);
  const end = page.indexOf('\n## ', from + 1);
  const section = page.slice(from, end < 0 ? undefined : end);
  return [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, code = '']) =>
    name === language ? [code] : [],
  );
}

/** The routes that the page proposes. */
const routes = (): string =>
  JSON.stringify(Object.assign({}, ...blocks('Claude Code', 'json').map((one) => JSON.parse(one))));

let stack: Stack;
beforeAll(async () => {
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_ROUTES: routes() }));
});
afterAll(() => stack.stop());

async function run(command: string, args: readonly string[], code: string, env: Record<string, string> = {}) {
  const here = code.replaceAll('http://127.0.0.1:8787', stack.url);
  const child = spawn(command, [...args, here], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), CHASQUI_KEY: KEY, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  expect(status, stderr).toBe(0);
  return { stdout, stderr };
}

describe('the page on clients', () => {
  it.each([
    "OpenAI's SDK: Responses",
    'The AI SDK',
    "OpenAI's Agents SDK",
    "Anthropic's SDK",
    "LangChain's ChatAnthropic",
  ])('shows how to use %s in JavaScript', async (heading) => {
    const [code = ''] = blocks(heading, 'js');
    expect((await run(process.execPath, ['--input-type=module', '-e'], code)).stdout).toMatch(/Sacramento/);
  });

  it('proposes routes without a mistake', async () => {
    const health = await (await stack.get('/v1/models')).json();
    const ids = (health as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(JSON.parse(routes()))));
  });
});

describeWithPython('the page on clients, in Python', 'requirements', (python) => {
  it.each(["OpenAI's SDK: Responses", "OpenAI's Agents SDK", "Anthropic's SDK", "LangChain's ChatAnthropic"])(
    'shows how to use %s',
    async (heading) => {
      const [code = ''] = blocks(heading, 'python');
      expect((await run(python, ['-c'], code)).stdout).toMatch(/Sacramento/);
    },
  );
});

describeWithAgent('the page on clients, with Claude Code', 'claude-code', (folder) => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'chasqui-page-'));
    const binary = join(folder, `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`);
    await symlink(binary, join(home, 'claude'));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it('shows how to point it at the gateway', async () => {
    const [code = ''] = blocks('Claude Code', 'sh');
    const path = `${home}:${process.env.PATH ?? ''}`;
    const env = { PATH: path, HOME: home, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' };
    expect(await run('sh', ['-ec'], code, env)).toEqual({ stdout: 'pong\n', stderr: '' });
  });
});

describeWithAgent('the page on clients, with Codex', 'codex', (folder) => {
  let home: string;
  beforeAll(async () => {
    await mkdir(join(folder, 'homes'), { recursive: true });
    home = await mkdtemp(join(folder, 'homes', 'page-'));
    const [config = ''] = blocks('Codex', 'toml');
    await writeFile(join(home, 'config.toml'), config.replaceAll('http://127.0.0.1:8787', stack.url));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it('shows how to point it at the gateway', async () => {
    const [code = ''] = blocks('Codex', 'sh');
    const path = `${join(folder, 'node_modules/.bin')}:${process.env.PATH ?? ''}`;
    const { stdout, stderr } = await run('sh', ['-ec'], code, { PATH: path, HOME: home, CODEX_HOME: home });
    expect(stdout).toBe('pong\n');
    expect(stderr).not.toMatch(/metadata/);
  });
});
