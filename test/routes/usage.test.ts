import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRow } from '../../src/accounts/index.ts';
import { formatDollars } from '../../src/core/index.ts';
import { attempted, DAY, MIDNIGHT, rowsOf } from '../accounts/rows.ts';
import { fill, keyOf, newAccount, reporting } from './ledger-support.ts';
import { errorOf } from './support.ts';

type Line = Readonly<Record<string, string | number | null>>;
interface Report {
  readonly data: readonly Line[];
  readonly total: Line;
  readonly has_more: boolean;
  readonly next: string | null;
  readonly pending: number | null;
  readonly from: string;
  readonly to: string;
}

const ask = reporting();
async function report(path: string, headers?: Record<string, string>, of = ask): Promise<Report> {
  const answer = await of(path, headers);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json();
}

const GROUP_OF: Readonly<Record<string, (row: LedgerRow, account: string) => string>> = {
  account: (_, account) => account,
  key: ({ key }) => key,
  provider: ({ provider }) => provider,
  model: ({ model }) => model,
  dialect: ({ dialect }) => dialect,
  outcome: ({ outcome }) => outcome,
  day: ({ called }) => new Date(called).toISOString().slice(0, 10),
  hour: ({ called }) => `${new Date(called).toISOString().slice(0, 13)}:00:00Z`,
};

/** The figures of rows, added up here. */
function figuresOf(rows: readonly LedgerRow[]): Line {
  const sum = (of: (row: LedgerRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const count = (is: (row: LedgerRow) => boolean) => rows.filter(is).length;
  const money = (kind: string) =>
    rows.filter((row) => row.money === kind).reduce((all, { cost }) => all + BigInt(cost ?? 0), 0n);
  const ms = (from: number, to: number) => Math.min(DAY, Math.max(0, to - from));
  const firsts = rows.filter(({ first }) => first !== null);
  const mean = (total: number, of: number) => (of === 0 ? null : Math.round(total / of));
  return {
    calls: count(({ attempt }) => attempt === 1),
    requests: rows.length,
    prompt_tokens: sum(({ input, cacheRead, cacheWrite }) => input + cacheRead + cacheWrite),
    cached_tokens: sum(({ cacheRead }) => cacheRead),
    completion_tokens: sum(({ output, reasoning }) => output + reasoning),
    reasoning_tokens: sum(({ reasoning }) => reasoning),
    cost: formatDollars(money('settled')),
    cost_upper_bound: formatDollars(money('upper_bound')),
    unknown_cost: count((row) => row.money === 'unknown'),
    unknown_tokens: count(({ source }) => source === null),
    errors: count(({ outcome }) => outcome !== 'ok'),
    canceled: sum(({ canceled }) => canceled),
    undelivered: sum(({ undelivered }) => undelivered),
    expired: sum(({ expired }) => expired),
    latency_ms: mean(
      sum(({ started, ended }) => ms(started, ended)),
      rows.length,
    ),
    ttft_ms: mean(
      firsts.reduce((all, { started, first }) => all + ms(started, first ?? 0), 0),
      firsts.length,
    ),
  };
}

const SPAN = 'from=2026-11-20&to=2026-11-22';

describe('GET /v1/usage', () => {
  it('adds up to the rows, for any rows, any groups, any hours and any page', async () => {
    const hour = fc.integer({ min: 0, max: 72 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(attempted, { maxLength: 30 }),
        fc.uniqueArray(fc.constantFrom(...Object.keys(GROUP_OF)), { minLength: 1, maxLength: 4 }),
        fc.tuple(hour, hour).filter(([a, b]) => a !== b),
        fc.integer({ min: 1, max: 7 }),
        fc.option(fc.constantFrom('k1', "k'3"), { nil: undefined }),
        async (all, by, hours, limit, key) => {
          const account = newAccount();
          const [from, to] = [Math.min(...hours), Math.max(...hours)].map((one) => MIDNIGHT + one * 3_600_000);
          const rows = rowsOf(all);
          await fill(account, rows);
          const inside = rows.filter(
            (row) => row.called >= (from ?? 0) && row.called < (to ?? 0) && (key === undefined || row.key === key),
          );
          const groups = Map.groupBy(inside, (row) => JSON.stringify(by.map((name) => GROUP_OF[name]?.(row, account))));
          const expected = [...groups].map(([group, own]) => ({
            ...Object.fromEntries((JSON.parse(group) as string[]).map((value, at) => [by[at], value])),
            ...figuresOf(own),
          }));
          const query = `account=${account}&group_by=${by}&limit=${limit}&from=${iso(from)}&to=${iso(to)}${
            key === undefined ? '' : `&key=${encodeURIComponent(key)}`
          }`;
          const seen: Line[] = [];
          let next: string | null = '';
          while (next !== null) {
            const page: Report = await report(`/v1/usage?${query}${next ? `&after=${next}` : ''}`);
            expect(page.data.length).toBeLessThanOrEqual(limit);
            expect(page.total).toEqual(figuresOf(inside));
            expect(page.has_more).toBe(page.next !== null);
            seen.push(...page.data);
            next = page.next;
          }
          const inOrder = (lines: readonly object[]) =>
            lines.map((one) => JSON.stringify(one, Object.keys(one).sort())).sort();
          expect(inOrder(seen)).toEqual(inOrder(expected));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('has what an account has not pushed yet, and says what it lacks', async () => {
    const account = newAccount();
    const rows = rowsOf(fc.sample(attempted, { numRuns: 3, seed: 1 }));
    const pushing = reporting({ waiting: new Map([[account, rows]]) });
    expect(await report(`/v1/usage?account=${account}&${SPAN}`, {}, pushing)).toMatchObject({
      total: { requests: 3 },
      pending: 0,
    });
    const failing = reporting({ push: () => Promise.reject(new Error('gone')) });
    expect(await report(`/v1/usage?account=${account}&${SPAN}`, {}, failing)).toMatchObject({
      total: { requests: 3 },
      pending: null,
    });
    const behind = reporting({ push: async () => 7 });
    expect(await report(`/v1/usage?account=${account}&${SPAN}`, {}, behind)).toMatchObject({ pending: 7 });
  });

  it('shows a key its own calls alone, and the admin all of them', async () => {
    const account = newAccount();
    const [own, other] = [await keyOf(account), await keyOf(account)];
    const one = fc.sample(attempted, { numRuns: 6, seed: 2 });
    const rows = rowsOf(one.map((row, at) => ({ ...row, call: { ...row.call, key: at < 4 ? own.id : other.id } })));
    await fill(account, rows);
    const mine = await report(`/v1/usage?${SPAN}&group_by=account,key`, own);
    expect(mine.data).toEqual([expect.objectContaining({ account, key: own.id, requests: 4 })]);
    const all = await report(`/v1/usage?${SPAN}&group_by=key&account=${account}`);
    expect(all.data.map(({ requests }) => requests).sort()).toEqual([2, 4]);
    const everybody = await report(`/v1/usage?${SPAN}&group_by=account&limit=1000`);
    expect(everybody.data).toContainEqual(expect.objectContaining({ account, requests: 6 }));
    for (const [param, value] of Object.entries({ account: 'main', key: other.id })) {
      expect(await errorOf(await ask(`/v1/usage?${param}=${value}`, own))).toMatchObject({
        status: 403,
        code: 'permission_denied',
        param,
      });
    }
  });

  it('writes CSV for whoever accepts that, with the next page in Link', async () => {
    const account = newAccount();
    const [first] = fc.sample(attempted, { numRuns: 1, seed: 3 });
    if (!first) throw new Error('no sample');
    const named = (model: string) => ({ ...first, start: { ...first.start, model } });
    await fill(account, rowsOf([named('a,"b"\nc'), named('z')]));
    const answer = await ask(`/v1/usage?account=${account}&${SPAN}&group_by=model&limit=1`, { accept: 'text/csv' });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const text = await answer.text();
    const [head, row] = [text.slice(0, text.indexOf('\r\n')), text.slice(text.indexOf('\r\n') + 2)];
    expect(head).toBe(`model,${Object.keys(figuresOf([])).join(',')}`);
    expect(row).toMatch(/^"a,""b""\nc",\d+,1,[^\n]*\r\n$/);
    const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '') ?? [];
    expect((await report(next)).data).toEqual([expect.objectContaining({ model: 'z' })]);
  });

  it('gives percentiles of each offer, of all time, from histograms', async () => {
    const account = newAccount();
    const [first] = fc.sample(attempted, { numRuns: 1, seed: 3 });
    if (!first) throw new Error('no sample');
    const started = MIDNIGHT - 90 * DAY;
    const took = (ms: number) => ({
      ...first,
      call: { ...first.call, started },
      start: { ...first.start, provider: 'mine', model: 'm', started },
      end: { ...first.end, ended: started + ms, first: started + 1 },
    });
    // Ten within 10 ms, ten from 20 to 40 ms, and one that takes more than the last limit.
    const all = [...Array<number>(10).fill(5), ...Array<number>(10).fill(30), 100_000];
    await fill(account, rowsOf(all.map(took)));
    const read = await ask(`/v1/usage?account=${account}&${SPAN}&percentiles=all_time`);
    expect(await read.json()).toMatchObject({
      data: [],
      percentiles: [
        {
          provider: 'mine',
          model: 'm',
          requests: 21,
          // The tenth and a half request of 21 is the first part of the second bucket.
          latency_ms: { p50: 21, p90: 38, p99: 81_920 },
          ttft_ms: { p50: 5, p90: 9, p99: 10 },
        },
      ],
    });
    expect(Object.keys(await report(`/v1/usage?account=${account}`))).not.toContain('percentiles');
  });

  it('refuses percentiles of what has none', async () => {
    const own = await keyOf(newAccount());
    const refused = [
      ask('/v1/usage?percentiles=today'),
      ask('/v1/usage?percentiles=all_time&dialect=chat'),
      ask('/v1/usage?percentiles=all_time&key=k'),
      ask('/v1/usage?percentiles=all_time', own),
    ];
    for (const answer of refused)
      expect(await errorOf(await answer)).toMatchObject({ status: 400, param: 'percentiles' });
  });

  it.each(['=HYPERLINK("http://x")', '+1+cmd', '-2+3', '@SUM(A1)', '\tx', '-', '1;2'])(
    'writes %j into CSV so that no spreadsheet takes it for a formula',
    async (model) => {
      const account = newAccount();
      const [first] = fc.sample(attempted, { numRuns: 1, seed: 3 });
      if (!first) throw new Error('no sample');
      await fill(account, rowsOf([{ ...first, start: { ...first.start, model } }]));
      const answer = await ask(`/v1/usage?account=${account}&${SPAN}&group_by=model`, { accept: 'text/csv' });
      const [, row = ''] = (await answer.text()).split('\r\n');
      const guarded = /^\d/.test(model) ? model : `'${model}`;
      const cell = guarded.includes('"') ? `"${guarded.replaceAll('"', '""')}"` : guarded;
      expect(row.startsWith(`${cell},`), row).toBe(true);
    },
  );

  it('understands days, times and zones, and shows the span it means', async () => {
    const span = async (query: string) => {
      const { from, to } = await report(`/v1/usage?${query}`);
      return [from, to];
    };
    const november = ['2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'];
    expect(await span('from=2026-11-01&to=2026-11-30')).toEqual(november);
    expect(await span('from=2026-11-01T02:00:00%2B02:00&to=2026-11-30T24:00:00Z'.replace('30T24', '30T23'))).toEqual([
      november[0],
      '2026-11-30T23:00:00Z',
    ]);
    // As a form writes it: a plus that nobody encoded.
    expect(await span('from=2026-11-01T02:00:00+02:00&to=2026-11-30')).toEqual(november);
    const [from = '', to = ''] = await span('');
    expect(Date.parse(to) - Date.parse(from)).toBe(30 * DAY);
    expect(Date.parse(to)).toBeGreaterThan(Date.now());
  });

  it.each([
    ["group_by=provider'; DROP TABLE ledger", 'group_by'],
    ['group_by=', 'group_by'],
    ['group_by=provider,', 'group_by'],
    ['group_by=constructor', 'group_by'],
    ['group_by=day&group_by=hour', 'group_by'],
    ['grup_by=day', 'grup_by'],
    ['from=2026-02-30', 'from'],
    ['from=2026-11-01T00:00:00', 'from'],
    ['from=2026-11-01T00:30:00Z', 'from'],
    ['from=yesterday', 'from'],
    ['from=1764315938', 'from'],
    ['to=0001-01-01', 'to'],
    ['to=9999-12-31', 'to'],
    ['to=2026-13-01', 'to'],
    ['from=2026-11-02&to=2026-11-01', 'from'],
    ['limit=0', 'limit'],
    ["account=main' OR 1=1", 'account'],
    ['account=../main', 'account'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1e3', 'limit'],
    ['after=nonsense', 'after'],
    [`after=${btoa('["usage provider,model","a"]')}`, 'after'],
    [`after=${btoa('["usage provider,model","a",1]')}`, 'after'],
    [`after=${btoa('["usage model,provider","a","b"]')}`, 'after'],
    [`after=${'x'.repeat(5000)}`, 'after'],
    [`model=${'x'.repeat(300)}`, 'model'],
  ])('refuses %s, and names the parameter', async (query, param) => {
    expect(await errorOf(await ask(`/v1/usage?${query}`))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      param,
      message: expect.stringMatching(/^.{20,400}$/),
    });
  });

  it('takes a filter for what it is, whatever it says', async () => {
    for (const value of ["' OR 1=1 --", '%00', '%', '\u{1f600}']) {
      const query = `${SPAN}&key=${encodeURIComponent(value)}&model=${encodeURIComponent(value)}`;
      expect((await report(`/v1/usage?${query}`)).data).toEqual([]);
    }
  });

  it('says what is missing without a database, and answers 503 while it fails', async () => {
    const without = reporting({ settings: { DB: undefined } });
    expect(await errorOf(await without('/v1/usage'))).toMatchObject({ status: 501, code: 'not_implemented' });
    const down = {
      prepare: () => ({ bind: () => ({}), all: () => Promise.reject(new Error('secret words of D1')) }),
      batch: () => Promise.reject(new Error('secret words of D1')),
    };
    const answer = await reporting({ settings: { DB: down } })('/v1/usage');
    expect(answer.headers.get('retry-after')).toBe('2');
    const error = await errorOf(answer);
    expect(error).toMatchObject({ status: 503 });
    expect(JSON.stringify(error)).not.toContain('secret words');
  });
});

const iso = (ms: number | undefined): string => new Date(ms ?? 0).toISOString();
