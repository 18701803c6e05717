import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { KEY, type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

const FOLDER = new URL('../../examples/', import.meta.url).pathname;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an example as its README says, in a process of its own. */
function run(command: string, file: string, key = KEY): Promise<Ran> {
  const env = { ...process.env, CHASQUI_URL: `${stack.url}/v1`, CHASQUI_KEY: key };
  return new Promise((resolve) => {
    execFile(command, [FOLDER + file], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** What an example printed, by its headings. */
function sections({ stdout }: Ran): Readonly<Record<string, string>> {
  const parts = stdout.split(/^== /m).slice(1);
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end).trim()];
    }),
  );
}

/** What each example of the guide must have said. */
const GUIDE: Readonly<Record<string, RegExp>> = {
  Completion: /blue/i,
  Chat: /blue/i,
  'Temperature and top_p 0.01': /\n.*\n/,
  'Temperature and top_p 1(.0)?': /\n.*\n/,
  'Explicit instructions': /^(\S+\s+){0,11}\S+$/,
  'Zero-shot': /positive/i,
  'Few-shot': /^\d+% positive \d+% neutral \d+% negative$/,
  Role: /autograd/,
  'Chain of thought': /Elvis/,
  'Self-consistency': /-> 50$/,
  'Retrieval, a day that is known': /51/,
  'Retrieval, a day that is not': /unknown|do not know|not (available|provided|known)/i,
  'Program-aided': /print\(/,
  'Only JSON': /^\{['"]zip_code['"]: ?['"]?94025['"]?\}$/,
};

function guide(command: () => string, file: string): void {
  it('answers every example of the guide', async () => {
    const ran = await run(command(), file);
    expect(ran.code, ran.stderr).toBe(0);
    const said = Object.entries(sections(ran));
    expect(said).toHaveLength(Object.keys(GUIDE).length);
    for (const [title, pattern] of Object.entries(GUIDE)) {
      const found = said.find(([name]) => new RegExp(`^${title}$`).test(name));
      expect(found?.[1], title).toMatch(pattern);
    }
  });

  it('fails with the gateway’s own words where the key is wrong', async () => {
    const ran = await run(command(), file, 'another-key');
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain('This key is not known here');
  });
}

describeWithPython('examples/guide_openai.py', 'requirements', (python) => guide(() => python, 'guide_openai.py'));
describeWithPython('examples/guide_langchain.py', 'requirements', (python) =>
  guide(() => python, 'guide_langchain.py'),
);
describe('examples/guide-openai.mjs', () => guide(() => process.execPath, 'guide-openai.mjs'));

/** What a code block of the README prints, with this gateway's address and key in it. */
async function runBlock(language: string, command: string, ...args: string[]): Promise<string> {
  const readme = readFileSync(`${FOLDER}../README.md`, 'utf8');
  const [, block = ''] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(readme) ?? [];
  const here = block.replace('http://127.0.0.1:8787', stack.url).replace(/(['"])any\1/, JSON.stringify(KEY));
  const { code, stdout, stderr } = await new Promise<Ran>((resolve) => {
    const child = execFile(command, args, { cwd: FOLDER }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
    child.stdin?.end(here);
  });
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('the README’s first call', () => {
  it('in JavaScript', async () => {
    expect(await runBlock('js', process.execPath, '--input-type=module', '-')).toMatch(/Sacramento/);
  });
});
describeWithPython('the README’s first call in Python', 'requirements', (python) => {
  it('is answered', async () => {
    expect(await runBlock('python', python, '-')).toMatch(/Sacramento/);
  });
});

describe('examples/curl.sh', () => {
  it('shows the sheet, a chat, a stream and a raw prompt', async () => {
    const ran = await run('sh', 'curl.sh');
    expect(ran.code, ran.stderr).toBe(0);
    const [offers = '', chat = '', stream = '', raw = ''] = Object.values(sections(ran));
    expect(JSON.parse(offers).data[0]).toMatchObject({ eligible: true, rank: 1 });
    const answer = JSON.parse(chat);
    expect(answer.choices[0].message.content).not.toBe('');
    expect(answer.usage.cost).toBeLessThanOrEqual(0.01);
    const read = readStream(`${stream}\n\n`);
    expect(read).toMatchObject({ done: true, finish: ['stop'], error: undefined });
    expect(read.usage).toHaveProperty('cost');
    expect(JSON.parse(raw).choices[0].text).toMatch(/blue/i);
  });

  it('fails with the gateway’s own words where the key is wrong', async () => {
    const ran = await run('sh', 'curl.sh', 'another-key');
    expect(ran.code).not.toBe(0);
    expect(ran.stdout).toContain('This key is not known here');
  });
});

describe('examples/opencode.json', () => {
  const config: {
    readonly model: string;
    readonly small_model: string;
    readonly provider: {
      readonly chasqui: {
        readonly npm: string;
        readonly options: { readonly baseURL: string; readonly apiKey: string };
        readonly models: Readonly<
          Record<string, { readonly limit: { readonly context: number; readonly output: number } }>
        >;
      };
    };
  } = JSON.parse(readFileSync(`${FOLDER}opencode.json`, 'utf8'));
  const { npm, options, models } = config.provider.chasqui;
  /** opencode puts variables of the environment in this way. */
  const filled = (text: string) =>
    text.replace(
      /\{env:(\w+)\}/g,
      (_, name: string) => ({ CHASQUI_URL: `${stack.url}/v1`, CHASQUI_KEY: KEY })[name] ?? '',
    );

  it('names models of the gateway that take tools, within their limits', async () => {
    for (const name of [config.model, config.small_model])
      expect(models).toHaveProperty([name.replace('chasqui/', '')]);
    for (const [name, { limit }] of Object.entries(models)) {
      const tools = [{ type: 'function', function: { name: 'read', parameters: { type: 'object', properties: {} } } }];
      const messages = [{ role: 'user', content: 'Hello' }];
      const body = { model: name, messages, tools, max_tokens: limit.output, provider: { require_parameters: true } };
      const sheet = (await (await stack.post('/v1/offers', body)).json()) as { data: Record<string, unknown>[] };
      const able = sheet.data.filter(({ eligible }) => eligible);
      expect(able.length, name).toBeGreaterThan(0);
      for (const offer of able) expect(offer.context_length, name).toBeGreaterThanOrEqual(limit.context);
    }
  });

  it('carries a loop of tool calls through the client it names', async () => {
    expect(npm).toBe('@ai-sdk/openai-compatible');
    const chasqui = createOpenAICompatible({
      name: 'chasqui',
      baseURL: filled(options.baseURL),
      apiKey: filled(options.apiKey),
    });
    const ran: unknown[] = [];
    const { text, steps } = await generateText({
      model: chasqui(config.small_model.replace('chasqui/', '')),
      prompt: 'What is the weather in Lima? Use get_weather.',
      maxRetries: 0,
      stopWhen: isStepCount(4),
      tools: {
        get_weather: tool({
          inputSchema: jsonSchema<{ city: string }>({
            type: 'object',
            properties: { city: { type: 'string' } },
            required: ['city'],
          }),
          execute: async (input) => {
            ran.push(input);
            return '19 degrees';
          },
        }),
      },
    });
    expect({ ran, steps: steps.length }).toEqual({ ran: [{ city: 'Lima' }], steps: 2 });
    expect(text).toMatch(/19/);
  });
});
