import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

/** What `clients.py` checks, by client. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  openai: [
    'chats',
    'streams, with usage',
    'parses a schema',
    'calls a tool',
    'streams a response that calls a tool, and goes on from it',
    'parses a response by a schema',
    'completes',
    'raises its own errors',
  ],
  agno: ['chats, and adds up what it cost', 'streams', 'runs a tool, over two calls that each cost something'],
  litellm: ['chats', 'streams', 'calls a tool', 'raises ContextWindowExceededError for a prompt that is too long'],
  instructor: [
    'fills a model by a tool',
    'fills a model by a JSON schema',
    'fills a model by plain JSON',
    'streams a model that fills up',
  ],
  'pydantic-ai': ['chats', 'streams', 'fills a model', 'runs a tool'],
  embeddings: [
    'openai, in base64 and as numbers',
    'langchain, with check_embedding_ctx_length=False',
    'langchain, whose token ids are refused with the way out',
    'litellm, as graphrag embeds',
  ],
  graphrag: [
    'chats, at once and in a stream',
    'fills a model, as its reports do',
    'goes on from an earlier answer, as its extraction of entities does, many at once',
    'embeds',
  ],
  'openai-agents': [
    'answers, and knows its tokens',
    'streams',
    'runs a tool, and thinks while it does',
    'fills a model',
  ],
  'langchain-openrouter': ['chats, and knows what it cost', 'streams', 'calls a tool', 'fills a model'],
  anthropic: [
    'answers',
    'streams, and counts before what is billed after',
    'runs a tool, and thinks while it does',
    'raises its own errors',
    'lists models',
  ],
  'langchain-anthropic': ['chats, and knows its tokens', 'streams', 'runs a tool', 'fills a model'],
};

interface Checked {
  readonly client: string;
  readonly what: string;
  /** A traceback. */
  readonly error: string | null;
}

/** Runs all checks in one process; most of its time goes into importing the clients. */
async function runChecks(python: string, baseUrl: string): Promise<{ checked: Checked[]; stderr: string }> {
  const script = new URL('./clients.py', import.meta.url).pathname;
  const child = spawn(python, [script, baseUrl, KEY], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const checked: Checked[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    // Clients print things of their own.
    if (line.startsWith('{"client"')) checked.push(JSON.parse(line));
  }
  await exited;
  return { checked, stderr };
}

describeWithPython('Python clients, as people use them', 'clients', (python) => {
  let stack: Stack;
  let ran: Awaited<ReturnType<typeof runChecks>>;
  beforeAll(async () => {
    stack = await startStack();
    ran = await runChecks(python, `${stack.url}/v1`);
  });
  afterAll(() => stack.stop());

  it.each(Object.entries(CHECKS).flatMap(([client, checks]) => checks.map((what) => [client, what] as const)))(
    '%s %s',
    (client, what) => {
      const found = ran.checked.find((one) => one.client === client && one.what === what);
      expect(found ?? ran.stderr, ran.stderr).toEqual({ client, what, error: null });
    },
  );

  it('are all looked at here', () => {
    const named = Object.entries(CHECKS).flatMap(([client, checks]) => checks.map((what) => `${client} ${what}`));
    expect(ran.checked.map(({ client, what }) => `${client} ${what}`)).toEqual(named);
  });
});
