import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

describeWithBrowser('the page', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  let open: Awaited<ReturnType<typeof startOpen>>;
  beforeAll(async () => {
    stack = await startGuarded();
    open = await startOpen();
  });
  afterAll(async () => {
    await stack.stop();
    await open.stop();
  });

  const show = async (options: Partial<PageOptions> = {}) =>
    openPage(await browser(), { url: stack.url, query: '?panel=account', ...options });
  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(show(options), look);
  }

  describe('without a key', () => {
    it('is there, and asks for one', () =>
      using({}, async ({ page, expectClean }) => {
        await page.getByLabel('Key').waitFor();
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Sign in');
        await expectClean();
      }));

    it('says at the field that a key is wrong', () =>
      using({ expected: /status of 401/ }, async ({ page, expectAccessible }) => {
        await page.getByLabel('Key').fill('not-a-key');
        await page.getByRole('button', { name: 'Sign in' }).click();
        expect(await page.getByRole('alert').textContent()).toMatch(/not known here/);
        await expectAccessible();
      }));
  });

  it('is signed in to and out of by keyboard alone, and keeps the key nowhere', () =>
    using({}, async ({ page, context, tabTo, expectClean }) => {
      await tabTo('textbox', 'Key');
      await page.keyboard.type(KEY);
      await page.keyboard.press('Enter');
      await page.getByText('signed in with the admin key').waitFor();

      const [cookie, ...others] = await context.cookies();
      expect(others).toEqual([]);
      expect(cookie).toMatchObject({ name: '__Host-chasqui', httpOnly: true, secure: true, sameSite: 'Strict' });
      expect(cookie?.value).not.toContain(KEY);
      const kept: string = await page.evaluate(
        'JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.documentElement.outerHTML])',
      );
      expect(kept).not.toContain(KEY);
      expect(kept).not.toContain(cookie?.value);

      await page.reload();
      await page.getByText('signed in with the admin key').waitFor();
      await tabTo('button', 'Sign out');
      await page.keyboard.press('Enter');
      await page.getByLabel('Key').waitFor();
      expect(await context.cookies()).toEqual([]);
      await expectClean();
    }));

  it('asks for no key in the open sandbox', () =>
    using({ url: open.url }, async ({ page, expectClean }) => {
      await page.getByText('no key is needed').waitFor();
      expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
      await expectClean();
    }));

  it('keeps the theme that was chosen', () =>
    using({ theme: 'light' }, async ({ page, tabTo, expectClean }) => {
      const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
      const light = await ground();
      await tabTo('combobox', 'Theme');
      await page.keyboard.type('Dark');
      await expect.poll(ground).not.toBe(light);
      const dark = await ground();
      await page.reload();
      expect(await ground()).toBe(dark);
      await expectClean();
    }));

  it('has nothing that axe finds fault with, signed in or not', async () => {
    await using({}, async ({ page, expectAccessible }) => {
      await page.getByLabel('Key').waitFor();
      await expectAccessible();
    });
    await using({ key: KEY }, async ({ page, expectAccessible }) => {
      await page.getByText('signed in with the admin key').waitFor();
      await expectAccessible();
    });
  });
});
