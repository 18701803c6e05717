import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Stack } from '../support/gateway.ts';
import {
  describeWithBrowser,
  KEY,
  type Opened,
  openPage,
  type PageOptions,
  startGuarded,
  startOpen,
  visit,
} from './harness.ts';

const MODEL = 'llama-3-70b-instruct';
const PROVIDERS = ['anyscale', 'bedrock', 'replicate', 'together'] as const;
const PINS = PROVIDERS.map((provider) => `${provider}/${MODEL}`);

describeWithBrowser('Race', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  let open: Awaited<ReturnType<typeof startOpen>>;
  beforeAll(async () => {
    stack = await startGuarded();
    open = await startOpen();
  });
  beforeEach(() => stack.reset());
  afterAll(async () => {
    await stack.stop();
    await open.stop();
  });

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    const signedIn = options.url === undefined ? { url: stack.url, key: KEY } : { url: options.url };
    await visit(openPage(await browser(), { ...signedIn, ...options }), look);
  }

  const query = (content: string, more: Readonly<Record<string, string>> = {}): string =>
    `?${new URLSearchParams({ panel: 'race', model: MODEL, chat: JSON.stringify([content]), ...more })}`;
  const start = (page: Page) => page.getByRole('button', { name: 'Race', exact: true }).click();
  const over = (page: Page) => page.getByText('The race is over.').waitFor();
  const lane = (page: Page, pin: string): Locator => page.getByRole('region', { name: pin, exact: true });
  const results = (page: Page): Locator => page.getByRole('table', { name: 'Who won what' });
  /** The winner of a prize, and with what. */
  const winner = async (page: Page, prize: string): Promise<readonly string[]> =>
    results(page).getByRole('row', { name: prize }).getByRole('cell').allTextContents();

  it('asks four offers at once and says who won what', () =>
    using({ query: query('Reply with exactly OK', { max_tokens: '50' }) }, async ({ page, expectAccessible }) => {
      // Whoever is slow by seconds cannot win, however slow this machine is.
      for (const provider of ['anyscale', 'replicate', 'together']) {
        await stack.dial({ provider, times: 1, fault: { kind: 'delay', ms: 4000 } });
      }
      await page.getByRole('checkbox', { name: PINS[0] as string }).waitFor();
      for (const pin of PINS) expect(await page.getByRole('checkbox', { name: pin }).isChecked()).toBe(true);
      await start(page);
      await over(page);
      for (const pin of PINS) {
        const text = await lane(page, pin).textContent();
        expect(text, pin).toContain('Done.');
        expect(text, pin).toContain('OK');
      }
      expect(await winner(page, 'first token')).toEqual(['first token', PINS[1], expect.stringMatching(/s$/)]);
      expect(await lane(page, PINS[1] as string).textContent()).toContain('Won: first token');

      // The cheapest is the one whose bill, as the API tells it, is the smallest.
      const costs = await Promise.all(
        PINS.map(async (pin) => [
          pin,
          /Cost\$?([\d.]+|unknown)/.exec((await lane(page, pin).textContent()) ?? '')?.[1],
        ]),
      );
      const known = costs.flatMap(([pin, cost]) =>
        cost === undefined || cost === 'unknown' ? [] : [[pin, Number(cost)] as const],
      );
      known.sort(([, a], [, b]) => a - b);
      expect(known.length).toBeGreaterThan(1);
      expect((await winner(page, 'price'))[1]).toBe(known[0]?.[0]);

      const asked = (await stack.journal()).filter(({ method }) => method === 'POST');
      expect(new Set(asked.map(({ provider }) => provider))).toEqual(new Set(PROVIDERS));
      await expectAccessible();
    }));

  it('shows a cost that grows as an estimate, and stops all', () =>
    using({ query: query('Tell me a story.', { at: PINS.slice(1, 2).join() }) }, async ({ page, expectClean }) => {
      await stack.dial({ provider: 'bedrock', times: 1, fault: { kind: 'drip', ms: 300 } });
      await start(page);
      const bedrock = lane(page, PINS[1] as string);
      await expect.poll(async () => await bedrock.textContent()).toMatch(/Cost≈ \$0\.0\d+/);
      await page.getByRole('button', { name: 'Stop all' }).click();
      await over(page);
      expect(await bedrock.textContent()).toContain('Stopped.');
      expect(await results(page).textContent()).toContain('nobody won');
      await expectClean();
    }));

  it('lets the others run on when one fails, which wins nothing', () =>
    using({ query: query('Reply with exactly OK'), expected: /status of 50\d/ }, async ({ page, expectClean }) => {
      await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 500 } });
      await page.getByRole('checkbox', { name: PINS[3] as string }).waitFor();
      await start(page);
      await over(page);
      const failed = lane(page, PINS[3] as string);
      expect(await failed.textContent()).toContain('Failed.');
      expect(await failed.getByRole('alert').textContent()).not.toBe('');
      expect(await results(page).textContent()).not.toContain(PINS[3]);
      expect(await lane(page, PINS[1] as string).textContent()).toContain('Done.');
      await expectClean();
    }));

  it('takes offers of several models, at most four, and keeps them in the address', () =>
    using(
      { query: query('Reply with exactly OK', { at: [...PINS.slice(1), 'bedrock/gpt-oss-20b'].join() }) },
      async ({ page, expectClean }) => {
        const other = page.getByRole('checkbox', { name: 'bedrock/gpt-oss-20b' });
        await other.waitFor();
        expect(await page.getByRole('checkbox', { name: PINS[0] as string }).isDisabled()).toBe(true);
        await page.getByRole('checkbox', { name: PINS[3] as string }).uncheck();
        await page.getByRole('checkbox', { name: PINS[0] as string }).check();
        await page.reload();
        expect(await page.getByRole('checkbox', { name: 'bedrock/gpt-oss-20b' }).isChecked()).toBe(true);
        await start(page);
        await over(page);
        expect(await lane(page, 'bedrock/gpt-oss-20b').textContent()).toContain('OK');
        await expectClean();
      },
    ));

  it('races the four providers of the sandbox at once, by keyboard alone', () =>
    using({ url: open.url, query: '?panel=race' }, async ({ page, tabTo, expectClean }) => {
      await page.getByRole('checkbox', { name: PINS[3] as string }).waitFor();
      await tabTo('button', 'Race');
      await page.keyboard.press('Enter');
      await over(page);
      for (const pin of PINS) expect(await lane(page, pin).textContent(), pin).toMatch(/blue/i);
      expect((await winner(page, 'first token'))[1]).toMatch(new RegExp(MODEL));
      await expectClean();
    }));
});
