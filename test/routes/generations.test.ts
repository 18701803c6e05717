import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRow } from '../../src/accounts/index.ts';
import { attempted, DAY, MIDNIGHT, rowsOf } from '../accounts/rows.ts';
import { fill, keyOf, newAccount, reporting } from './ledger-support.ts';
import { errorOf } from './support.ts';

const ask = reporting({ settings: { AWS_REGION: 'us-east-1' } });

interface Page {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly has_more: boolean;
  readonly next: string | null;
  readonly pending: number | null;
}
async function page(path: string, headers: Record<string, string> = {}): Promise<Page> {
  const answer = await ask(path, headers);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json();
}

/** The newest first. */
const newest = (rows: readonly LedgerRow[]): readonly LedgerRow[] =>
  [...rows].sort((a, b) => b.called - a.called || b.seq - a.seq);

describe('GET /v1/generations', () => {
  it('has every row that a filter leaves exactly once, the newest first, on pages of any size', async () => {
    const choice = <T extends string>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.array(attempted, { maxLength: 30 }),
        fc.record({
          key: choice('k1', "k'3"),
          provider: choice('bedrock', 'own'),
          model: choice('gpt-oss-20b'),
          dialect: choice('chat'),
          outcome: choice('ok', 'timeout'),
        }),
        fc.option(fc.tuple(fc.integer({ min: 0, max: DAY }), fc.integer({ min: 1, max: 2 * DAY })), { nil: undefined }),
        fc.integer({ min: 1, max: 9 }),
        async (all, filter, span, limit) => {
          const account = newAccount();
          const rows = rowsOf(all);
          await fill(account, rows);
          const [from, to] = span ? [MIDNIGHT + span[0], MIDNIGHT + span[0] + span[1]] : [0, Number.MAX_SAFE_INTEGER];
          const expected = newest(rows).filter(
            (row) =>
              row.called >= from &&
              row.called < to &&
              Object.entries(filter).every(
                ([name, value]) => value === undefined || row[name as keyof typeof filter] === value,
              ),
          );
          const query = new URLSearchParams({ account, limit: String(limit) });
          for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, value);
          if (span) {
            query.set('from', new Date(from).toISOString());
            query.set('to', new Date(to).toISOString());
          }
          const seen: unknown[] = [];
          for (let next: string | null = ''; next !== null; ) {
            if (next !== '') query.set('after', next);
            const { data, has_more: more, next: after } = await page(`/v1/generations?${query}`);
            expect(data.length).toBeLessThanOrEqual(limit);
            expect(more).toBe(after !== null);
            seen.push(...data.map(({ id, attempt }) => [id, attempt]));
            next = after;
          }
          expect(seen).toEqual(expected.map(({ call, attempt }) => [call, attempt]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows a key its own alone', async () => {
    const account = newAccount();
    const own = await keyOf(account);
    const rows = rowsOf(fc.sample(attempted, { numRuns: 4, seed: 5 })).map((row, at) => ({
      ...row,
      key: at < 3 ? own.id : 'other',
    }));
    await fill(account, rows);
    expect((await page('/v1/generations', own)).data.map(({ key }) => key)).toEqual([own.id, own.id, own.id]);
    expect(await errorOf(await ask('/v1/generations?key=other', own))).toMatchObject({ status: 403, param: 'key' });
    const foreign = rows[3]?.call ?? '';
    expect(await errorOf(await ask(`/v1/generations/${foreign}`, own))).toMatchObject({ status: 404, param: 'id' });
    expect((await ask(`/v1/generations/${rows[0]?.call}`, own)).status).toBe(200);
  });

  it('is CSV with the same columns, on an empty page too', async () => {
    const account = newAccount();
    const csv = async () => (await ask(`/v1/generations?account=${account}`, { accept: 'text/csv' })).text();
    const [head = '', ...none] = (await csv()).split('\r\n');
    expect(none).toEqual(['']);
    await fill(account, rowsOf(fc.sample(attempted, { numRuns: 1, seed: 7 })));
    const { data } = await page(`/v1/generations?account=${account}`);
    expect(head.split(',')).toEqual(Object.keys(data[0] ?? {}));
    expect((await csv()).split('\r\n')[1]).toContain(String(data[0]?.id));
  });

  it.each([
    ['outcome=nonsense', 'outcome'],
    ['outcome=__proto__', 'outcome'],
    ['limit=501', 'limit'],
    ['from=2019-12-31', 'from'],
    [`after=${btoa('["generations",1,"a",1.5]')}`, 'after'],
    [`after=${btoa('["usage provider,model","a","b"]')}`, 'after'],
    ['status=200', 'status'],
  ])('refuses %s, and names the parameter', async (query, param) => {
    expect(await errorOf(await ask(`/v1/generations?${query}`))).toMatchObject({ status: 400, param });
  });
});

const usage = { input: 10, cacheRead: 2, cacheWrite: 0, output: 5, reasoning: 1 };
const sample = fc.sample(attempted, { numRuns: 1, seed: 6 })[0];
if (!sample) throw new Error('no sample');
const call = { ...sample.call, call: 'gen-two', asked: 'gpt-oss-120b', started: Date.parse('2026-10-20T10:00:00Z') };

/** A call that failed at Together and was served by Bedrock. */
const failedOver = (id: string): LedgerRow[] =>
  rowsOf([
    {
      ...sample,
      call: { ...call, call: id },
      start: {
        ...sample.start,
        attempt: 1,
        model: 'gpt-oss-120b',
        provider: 'together',
        upstream: 'openai/gpt-oss-120b',
      },
      end: { attempt: 1, outcome: 'timeout', money: 'upper_bound', cost: 900n, ended: call.started + 10 },
      expired: false,
    },
    {
      ...sample,
      call: { ...call, call: id },
      start: {
        attempt: 2,
        model: 'gpt-oss-120b',
        provider: 'bedrock',
        upstream: 'openai.gpt-oss-120b-1:0',
        api: 'converse',
        requests: 1,
        started: call.started + 20,
      },
      end: {
        attempt: 2,
        outcome: 'ok',
        money: 'settled',
        cost: 5_400n,
        priceRule: 'bedrock/openai.gpt-oss-120b-1:0@2025-12-22',
        first: call.started + 50,
        ended: call.started + 120,
        status: 200,
        finish: 'stop',
        usage: { ...usage, source: 'provider' },
        counts: { 'gpt-oss': [12, 6] },
      },
      expired: false,
    },
  ]);

describe('GET /v1/generations/{id}', () => {
  it('has the attempts of a call, its sums, and what it would have cost at every other offer', async () => {
    const account = newAccount();
    const id = `gen-${account}`;
    await fill(account, failedOver(id));
    const answer = await ask(`/v1/generations/${id}?account=${account}`);
    expect(await answer.json()).toMatchObject({
      object: 'generation',
      id,
      account,
      asked: 'gpt-oss-120b',
      created_at: '2026-10-20T10:00:00Z',
      prompt_tokens: 12,
      completion_tokens: 6,
      cost: '0.0000054',
      cost_upper_bound: '0.0000009',
      unknown_cost: 0,
      attempts: [
        { attempt: 1, provider: 'together', outcome: 'timeout', billing: 'upper_bound', prompt_tokens: null },
        {
          attempt: 2,
          provider: 'bedrock',
          outcome: 'ok',
          billing: 'exact',
          cost: '0.0000054',
          price: 'bedrock/openai.gpt-oss-120b-1:0@2025-12-22',
          ttft_ms: 30,
          latency_ms: 100,
          finish_reason: 'stop',
        },
      ],
      alternatives: [
        // 12 × $0.18 and 6 × $0.72 for a million.
        { provider: 'replicate', provider_model: 'openai/gpt-oss-120b', cost: '0.00000648', reason: null },
        { provider: 'together', cost: '0.0000054', reason: null },
      ],
    });
  });

  it('has what the account still holds, once, whether or not the database has it', async () => {
    const account = newAccount();
    const id = `gen-${account}`;
    const rows = failedOver(id);
    await fill(account, rows.slice(0, 1));
    const holding = reporting({ waiting: new Map([[account, rows]]), push: async () => rows.length - 1 });
    const { attempts } = await (await holding(`/v1/generations/${id}?account=${account}`)).json<{
      attempts: object[];
    }>();
    expect(attempts).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  });

  it('is found by the id that Messages and Responses made of it', async () => {
    const account = newAccount();
    await fill(account, failedOver(`gen-${account}`));
    for (const id of [`msg_${account}`, `resp_${account}`]) {
      expect(await (await ask(`/v1/generations/${id}`)).json()).toMatchObject({ id: `gen-${account}` });
    }
  });

  it.each(['gen-nothing', "gen-' OR 1=1 --", 'x'.repeat(2_000), '%00', 'a/b'])('has no %s', async (id) => {
    expect(await errorOf(await ask(`/v1/generations/${encodeURIComponent(id)}`))).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });
});
