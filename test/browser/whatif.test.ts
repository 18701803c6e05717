import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Stack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, type Opened, openPage, type PageOptions, startGuarded, visit } from './harness.ts';

interface Line {
  readonly provider?: string;
  readonly policy?: string;
  readonly hypothetical?: object;
  readonly cost: string | null;
  readonly requests: number;
  readonly unpriced_requests: number;
  readonly delta: string | null;
}
interface Report {
  readonly data: readonly Line[];
  readonly unpriced: readonly { readonly policy?: string }[];
}

/** An amount with all its digits, as the page writes it. */
const exact = (amount: string | null | undefined): string => {
  const [whole, part = ''] = String(amount).split('.');
  return `$${whole}.${part.padEnd(2, '0')}`;
};

/** Subsets of the providers, as lists with commas. */
const subsetsOf = (all: readonly string[]): readonly string[] =>
  all
    .reduce<string[][]>((sets, one) => [...sets, ...sets.map((set) => [...set, one])], [[]])
    .map((set) => set.join(','));

/** Works policies out in the page, by the page's own code. */
const worked = (page: Page, path: string, policies: readonly object[]): Promise<readonly object[]> =>
  page.evaluate(`(async () => {
    const { underPolicy, deltaOf } = await import('/ui/lib/policy.js');
    const { parseMoney } = await import('/ui/lib/money.js');
    const { traffic, offer_prices } = await (await fetch(${JSON.stringify(path)})).json();
    return ${JSON.stringify(policies)}.map(({ cap, ...policy }) => {
      const sum = underPolicy(traffic, offer_prices, cap ? { ...policy, cap: parseMoney(cap) } : policy);
      const delta = deltaOf(sum);
      return {
        cost: sum.requests === 0 ? null : String(sum.cost),
        requests: sum.requests,
        unpriced: sum.unpriced.map(({ model, requests, reason }) => ({ model, requests, reason })),
        delta: delta === null ? null : String(delta),
        by: [...sum.by.keys()].sort(),
      };
    });
  })()`);

/** Nano-dollars of the API's decimal text. */
const nano = (text: string | null): string | null => {
  if (text === null) return null;
  const [, sign = '', whole = '', part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  return String(BigInt(sign + whole + part.padEnd(9, '0')));
};

describeWithBrowser('the What if panel', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  const asAdmin = { authorization: `Bearer ${KEY}` };
  const read = async (query: string): Promise<Report> =>
    (await (await stack.get(`/v1/whatif?${query}`, asAdmin)).json()) as Report;
  const lineOf = ({ data }: Report) => data.find(({ policy }) => policy);

  beforeAll(async () => {
    stack = await startGuarded();
    const call = async (model: string, content: string) => {
      const body = { model, messages: [{ role: 'user', content }], max_tokens: 40 };
      const answer = await stack.post('/v1/chat/completions', body, asAdmin);
      expect(answer.status, await answer.text()).toBe(200);
    };
    for (const model of ['together/gpt-oss-120b', 'bedrock/gpt-oss-120b', 'bedrock/llama-3-8b-instruct']) {
      await call(model, 'Say hello, then count to ten.');
    }
    await call('anyscale/llama-3-70b-instruct', 'Say hello.');
    await call('replicate/llama-3-70b-instruct', 'Say hello.');
  });
  afterAll(() => stack.stop());

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(openPage(await browser(), { url: stack.url, key: KEY, query: '?panel=whatif', ...options }), look);
  }
  const rowOf = (page: Page, name: string) =>
    page.getByRole('table', { name: 'What it would cost' }).getByRole('row', { name: new RegExp(`^${name}`) });
  /** What the panel says that a line would cost, with all digits. */
  const costOf = (page: Page, name: string) => rowOf(page, name).getByRole('cell').nth(2);
  const costs = async (page: Page, name: string, line: Line | undefined) => {
    const cell = costOf(page, name);
    if (line?.cost === null) return expect.poll(() => cell.textContent()).toContain('unknown');
    return expect.poll(() => cell.locator('.money').getAttribute('title')).toBe(exact(line?.cost));
  };

  it('works out any choice of providers as the API does, for every subset and order', () =>
    using({}, async ({ page, expectClean }) => {
      await rowOf(page, 'This policy').waitFor();
      const providers = ['bedrock', 'replicate', 'together', 'anyscale'];
      const policies = [
        ...subsetsOf(providers).map((out) => ({ out, order: '' })),
        ...['bedrock', 'replicate,together', 'anyscale,bedrock'].map((order) => ({ out: '', order })),
        { out: 'together', order: 'replicate' },
      ];
      for (const prices of ['then', 'today']) {
        const found = await worked(
          page,
          `/v1/whatif?detail=offers&prices=${prices}`,
          policies.map(({ out, order }) => ({
            out: out.split(',').filter(Boolean),
            order: order.split(',').filter(Boolean),
          })),
        );
        for (const [at, { out, order }] of policies.entries()) {
          const query = [`prices=${prices}`, out && `exclude=${out}`, order && `order=${order}`]
            .filter(Boolean)
            .join('&');
          const report = await read(query);
          const line = lineOf(report);
          expect(found[at], query).toMatchObject({
            cost: nano(line?.cost ?? null),
            requests: line?.requests,
            delta: nano(line?.delta ?? null),
            unpriced: report.unpriced.filter(({ policy }) => policy).map(({ policy: _, ...one }) => one),
          });
        }
      }
      await expectClean();
    }));

  it('takes no offer above a price cap', () =>
    using({}, async ({ page, expectClean }) => {
      await rowOf(page, 'This policy').waitFor();
      // Of llama-3-8b-instruct Bedrock asks $0.60 for a million completion tokens, and Replicate $0.25.
      const [cheapest, without, below, all] = await worked(page, '/v1/whatif?detail=offers&model=llama-3-8b-instruct', [
        { cap: '0.25' },
        { cap: '0.60', out: ['replicate'] },
        { cap: '0.599999999', out: ['replicate'] },
        { cap: '0.01' },
      ]);
      expect(cheapest).toMatchObject({ requests: 1, by: ['replicate'], unpriced: [] });
      expect(without).toMatchObject({ requests: 1, by: ['bedrock'], unpriced: [] });
      for (const none of [below, all]) {
        expect(none).toMatchObject({
          requests: 0,
          cost: null,
          unpriced: [{ model: 'llama-3-8b-instruct', requests: 1 }],
        });
      }
      await expectClean();
    }));

  it('answers at once when a provider is dragged out, and keeps that in the address', () =>
    using({}, async ({ page, expectClean }) => {
      await costs(page, 'This policy', lineOf(await read('')));
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      const chip = page.getByRole('group', { name: 'In use' }).getByText('together', { exact: true });
      await chip.dragTo(page.getByRole('group', { name: 'Left out' }));
      await page.getByRole('group', { name: 'Left out' }).getByText('together').waitFor();
      await costs(page, 'This policy', lineOf(await read('exclude=together')));
      expect(asked).toEqual([]);
      expect(new URL(page.url()).searchParams.get('out')).toBe('together');
      await page.reload();
      await costs(page, 'This policy', lineOf(await read('exclude=together')));
      await page
        .getByRole('group', { name: 'Left out' })
        .getByText('together')
        .dragTo(page.getByRole('group', { name: 'In use' }));
      await costs(page, 'This policy', lineOf(await read('')));
      await expectClean();
    }));

  it('is set by keyboard alone: providers, a cap, speed, and a service of your own', () =>
    using({}, async ({ page, tabTo, expectClean }) => {
      await tabTo('checkbox', 'bedrock');
      await page.keyboard.press('Space');
      await costs(page, 'This policy', lineOf(await read('exclude=bedrock')));
      await tabTo('link', 'the fastest offer');
      await page.keyboard.press('Enter');
      await page.getByText('Fastest: completion tokens a second').waitFor();
      await tabTo('textbox', 'Price cap');
      await page.keyboard.type('nothing');
      await page.getByRole('alert').filter({ hasText: 'Write a number above 0' }).waitFor();
      for (const _ of 'nothing') await page.keyboard.press('Backspace');
      await tabTo('textbox', /dollars an hour/);
      await page.keyboard.type('0.95');
      await tabTo('textbox', /tokens a second/);
      await page.keyboard.type('400');
      const { data } = await read('usd_per_hour=0.95&tokens_per_second=400');
      await costs(
        page,
        'Your own service',
        data.find(({ hypothetical }) => hypothetical),
      );
      await expectClean();
    }));

  it('shows each provider alone as the API does, and lists what has no price', () =>
    using({}, async ({ page, expectClean }) => {
      const report = await read('');
      for (const line of report.data.filter(({ provider }) => provider)) {
        await costs(page, `${line.provider} alone`, line);
        const cells = await rowOf(page, `${line.provider} alone`).getByRole('cell').allTextContents();
        expect(cells.slice(-2)).toEqual([String(line.requests), String(line.unpriced_requests)]);
      }
      const listed = page.getByRole('table', { name: 'What has no price' }).locator('tbody tr');
      expect(await listed.count()).toBe(report.unpriced.length);
      await expectClean();
    }));

  it('has nothing that axe finds fault with', () =>
    using({ query: '?panel=whatif&out=together&hour=0.95&tps=x' }, async ({ page, expectAccessible }) => {
      await rowOf(page, 'This policy').waitFor();
      await expectAccessible();
    }));

  it('teaches where nothing was called', () =>
    using({ query: '?panel=whatif&from=2026-01-01&to=2026-01-02' }, async ({ page, expectClean }) => {
      await page.getByText('Nothing was called from 2026-01-01 to 2026-01-02').waitFor();
      await expectClean();
    }));
});
