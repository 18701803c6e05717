import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, type Opened, openPage, type PageOptions, THEMES, visit, WIDTHS } from './harness.ts';

describeWithBrowser('the Health panel', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  beforeAll(async () => {
    // A variable that is misspelt, with a value that nobody is to see; a wrong token; and no services of Anyscale.
    stack = await startStack((sandbox) => {
      const { ANYSCALE_SERVICES: _, ...rest } = sandboxEnv(sandbox);
      return { ...rest, REPLICATE_API_TOKEN: 'r8_wrong', CHASQUI_TIMEOUT: 'planted-5f1d' };
    });
  });
  afterAll(() => stack.stop());
  beforeEach(() => stack.reset());

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(openPage(await browser(), { url: stack.url, key: KEY, query: '?panel=health', ...options }), look);
  }
  const chat = async (model: string) =>
    (
      await stack.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hi' }], stream: true })
    ).text();

  it('shows an offer that fails by its breaker, and one that works by its speed', async () => {
    await chat('bedrock/llama-3-8b-instruct');
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 500 } });
    for (let at = 0; at < 12; at++) await chat('together/gpt-oss-120b');
    const { offers } = (await (await stack.get('/v1/health')).json()) as {
      offers: { provider: string; breaker: string }[];
    };
    expect(offers.find(({ provider }) => provider === 'together')?.breaker).toBe('open');
    await using({}, async ({ page, expectAccessible }) => {
      const rows = page.getByRole('region', { name: 'Offers that were used' }).locator('tbody tr');
      await rows.filter({ hasText: 'together' }).filter({ hasText: 'open: keeps failing' }).waitFor();
      expect(await rows.filter({ hasText: 'bedrock' }).textContent()).toMatch(/closed: works[\d.]+ m?s/);
      await page.getByText('Something is wrong').waitFor();
      await expectAccessible();
    });
  });

  it('probes the providers by keyboard alone, and says what is wrong', async () => {
    await using({}, async ({ page, tabTo, expectAccessible }) => {
      await tabTo('button', 'Probe the providers');
      await page.keyboard.press('Enter');
      await page.getByText('Asked.').waitFor();
      const rows = page.getByRole('region', { name: 'Providers with credentials' }).locator('tbody tr');
      expect(await rows.filter({ hasText: 'bedrock' }).textContent()).toContain('works');
      expect(await rows.filter({ hasText: 'replicate' }).textContent()).toMatch(/wrong key.*REPLICATE_API_TOKEN/s);
      await expectAccessible();
    });
  });

  it('shows the configuration, what is odd in it and what could be added, and no value of a secret', () =>
    using({}, async ({ page, expectClean }) => {
      await page.getByText('CHASQUI_TIMEOUT is not known').waitFor();
      const missing = page.getByRole('region', { name: 'Providers that could be added' });
      expect(await missing.textContent()).toContain('ANYSCALE_SERVICES');
      const shown = await page.content();
      for (const secret of ['5f1d', KEY, 'sandbox-secret-access-key', 'sandbox-together-key', 'r8_wrong'])
        expect(shown).not.toContain(secret);
      await expectClean();
    }));

  it('shows a caller the providers and offers, and nothing of the configuration', async () => {
    const { key } = (await (await stack.post('/v1/keys', { name: 'caller' })).json()) as { key: string };
    await using({ key }, async ({ page, expectAccessible }) => {
      await page.getByText(/^Providers: .*bedrock/).waitFor();
      expect(await page.getByRole('button', { name: 'Probe the providers' }).count()).toBe(0);
      expect(await page.content()).not.toContain('CHASQUI_TIMEOUT');
      await expectAccessible();
    });
  });

  it('is replaced by the mistakes of a configuration that has some', async () => {
    const broken = await startStack((sandbox) => ({ ...sandboxEnv(sandbox), CHASQUI_SUBREQUESTS: 'many' }));
    try {
      const opened = await openPage(await browser(), {
        url: broken.url,
        query: '?panel=health',
        expected: /status of 500/,
      });
      await opened.page.getByText('CHASQUI_SUBREQUESTS must be a whole number above 0').waitFor();
      await opened.expectAccessible();
      await opened.close();
    } finally {
      await broken.stop();
    }
  });

  describe.each(WIDTHS)('%i pixels wide', (width) => {
    it.each(THEMES)('has nothing that axe finds fault with, in %s', async (theme) => {
      await chat('bedrock/llama-3-8b-instruct');
      await using({ width, theme }, async ({ page, expectAccessible }) => {
        await page.getByRole('region', { name: 'Settings in effect' }).waitFor();
        await expectAccessible();
      });
    });
  });
});
