import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionOf, errorOf, gateway, hi, KEY, MODEL } from './support.ts';

interface KeyAnswer {
  readonly id: string;
  readonly key?: string;
  readonly account: string;
  readonly name: string;
  readonly revision: number;
  readonly budget: object | null;
  readonly [field: string]: unknown;
}

/** A gateway with the real accounts of this runtime. */
function deployed(settings: Readonly<Record<string, unknown>> = {}) {
  const upstream: string[] = [];
  const ask = gateway(
    async (input) => {
      upstream.push(String(input));
      return Response.json(completionOf('Hello'));
    },
    { ACCOUNT: Reflect.get(env, 'ACCOUNT'), ...settings },
  );
  const json = async (method: string, path: string, body?: object | string | null, key = KEY) => {
    const answer = await ask(method, path, body, { authorization: `Bearer ${key}` });
    expect(answer.status, await answer.clone().text()).toBeLessThan(300);
    return answer.json<KeyAnswer>();
  };
  return { ask, upstream, json };
}

/** An account of its own for each test. */
let accounts = 0;
const account = () => `keys-test-${++accounts}`;

const refusal = async (ask: ReturnType<typeof deployed>['ask'], body: unknown, method = 'POST', path = '/v1/keys') => {
  const { status, code, param, message } = await errorOf(await ask(method, path, JSON.stringify(body)));
  return { status, code, param, message };
};

describe('a key', () => {
  it('is made with all its settings, shows its secret once, and works', async () => {
    const { json, ask } = deployed();
    const name = account();
    const body = {
      account: name,
      name: "Robert'); DROP TABLE keys;--",
      limits: { rpm: 100, tpm: 200_000, concurrency: 4 },
      budget: { limit: '5.00', period: 'month' },
      allow: { models: [MODEL], providers: ['mine'] },
      expires_at: '2099-01-31T00:00:00Z',
      metadata: { team: 'blue', cost_center: '4711' },
      markers: 'reject',
      at_limit: 'cheaper',
    };
    const answer = await ask('POST', '/v1/keys', body);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const made = await answer.json<KeyAnswer>();
    const { key, ...rest } = made;
    expect(rest).toMatchObject({
      ...body,
      object: 'key',
      budget: { limit: '5', period: 'month' },
      expires_at: '2099-01-31T00:00:00.000Z',
      spent: '0',
      pending: '0',
      left: '5',
      revoked_at: null,
      running: 0,
      account_budget: null,
    });
    expect(key).toMatch(new RegExp(`^ck_${name}_${made.id}_`));
    const again = await json('GET', `/v1/keys/${made.id}?account=${name}`);
    expect(again).toEqual(rest);
    const own = await json('GET', '/v1/key', null, key);
    expect(own).toEqual({ ...rest, admin: false });
    const now = new Date();
    expect(rest.period_ends).toBe(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)).toISOString());
  });

  it('makes calls until it is revoked, and none after', async () => {
    const { json, ask, upstream } = deployed();
    const made = await json('POST', '/v1/keys', { name: 'short', account: account() });
    const call = () => ask('POST', '/v1/chat/completions', hi, { 'x-api-key': made.key ?? '', authorization: '' });
    expect((await call()).status).toBe(200);
    const revoked = await json('DELETE', `/v1/keys/${made.id}?account=${made.account}`);
    expect(revoked.revoked_at).toMatch(/^20/);
    expect((await call()).status).toBe(401);
    for (const path of ['/v1/key', '/v1/models'])
      expect((await ask('GET', path, null, { authorization: `Bearer ${made.key}` })).status).toBe(401);
    expect(upstream).toHaveLength(1);
    // Revoking twice changes nothing; and it stays revoked.
    expect(await json('DELETE', `/v1/keys/${made.id}?account=${made.account}`)).toEqual(revoked);
    expect(await refusal(ask, { name: 'x' }, 'PATCH', `/v1/keys/${made.id}?account=${made.account}`)).toMatchObject({
      status: 409,
      param: 'id',
    });
  });

  it('is refused once it has expired', async () => {
    const { json, ask } = deployed();
    const soon = Date.now() + 1_000;
    const made = await json('POST', '/v1/keys', { name: 'soon', account: account(), expires_at: soon });
    const status = async () => (await ask('GET', '/v1/key', null, { authorization: `Bearer ${made.key}` })).status;
    expect(await status()).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, soon - Date.now() + 20));
    expect(await status()).toBe(401);
  });

  it('keeps what a change does not name, and null removes', async () => {
    const { json } = deployed();
    const name = account();
    const made = await json('POST', '/v1/keys', {
      account: name,
      name: 'before',
      limits: { rpm: 10, tpm: 1_000 },
      budget: { limit: 5, period: 'day' },
      metadata: { a: '1', b: '2' },
      expires_at: '2099-01-01T00:00:00Z',
    });
    const path = `/v1/keys/${made.id}?account=${name}`;
    const changed = await json('PATCH', path, {
      name: 'after',
      limits: { rpm: null, concurrency: 3 },
      budget: { limit: '7.5' },
      metadata: { a: null, c: '3' },
      expires_at: null,
    });
    expect(changed).toMatchObject({
      name: 'after',
      limits: { tpm: 1_000, concurrency: 3 },
      budget: { limit: '7.5', period: 'day' },
      metadata: { b: '2', c: '3' },
      expires_at: null,
      revision: 2,
    });
    expect(changed.metadata).toEqual({ b: '2', c: '3' });
    expect(await json('PATCH', path, { limits: null, budget: null, metadata: null })).toMatchObject({
      limits: null,
      budget: null,
      left: null,
      metadata: {},
      name: 'after',
    });
    // An answer is a body that changes nothing.
    const {
      limits,
      budget,
      allow,
      expires_at,
      metadata,
      markers,
      at_limit,
      name: called,
      ...rest
    } = await json('GET', path);
    const same = await json('PATCH', path, {
      limits,
      budget,
      allow,
      expires_at,
      metadata,
      markers,
      at_limit,
      name: called,
    });
    expect({ ...same, revision: 0 }).toMatchObject({ ...rest, revision: 0 });
  });

  it('is changed by many at once without losing any change', async () => {
    const { json } = deployed();
    const made = await json('POST', '/v1/keys', { name: 'x', account: account(), metadata: {} });
    const path = `/v1/keys/${made.id}?account=${made.account}`;
    await Promise.all(['a', 'b', 'c'].map((field) => json('PATCH', path, { metadata: { [field]: field } })));
    expect((await json('GET', path)).metadata).toEqual({ a: 'a', b: 'b', c: 'c' });
  });

  it('is listed with those of its account alone, newest first, in pages', async () => {
    const { json } = deployed();
    const name = account();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await json('POST', '/v1/keys', { name: `key ${n}`, account: name })).id);
    await json('POST', '/v1/keys', { name: 'elsewhere', account: account() });
    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 3; page++) {
      const answer = await json('GET', `/v1/keys?account=${name}&limit=2${after}`);
      seen.push(...(answer.data as KeyAnswer[]).map(({ id }) => id));
      expect(answer.has_more).toBe(page < 2);
      after = `&after=${answer.last_id}`;
    }
    // Of one millisecond the order is by chance.
    expect(new Set(seen)).toEqual(new Set(ids));
    expect([...seen].sort().reverse()).toEqual(seen);
    await json('DELETE', `/v1/keys/${ids[0]}?account=${name}`);
    const left = await json('GET', `/v1/keys?account=${name}`);
    expect((left.data as KeyAnswer[]).map(({ id }) => id)).not.toContain(ids[0]);
    expect(((await json('GET', `/v1/keys?account=${name}&revoked=1`)).data as KeyAnswer[]).length).toBe(5);
  });

  it('of another account is not found under this one', async () => {
    const { json, ask } = deployed();
    const made = await json('POST', '/v1/keys', { name: 'x', account: account() });
    for (const [method, path] of [
      ['GET', `/v1/keys/${made.id}`],
      ['PATCH', `/v1/keys/${made.id}?account=${account()}`],
      ['DELETE', `/v1/keys/${made.id}`],
      ['GET', '/v1/keys/no-such-key'],
      ['GET', '/v1/keys/0%27%20OR%201=1'],
    ] as const) {
      const error = await errorOf(await ask(method, path, method === 'PATCH' ? { name: 'y' } : null));
      expect(error, path).toMatchObject({ status: 404, code: 'not_found', param: 'id' });
    }
    expect((await json('GET', `/v1/keys/${made.id}?account=${made.account}`)).revoked_at).toBeNull();
  });

  it('keeps names of models as they are called here', async () => {
    const { json } = deployed({ CHASQUI_ROUTES: JSON.stringify({ cheap: MODEL }) });
    const made = await json('POST', '/v1/keys', {
      name: 'x',
      account: account(),
      allow: { models: ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'cheap', MODEL, MODEL], providers: ['Together'] },
    });
    expect(made.allow).toEqual({ models: ['llama-3.3-70b-instruct', 'cheap', MODEL], providers: ['together'] });
  });
});

describe('what is refused of a key’s settings', () => {
  const { ask, json } = deployed();
  const big = 'x'.repeat(1_100_000);
  it.each<readonly [what: string, body: unknown, param: string | null, says: RegExp]>([
    ['no name', {}, 'name', /is required/],
    ['an empty name', { name: ' ' }, 'name', /must not be empty/],
    ['a name that is no text', { name: 5 }, 'name', /expected string/],
    ['a long name', { name: 'x'.repeat(201) }, 'name', /at most 200/],
    ['half a surrogate', { name: 'a\ud800' }, 'name', /Unicode/],
    ['a negative budget', { name: 'x', budget: { limit: '-1', period: 'day' } }, 'budget.limit', /amount in dollars/],
    ['a negative number', { name: 'x', budget: { limit: -1, period: 'day' } }, 'budget.limit', /amount in dollars/],
    ['no money', { name: 'x', budget: { limit: '0.000', period: 'day' } }, 'budget.limit', /more than 0/],
    [
      'too many decimals',
      { name: 'x', budget: { limit: '0.0000000001', period: 'day' } },
      'budget.limit',
      /9 decimals/,
    ],
    ['an exponent', { name: 'x', budget: { limit: '1e3', period: 'day' } }, 'budget.limit', /amount in dollars/],
    [
      'an absurd budget',
      { name: 'x', budget: { limit: '99999999999', period: 'day' } },
      'budget.limit',
      /at most 1000000000/,
    ],
    ['an absurd period', { name: 'x', budget: { limit: '1', period: 'fortnight' } }, 'budget.period', /"day", "week"/],
    ['no period', { name: 'x', budget: { limit: '1' } }, 'budget.period', /is required/],
    ['no limit', { name: 'x', budget: { period: 'day' } }, 'budget.limit', /is required/],
    ['a budget that is no object', { name: 'x', budget: 5 }, 'budget', /expected Object/],
    ['no requests', { name: 'x', limits: { rpm: 0 } }, 'limits.rpm', /at least 1/],
    ['half a request', { name: 'x', limits: { rpm: 1.5 } }, 'limits.rpm', /whole number/],
    ['too many tokens', { name: 'x', limits: { tpm: 1e15 } }, 'limits.tpm', /at most/],
    ['text for a number', { name: 'x', limits: { concurrency: '3' } }, 'limits.concurrency', /expected number/],
    ['a misspelt limit', { name: 'x', limits: { rmp: 5 } }, 'limits.rmp', /unknown field/],
    ['a misspelt field', { name: 'x', budgets: {} }, 'budgets', /Did you mean budget\?/],
    ['a field of ours', { name: 'x', spent: '0' }, 'spent', /unknown field/],
    ['a prototype', '{"name": "x", "__proto__": {"a": 1}}', '__proto__', /unknown field/],
    ['no models', { name: 'x', allow: { models: [] } }, 'allow.models', /at least one/],
    [
      'an unknown model',
      { name: 'x', allow: { models: ['llama-3.3-70b-instrct'] } },
      'allow.models[0]',
      /Did you mean llama-3.3-70b-instruct/,
    ],
    [
      'a model at a provider',
      { name: 'x', allow: { models: ['together/llama-3.3-70b-instruct'] } },
      'allow.models[0]',
      /together in allow.providers/,
    ],
    [
      'an unknown provider',
      { name: 'x', allow: { providers: ['togehter'] } },
      'allow.providers[0]',
      /Did you mean together/,
    ],
    ['a time that is over', { name: 'x', expires_at: '2001-01-01T00:00:00Z' }, 'expires_at', /in the future/],
    ['seconds for milliseconds', { name: 'x', expires_at: 4_000_000_000 }, 'expires_at', /in the future/],
    ['a time that is none', { name: 'x', expires_at: 'tomorrow' }, 'expires_at', /2027-01-31/],
    ['a day that is none', { name: 'x', expires_at: '2099-13-45T00:00:00Z' }, 'expires_at', /2027-01-31/],
    ['a megabyte of metadata', { name: 'x', metadata: { big } }, 'metadata.big', /at most 512/],
    ['a megabyte of a name in metadata', { name: 'x', metadata: { [big]: '' } }, `metadata.${big}`, /1 to 64 letters/],
    [
      'much metadata',
      { name: 'x', metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, ''])) },
      'metadata',
      /at most 16/,
    ],
    ['metadata of numbers', { name: 'x', metadata: { a: 1 } }, 'metadata.a', /must be a text/],
    ['metadata in metadata', { name: 'x', metadata: { a: { b: 'c' } } }, 'metadata.a', /must be a text/],
    [
      'a prototype in metadata',
      '{"name": "x", "metadata": {"__proto__": "a"}}',
      'metadata.__proto__',
      /letters, digits/,
    ],
    ['odd markers', { name: 'x', markers: 'parse' }, 'markers', /"reject", "neutralise" or "allow"/],
    ['an odd wish at the limit', { name: 'x', at_limit: 'stop' }, 'at_limit', /"clamp" or "cheaper"/],
    ['an odd account', { name: 'x', account: '../main' }, 'account', /letters, digits/],
    ['a megabyte of a field', { name: 'x', [big]: 1 }, big, /unknown field/],
    ['a list', [], null, /must be a JSON object/],
    ['nothing', 'null', null, /must be a JSON object/],
    ['no JSON', '{"name": ', null, /not valid JSON/],
  ])('%s', async (_, body, param, says) => {
    const error = await errorOf(await ask('POST', '/v1/keys', typeof body === 'string' ? body : JSON.stringify(body)));
    expect(error.status).toBe(400);
    expect(error.code).toBe('invalid_request');
    expect(error.message).toMatch(says);
    // A name of a megabyte is not repeated.
    expect(error.message.length).toBeLessThan(600);
    if ((param?.length ?? 0) < 100) expect(error.param).toBe(param);
  });

  it('is refused of a change, too, and nothing is changed', async () => {
    const made = await json('POST', '/v1/keys', { name: 'x', account: account(), budget: { limit: 1, period: 'day' } });
    const path = `/v1/keys/${made.id}?account=${made.account}`;
    for (const [body, param] of [
      [{ name: null }, 'name'],
      [{ budget: { limit: null } }, 'budget.limit'],
      [{ budget: { limit: '-1' } }, 'budget.limit'],
      [{ account: 'another' }, 'account'],
      [{ nmae: null }, 'nmae'],
      [{ expires_at: 5 }, 'expires_at'],
      [{ allow: { models: ['nothing-like-it'] } }, 'allow.models[0]'],
      [{ revision: 3 }, 'revision'],
    ] as const) {
      expect(await refusal(ask, body, 'PATCH', path), JSON.stringify(body)).toMatchObject({ status: 400, param });
    }
    const { key: _, ...before } = made;
    expect(await json('GET', path)).toEqual(before);
  });

  it('is named, whatever is sent, and nothing fails', async () => {
    const valid = {
      name: 'x',
      budget: { limit: '1', period: 'day' },
      limits: { rpm: 1, tpm: 1, concurrency: 1 },
      allow: { models: [MODEL], providers: ['mine'] },
      expires_at: '2099-01-01T00:00:00Z',
      metadata: { a: 'b' },
      markers: 'reject',
      at_limit: 'clamp',
      account: 'fuzzed',
    };
    const paths = Object.entries(valid).flatMap(([field, value]) =>
      typeof value === 'object' ? [[field], ...Object.keys(value).map((inner) => [field, inner])] : [[field]],
    );
    const replaced = (whole: object, [field = '', inner]: string[], value: unknown): object =>
      inner === undefined
        ? { ...whole, [field]: value }
        : { ...whole, [field]: { ...(Reflect.get(whole, field) as object), [inner]: value } };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue(), async (path, value) => {
        const answer = await ask('POST', '/v1/keys', replaced(valid, path, value));
        if (answer.status === 201) return;
        const error = await errorOf(answer);
        expect([error.status, error.code]).toEqual([400, 'invalid_request']);
        expect(error.param ?? '').toMatch(new RegExp(`^${path[0]}`));
      }),
      { numRuns: 300 },
    );
  });

  it('is refused of a query', async () => {
    for (const [query, param] of [
      ['acount=main', 'acount'],
      ['account=a%20b', 'account'],
      ['limit=0', 'limit'],
      ['limit=1000', 'limit'],
      ['limit=x', 'limit'],
      ['after=x', 'after'],
      ['revoked=maybe', 'revoked'],
    ] as const) {
      expect(await errorOf(await ask('GET', `/v1/keys?${query}`)), query).toMatchObject({ status: 400, param });
    }
  });
});

describe('an account', () => {
  it('has a budget for all its keys, which each of them is told', async () => {
    const { json, ask } = deployed();
    const name = account();
    expect(await json('GET', `/v1/accounts/${name}`)).toMatchObject({
      id: name,
      object: 'account',
      budget: null,
      keys: 0,
    });
    const made = await json('POST', '/v1/keys', { name: 'x', account: name });
    const path = `/v1/accounts/${name}`;
    expect(await json('PATCH', path, { budget: { limit: '100', period: 'week' } })).toMatchObject({
      budget: { limit: '100', period: 'week' },
      left: '100',
      keys: 1,
    });
    expect((await json('GET', '/v1/key', null, made.key)).account_budget).toMatchObject({ limit: '100', left: '100' });
    expect(await json('PATCH', path, { budget: { limit: '50' } })).toMatchObject({
      budget: { limit: '50', period: 'week' },
    });
    for (const [body, param] of [
      [{}, 'budget'],
      [{ budget: { limit: '-5' } }, 'budget.limit'],
      [{ limits: { rpm: 3 } }, 'limits'],
      [{ budget: { period: 'year' } }, 'budget.period'],
    ] as const) {
      expect(await refusal(ask, body, 'PATCH', path)).toMatchObject({ status: 400, param });
    }
    expect(await json('PATCH', path, { budget: null })).toMatchObject({ budget: null, left: null });
    expect(await errorOf(await ask('GET', '/v1/accounts/a%20b'))).toMatchObject({ status: 404 });
  });
});

describe('the admin key', () => {
  it('is told what it is', async () => {
    const { json } = deployed();
    expect(await json('GET', '/v1/key')).toEqual({
      id: 'admin',
      object: 'key',
      account: 'main',
      admin: true,
      budget: null,
      limits: null,
      allow: null,
    });
  });

  it('can be changed without a word to the holders of keys, where keys have a secret of their own', async () => {
    const secret = { CHASQUI_KEY_SECRET: 'a secret for keys alone' };
    const { json } = deployed(secret);
    const made = await json('POST', '/v1/keys', { name: 'x', account: account() });
    const headers = { authorization: `Bearer ${made.key}` };
    const later = deployed({ ...secret, CHASQUI_ADMIN_KEY: 'another-admin-key' });
    expect((await later.ask('GET', '/v1/key', null, headers)).status).toBe(200);
    // Without it they are derived from the admin key.
    const other = deployed({ CHASQUI_ADMIN_KEY: 'another-admin-key' });
    expect((await other.ask('GET', '/v1/key', null, headers)).status).toBe(401);
  });
});
