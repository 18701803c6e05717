import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithAgent } from '../agents/environment.ts';
import { type Exchange, listener } from '../agents/listener.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readResponses } from '../support/responses.ts';

/** Codex itself, unmodified and without a terminal, works on a file in a folder of its own. The sandbox plays the model. */

/** Names of this deployment, which Codex is told of as of any model. One has the name of a model of OpenAI's. */
const only = (provider: string, model: string) => ({ models: [model], provider: { only: [provider] } });
const ROUTES = {
  'gpt-5-codex': only('together', 'gpt-oss-120b'),
  'llama-bedrock': only('bedrock', 'llama-3.3-70b-instruct'),
  'llama-together': only('together', 'llama-3.3-70b-instruct'),
  'gpt-oss-bedrock': only('bedrock', 'gpt-oss-120b'),
  deepseek: only('together', 'deepseek-v4-pro'),
  qwen: only('bedrock', 'qwen3-32b'),
};
const KNOTS = 'Play the sandbox scene knots.';

describeWithAgent('Codex', 'codex', (folder) => {
  const seen: Exchange[] = [];
  let stack: Stack;
  let proxy: Server;
  let url: string;
  let work: string;
  let home: string;
  beforeAll(async () => {
    stack = await startStack((origin) => ({
      ...sandboxEnv(origin),
      CHASQUI_ROUTES: JSON.stringify(ROUTES),
      // A server of one's own that takes little more than Codex says by itself.
      OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
        {
          id: 'own',
          base_url: `${origin}/anyscale/v1`,
          token: 'sandbox-anyscale-token',
          models: {
            small: { upstream: 'meta-llama/Llama-3.3-70B-Instruct', family: 'llama-3.3', context_length: 16_000 },
          },
        },
      ]),
    }));
    proxy = listener(stack.url, seen).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    work = await mkdtemp(join(tmpdir(), 'chasqui-codex-'));
    // Codex warns of a home in a folder for temporary files.
    await mkdir(join(folder, 'homes'), { recursive: true });
    home = await mkdtemp(join(folder, 'homes', 'h-'));
  });
  afterAll(async () => {
    proxy.close();
    await rm(work, { recursive: true, force: true });
    await rm(home, { recursive: true, force: true });
    await stack.stop();
  });
  beforeEach(async () => {
    seen.length = 0;
    await stack.reset();
    await writeFile(join(work, 'knots.txt'), 'cord: red\n');
  });

  /** @param more lines of the provider's part of the configuration */
  async function run(
    model: string,
    prompt: string,
    more: readonly string[] = [`model_catalog_url = "${url}/v1/models"`],
  ) {
    const config = [
      `model = "${model}"`,
      'model_provider = "chasqui"',
      'web_search = "disabled"',
      '[analytics]',
      'enabled = false',
      '[model_providers.chasqui]',
      'name = "Chasqui"',
      `base_url = "${url}/v1"`,
      'env_key = "CHASQUI_KEY"',
      'wire_api = "responses"',
      ...more,
    ];
    await writeFile(join(home, 'config.toml'), `${config.join('\n')}\n`);
    await rm(join(home, 'models_cache.json'), { force: true });
    const binary = join(folder, 'node_modules/@openai/codex/bin/codex.js');
    const args = [binary, 'exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access', '--json', prompt];
    const child = spawn(process.execPath, args, {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: home, CODEX_HOME: home, CHASQUI_KEY: KEY },
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
    const events = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): Record<string, unknown> => JSON.parse(line));
    return { code, stderr, events, asked: seen.filter(({ path }) => path === '/v1/responses') };
  }

  /** Items of these types, in order. */
  const itemsOf = (events: readonly Record<string, unknown>[]) =>
    events.flatMap(({ type, item }) => (type === 'item.completed' ? [item as Record<string, unknown>] : []));

  /** Beside what it says of reading its input, and of a home below a folder for temporary files. */
  const warningsIn = (stderr: string): string[] =>
    stderr
      .split('\n')
      .filter((line) => line !== '' && !/^Reading additional input|Refusing to create helper binaries/.test(line));

  it.each([...Object.keys(ROUTES), 'llama-3.3-70b-instruct'])(
    'edits a file over four turns with %s, without a retry or a warning',
    async (model) => {
      const { code, stderr, events, asked } = await run(model, KNOTS);
      expect(await readFile(join(work, 'knots.txt'), 'utf8')).toBe('cord: blue\n');
      expect(code).toBe(0);
      expect(warningsIn(stderr)).toEqual([]);
      const items = itemsOf(events);
      expect(items.map(({ type }) => type)).toEqual([
        'command_execution',
        'file_change',
        'command_execution',
        'agent_message',
      ]);
      expect(items.at(-1)).toMatchObject({ text: 'The cord is blue now.' });

      expect(asked.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const answers = asked.map(({ answer }) => readResponses(answer));
      expect(answers.map(({ final }) => final.status)).toEqual(Array(4).fill('completed'));
      // Each is counted before as it is billed after.
      for (const [at, { body }] of asked.entries()) {
        const usage = answers[at]?.final.usage as { input_tokens: number } | undefined;
        const counted = await (await stack.post('/v1/count_tokens', body)).json();
        const { offers } = counted as { offers: { tokens: number; exactness: string }[] };
        expect(offers.every(({ exactness }) => exactness === 'exact')).toBe(true);
        const tokens = offers.map((offer) => offer.tokens);
        if (model in ROUTES) expect(tokens).toEqual([usage?.input_tokens]);
        else expect(tokens).toContain(usage?.input_tokens);
      }
      // What Codex counts is what it was told.
      const told = answers.map(({ final }) => final.usage as { input_tokens: number; output_tokens: number });
      const sum = (tokens: readonly number[]): number => tokens.reduce((a, b) => a + b);
      expect(events.at(-1)).toMatchObject({
        type: 'turn.completed',
        usage: {
          input_tokens: sum(told.map(({ input_tokens: tokens }) => tokens)),
          output_tokens: sum(told.map(({ output_tokens: tokens }) => tokens)),
        },
      });
    },
  );

  it.each(['gpt-5-codex', 'deepseek'])('gives %s back what it thought, turn by turn', async (model) => {
    const { asked } = await run(model, KNOTS);
    expect(asked.map(({ dropped }) => dropped)).toEqual(Array(4).fill(undefined));
    const sent = (await stack.journal()).map(({ body }) => body as { messages: Record<string, unknown>[] });
    const thoughts = sent.map(({ messages }) =>
      messages.filter(({ role }) => role === 'assistant').map((one) => one.reasoning_content ?? one.reasoning),
    );
    expect(thoughts.map(({ length }) => length)).toEqual([0, 1, 2, 3]);
    expect(thoughts.flat().every((thought) => typeof thought === 'string' && thought !== '')).toBe(true);
  });

  it('knows nothing of a model if it is not told where the list is', async () => {
    const { events, asked } = await run('llama-together', KNOTS, []);
    expect(asked).toHaveLength(4);
    expect(itemsOf(events)[0]).toMatchObject({ type: 'error', message: expect.stringMatching(/^Model metadata for/) });
  });

  it('asks again where a stream breaks, and takes nothing of it for an answer', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'cut', bytes: 900 } });
    const { events, asked } = await run('llama-together', KNOTS);
    const ends = asked.map(({ answer }) => readResponses(answer).final.status);
    expect(ends).toEqual(['failed', ...Array(4).fill('completed')]);
    expect(itemsOf(events).filter(({ type }) => type === 'command_execution')).toHaveLength(2);
    expect(await readFile(join(work, 'knots.txt'), 'utf8')).toBe('cord: blue\n');
  });

  const LONG = `cord: red\n${'a knot, another knot\n'.repeat(3000)}`;
  const PAGES = 'Play the sandbox scene pages.';

  it('shortens a conversation before it is too long, because it knows the context window', async () => {
    await writeFile(join(work, 'knots.txt'), LONG);
    const { code, events, asked } = await run('small', PAGES);
    const sizes = asked.map(({ body }) => JSON.stringify(body.input).length);
    expect(asked.every(({ answer }) => readResponses(answer).final.status === 'completed')).toBe(true);
    expect(sizes.at(-1)).toBeLessThan(Math.max(...sizes) / 2);
    expect(code).toBe(0);
    expect(events.at(-1)?.type).toBe('turn.completed');
  });

  it('understands that a conversation is too long, where it does not know the context window', async () => {
    await writeFile(join(work, 'knots.txt'), LONG);
    const { events, asked } = await run('small', PAGES, []);
    expect(readResponses(asked.at(-1)?.answer ?? '').final).toMatchObject({
      status: 'failed',
      error: { code: 'context_length_exceeded' },
    });
    // It does not try again what cannot succeed.
    expect(asked).toHaveLength(4);
    expect(events.at(-1)).toMatchObject({
      type: 'turn.failed',
      error: { message: expect.stringMatching(/ran out of room/) },
    });
  });
});
