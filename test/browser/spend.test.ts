import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Stack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, type Opened, openPage, type PageOptions, startGuarded, visit } from './harness.ts';

const HOSTILE = `<img src=x onerror="console.error('ran')">&amp;'"`;

interface Figures {
  readonly [name: string]: string | number | null;
}
interface Usage {
  readonly data: readonly Figures[];
  readonly total: Figures;
}
interface WhatIf {
  readonly data: readonly {
    readonly provider?: string;
    readonly policy?: string;
    readonly cost: string | null;
    readonly requests: number;
  }[];
}

/** An amount with all its digits, as the page writes it. */
const exact = (amount: unknown): string => {
  const [whole, part = ''] = String(amount).split('.');
  return `$${whole}.${part.padEnd(2, '0')}`;
};

/** Numbers as the page writes them. */
const shown = (value: unknown): string => Number(value).toLocaleString('en-US');

describeWithBrowser('the Spend panel', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  let id = '';
  let secret = '';
  const asAdmin = { authorization: `Bearer ${KEY}` };
  const read = async <T>(path: string): Promise<T> => (await (await stack.get(path, asAdmin)).json()) as T;

  beforeAll(async () => {
    stack = await startGuarded();
    const made = await stack.post('/v1/keys', { name: HOSTILE }, asAdmin);
    ({ id, key: secret } = (await made.json()) as { id: string; key: string });
    const call = async (model: string, headers: Record<string, string>, more: object = {}) => {
      const messages = [{ role: 'user', content: 'Say hello.' }];
      const answer = await stack.post('/v1/chat/completions', { model, messages, max_tokens: 20, ...more }, headers);
      await answer.text();
    };
    await call('together/gpt-oss-120b', asAdmin);
    await stack.dial({ provider: 'bedrock', times: 1, fault: { kind: 'status', status: 429 } });
    await call('gpt-oss-120b', asAdmin, { provider: { order: ['bedrock', 'together'] } });
    await call('bedrock/gpt-oss-120b', asAdmin);
    await call('llama-3-8b-instruct', { authorization: `Bearer ${secret}` });
  });
  afterAll(() => stack.stop());

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(openPage(await browser(), { url: stack.url, key: KEY, query: '?panel=spend', ...options }), look);
  }
  const ready = ({ page }: Opened) => page.getByRole('table', { name: /Saved by routing/ }).waitFor();

  it("shows the API's figures: sums, groups, and what routing saved", () =>
    using({}, async (opened) => {
      const { page, expectClean } = opened;
      await ready(opened);
      const { data, total } = await read<Usage>('/v1/usage?group_by=provider');
      expect(total).toMatchObject({ calls: 4, requests: 5, errors: 1 });
      const card = (name: string) => page.locator('.card', { has: page.getByRole('heading', { name }) });
      await expect.poll(() => card('Cost').locator('.money').first().getAttribute('title')).toBe(exact(total.cost));
      expect(await card('Calls').textContent()).toContain(`${shown(total.requests)} requests to providers`);
      expect(await card('Calls').textContent()).toContain('20 % of them (1) came after a failed one');
      expect(await card('Tokens').textContent()).toContain(
        `${shown(Number(total.prompt_tokens) - Number(total.cached_tokens))} prompt`,
      );
      const table = page.getByRole('table', { name: /^By provider/ });
      for (const line of data) {
        const row = table.getByRole('row', { name: new RegExp(`^${line.provider}`) });
        expect(await row.locator('.money').first().getAttribute('title')).toBe(exact(line.cost));
      }
      const saved = page.getByRole('table', { name: /Saved by routing/ });
      const first = await read<WhatIf>('/v1/whatif?policy=first');
      const most = await read<WhatIf>('/v1/whatif?policy=most_expensive');
      for (const [name, line] of [
        ['Always the first provider', first.data.find(({ policy }) => policy)],
        ['Always the most expensive offer', most.data.find(({ policy }) => policy)],
        ['bedrock alone', first.data.find(({ provider }) => provider === 'bedrock')],
      ] as const) {
        const row = saved.getByRole('row', { name: new RegExp(`^${name}`) });
        expect(await row.locator('.money').first().getAttribute('title')).toBe(exact(line?.cost));
      }
      await expectClean();
    }));

  it('draws the sums over time with the same as a table, and keeps what is shown in the address', () =>
    using({ query: '?panel=spend&last=24h' }, async ({ page, expectClean }) => {
      await page.locator('.chart svg').waitFor();
      await page.getByRole('link', { name: 'Requests', exact: true }).click();
      expect(new URL(page.url()).searchParams.get('show')).toBe('requests');
      const caption = 'Requests by hour and provider, UTC';
      await page.getByText(`${caption}, as a table`).click();
      const rows = page.getByRole('table', { name: caption }).getByRole('row');
      expect(await rows.count()).toBe(25);
      const cells = await rows.getByRole('cell').allTextContents();
      const sum = cells.reduce((all, text) => all + (/^\d+$/.test(text) ? Number(text) : 0), 0);
      expect(sum).toBe((await read<Usage>('/v1/usage')).total.requests);
      await page.reload();
      await page.getByText(`${caption}, as a table`).waitFor();
      await expectClean();
    }));

  it('shows the names of keys as text, whatever they are', () =>
    using({ query: '?panel=spend&by=key' }, async ({ page, expectClean }) => {
      const link = page.getByRole('link', { name: HOSTILE, exact: true });
      await link.first().waitFor();
      expect(await page.locator('img').count()).toBe(0);
      await link.first().click();
      expect(new URL(page.url()).searchParams.get('key')).toBe(id);
      await expect
        .poll(() => page.locator('.card', { hasText: 'Calls' }).first().textContent())
        .toContain('1 requests');
      await expectClean();
    }));

  it('lists what failed, by error and provider, with a link to these calls', () =>
    using({}, async ({ page, expectClean }) => {
      const table = page.getByRole('table', { name: /^Failed requests/ });
      await table.waitFor();
      const { data } = await read<Usage>('/v1/usage?group_by=outcome,provider');
      const failed = data.filter(({ outcome }) => outcome !== 'ok');
      expect(failed).toEqual([
        expect.objectContaining({ outcome: 'provider_rate_limited', provider: 'bedrock', requests: 1 }),
      ]);
      const row = table.getByRole('row', { name: /^provider_rate_limited bedrock 1/ });
      const to = await row.getByRole('link').getAttribute('href');
      expect(Object.fromEntries(new URLSearchParams(to ?? ''))).toMatchObject({
        panel: 'live',
        outcome: 'provider_rate_limited',
        provider: 'bedrock',
      });
      await expectClean();
    }));

  it("saves the API's CSV with the session's cookie", () =>
    using({}, async (opened) => {
      await ready(opened);
      const { page, expectClean } = opened;
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page
          .getByRole('table', { name: /^By provider/ })
          .getByRole('button', { name: 'CSV' })
          .click(),
      ]);
      const chunks = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      expect(text.split('\r\n')[0]).toMatch(/^provider,calls,requests,/);
      expect(text.split('\r\n')).toHaveLength(5);
      await expectClean();
    }));

  it('shows a key its own calls alone', () =>
    using({ key: secret }, async (opened) => {
      await ready(opened);
      expect(await opened.page.locator('.card', { hasText: 'Calls' }).first().textContent()).toContain('1 requests');
      await opened.expectClean();
    }));

  it('teaches where nothing was called', () =>
    using({ query: '?panel=spend&from=2026-01-01&to=2026-01-02' }, async ({ page, expectAccessible }) => {
      await page.getByText('No call was made in this time').waitFor();
      expect(await page.getByRole('region', { name: 'A first call' }).textContent()).toContain(stack.url);
      await expectAccessible();
    }));

  it('has nothing that axe finds fault with', () =>
    using({}, async (opened) => {
      await ready(opened);
      await opened.page.locator('.chart svg').waitFor();
      await opened.expectAccessible();
    }));
});
