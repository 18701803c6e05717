import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AccountRpc, type Accounts, type KeyTerms, keyring } from '../../src/accounts/index.ts';
import { VOUCHED_MS } from '../../src/accounts/terms.ts';
import { ROUTES } from '../../src/routes/access.ts';
import { accountsOf, termsOf } from '../accounts/fake-accounts.ts';
import { completionOf, errorOf, gateway, hi, KEY, MODEL } from './support.ts';

const made = await keyring(KEY).make('team-a', Date.UTC(2026, 10, 28));
const authorization = `Bearer ${made.text}`;
const alone = await keyring(KEY).make('team-b', Date.UTC(2026, 10, 28));

afterEach(() => vi.useRealTimers());

/** A gateway whose accounts know this of the key, and all that reached a provider. */
function deployed(terms: (secretHash: string) => KeyTerms | undefined | Promise<KeyTerms | undefined>) {
  const upstream: string[] = [];
  const asked: string[] = [];
  const accounts = accountsOf((account) => ({
    terms: async (key, secretHash) => {
      asked.push(`${account}/${key}`);
      return terms(secretHash);
    },
    reserve: async ({ secretHash = '' }) =>
      (await terms(secretHash))
        ? { kind: 'held', limits: [] }
        : { kind: 'refused', code: 'authentication', message: 'This key was revoked or has expired.', limits: [] },
    confirm: async (key, secretHash = '') => {
      asked.push(`${account}/${key}`);
      return (await terms(secretHash))
        ? undefined
        : { kind: 'refused', code: 'authentication', message: 'This key was revoked or has expired.', limits: [] };
    },
    settle: async () => true,
    tell: async () => undefined,
  }));
  const ask = gateway(
    async (input) => {
      upstream.push(String(input));
      return Response.json(completionOf('Hello'));
    },
    { ACCOUNT: accounts },
  );
  return {
    upstream,
    asked,
    ask: (name: string, key = authorization) => {
      const [method = '', path = ''] = name.split(' ');
      const body = method === 'GET' ? null : (BODIES[path] ?? hi);
      return ask(method, path.replace(':id', MODEL), body, { authorization: key });
    },
  };
}

const BODIES: Readonly<Record<string, object>> = {
  '/v1/completions': { model: MODEL, prompt: 'Hi' },
  '/v1/messages': { ...hi, max_tokens: 5 },
  '/v1/messages/count_tokens': hi,
  '/v1/responses': { model: MODEL, input: 'Hi' },
  '/v1/embeddings': { model: MODEL, input: 'Hi' },
  '/v1/rerank': { model: MODEL, query: 'Hi', documents: ['a', 'b'] },
  '/v1/count_tokens': { model: 'llama-3-8b-instruct', input: 'Hi' },
  '/v1/tokenize': { model: 'llama-3-8b-instruct', input: 'Hi' },
  '/v1/detokenize': { model: 'llama-3-8b-instruct', ids: [1] },
};

const names = Object.keys(ROUTES) as (keyof typeof ROUTES)[];
const guarded = names.filter((name) => ROUTES[name] !== 'anyone');

describe('every route', () => {
  it.each(guarded)('refuses whoever has no key, a forged one, or a revoked one: %s', async (name) => {
    const { ask, upstream, asked } = deployed(() => undefined);
    const { account, key } = { account: 'team-a', key: made.id };
    for (const forged of ['', 'Bearer wrong', authorization.replace('team-a', 'team-b'), authorization.slice(0, -1)]) {
      expect(await errorOf(await ask(name, forged)), forged).toMatchObject({ status: 401, code: 'authentication' });
    }
    // None of those asks an account.
    expect(asked).toEqual([]);
    const revoked = await errorOf(await ask(name));
    const admin = ROUTES[name] === 'admin';
    expect(revoked).toMatchObject(admin ? { status: 403, code: 'permission_denied' } : { status: 401 });
    if (!admin) expect(asked).toEqual([`${account}/${key}`]);
    expect(upstream).toEqual([]);
  });

  it.each(names.filter((name) => ROUTES[name] !== 'call'))(
    'asks no provider for an answer unless it is a call: %s',
    async (name) => {
      const { ask, upstream } = deployed(() => termsOf(made.id));
      for (const key of [authorization, `Bearer ${KEY}`]) await ask(name, key);
      // A server of one's own counts tokens, which costs nothing.
      expect(upstream.filter((url) => !/tokenize$|input_tokens$/.test(url))).toEqual([]);
    },
  );

  it.each(names.filter((name) => ROUTES[name] === 'admin'))(
    'of admins refuses a caller’s key, and says why: %s',
    async (name) => {
      const { ask } = deployed(() => termsOf(made.id));
      const error = await errorOf(await ask(name));
      expect(error).toMatchObject({ status: 403, code: 'permission_denied' });
      expect(error.message).toMatch(/CHASQUI_ADMIN_KEY/);
    },
  );

  it('refuses a key at once when it is revoked, and not from memory', async () => {
    let known: KeyTerms | undefined = termsOf(made.id);
    const { ask, upstream } = deployed(() => known);
    for (const name of ['GET /v1/models', 'POST /v1/chat/completions']) expect((await ask(name)).status).toBe(200);
    expect(upstream).toHaveLength(1);
    known = undefined;
    for (const name of ['GET /v1/models', 'POST /v1/chat/completions', 'POST /v1/tokenize']) {
      const error = await errorOf(await ask(name));
      expect(error).toMatchObject({ status: 401, code: 'authentication' });
      expect(error.message).toMatch(/revoked or has expired/);
    }
    expect(upstream).toHaveLength(1);
  });

  it('shows nobody the answer to a call that was on its way when its account refused the key', async () => {
    let known: KeyTerms | undefined = termsOf(made.id);
    const { ask, upstream } = deployed(() => known);
    expect((await ask('POST /v1/chat/completions')).status).toBe(200);
    // An account answers nobody who changes a key before that time is over.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + VOUCHED_MS });
    known = undefined;
    // A key without limits does not wait for its account. After that the isolate knows.
    for (const sent of [2, 2]) {
      expect(await errorOf(await ask('POST /v1/chat/completions'))).toMatchObject({ status: 401 });
      expect(upstream).toHaveLength(sent);
    }
  });

  it('of a key without limits is not asked about while its account vouches for it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { ask, asked } = deployed(() => termsOf(made.id));
    const calls = async () => {
      for (const _ of [1, 2, 3]) expect((await ask('POST /v1/chat/completions')).status).toBe(200);
      return asked.length;
    };
    expect(await calls()).toBe(1);
    vi.setSystemTime(Date.now() + VOUCHED_MS);
    expect(await calls()).toBe(2);
  });

  it('asks for a repeat where the account cannot be reached, and says nothing of why', async () => {
    const { ask } = deployed(() => Promise.reject(new Error('canary of the runtime')));
    for (const name of ['GET /v1/models', 'POST /v1/chat/completions']) {
      const answer = await ask(name);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await answer.text()).not.toContain('canary');
    }
  });

  it('is refused to callers’ keys where no accounts are bound, and open to the admin', async () => {
    const ask = gateway(async () => Response.json(completionOf('Hello')));
    expect(await errorOf(await ask('GET', '/v1/models', null, { authorization }))).toMatchObject({
      status: 501,
      code: 'not_implemented',
    });
    expect((await ask('GET', '/v1/models')).status).toBe(200);
  });
});

describe('every call', () => {
  const calls = names.filter((name) => ROUTES[name] === 'call');

  /** What an account was asked, and what reached a provider, in their order. */
  function watched(terms: Partial<KeyTerms>, reserve: AccountRpc['reserve']) {
    const seen: string[] = [];
    const ask = gateway(
      async (input) => {
        if (!/tokenize$|input_tokens$/.test(String(input))) seen.push('sent');
        return Response.json(completionOf('Hello'));
      },
      {
        ACCOUNT: accountsOf((account) => ({
          terms: async () => termsOf(made.id, terms),
          reserve: async (request) => {
            seen.push(`reserve ${account}/${request.start.key}`);
            return reserve(request);
          },
          confirm: async () => undefined,
          settle: async () => true,
          tell: async (told) => {
            for (const { call } of told) if (call) seen.push(`told ${account}/${call.start.key}`);
          },
          push: async () => 0,
        })),
      },
    );
    return {
      seen,
      call: (name: string, key: string) => {
        const path = name.split(' ')[1] ?? '';
        return ask('POST', path, BODIES[path] ?? hi, { authorization: key });
      },
    };
  }

  it.each(calls)('asks the account, and sends nothing if a limited key is refused: %s', async (name) => {
    const { seen, call } = watched({ limited: true, rpm: 1 }, async () => ({
      kind: 'refused',
      code: 'rate_limit_exceeded',
      message: 'Too many.',
      retryAfterMs: 1_500,
      limits: [{ name: 'rpm', limit: 1, remaining: 0, resetMs: 1_500 }],
    }));
    const answer = await call(name, authorization);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(answer.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(seen).toEqual([`reserve team-a/${made.id}`]);
  });

  it.each(calls)('has its row in an account, whoever makes it: %s', async (name) => {
    for (const [key, account] of [
      // What is to be told to an account goes to it in one request, also of other tests.
      [`Bearer ${alone.text}`, `team-b/${alone.id}`],
      [`Bearer ${KEY}`, 'main/admin'],
    ] as const) {
      const { seen, call } = watched({}, async () => ({ kind: 'held', limits: [] }));
      // The server plays chats only, so other calls may fail after they were sent.
      await call(name, key);
      expect(seen).toContain('sent');
      await vi.waitFor(() => expect(seen).toContain(`told ${account}`));
    }
  });
});

describe('an open sandbox', () => {
  /** No provider has credentials, and the emulator is bound: one own server stands in for it. */
  const open = (ACCOUNT?: Accounts) =>
    gateway(
      async () => {
        throw new Error('the open sandbox asks the emulator alone');
      },
      {
        CHASQUI_ADMIN_KEY: '',
        OPENAI_COMPATIBLE_SERVICES: '',
        SANDBOX: { fetch: async () => Response.json(completionOf('Hello')) },
        CHASQUI_SANDBOX: {
          OPENAI_COMPATIBLE_SERVICES: [{ id: 'mine', base_url: 'http://sandbox.invalid/v1', models: { [MODEL]: {} } }],
        },
        ...(ACCOUNT ? { ACCOUNT } : {}),
      },
    );

  it('lets everybody in as the account local, whatever key they send', async () => {
    const ask = open();
    for (const authorization of ['', 'Bearer sk-anything']) {
      expect((await ask('POST', '/v1/chat/completions', hi, { authorization })).status).toBe(200);
      const own = await ask('GET', '/v1/key', null, { authorization });
      expect(await own.json()).toMatchObject({ id: 'local', account: 'local', admin: true });
    }
  });

  it('holds a key of ours to its terms all the same, and refuses a forged one', async () => {
    const account = new Map<string, KeyTerms>();
    const ask = open(
      accountsOf(() => ({
        createKey: async ({ id, settings }) => {
          const terms = { ...termsOf(id), ...settings };
          account.set(id, terms);
          return { terms, createdAt: 0, running: 0, limits: [], spent: 0n, pending: 0n };
        },
        terms: async (id) => account.get(id),
      })),
    );
    const body = { name: 'tried', allow: { models: ['gpt-oss-120b'] } };
    const { key } = await (await ask('POST', '/v1/keys', body, { authorization: '' })).json<{ key: string }>();
    const called = (authorization: string) => ask('POST', '/v1/chat/completions', hi, { authorization });
    expect((await called(`Bearer ${key}`)).status).toBe(403);
    expect((await called(`Bearer ${key}x`)).status).toBe(401);
    expect((await ask('GET', '/v1/keys', null, { authorization: `Bearer ${key}` })).status).toBe(403);
    // It is good for the sandbox alone.
    const real = gateway(async () => Response.json({}), { ACCOUNT: accountsOf(() => ({})) });
    expect((await real('GET', '/v1/key', null, { authorization: `Bearer ${key}` })).status).toBe(401);
  });
});

describe('a key’s secret', () => {
  it('is sent to its account as its hash', async () => {
    const seen: string[] = [];
    const { ask } = deployed((hash) => {
      seen.push(hash);
      return termsOf(made.id);
    });
    await ask('GET /v1/models');
    expect(seen).toEqual([made.secretHash]);
  });
});

describe('a key that may not use everything', () => {
  const OTHER = 'other-model';
  const services = JSON.stringify([
    { id: 'mine', base_url: 'http://mine.example/v1', token: 'x', models: { [MODEL]: {}, [OTHER]: {} } },
    { id: 'theirs', base_url: 'http://theirs.example/v1', token: 'x', models: { [MODEL]: {} } },
  ]);
  const routes = JSON.stringify({ cheap: OTHER });

  const may = (terms: Partial<KeyTerms>) => {
    const upstream: string[] = [];
    const ask = gateway(
      async (input, init) => {
        const request = new Request(input, init);
        upstream.push(`${new URL(request.url).host} ${(await request.json<{ model: string }>()).model}`);
        return Response.json(completionOf('Hello'));
      },
      {
        ACCOUNT: accountsOf(() => ({ terms: async () => termsOf(made.id, terms) })),
        OPENAI_COMPATIBLE_SERVICES: services,
        CHASQUI_ROUTES: routes,
      },
    );
    const post = (path: string, body: object) => ask('POST', path, body, { authorization });
    return { upstream, post, get: (path: string) => ask('GET', path, null, { authorization }) };
  };
  const call = (model: string) => ({ ...hi, model });

  it('is refused another model, told which it may use, and nothing is sent', async () => {
    const { post, upstream } = may({ models: [OTHER] });
    const error = await errorOf(await post('/v1/chat/completions', call(MODEL)));
    expect(error).toMatchObject({ status: 403, code: 'permission_denied' });
    expect(error.message).toContain(`This key may not use ${MODEL}. It may use ${OTHER}.`);
    expect(upstream).toEqual([]);
    expect((await post('/v1/chat/completions', call(OTHER))).status).toBe(200);
    expect((await post('/v1/chat/completions', { ...hi, model: MODEL, models: [MODEL, OTHER] })).status).toBe(200);
    expect(upstream).toEqual([`mine.example ${OTHER}`, `mine.example ${OTHER}`]);
  });

  it('is refused in every dialect, and for embeddings and rankings', async () => {
    const { post, upstream } = may({ models: [OTHER] });
    for (const [path, body] of [
      ['/v1/completions', { model: MODEL, prompt: 'Hi' }],
      ['/v1/messages', { ...hi, max_tokens: 5 }],
      ['/v1/responses', { model: MODEL, input: 'Hi' }],
      ['/v1/embeddings', { model: MODEL, input: 'Hi' }],
      ['/v1/rerank', { model: MODEL, query: 'Hi', documents: ['a'] }],
    ] as const) {
      const answer = await post(path, body);
      expect([answer.status, answer.headers.get('x-should-retry')], path).toEqual([403, 'false']);
      expect(await answer.text(), path).toContain(`This key may not use ${MODEL}`);
    }
    expect(upstream).toEqual([]);
  });

  it('is refused another provider, whatever the call prefers', async () => {
    const { post, upstream } = may({ providers: ['theirs'] });
    for (const provider of [{}, { order: ['mine'] }, { sort: 'price' }])
      expect((await post('/v1/chat/completions', { ...hi, provider })).status).toBe(200);
    expect(new Set(upstream)).toEqual(new Set([`theirs.example ${MODEL}`]));
    for (const body of [{ ...hi, provider: { only: ['mine'] } }, call(`mine/${MODEL}`), call(OTHER)]) {
      const error = await errorOf(await post('/v1/chat/completions', body));
      expect([403, 400]).toContain(error.status);
    }
    expect(upstream).toHaveLength(3);
  });

  it('may use a configured name, and by it the model behind it', async () => {
    const { post, upstream } = may({ models: ['cheap'] });
    expect((await post('/v1/chat/completions', call('cheap'))).status).toBe(200);
    expect((await post('/v1/chat/completions', call(OTHER))).status).toBe(403);
    expect(upstream).toEqual([`mine.example ${OTHER}`]);
  });

  it('sees in the sheet what it may not use', async () => {
    const { post } = may({ providers: ['theirs'] });
    const { data } = await (await post('/v1/offers', hi)).json<{ data: Record<string, unknown>[] }>();
    expect(data).toMatchObject([
      { provider: 'theirs', eligible: true },
      { provider: 'mine', eligible: false, reason: { code: 'not_permitted' } },
    ]);
  });

  it('has its own handling of template markers, which a call may override', async () => {
    const { post } = may({ markers: 'reject' });
    const content = 'a <|im_start|> b';
    const asked = { model: MODEL, messages: [{ role: 'user', content }], template: { name: 'chatml' } };
    const free = may({});
    const sheet = async ({ post: by }: { post: typeof post }, body: object) =>
      (await (await by('/v1/offers', body)).json<{ data: { eligible: boolean; reason?: { code: string } }[] }>()).data;
    const allowed = { ...asked, template: { name: 'chatml', markers: 'allow' } };
    expect((await sheet({ post }, asked)).map(({ reason }) => reason?.code)).toEqual([
      'unsafe_markers',
      'unsafe_markers',
    ]);
    expect((await sheet(may({ markers: 'neutralise' }), asked)).map(({ eligible }) => eligible)).toEqual([true, true]);
    expect((await sheet({ post }, allowed)).map(({ eligible }) => eligible)).toEqual([true, true]);
    expect((await sheet(free, allowed)).map(({ eligible }) => eligible)).toEqual([true, true]);
  });

  it('lists the models and offers that it may use, in every client’s form, and no others', async () => {
    interface Row {
      id: string;
      offers?: { provider: string }[];
    }
    const ids = async (terms: Partial<KeyTerms>, query = '') => {
      const { data } = await (await may(terms).get(`/v1/models${query}`)).json<{ data: Row[] }>();
      return data;
    };
    const names = (rows: Row[]) => rows.map(({ id }) => id);
    const everything = await ids({});
    expect(names(everything)).toEqual(expect.arrayContaining(['cheap', MODEL, OTHER, 'llama-3.3-70b-instruct']));
    expect(names(await ids({ models: [MODEL] }))).toEqual([MODEL]);
    expect(names(await ids({ models: ['cheap'] }))).toEqual(['cheap']);
    expect(names(await ids({ models: [OTHER] }))).toEqual(['cheap', OTHER]);
    const theirs = await ids({ providers: ['theirs'] });
    expect(theirs.map(({ id, offers }) => [id, offers?.map(({ provider }) => provider)])).toEqual([
      [MODEL, ['theirs']],
    ]);
    const together = await ids({ providers: ['together'], models: ['llama-3.3-70b-instruct'] });
    expect(together).toMatchObject([{ id: 'llama-3.3-70b-instruct', offers: [{ provider: 'together' }] }]);
    expect(names(await ids({ models: [MODEL, 'llama-3.3-70b-instruct'] }, '?available=1'))).toEqual([MODEL]);

    const { get } = may({ models: [MODEL] });
    expect((await get(`/v1/models/${MODEL}`)).status).toBe(200);
    expect(await errorOf(await get(`/v1/models/${OTHER}`))).toMatchObject({ status: 403, code: 'permission_denied' });
    const codex = await (await get('/v1/models?client_version=0.142.5')).json<{ models: unknown[] }>();
    expect(JSON.stringify(codex)).not.toContain(OTHER);
  });

  it('may use a pattern of names, and lists it', async () => {
    const patterns = JSON.stringify({ 'claude-*': OTHER });
    const ask = gateway(async () => Response.json(completionOf('Hello')), {
      ACCOUNT: accountsOf(() => ({ terms: async () => termsOf(made.id, { models: ['claude-*'] }) })),
      OPENAI_COMPATIBLE_SERVICES: services,
      CHASQUI_ROUTES: patterns,
    });
    expect((await ask('POST', '/v1/chat/completions', call('claude-x'), { authorization })).status).toBe(200);
    expect((await ask('GET', '/v1/models/claude-x', null, { authorization })).status).toBe(200);
    expect((await ask('POST', '/v1/chat/completions', call(OTHER), { authorization })).status).toBe(403);
  });
});
