import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { completionOf, errorOf, hi, KEY, MODEL } from './support.ts';

const SITE = 'https://gateway.example';
/** What a browser adds to requests of the page's own scripts. */
const OWN = { 'sec-fetch-site': 'same-origin' };

const SERVICES = JSON.stringify([{ id: 'mine', base_url: 'http://mine.example/v1', models: { [MODEL]: {} } }]);

function deployed(settings: Readonly<Record<string, unknown>> = {}) {
  const app = createApp(
    { CHASQUI_ADMIN_KEY: KEY, OPENAI_COMPATIBLE_SERVICES: SERVICES, ACCOUNT: Reflect.get(env, 'ACCOUNT'), ...settings },
    async () => Response.json(completionOf('Hello')),
  );
  const ask = async (
    method: string,
    path: string,
    { body, site = SITE, ...headers }: { body?: unknown; site?: string; [header: string]: unknown } = {},
  ): Promise<Response> =>
    app.request(site + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(headers as Record<string, string>),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const signIn = async (key: unknown, headers: Record<string, unknown> = OWN) =>
    ask('POST', '/session', { body: { key }, ...headers });
  /** Signs in, and returns the header that the browser sends from then on. */
  const session = async (key = KEY) => {
    const answer = await signIn(key);
    expect(answer.status, await answer.clone().text()).toBe(200);
    return { cookie: cookieOf(answer).pair };
  };
  return { ask, signIn, session };
}

function cookieOf(answer: Response) {
  const [pair = '', ...attributes] = (answer.headers.get('set-cookie') ?? '').split('; ');
  const [name = '', value = ''] = pair.split('=');
  return { pair, name, value, attributes };
}

const stateOf = async (answer: Response) => answer.json<Record<string, unknown>>();

describe('signing in', () => {
  it('exchanges the admin key for a cookie that scripts cannot read and other sites cannot send', async () => {
    const { signIn } = deployed();
    const answer = await signIn(KEY);
    const { name, value, attributes } = cookieOf(answer);
    expect(name).toBe('__Host-chasqui');
    expect(attributes).toEqual(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict', 'Max-Age=43200']);
    expect(value).not.toContain(KEY);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
    expect(await stateOf(answer)).toMatchObject({ access: 'key', signed_in: true, admin: true, key: 'admin' });
  });

  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: SITE }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'https://gateway.example:8443' }, 403],
    [{ origin: 'null' }, 403],
    [{}, 403],
    [{ origin: SITE }, 200],
  ])('is for pages of this origin alone: %j', async (headers, status) => {
    const answer = await deployed().signIn(KEY, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.has('set-cookie')).toBe(status === 200);
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('takes what a form cannot send', async () => {
    const { ask } = deployed();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await ask('POST', '/session', { body: { key: KEY }, ...OWN, 'content-type': type });
      expect([answer.status, answer.headers.has('set-cookie')], type).toEqual([415, false]);
    }
    expect(
      (await ask('OPTIONS', '/session', { origin: 'https://evil.example' })).headers.has('access-control-allow-origin'),
    ).toBe(false);
  });

  it.each([undefined, null, 7, '', 'two words', 'x'.repeat(1001), {}])(
    'names the field that is no key: %j',
    async (key) => {
      const error = await errorOf(await deployed().signIn(key));
      expect(error).toMatchObject({ status: 400, param: 'key' });
    },
  );

  it('is stopped after ten wrong keys from an address, in every isolate, and says for how long', async () => {
    const address = { ...OWN, 'cf-connecting-ip': '192.0.2.7' };
    const { signIn } = deployed();
    for (let at = 0; at < 10; at++) expect((await signIn(`wrong-${at}`, address)).status).toBe(401);
    const stopped = await signIn(KEY, address);
    expect(stopped.status).toBe(429);
    expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0);
    // Another isolate has seen nothing itself.
    const elsewhere = deployed();
    expect((await elsewhere.signIn(KEY, address)).status).toBe(429);
    expect((await elsewhere.signIn(KEY, { ...OWN, 'cf-connecting-ip': '192.0.2.8' })).status).toBe(200);
  });

  it('works where there are no accounts', async () => {
    expect((await deployed({ ACCOUNT: undefined }).signIn(KEY)).status).toBe(200);
  });

  it('is not needed in the open sandbox', async () => {
    const settings = {
      CHASQUI_ADMIN_KEY: '',
      OPENAI_COMPATIBLE_SERVICES: '',
      SANDBOX: { fetch: async () => new Response() },
    };
    const { ask, signIn } = deployed(settings);
    expect(await stateOf(await ask('GET', '/session', OWN))).toMatchObject({
      access: 'open',
      signed_in: true,
      admin: true,
    });
    expect((await errorOf(await signIn(KEY))).message).toMatch(/asks for no key/);
  });
});

describe('a session', () => {
  it('may do what its key may, and its answers are open to no other origin', async () => {
    const { ask, session } = deployed();
    const cookie = await session();
    const chat = await ask('POST', '/v1/chat/completions', { body: hi, ...OWN, ...cookie });
    expect([chat.status, chat.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    const made = await ask('POST', '/v1/keys', { body: { name: 'from the page' }, ...OWN, ...cookie });
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const byKey = await ask('GET', '/v1/models', { authorization: `Bearer ${KEY}` });
    expect(byKey.headers.get('access-control-allow-origin')).toBe('*');
  });

  it.each(['cross-site', 'same-site', 'none', ''])(
    'counts for nothing in a request from elsewhere: %s',
    async (site) => {
      const { ask, session } = deployed();
      const cookie = await session();
      for (const [method, path] of [
        ['POST', '/v1/keys'],
        ['GET', '/v1/keys'],
        ['DELETE', '/v1/prices'],
      ] as const) {
        const body = method === 'POST' ? { body: { name: 'forged' } } : {};
        const answer = await ask(method, path, { ...body, ...cookie, 'sec-fetch-site': site });
        expect(answer.status, path).toBe(401);
      }
      expect(await stateOf(await ask('GET', '/session', { ...cookie, 'sec-fetch-site': site }))).toMatchObject({
        signed_in: false,
      });
      expect((await ask('DELETE', '/session', { ...cookie, 'sec-fetch-site': site })).status).toBe(403);
    },
  );

  it('counts for nothing beside a key', async () => {
    const { ask, session } = deployed();
    const cookie = await session();
    for (const header of [{ authorization: 'Bearer wrong' }, { 'x-api-key': 'wrong' }])
      expect((await ask('GET', '/v1/models', { ...OWN, ...cookie, ...header })).status).toBe(401);
  });

  it('that was changed, or is of another admin key, is told to sign in again', async () => {
    const { ask, session } = deployed();
    const { cookie } = await session();
    const other = deployed({ CHASQUI_ADMIN_KEY: 'another-admin-key' });
    for (const answer of [
      await ask('GET', '/v1/models', { ...OWN, cookie: cookie.replace('=', '=A') }),
      await other.ask('GET', '/v1/models', { ...OWN, cookie }),
    ]) {
      expect(answer.headers.has('access-control-allow-origin')).toBe(false);
      expect(await errorOf(answer)).toMatchObject({ status: 401, message: expect.stringMatching(/Sign in again/) });
    }
    expect(await stateOf(await other.ask('GET', '/session', { ...OWN, cookie }))).toMatchObject({ signed_in: false });
  });

  it('of a caller’s key is that caller, and ends when the key is revoked', async () => {
    const { ask, session } = deployed();
    const admin = { authorization: `Bearer ${KEY}` };
    const body = { name: 'a reader', account: 'session-test' };
    const { id, key } = await (await ask('POST', '/v1/keys', { body, ...admin })).json<{ id: string; key: string }>();
    const cookie = await session(key);
    expect(await stateOf(await ask('GET', '/session', { ...OWN, ...cookie }))).toMatchObject({
      signed_in: true,
      admin: false,
      account: 'session-test',
      key: id,
    });
    expect(await (await ask('GET', '/v1/key', { ...OWN, ...cookie })).json()).toMatchObject({ id, name: 'a reader' });
    expect((await ask('GET', '/v1/keys', { ...OWN, ...cookie })).status).toBe(403);

    expect((await ask('DELETE', `/v1/keys/${id}?account=session-test`, admin)).status).toBe(200);
    expect((await ask('GET', '/v1/key', { ...OWN, ...cookie })).status).toBe(401);
    expect((await ask('POST', '/v1/chat/completions', { body: hi, ...OWN, ...cookie })).status).toBe(401);
    const ended = await ask('GET', '/session', { ...OWN, ...cookie });
    expect(await stateOf(ended)).toMatchObject({ signed_in: false });
    expect(cookieOf(ended).attributes).toContain('Max-Age=0');
  });

  it('is taken back when one signs out', async () => {
    const { ask, session } = deployed();
    const answer = await ask('DELETE', '/session', { ...OWN, ...(await session()) });
    expect(cookieOf(answer)).toMatchObject({ name: '__Host-chasqui', value: '' });
    expect(cookieOf(answer).attributes).toContain('Max-Age=0');
  });
});

describe('a session on plain HTTP in a local network, where browsers send no Sec-Fetch-Site', () => {
  const LAN = 'http://nas.lan:8787';
  const there = { site: LAN, origin: LAN };

  it('has a cookie without Secure, and the origin has to be this one', async () => {
    const { ask } = deployed();
    const answer = await ask('POST', '/session', { body: { key: KEY }, ...there });
    const { name, pair, attributes } = cookieOf(answer);
    expect(name).toBe('chasqui-session');
    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Strict', 'Max-Age=43200']);
    const status = async (method: string, headers: Record<string, unknown>) => {
      const body = method === 'POST' ? { body: { name: 'x' } } : {};
      return (await ask(method, '/v1/keys', { site: LAN, cookie: pair, ...body, ...headers })).status;
    };
    expect(await status('GET', {})).toBe(200);
    expect(await status('POST', { origin: LAN })).toBe(201);
    expect(await status('POST', {})).toBe(401);
    expect(await status('POST', { origin: 'http://nas.lan:3000' })).toBe(401);
    expect(await status('POST', { origin: 'http://evil.lan:8787' })).toBe(401);
    expect(await status('GET', { origin: 'http://nas.lan:3000' })).toBe(401);
    expect(await status('POST', { origin: 'null' })).toBe(401);
  });

  it('cannot be planted on https by a neighbouring host', async () => {
    const { ask } = deployed();
    const { pair } = cookieOf(await ask('POST', '/session', { body: { key: KEY }, ...there }));
    expect((await ask('GET', '/v1/keys', { cookie: pair, ...OWN })).status).toBe(401);
    expect((await ask('POST', '/v1/keys', { body: { name: 'x' }, cookie: pair, origin: SITE })).status).toBe(401);
  });
});
