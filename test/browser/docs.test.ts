import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { install } from '../python/setup.mjs';
import type { Stack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, type Opened, openPage, type PageOptions, startGuarded, visit } from './harness.ts';

const run = promisify(execFile);

describeWithBrowser('/docs', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startGuarded();
  });
  afterAll(() => stack.stop());

  /** Without a key: whoever reads how to call the gateway need not have one. */
  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(openPage(await browser(), { url: stack.url, query: 'docs', ...options }), look);
  }
  const heading = ({ page }: Opened) => page.getByRole('heading', { level: 1 });

  it('lists every route by its purpose, and finds one by its words', () =>
    using({}, async (opened) => {
      const { page, expectClean } = opened;
      const nav = page.getByRole('navigation', { name: 'Routes' });
      await nav.getByRole('link', { name: 'Answer a chat' }).waitFor();
      const described = (await (await fetch(`${stack.url}/openapi.json`)).json()) as {
        tags: { name: string }[];
        paths: Record<string, Record<string, { summary: string }>>;
      };
      const summaries = Object.values(described.paths).flatMap((one) => Object.values(one).map((op) => op.summary));
      expect((await nav.getByRole('link').allTextContents()).sort()).toEqual(summaries.sort());
      expect(await nav.getByRole('heading', { level: 2 }).allTextContents()).toEqual(
        described.tags.map(({ name }) => name),
      );

      await page.getByRole('searchbox', { name: 'Search' }).fill('rerank');
      await expect.poll(() => nav.getByRole('link').allTextContents()).toEqual(['Order documents by a query']);
      await nav.getByRole('link').click();
      await expect.poll(() => heading(opened).textContent()).toBe('Order documents by a query');
      expect(page.url()).toContain('op=rerank');
      await page.getByRole('searchbox', { name: 'Search' }).fill('no such words');
      await page.getByText('Nothing has these words.').waitFor();
      await expectClean();
    }));

  it('shows what a route takes, by keyboard alone, down to a field inside a field', () =>
    using({ query: 'docs?op=createChatCompletion' }, async ({ page, expectClean }) => {
      const fold = page.locator('summary', { hasText: 'Inside provider' });
      await fold.focus();
      await page.keyboard.press('Enter');
      await page.getByText('The most that this call may cost, in dollars.').waitFor();
      await expectClean();
    }));

  it('shows an answer’s fields and the errors of a route', () =>
    using({ query: 'docs?op=createMessage' }, async ({ page, expectClean }) => {
      await page.getByText('stop_reason').waitFor();
      await page.getByText('An error in Anthropic’s envelope.').waitFor();
      expect(await page.locator('code', { hasText: /^529$/ }).count()).toBe(1);
      await expectClean();
    }));

  it('leads to the Try panel with the request in its address', () =>
    using({ query: 'docs?op=createChatCompletion', key: KEY }, async ({ page, expectClean }) => {
      const link = page.getByRole('link', { name: 'Try it' });
      const query = new URL((await link.getAttribute('href')) ?? '', stack.url).searchParams;
      expect(Object.fromEntries(query)).toEqual({
        panel: 'try',
        model: 'llama-3.3-70b-instruct',
        chat: '["What is the capital of California?"]',
      });
      // Try has no field for tools, so there is no link that would leave them out.
      await page.getByRole('combobox', { name: 'Of' }).selectOption({ label: 'With a tool' });
      await expect.poll(() => link.count()).toBe(0);
      await expectClean();
    }));

  it('gives code that runs, in every language', () =>
    using({ query: 'docs?op=createKey' }, async ({ page, expectClean }) => {
      const folder = mkdtempSync(join(tmpdir(), 'chasqui-docs-'));
      const python = install('requirements');
      const ways: readonly (readonly [label: string, file: string, command: string | undefined])[] = [
        ['curl', 'code.sh', 'bash'],
        ['Python', 'code.py', 'python' in python ? python.python : undefined],
        ['JavaScript', 'code.mjs', process.execPath],
      ];
      try {
        for (const [label, file, command] of ways) {
          await page.getByRole('button', { name: label, exact: true }).click();
          const code = (await page.getByRole('region', { name: `${label} code` }).textContent()) ?? '';
          writeFileSync(join(folder, file), code);
          if (command === undefined) continue;
          const { PATH = '' } = process.env;
          const { stdout } = await run(command, [join(folder, file)], { env: { PATH, CHASQUI_KEY: KEY } });
          expect(stdout, label).toContain('"name":"The newsletter"');
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      await expectClean();
    }));

  it('opens and renders every operation, with all that is inside, without a fault', () =>
    using({}, async ({ page, expectClean }) => {
      await page.getByRole('link', { name: 'Answer a chat' }).waitFor();
      const links = page.getByRole('navigation', { name: 'Routes' }).getByRole('link');
      const titles = await links.allTextContents();
      for (const title of titles) {
        await links.getByText(title, { exact: true }).click();
        await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
        // The first two levels: deeper ones are the same components.
        for (let level = 0; level < 2; level++) {
          const opened = await page.evaluate(
            '[...document.querySelectorAll("details:not([open])")].map((one) => { one.open = true; }).length',
          );
          if (opened === 0) break;
          await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
        }
        expect(await page.getByText('undefined').count(), title).toBe(0);
      }
      await expectClean();
    }));

  it.each(['docs', 'docs?op=createChatCompletion', 'docs?op=getUsage'])(
    'has nothing that axe finds fault with: %s',
    (query) =>
      using({ query }, async ({ page, expectAccessible }) => {
        await page.getByRole('link', { name: 'Answer a chat' }).waitFor();
        await expectAccessible();
      }),
  );
});
