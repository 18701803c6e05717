import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { KEY } from '../support/gateway.ts';
import { type Served, serveWorkers } from '../support/workerd.ts';

/** A server of the user's own, and what it was asked. */
interface Own {
  readonly server: Server;
  readonly url: string;
  models: readonly string[];
  readonly asked: string[];
}

const answer = (response: ServerResponse, body: unknown) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
};

const servers: Server[] = [];

async function own(models: readonly string[], list: 'lists' | 'hangs' = 'lists'): Promise<Own> {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push(request.url ?? '');
    if (request.method !== 'GET') {
      const message = { role: 'assistant', content: 'Hi' };
      answer(response, { choices: [{ index: 0, message, finish_reason: 'stop' }] });
    } else if (list === 'lists') answer(response, { object: 'list', data: made.models.map((id) => ({ id })) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  const made: Own = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, models, asked };
  return made;
}

let served: Served | undefined;

async function gateway(services: readonly object[], routes: object = {}) {
  const bindings = {
    CHASQUI_ADMIN_KEY: KEY,
    OPENAI_COMPATIBLE_SERVICES: JSON.stringify(services),
    CHASQUI_ROUTES: routes,
  };
  served = await serveWorkers([{ name: 'gateway', config: 'wrangler.toml', bindings }]);
  const { urls } = served;
  return (model: string) =>
    fetch(`${urls.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
}

afterEach(async () => {
  await served?.stop();
  served = undefined;
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('models that only a server of one’s own knows', () => {
  it('are served from the first call on, however many come at once, and asked for once', async () => {
    const { url, asked } = await own(['my-model']);
    const call = await gateway([{ id: 'mine', base_url: url }]);
    const answers = await Promise.all(Array.from({ length: 12 }, () => call('my-model')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(asked.filter((path) => path === '/v1/models')).toHaveLength(1);
  });

  it('are served by the name of their server, too', async () => {
    const { url } = await own(['my-model']);
    const call = await gateway([{ id: 'mine', base_url: url }]);
    expect((await call('mine/my-model')).status).toBe(200);
  });

  it('can stand in names of one’s own, where one that is not loaded is left out', async () => {
    const { url } = await own(['my-model']);
    const call = await gateway([{ id: 'mine', base_url: url }], {
      small: { models: ['not-loaded', 'my-model'] },
      none: 'not-loaded',
    });
    const answered = await call('small');
    expect(answered.headers.get('x-chasqui-model')).toBe('my-model');
    const unknown = await call('none');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { message: expect.stringContaining('not-loaded') } });
  });

  it('are served soon after they were loaded', async () => {
    const server = await own(['my-model']);
    const call = await gateway([{ id: 'mine', base_url: server.url }]);
    expect((await call('new-model')).status).toBe(404);
    server.models = ['my-model', 'new-model'];
    // The server is asked again for a name that nobody knows, though not by every call.
    let status = 404;
    for (let tries = 0; status === 404 && tries < 20; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      ({ status } = await call('new-model'));
    }
    expect(status).toBe(200);
  });

  it('do not hold up the calls of others while their server hangs', async () => {
    const [hanging, good] = [await own([], 'hangs'), await own(['my-model'])];
    const call = await gateway([
      { id: 'hanging', base_url: hanging.url },
      { id: 'good', base_url: good.url },
    ]);
    // The first waits for both, for a while.
    expect((await call('my-model')).status).toBe(200);
    const lists = hanging.asked.length;
    expect(lists).toBe(1);
    expect((await call('my-model')).status).toBe(200);
    const unknown = await call('other-model');
    expect(unknown.status).toBe(503);
    const { error } = (await unknown.json()) as { error: { message: string } };
    expect(error.message).toContain('hanging could not be asked for its models yet');
  });
});
