import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyscaleService, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, type Opened, openPage, type PageOptions, visit } from './harness.ts';

interface Row {
  readonly [field: string]: unknown;
}

/** An own model whose names are markup and quotes. */
const HOSTILE = `"><img src=x onerror=alert(1)>'&amp;`;

describeWithBrowser('the panel of models and prices', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack((origin) => ({
      ...sandboxEnv(origin),
      ANYSCALE_SERVICES: anyscaleService(`${origin}/anyscale/v1`, { [HOSTILE]: HOSTILE }),
      CHASQUI_PRICES: JSON.stringify({
        replicate: { 'llama-2-70b': { input_per_mtok: '0.6', output_per_mtok: '2.7' } },
      }),
    }));
  });
  afterAll(() => stack.stop());

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(openPage(await browser(), { url: stack.url, key: KEY, query: '?panel=models', ...options }), look);
  }
  const read = async (path: string): Promise<{ data: Row[] }> =>
    (await (await stack.get(path)).json()) as { data: Row[] };
  const setHere = async (): Promise<Row[]> => (await read('/v1/prices')).data.filter(({ layer }) => layer === 'admin');
  /** What the offer sheet takes for a model at Bedrock. */
  const sheet = async (model: string): Promise<Row> => {
    const answer = await stack.post('/v1/offers', {
      model,
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 9,
    });
    const { data } = (await answer.json()) as { data: { provider: string; price: Row }[] };
    return data.find(({ provider }) => provider === 'bedrock')?.price ?? {};
  };

  it('shows every model, what is old and what is over, and leads to one', () =>
    using({}, async ({ page, expectAccessible }) => {
      const { data } = await read('/v1/models');
      await page.getByText(`${data.length} models`, { exact: true }).waitFor();
      const old = page.getByRole('row').filter({ hasText: 'llama-2-70b' }).first();
      expect(await old.textContent()).toMatch(/retired/);
      expect(await old.textContent()).toMatch(/unverified/);
      // axe looks at a part of the list: all rows are made alike.
      await page.getByLabel('Search').fill('oss');
      await page.getByText(/^\d of \d+ models$/).waitFor();
      await expectAccessible();
      await page.getByRole('link', { name: 'gpt-oss-120b', exact: true }).first().click();
      await page.getByRole('table', { name: 'Offers' }).waitFor();
      const { data: prices } = await read('/v1/prices?model=gpt-oss-120b');
      const history = page.getByRole('table', { name: /Prices by the days/ });
      expect(await history.getByRole('row').count()).toBe(prices.length + 1);
      const stale = prices.find((row) => row.stale);
      await page.getByText(`stale: read ${stale?.checked_at}, ${stale?.age_days} days ago`).first().waitFor();
      await expectAccessible();
    }));

  it('finds models by name, provider, capability and price, and keeps that in its address', () =>
    using({}, async ({ page, tabTo, expectClean }) => {
      await tabTo('searchbox', 'Search');
      await page.keyboard.type('llama instruct');
      await page.getByLabel('Provider').selectOption('bedrock');
      await page.getByLabel('Can').selectOption('vision');
      const names = () => page.getByRole('table').getByRole('link').allTextContents();
      await expect.poll(async () => (await names()).length).toBeLessThan(12);
      const found = await names();
      expect(found.length).toBeGreaterThan(0);
      const address = new URL(page.url()).searchParams;
      expect(Object.fromEntries(address)).toMatchObject({ q: 'llama instruct', provider: 'bedrock', can: 'vision' });
      await page.reload();
      await page.getByRole('table').waitFor();
      expect(await names()).toEqual(found);
      const { data } = await read('/v1/models');
      for (const name of found) {
        const model = data.find((one) => one.name === name);
        expect(model?.capabilities).toMatchObject({ vision: true });
      }
      await expectClean();
    }));

  it('shows names as the texts they are', () =>
    using({ query: `?panel=models&model=${encodeURIComponent(HOSTILE)}` }, async ({ page, expectAccessible }) => {
      await page.getByRole('heading', { name: HOSTILE }).waitFor();
      await expectAccessible();
    }));

  describe('a price', () => {
    it('is set with its reason by keyboard alone, is what calls are priced by, and is taken back', () =>
      using({ query: '?panel=models&model=llama-3-8b-instruct' }, async ({ page, tabTo, expectAccessible }) => {
        const before = await sheet('llama-3-8b-instruct');
        await tabTo('button', /at bedrock$/);
        await page.keyboard.press('Enter');
        await tabTo('textbox', /^Input, /);
        await page.keyboard.type('0.25');
        await tabTo('textbox', /^Output, /);
        await page.keyboard.type('0.5');
        await tabTo('textbox', 'Reason');
        await page.keyboard.type('contract <b>4711</b>');
        await tabTo('button', /^Set the price$/);
        await page.keyboard.press('Enter');
        await page.getByText('was set').waitFor();
        await page.getByText('contract <b>4711</b>').first().waitFor();
        expect(await sheet('llama-3-8b-instruct')).toMatchObject({
          input_per_mtok: '0.25',
          output_per_mtok: '0.5',
          source: 'contract <b>4711</b>',
          stale: false,
        });

        await tabTo('button', /at bedrock$/);
        await page.keyboard.press('Enter');
        await expectAccessible();
        await tabTo('button', /^Take back/);
        await page.keyboard.press('Enter');
        // The form has a button of the same name, so the dialog itself is waited for.
        await page.getByRole('dialog').waitFor();
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'hidden' });
        expect(await setHere()).toHaveLength(1);
        await tabTo('button', /^Take back/);
        await page.keyboard.press('Enter');
        await tabTo('button', 'Take it back');
        await page.keyboard.press('Enter');
        await page.getByText('was taken back').waitFor();
        expect(await setHere()).toEqual([]);
        expect(await sheet('llama-3-8b-instruct')).toEqual(before);
      }));

    it('that is absurd is refused in the words of the API, and taken when forced', () =>
      using(
        { query: '?panel=models&model=llama-3-8b-instruct', expected: /status of 400/ },
        async ({ page, expectAccessible }) => {
          await page.getByRole('button', { name: /at bedrock$/ }).click();
          await page.getByLabel(/^Input, /).fill('0.0003');
          await page.getByLabel(/^Output, /).fill('0.6');
          const insist = page.getByLabel('Set it all the same');
          expect(await insist.count()).toBe(0);
          await page.getByRole('button', { name: 'Set the price', exact: true }).click();
          const reason = page.getByLabel('Reason');
          await expect.poll(() => reason.getAttribute('aria-invalid')).toBe('true');
          expect(await page.getByRole('alert').textContent()).toContain('source: say in a few words');
          await reason.fill('somebody said so');
          await page.getByRole('button', { name: 'Set the price', exact: true }).click();
          const input = page.getByLabel(/^Input, /);
          await expect.poll(() => input.getAttribute('aria-invalid')).toBe('true');
          expect(await page.getByRole('alert').textContent()).toMatch(
            /input_per_mtok is 1\/1000 of the list price of 0\.3; it is in dollars for a million tokens/,
          );
          await expectAccessible();
          expect(await setHere()).toEqual([]);
          await page.getByLabel(/^Input, /).fill('-1');
          await insist.check();
          await page.getByRole('button', { name: 'Set the price', exact: true }).click();
          await expect.poll(() => page.getByRole('alert').textContent()).toContain('not negative');
          await page.getByLabel(/^Input, /).fill('0.0003');
          await page.getByRole('button', { name: 'Set the price', exact: true }).click();
          await page.getByText('was set').waitFor();
          expect(await setHere()).toMatchObject([{ input_per_mtok: '0.0003', source_detail: 'somebody said so' }]);
        },
      ));

    it('leaves the others as they are, each with its days and its reason', async () => {
      const days = { valid_from: '2026-01-01', valid_to: '2099-12-31' };
      const prices = {
        bedrock: { 'llama-3-8b-instruct': { input_per_mtok: '0', output_per_mtok: '0.9', source: 'a gift', ...days } },
        replicate: { 'meta/codellama-34b': { hardware: 'gpu-a100-large', tokens_per_second: 30, source: 'a bill' } },
        anyscale: { 'test/openai/gpt-oss-120b': { usd_per_hour: '0.95', tokens_per_second: 400 } },
      };
      const put = (body: object) =>
        fetch(`${stack.url}/v1/prices`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      expect((await put({ source: 'all the rest', force: true, prices })).status).toBe(200);
      const kept = (rows: Row[]) => rows.map(({ rule, checked_at, age_days, ...row }) => row);
      const before = kept(await setHere());
      await using(
        { query: '?panel=models&model=gpt-oss-20b', expected: /status of 409/ },
        async ({ page, expectClean }) => {
          await page.getByRole('button', { name: /at together$/ }).click();
          await page.getByLabel(/^Input, /).fill('0.05');
          await page.getByLabel(/^Output, /).fill('0.2');
          await page.getByLabel('Reason').fill('a list');
          // Somebody else was faster.
          expect((await put({ source: 'all the rest', force: true, prices })).status).toBe(200);
          await page.getByRole('button', { name: 'Set the price', exact: true }).click();
          expect(await page.getByRole('alert').textContent()).toContain('version: the stored prices are at version');
          await page.getByRole('button', { name: 'Set the price', exact: true }).click();
          await page.getByText('was set').waitFor();
          const after = kept(await setHere());
          expect(after).toHaveLength(4);
          expect(after).toEqual(expect.arrayContaining(before));
          await page.getByRole('button', { name: /at together$/ }).click();
          await page.getByRole('button', { name: /^Take back/ }).click();
          await page.getByRole('button', { name: 'Take it back' }).click();
          await page.getByText('was taken back').waitFor();
          expect(kept(await setHere())).toEqual(expect.arrayContaining(before));
          expect(await setHere()).toHaveLength(3);
          await expectClean();
        },
      );
    });

    it('says where the configuration wins', () =>
      using({ query: '?panel=models&model=llama-2-70b' }, async ({ page, expectClean }) => {
        await page.getByRole('button', { name: /at replicate$/ }).click();
        await page.getByText('The configuration sets this price, and wins').waitFor();
        await expectClean();
      }));

    it('is set by admins alone', async () => {
      const made = (await (await stack.post('/v1/keys', { name: 'reader' })).json()) as { key: string };
      await using(
        { key: made.key, query: '?panel=models&model=gpt-oss-120b&offer=bedrock%20openai.gpt-oss-120b-1:0' },
        async ({ page, expectClean }) => {
          await page.getByRole('table', { name: 'Offers' }).waitFor();
          expect(await page.getByRole('button', { name: /price/ }).count()).toBe(0);
          await expectClean();
        },
      );
    });
  });
});
