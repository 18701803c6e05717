import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** Keys through the real Worker and its real accounts, with official clients. */

const PAGE = readFileSync(new URL('../../docs/keys.md', import.meta.url).pathname, 'utf8');
const MODEL = 'llama-3.3-70b-instruct';
const messages = [{ role: 'user' as const, content: 'What color is the sky?' }];

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(sandboxEnv);
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

interface Key {
  readonly id: string;
  readonly key: string;
  readonly spent: string;
  readonly pending: string;
  readonly left: string | null;
  readonly [field: string]: unknown;
}

const make = async (settings: object): Promise<Key> => {
  const answer = await stack.post('/v1/keys', {
    name: 'a test',
    account: `gateway-${crypto.randomUUID()}`,
    ...settings,
  });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return (await answer.json()) as Key;
};
const own = async (key: string): Promise<Key> =>
  (await (await stack.get('/v1/key', { authorization: `Bearer ${key}` })).json()) as Key;
const call = (key: string, body: object = {}) =>
  stack.post('/v1/chat/completions', { model: MODEL, messages, ...body }, { authorization: `Bearer ${key}` });

describe('docs/keys.md', () => {
  it('shows commands that work, from a key’s making to its end', async () => {
    const commands = [...PAGE.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
    expect(commands).toHaveLength(7);
    const env: Record<string, string> = { CHASQUI_URL: stack.url, CHASQUI_ADMIN_KEY: KEY };
    const run = async (command = ''): Promise<Key & { data: Key[]; usage: { cost: number } }> => {
      const { stdout } = await promisify(execFile)('bash', ['-c', command.replace('curl', 'curl --fail-with-body')], {
        env: { ...process.env, ...env },
      });
      return JSON.parse(stdout);
    };
    const [making, calling, asking, changing, listing, revoking, budgeting] = commands;
    const made = await run(making);
    expect(made).toMatchObject({ name: 'the blue team', account: 'main', left: '5', metadata: { team: 'blue' } });
    env.CHASQUI_KEY = made.key;
    env.KEY_ID = made.id;
    const answer = await run(calling);
    expect(answer.usage.cost).toBeGreaterThan(0);
    await expect.poll(async () => (await own(made.key)).pending).toBe('0');
    const state = await run(asking);
    expect(Number(state.spent)).toBeCloseTo(answer.usage.cost, 9);
    expect(Number(state.left) + Number(state.spent)).toBeCloseTo(5, 9);
    expect(await run(changing)).toMatchObject({
      budget: { limit: '7.5', period: 'month' },
      limits: { rpm: 60, tpm: 100_000 },
    });
    expect((await run(listing)).data.map(({ id }) => id)).toContain(made.id);
    expect((await run(revoking)).revoked_at).toMatch(/^20/);
    expect((await call(made.key)).status).toBe(401);
    expect(await run(budgeting)).toMatchObject({ id: 'main', budget: { limit: '100', period: 'month' } });
    await stack.post('/v1/nothing', {});
    // Others share the account.
    const { status } = await fetch(`${stack.url}/v1/accounts/main`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: '{"budget": null}',
    });
    expect(status).toBe(200);
  });

  it('says what the answers of a key are', async () => {
    const budgeted = await make({ budget: { limit: '0.000000001', period: 'day' } });
    const limited = await make({ limits: { rpm: 1 } });
    const narrow = await make({ allow: { models: ['gpt-oss-120b'] } });
    expect((await call(limited.key)).status).toBe(200);
    for (const [key, code, status, retry] of [
      [`${limited.key}x`, 'authentication', 401, 'false'],
      [budgeted.key, 'insufficient_budget', 402, 'false'],
      [narrow.key, 'permission_denied', 403, 'false'],
      [limited.key, 'rate_limit_exceeded', 429, null],
    ] as const) {
      expect(PAGE).toContain(`| ${status} \`${code}\` |`);
      for (const stream of [false, true]) {
        const answer = await call(key, { stream });
        expect([answer.status, answer.headers.get('x-should-retry')], code).toEqual([status, retry]);
        const { error } = (await answer.json()) as { error: { code: string } };
        expect(error.code).toBe(code);
        if (status === 429) {
          const seconds = Number(answer.headers.get('retry-after'));
          expect(seconds).toBeGreaterThan(0);
          // Seconds are counted whole.
          expect(seconds).toBeLessThanOrEqual(61);
          expect(Number(answer.headers.get('retry-after-ms'))).toBeLessThanOrEqual(seconds * 1_000);
        }
      }
    }
    // Nothing was sent for any of the refused.
    expect(await stack.journal()).toHaveLength(1);
  });
});

describe('a key’s limits', () => {
  it('are told in every answer of a call, in both forms', async () => {
    const { key } = await make({ limits: { rpm: 10, tpm: 50_000 } });
    for (const stream of [false, true]) {
      const answer = await call(key, { stream, max_tokens: 5 });
      const { headers } = answer;
      await answer.text();
      expect(headers.get('x-ratelimit-limit-requests')).toBe('10');
      expect(Number(headers.get('x-ratelimit-remaining-requests'))).toBe(stream ? 8 : 9);
      expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^(?:\d+m)?[\d.]+m?s$/);
      expect(headers.get('x-ratelimit-limit-tokens')).toBe('50000');
      expect(Number(headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(50_000);
      expect(headers.get('ratelimit-policy')).toBe('"rpm";q=10;w=60, "tpm";q=50000;w=60');
      expect(headers.get('ratelimit')).toMatch(/^"rpm";r=\d+;t=\d+, "tpm";r=\d+;t=\d+$/);
    }
    const free = await call((await make({})).key);
    expect([...free.headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual([]);
  });
});

describe('official clients', () => {
  it('of OpenAI and Anthropic take the text of a key, and know its refusals', async () => {
    const { key } = await make({ allow: { models: [MODEL] } });
    const openai = (apiKey: string) => new OpenAI({ baseURL: `${stack.url}/v1`, apiKey, maxRetries: 2 });
    const anthropic = (how: { apiKey: string } | { authToken: string; apiKey: null }) =>
      new Anthropic({ baseURL: stack.url, maxRetries: 2, ...how });
    const chat = await openai(key).chat.completions.create({ model: MODEL, messages });
    expect(chat.choices[0]?.message.content).not.toBe('');
    const asked = { model: MODEL, messages, max_tokens: 20 };
    for (const how of [{ apiKey: key }, { authToken: key, apiKey: null }]) {
      expect((await anthropic(how).messages.create(asked)).content).not.toEqual([]);
    }
    const models = await openai(key).models.list();
    expect(models.data.map(({ id }) => id)).toEqual([MODEL]);

    await stack.reset();
    const poor = await make({ budget: { limit: '0.000000001', period: 'total' } });
    await expect(openai(`${key}x`).chat.completions.create({ model: MODEL, messages })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    await expect(openai(key).chat.completions.create({ model: 'gpt-oss-120b', messages })).rejects.toBeInstanceOf(
      OpenAI.PermissionDeniedError,
    );
    await expect(openai(poor.key).chat.completions.create({ model: MODEL, messages })).rejects.toMatchObject({
      status: 402,
      code: 'insufficient_budget',
    });
    await expect(anthropic({ apiKey: poor.key }).messages.create(asked)).rejects.toMatchObject({
      status: 402,
      error: { type: 'error', error: { type: 'billing_error' } },
    });
    await expect(anthropic({ apiKey: `${key}x` }).messages.create(asked)).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
    expect(await stack.journal()).toEqual([]);
  });
});

describe('a deployment', () => {
  it('with providers and without an admin key refuses everything, and says what to set', async () => {
    const { CHASQUI_ADMIN_KEY: _, ...env } = sandboxEnv('http://127.0.0.1:9');
    const bare = await startStack(() => env);
    try {
      for (const path of ['/v1/chat/completions', '/v1/keys', '/v1/messages']) {
        const answer = await bare.post(path, { model: MODEL, messages, name: 'x' });
        expect(answer.status, path).toBe(401);
        expect(await answer.text(), path).toMatch(/CHASQUI_ADMIN_KEY/);
      }
      expect((await bare.get('/healthz')).status).toBe(200);
    } finally {
      await bare.stop();
    }
  });

  it('never prints a key, or what it is called', async () => {
    const { key } = await make({ name: 'canary-name-51ab', metadata: { note: 'canary-note-51ab' } });
    await call(key);
    await call(key, { model: 'nothing' });
    await call(`${key}x`);
    await stack.get(`/v1/keys/${key}`);
    const secret = key.slice(-87, -44);
    expect(stack.logs()).not.toContain(secret);
    expect(stack.logs()).not.toMatch(/canary-(?:name|note)/);
    expect(JSON.stringify(await stack.journal())).not.toMatch(new RegExp(`${secret}|canary-`));
  });
});
