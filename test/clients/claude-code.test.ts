import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithAgent } from '../agents/environment.ts';
import { type Exchange, listener } from '../agents/listener.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** Claude Code itself, unmodified and without a terminal, works on a file in a folder of its own. The sandbox plays the model. */

/** Claude's own names, which Claude Code uses unless told otherwise, and what they stand for here. */
const ROUTES = {
  'claude-*': { models: ['llama-3.3-70b-instruct'], provider: { only: ['together'] } },
  'claude-*haiku*': { models: ['gpt-oss-120b'], provider: { only: ['together'] } },
};

interface Result {
  readonly subtype: string;
  readonly is_error: boolean;
  readonly num_turns: number;
  readonly result: string;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
}

describeWithAgent('Claude Code', 'claude-code', (folder) => {
  const seen: Exchange[] = [];
  let stack: Stack;
  let proxy: Server;
  let work: string;
  beforeAll(async () => {
    stack = await startStack((origin) => ({
      ...sandboxEnv(origin),
      CHASQUI_ROUTES: JSON.stringify(ROUTES),
      // A server of one's own that takes little more than Claude Code says by itself.
      OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
        {
          id: 'own',
          base_url: `${origin}/anyscale/v1`,
          token: 'sandbox-anyscale-token',
          models: {
            small: { upstream: 'meta-llama/Llama-3.3-70B-Instruct', family: 'llama-3.3', context_length: 24_000 },
          },
        },
      ]),
    }));
    proxy = listener(stack.url, seen).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    work = await mkdtemp(join(tmpdir(), 'chasqui-claude-'));
  });
  afterAll(async () => {
    proxy.close();
    await rm(work, { recursive: true, force: true });
    await stack.stop();
  });
  beforeEach(async () => {
    seen.length = 0;
    await writeFile(join(work, 'knots.txt'), 'cord: red\n');
  });

  async function run(model: string, prompt: string) {
    const binary = join(folder, `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`);
    const args = ['-p', prompt, '--model', model, '--output-format', 'json', '--dangerously-skip-permissions'];
    const child = spawn(binary, args, {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: join(work, '.home'),
        // It may be run by root here, and it talks to nobody but the gateway.
        IS_SANDBOX: '1',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        CLAUDE_CODE_MAX_OUTPUT_TOKENS: '4096',
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        ANTHROPIC_AUTH_TOKEN: KEY,
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(stdout, stderr).toMatch(/^[[{]/);
    const said: Result | Result[] = JSON.parse(stdout);
    const result = Array.isArray(said) ? said.at(-1) : said;
    return { code, stderr, result };
  }

  /** The whole of it is counted by both routes before, and billed after. */
  async function expectBilledAsCounted({ body, answer }: Exchange) {
    const counted = await (await stack.post('/v1/messages/count_tokens?beta=true', body)).json();
    const row = await (await stack.post('/v1/count_tokens', body)).json();
    const { input_tokens: tokens } = counted as { input_tokens: number };
    expect(row).toMatchObject({ tokens, exactness: 'exact', offers: [{ tokens, exactness: 'exact' }] });
    // What was counted before the first token, and what the provider reported at the end.
    const usage = [...answer.matchAll(/"input_tokens":(\d+)/g)].map(([, found]) => Number(found));
    expect(usage).toEqual([tokens, tokens]);
  }

  it.each([
    'claude-sonnet-5',
    'claude-haiku-4-5',
    'bedrock/llama-3.3-70b-instruct',
    'together/llama-3.3-70b-instruct',
    'bedrock/gpt-oss-120b',
    'together/gpt-oss-120b',
    'together/deepseek-v4-pro',
    'bedrock/qwen3-32b',
  ])('edits a file over four turns with %s, without a retry or a fallback', async (model) => {
    const { code, stderr, result } = await run(model, 'Play the sandbox scene knots.');
    expect(await readFile(join(work, 'knots.txt'), 'utf8')).toBe('cord: blue\n');
    expect(result).toMatchObject({
      subtype: 'success',
      is_error: false,
      num_turns: 4,
      result: 'The cord is blue now.',
    });
    expect(code).toBe(0);
    // It says of models whose names are not Claude's that it does not know them.
    const warnings = stderr
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('[claude-code:unrecognized_model]'));
    expect(warnings).toEqual([]);
    if (model.startsWith('claude-')) expect(stderr).toBe('');

    const calls = seen.filter(({ path }) => path.startsWith('/v1/messages'));
    expect(calls.map(({ status, body }) => [status, body.stream])).toEqual(Array(4).fill([200, true]));
    expect(calls.every(({ headers }) => headers['x-stainless-retry-count'] === '0')).toBe(true);
    expect(seen.every(({ status }) => status === 200)).toBe(true);
    for (const call of calls) await expectBilledAsCounted(call);
  });

  it('is billed what the gateway counted', async () => {
    await run('together/llama-3.3-70b-instruct', 'Play the sandbox scene knots.');
    for (const { body, answer } of seen) {
      const { model, messages, system, tools, tool_choice, thinking, output_config } = body;
      const asked = { model, messages, system, tools, tool_choice, thinking, output_config };
      const counted = await (await stack.post('/v1/messages/count_tokens?beta=true', asked)).json();
      const usage = [...answer.matchAll(/"input_tokens":(\d+)/g)].map(([, tokens]) => Number(tokens));
      // What was counted before the first token, and what Together reported at the end.
      expect(usage).toEqual([(counted as { input_tokens: number }).input_tokens, usage[0]]);
    }
    const journal = (await stack.journal()).filter(({ path }) => path.endsWith('/chat/completions'));
    expect(JSON.stringify(journal.map(({ body }) => body))).not.toContain('x-anthropic-billing-header');
  });

  it('shortens its conversation, and goes on, when it is told that the prompt is too long', async () => {
    // More than the model takes together with what was there before.
    await writeFile(join(work, 'knots.txt'), `cord: red\n${'a knot, another knot\n'.repeat(3000)}`);
    const { result } = await run('small', 'Play the sandbox scene pages.');
    const refused = seen.findIndex(({ status }) => status === 400);
    expect(seen[refused]?.answer).toMatch(/"message":"prompt is too long: \d+ tokens > 24000 maximum"/);
    expect(seen.slice(refused + 1).some(({ status }) => status === 200)).toBe(true);
    expect(result).toMatchObject({ subtype: 'success', is_error: false });
  });

  it('does so, too, when it is the provider who finds the prompt too long', async () => {
    await writeFile(join(work, 'knots.txt'), `cord: red\n${'a knot, another knot\n'.repeat(900)}`);
    const message =
      "This model's maximum context length is 24000 tokens. However, your request has 25000 input tokens. Please reduce the length of the input messages.";
    const body = { error: { message, type: 'invalid_request_error' } };
    await stack.dial({ provider: 'together', text: 'another knot', fault: { kind: 'status', status: 400, body } });
    const { result } = await run('together/llama-3.3-70b-instruct', 'Play the sandbox scene pages.');
    const refused = seen.findIndex(({ status }) => status === 400);
    expect(seen[refused]?.answer).toContain('"message":"prompt is too long: 25000 tokens > 24000 maximum"');
    expect(seen.slice(refused + 1).some(({ status }) => status === 200)).toBe(true);
    expect(result).toMatchObject({ subtype: 'success', is_error: false });
  });
});
