import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempted, rowsOf } from '../accounts/rows.ts';
import { db, fill, keyOf, newAccount, reporting } from './ledger-support.ts';
import { errorOf } from './support.ts';

/** A database that nobody has scraped yet: what was read is kept for each. */
const unread = () => ({ prepare: (sql: string) => db.prepare(sql), batch: db.batch.bind(db), exec: db.exec.bind(db) });
const scrape = async (headers: Record<string, string> = {}) => {
  const answer = await reporting({ settings: { DB: unread() } })('/metrics', headers);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

/** The sum of a metric's samples that have all of these labels. */
function sumOf(text: string, name: string, ...labels: readonly string[]): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

describe('GET /metrics', () => {
  it('has the totals of the ledger, with the conventions’ names for providers and buckets that add up', async () => {
    const account = newAccount();
    const rows = rowsOf(fc.sample(attempted, { numRuns: 40, seed: 8 }));
    await fill(account, rows);
    const { status, type, text } = await scrape();
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const own = `account="${account}"`;
    expect(sumOf(text, 'chasqui_attempts_total', own)).toBe(40);
    expect(sumOf(text, 'chasqui_attempts_total', own, 'gen_ai_provider_name="aws.bedrock"')).toBe(
      rows.filter(({ provider }) => provider === 'bedrock').length,
    );
    expect(sumOf(text, 'chasqui_attempts_total', own, 'error_type="timeout"')).toBe(
      rows.filter(({ outcome }) => outcome === 'timeout').length,
    );
    expect(sumOf(text, 'gen_ai_client_inference_usage_input_tokens_total', own)).toBe(
      rows.reduce((sum, { input, cacheRead, cacheWrite }) => sum + input + cacheRead + cacheWrite, 0),
    );
    expect(sumOf(text, 'chasqui_attempts_of_unknown_cost_total', own)).toBe(
      rows.filter(({ money }) => money === 'unknown').length,
    );
    const named = ['gen_ai_request_model="gpt-oss-20b"', 'gen_ai_provider_name="own"'];
    const name = 'gen_ai_client_inference_duration_seconds';
    const count = sumOf(text, `${name}_count`, ...named);
    expect(count).toBeGreaterThan(0);
    expect(sumOf(text, `${name}_bucket`, ...named, 'le="+Inf"')).toBe(count);
    const buckets = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}_bucket{`) && line.includes(named[1] ?? ''));
    expect(buckets.map((line) => /le="([^"]+)"/.exec(line)?.[1]).slice(0, 15)).toEqual([
      ...Array.from({ length: 14 }, (_, k) => String((10 * 2 ** k) / 1000)),
      '+Inf',
    ]);
  });

  it('shows the same figures for a quarter of a minute, and no caller’s key anything', async () => {
    const account = newAccount();
    const again = reporting({ settings: { DB: unread() } });
    const first = await (await again('/metrics')).text();
    await fill(account, rowsOf(fc.sample(attempted, { numRuns: 1, seed: 9 })));
    expect(await (await again('/metrics')).text()).toBe(first);
    expect((await scrape()).text).toContain(`account="${account}"`);
    const { authorization } = await keyOf(account);
    expect(await errorOf(await again('/metrics', { authorization }))).toMatchObject({ status: 403 });
    expect(await errorOf(await again('/metrics?name=x'))).toMatchObject({ status: 400, param: 'name' });
  });

  it('writes labels that hold what the format itself uses', async () => {
    const account = newAccount();
    const [row] = rowsOf(fc.sample(attempted, { numRuns: 1, seed: 10 }));
    if (!row) throw new Error('no sample');
    await fill(account, [{ ...row, model: 'a"b\\c\nd' }]);
    expect((await scrape()).text).toContain('gen_ai_request_model="a\\"b\\\\c\\nd"');
  });
});
