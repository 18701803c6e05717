import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY } from '../support/gateway.ts';
import { serveWorkers } from '../support/workerd.ts';

let server: Server;
const seen: { path: string; authorization: string | undefined; team: string | undefined }[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    const { authorization, 'x-team': team } = request.headers;
    seen.push({ path: request.url ?? '', authorization, team: typeof team === 'string' ? team : undefined });
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        request.method === 'GET'
          ? { object: 'list', data: [{ id: 'listed-model', max_model_len: 4096 }] }
          : { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void server.close());

const messages = [{ role: 'user', content: 'Hello' }];

async function gateway<T>(
  config: unknown,
  more: Readonly<Record<string, unknown>>,
  use: (ask: (path: string, body?: unknown) => Promise<Response>) => Promise<T>,
): Promise<T> {
  const bindings = { CHASQUI_ADMIN_KEY: KEY, CHASQUI_CONFIG: config, ...more };
  const served = await serveWorkers([{ name: 'gateway', config: 'wrangler.toml', bindings }]);
  try {
    return await use((path, body) =>
      fetch(`${served.urls.gateway}${path}`, {
        headers: { authorization: `Bearer ${KEY}` },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      }),
    );
  } finally {
    await served.stop();
  }
}

describe('CHASQUI_CONFIG', () => {
  const mine = (more: object) => ({
    id: 'mine',
    base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    ...more,
  });

  it('configures services, names and prices in one file, with secrets that stand elsewhere', async () => {
    const config = {
      $schema: 'https://example.com/chasqui.schema.json',
      services: [mine({ token: { env: 'GARDEN' }, headers: { 'x-team': 'blue' } })],
      routes: { small: 'listed-model' },
      prices: { mine: { 'listed-model': { input_per_mtok: '1', output_per_mtok: '2' } } },
    };
    await gateway(JSON.stringify(config), { GARDEN: 'a-gate-and-a-key' }, async (ask) => {
      // A name of the operator's own for a model that only the server knows, at the first call.
      const answer = await ask('/v1/chat/completions', { model: 'small', messages });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        model: 'listed-model',
        provider: 'mine',
        usage: { cost_details: { price: expect.stringContaining('mine/listed-model') } },
      });
      expect(seen.at(-1)).toEqual({
        path: '/v1/chat/completions',
        authorization: 'Bearer a-gate-and-a-key',
        team: 'blue',
      });
      for (const name of ['listed-model', 'Listed-Model', 'mine/listed-model']) {
        expect(await (await ask(`/v1/models/${name}`)).json(), name).toMatchObject({
          id: 'listed-model',
          context_length: 4096,
          // Nobody has said what it can do, and no catalogue knows it.
          offers: [{ provider: 'mine', capabilities: { tools: null, vision: null } }],
        });
      }
      expect((await ask('/v1/chat/completions', { model: 'nobody-has-this', messages })).status).toBe(404);
    });
  });

  it('with mistakes is refused at the start, each named by its place in the file', async () => {
    const config = {
      services: [mine({ models: { m: { family: 'chatmll' } }, token: { env: 'GONE' } })],
      timeouts: { total_s: 5 },
      servces: [],
    };
    await gateway(config, { CHASQUI_ROUTES: '{"a": "m"}', CHASQUI_TIMEOUTS: '' }, async (ask) => {
      const { error } = (await (await ask('/healthz')).json()) as { error: { message: string } };
      expect(error.message).toContain('CHASQUI_CONFIG.servces is not known');
      expect(error.message).toContain('CHASQUI_CONFIG.services[0].token names the variable GONE');
      expect(error.message).toMatch(/CHASQUI_CONFIG\.services\[0\]\.models\.m\.family .*Did you mean chatml\?/);
      expect(error.message).toContain('CHASQUI_CONFIG.timeouts.total_s is not known');
    });
  });

  it('does not say what a variable says as well', async () => {
    await gateway(
      { routes: { a: 'llama-3-8b-instruct' } },
      { CHASQUI_ROUTES: '{"b": "llama-3-8b-instruct"}' },
      async (ask) => {
        const { error } = (await (await ask('/healthz')).json()) as { error: { message: string } };
        expect(error.message).toContain('CHASQUI_CONFIG.routes and CHASQUI_ROUTES are both set');
      },
    );
  });
});
