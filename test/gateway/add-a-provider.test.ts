import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY } from '../support/gateway.ts';
import { type Served, serveWorkers } from '../support/workerd.ts';

/** Does what `docs/add-a-provider.md` says, in a copy of the sources, and sends calls to the gateway that comes of it. */

const PAGE = readFileSync('docs/add-a-provider.md', 'utf8');
const BLOCKS = [...PAGE.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, path = '', text = '']) => ({
  path,
  text,
}));

/** A line that begins with `-` gives way to the `+` after it; a `+` alone goes to the top. */
function patched(source: string, diff: string): string {
  let text = source;
  let old: string | undefined;
  for (const line of diff.split('\n')) {
    if (line.startsWith('-')) {
      old = line.slice(1);
      if (text.split(`${old}\n`).length !== 2) throw new Error(`The page takes away a line that is not there: ${old}`);
    } else if (line.startsWith('+')) {
      const added = line.slice(1);
      text = old === undefined ? `${added}\n${text}` : text.replace(`${old}\n`, `${added}\n`);
      old = undefined;
    }
  }
  return text;
}

const MODEL = 'llama-3.3-70b-instruct';

function withRow(path: string, source: string, row: string): string {
  const rows: unknown = JSON.parse(source);
  const added: unknown = JSON.parse(row);
  if (!Array.isArray(rows)) return JSON.stringify(Object.assign({}, rows, added));
  if (!path.endsWith('models.json')) return JSON.stringify([...rows, added]);
  return JSON.stringify(
    rows.map((model) => (model.id === MODEL ? { ...model, offers: [...model.offers, added] } : model)),
  );
}

/** A copy of the sources with the provider in it. */
async function addProvider(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'chasqui-acme-'));
  for (const path of ['src', 'providers', 'wrangler.toml', 'package.json', 'tsconfig.json']) {
    cpSync(path, join(root, path), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  for (const { path, text } of BLOCKS) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    if (path.startsWith('providers/acme/')) writeFileSync(file, text);
    else {
      const source = readFileSync(file, 'utf8');
      writeFileSync(file, path.endsWith('.json') ? withRow(path, source, text) : patched(source, text));
    }
  }
  return root;
}

interface Asked {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** Acme, as far as it matters here: it answers in OpenAI's form, in one piece or as a stream. */
function startAcme(asked: Asked[]): Promise<Server> {
  const usage = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 };
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const body: Record<string, unknown> = JSON.parse(text);
    asked.push({ path: request.url, headers: request.headers, body });
    const chunk = (delta: unknown, finish: string | null) =>
      `data: ${JSON.stringify({ id: 'a-1', model: body.model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    if (body.stream === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const end = `data: ${JSON.stringify({ id: 'a-1', choices: [], usage })}\n\ndata: [DONE]\n\n`;
      response.end(chunk({ role: 'assistant', content: 'Hello' }, null) + chunk({}, 'stop') + end);
    } else {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }];
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: 'a-1', model: body.model, choices, usage }));
    }
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

const asked: Asked[] = [];
let root = '';
let acme: Server;
let served: Served;

beforeAll(async () => {
  root = await addProvider();
  acme = await startAcme(asked);
  const config = join(root, 'wrangler.toml');
  const bindings = {
    CHASQUI_ADMIN_KEY: KEY,
    ACME_API_KEY: 'acme-secret',
    ACME_BASE_URL: `http://127.0.0.1:${(acme.address() as AddressInfo).port}/v1`,
  };
  served = await serveWorkers([
    { name: 'with-key', config, bindings },
    { name: 'misspelt', config, bindings: { CHASQUI_ADMIN_KEY: KEY, ACME_TOKEN: 'acme-secret' } },
  ]);
});
afterAll(async () => {
  await served.stop();
  acme.close();
  rmSync(root, { recursive: true, force: true });
});

async function ask(path: string, body?: unknown, worker = 'with-key') {
  asked.length = 0;
  const response = await fetch(`${served.urls[worker]}${path}`, {
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}
const chat = (model: string, more: Record<string, unknown> = {}) => ({
  model,
  messages: [{ role: 'user', content: 'Hi' }],
  ...more,
});

describe('a provider that was added as the page says', () => {
  it('is sound TypeScript, in all that the page shows', async () => {
    const config = join(root, 'tsconfig.json');
    writeFileSync(
      config,
      JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), include: ['src', 'providers'] }),
    );
    await promisify(execFile)(resolve('node_modules/.bin/tsc'), ['-p', config]).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  });

  it('answers a call for its model, at its price', async () => {
    const { status, headers, text } = await ask('/v1/chat/completions', chat(`acme/${MODEL}`, { max_tokens: 50 }));
    expect(status, text).toBe(200);
    // 20 tokens at $0.50 and 10 at $0.70 a million.
    expect(JSON.parse(text)).toMatchObject({
      provider: 'acme',
      choices: [{ message: { content: 'Hello' } }],
      usage: { total_tokens: 30, cost_exact: '0.000017' },
    });
    expect(headers.get('x-chasqui-provider')).toBe('acme');
    expect(asked).toMatchObject([
      {
        path: '/v1/chat/completions',
        headers: { authorization: 'Bearer acme-secret' },
        body: { model: 'llama-70b', max_tokens: 50 },
      },
    ]);
  });

  it('streams, to its end', async () => {
    const { status, text } = await ask(
      '/v1/chat/completions',
      chat(MODEL, { stream: true, provider: { only: ['Acme AI'] } }),
    );
    expect(status, text).toBe(200);
    expect(text).toContain('"content":"Hello"');
    expect(text).toContain('"finish_reason":"stop"');
    expect(text.trimEnd()).toMatch(/data: \[DONE\]$/);
  });

  it('is sent the very version that a name pins', async () => {
    for (const name of ['llama-70b@3', 'acme/llama-70b@3', 'acme-ai/llama-70b@3']) {
      const { status, text } = await ask('/v1/chat/completions', chat(name));
      expect(status, text).toBe(200);
      expect(asked).toMatchObject([{ body: { model: 'llama-70b@3' } }]);
      expect(JSON.parse(text).usage.cost_exact).toBe('0.000017');
    }
  });

  it('is told of what it does not take', async () => {
    const { headers } = await ask('/v1/chat/completions', chat(`acme/${MODEL}`, { seed: 7, temperature: 0.5 }));
    expect(headers.get('x-chasqui-dropped')).toBe('seed');
    expect(asked[0]?.body).toMatchObject({ temperature: 0.5 });
    expect(asked[0]?.body).not.toHaveProperty('seed');
  });

  it('stands on the offer sheet with its price and source, and with a reason where it cannot serve', async () => {
    const offers = async (path: string, body: unknown, worker?: string) =>
      JSON.parse((await ask(path, body, worker)).text).data.find(
        (one: { provider: string }) => one.provider === 'acme',
      );
    expect(await offers('/v1/offers', chat(MODEL))).toMatchObject({
      eligible: true,
      provider_model: 'llama-70b',
      api: 'chat',
      price: { rule: 'acme/llama-70b@2026-11-01', source: 'acme.example/pricing' },
    });
    expect(await offers('/v1/offers', { model: MODEL, prompt: 'Once' })).toMatchObject({
      eligible: false,
      reason: { code: 'no_completion_form', message: `acme takes chats only for ${MODEL}, no raw prompt.` },
    });
    expect(await offers('/v1/offers', chat(MODEL, { provider: { zdr: true } }))).toMatchObject({
      reason: { code: 'not_private' },
    });
    expect(await offers('/v1/offers', chat(MODEL), 'misspelt')).toMatchObject({
      reason: { code: 'no_credentials', message: 'acme has no credentials here.' },
    });
  });

  it('is listed with its models and prices', async () => {
    const model = JSON.parse((await ask(`/v1/models/${MODEL}`)).text);
    expect(model.offers).toContainEqual(
      expect.objectContaining({ provider: 'acme', provider_model: 'llama-70b', configured: true }),
    );
    const { data } = JSON.parse((await ask('/v1/prices?provider=acme')).text);
    expect(data).toMatchObject([{ models: [MODEL], input_per_mtok: '0.5', output_per_mtok: '0.7', in_force: true }]);
  });

  it('has its variables known: a misspelt one is named', async () => {
    await ask('/healthz', undefined, 'misspelt');
    expect(served.logs()).toContain('ACME_TOKEN is not read. Did you mean ACME_API_KEY?');
  });
});
