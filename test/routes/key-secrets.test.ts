import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import { completionOf, gateway, hi, KEY, MODEL } from './support.ts';

const database = Reflect.get(env, 'DB') as D1Database;
const namespace = Reflect.get(env, 'ACCOUNT') as DurableObjectNamespace<Account>;

afterEach(() => vi.restoreAllMocks());

/** Every row of every table of an account's object, as text. */
const rowsOf = (account: string): Promise<string> =>
  runInDurableObject(namespace.getByName(account), (_, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray();
    return JSON.stringify(tables.map(({ name }) => [name, storage.sql.exec(`SELECT * FROM "${name}"`).toArray()]));
  });

/** Every row of the report database that names an account. */
async function reportedOf(account: string): Promise<string> {
  await namespace.getByName(account).push();
  const { results: tables } = await database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all<{ name: string }>();
  const rows = await Promise.all(
    tables
      .filter(({ name }) => !name.startsWith('_cf') && !name.startsWith('sqlite'))
      .map(async ({ name }) => (await database.prepare(`SELECT * FROM "${name}"`).all()).results),
  );
  return JSON.stringify(rows.flat().filter((row) => JSON.stringify(row).includes(account)));
}

describe('a key’s secret, its name and its metadata', () => {
  it('are in no answer, header, log, request to a provider or row where they do not belong', async () => {
    const logged: string[] = [];
    for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, level).mockImplementation((...said: unknown[]) => void logged.push(said.map(String).join(' ')));
    }
    const upstream: string[] = [];
    let failing = false;
    const ask = gateway(
      async (input, init) => {
        const request = new Request(input, init);
        upstream.push(`${JSON.stringify([...request.headers])} ${await request.text()}`);
        if (failing)
          return Response.json({ error: { message: `your ${request.headers.get('authorization')}` } }, { status: 500 });
        return Response.json(completionOf('Hello'));
      },
      { ACCOUNT: namespace, DB: database },
    );
    const account = 'canary-account';
    const body = { name: 'canary-name-7c1f', account, metadata: { note: 'canary-note-9d2e' } };
    const made = await (await ask('POST', '/v1/keys', body)).json<{ id: string; key: string }>();
    const [, secret = '', mac = ''] = /^ck_canary-account_.{18}_(.{43})_(.{43})$/.exec(made.key) ?? [];
    expect(secret).not.toBe('');

    const answers: string[] = [];
    const said = async (method: string, path: string, sent?: object, key = made.key) => {
      for (const headers of [{ authorization: `Bearer ${key}` }, { authorization: '', 'x-api-key': key }]) {
        const answer = await ask(method, path, sent, headers);
        answers.push(`${JSON.stringify([...answer.headers])} ${path === '/v1/key' ? '' : await answer.text()}`);
        if (path === '/v1/key') {
          const own = await answer.text();
          expect(own.includes(secret) || own.includes(mac)).toBe(false);
        }
      }
    };
    const everything = async (key?: string) => {
      await said('GET', '/v1/key', undefined, key);
      for (const path of ['/v1/models', '/v1/prices', '/v1/health', '/v1/usage', '/v1/keys', '/v1/nothing']) {
        await said('GET', path, undefined, key);
      }
      await said('POST', '/v1/chat/completions', hi, key);
      await said('POST', '/v1/chat/completions', { ...hi, stream: true }, key);
      await said('POST', '/v1/messages', { ...hi, max_tokens: 5 }, key);
      await said('POST', '/v1/responses', { model: MODEL, input: 'Hi' }, key);
      await said('POST', '/v1/chat/completions', { model: 'nothing', messages: [] }, key);
      await said('POST', '/v1/offers', hi, key);
    };
    await everything();
    failing = true;
    await said('POST', '/v1/chat/completions', hi);
    failing = false;
    // Cut, forged, and with its parts in the wrong places.
    for (const wrong of [made.key.slice(0, -1), `${made.key}x`, `ck_${secret}_${made.id}_${mac}_${secret}`])
      await everything(wrong);
    // A key where its id belongs, and in a path that nothing is at.
    for (const path of [
      `/v1/keys/${made.key}`,
      `/v1/${made.key}`,
      `/v1/models/${made.key}`,
      `/v1/keys?after=${made.key}`,
    ]) {
      for (const key of [KEY, made.key]) await said('GET', path, undefined, key);
    }
    await said('POST', '/v1/chat/completions', { ...hi, model: made.key });
    await ask('DELETE', `/v1/keys/${made.id}?account=${account}`);
    await everything();
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await ask(
        method,
        `/v1/keys/${made.id}?account=${account}`,
        method === 'PATCH' ? { name: 'x' } : null,
      );
      const text = await answer.text();
      expect(text.includes(secret) || text.includes(mac)).toBe(false);
    }

    for (const [where, text] of [
      ['answers', answers.join('\n')],
      ['logs', logged.join('\n')],
      ['requests to the provider', upstream.join('\n')],
      ['rows of the account', await rowsOf(account)],
      ['rows of reports', await reportedOf(account)],
    ] as const) {
      expect(text.length, where).toBeGreaterThan(where === 'logs' ? -1 : 100);
      for (const canary of [made.key, secret, mac, KEY])
        expect(text.includes(canary), `${where}: ${canary}`).toBe(false);
      if (where !== 'rows of the account') expect(/canary-name|canary-note/.test(text), where).toBe(false);
    }
    // The rows are those of the key: it is there by its hash.
    expect(await rowsOf(account)).toContain(made.id);
  });
});
