import type { Browser, Locator, Page } from 'playwright-core';
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

const MODEL = 'llama-3.3-70b-instruct';
const HOSTILE = '<img src=x onerror="console.error(1)"><script>console.error(2)</script> \u202egnp.exe';

describeWithBrowser('Try', (browser: () => Promise<Browser>) => {
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

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(
      openPage(
        await browser(),
        options.url ? { url: stack.url, ...options } : { url: stack.url, key: KEY, ...options },
      ),
      look,
    );
  }

  const chatQuery = (content: string, more: Readonly<Record<string, string>> = {}): string =>
    `?${new URLSearchParams({ panel: 'try', model: MODEL, chat: JSON.stringify([content]), ...more })}`;

  /** What the page says when it has counted what is in its fields now. */
  async function counted(page: Page): Promise<number> {
    const tokens = page.getByRole('region', { name: 'Tokens' });
    await expect.poll(() => tokens.getAttribute('aria-busy')).toBe('false');
    return Number(await tokens.locator('.count').getAttribute('data-count'));
  }
  const apiCount = async (body: unknown): Promise<number> =>
    ((await (await stack.post('/v1/count_tokens', body)).json()) as { tokens: number }).tokens;
  const prompt = (page: Page): Locator => page.getByRole('region', { name: 'The prompt as the model reads it' });
  const send = (page: Page) => page.getByRole('button', { name: 'Send' }).click();
  const said = (page: Page): Locator => page.getByRole('region', { name: 'Answer', exact: true });

  it('counts what one types, as the API counts it, and draws every token', () =>
    using({ query: chatQuery('') }, async ({ page, expectClean }) => {
      const field = page.getByLabel('User, message 1');
      for (const content of ['Hello!', 'Our destiny is written in the stars. 命运 🦙\n<|eot_id|>']) {
        await field.fill('');
        await field.pressSequentially(content);
        const tokens = await apiCount({ model: MODEL, messages: [{ role: 'user', content }] });
        await expect.poll(() => counted(page)).toBe(tokens);
        const titles = await prompt(page)
          .locator('.token')
          .evaluateAll((all) => all.map((one) => one.getAttribute('title') ?? ''));
        expect(titles.flatMap((title) => title.match(/\d+(?=,|$)/g) ?? [])).toHaveLength(tokens);
        expect(await prompt(page).textContent()).toContain(content.split('\n')[0]);
      }
      expect(await prompt(page).textContent()).toContain('<|start_header_id|>user<|end_header_id|>');
      await expectClean();
    }));

  it('counts a raw prompt, a chat of several turns and another model', () =>
    using({ query: chatQuery('Hello!') }, async ({ page, expectClean }) => {
      await page.getByRole('textbox', { name: 'System' }).fill('Be brief.');
      await page.getByRole('button', { name: 'Add a turn' }).click();
      await page.getByLabel('Assistant, message 2').fill('Hi.');
      await page.getByLabel('User, message 3').fill('What is two and two?');
      const messages = [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello!' },
        { role: 'assistant', content: 'Hi.' },
        { role: 'user', content: 'What is two and two?' },
      ];
      await expect.poll(() => counted(page)).toBe(await apiCount({ model: MODEL, messages }));
      await page.getByRole('combobox', { name: 'Model' }).fill('llama-2-70b-chat');
      await expect.poll(() => counted(page)).toBe(await apiCount({ model: 'llama-2-70b-chat', messages }));
      expect(await prompt(page).textContent()).toContain('[INST]');
      await page.getByLabel('Raw prompt').check();
      await page.getByRole('textbox', { name: 'Raw prompt' }).fill('The sky is');
      await expect.poll(() => counted(page)).toBe(await apiCount({ model: 'llama-2-70b-chat', prompt: 'The sky is' }));
      await expectClean();
    }));

  it('never blocks typing, and gives up requests that are no longer wanted', () =>
    using({ query: chatQuery('') }, async ({ page, expectClean }) => {
      let asked = 0;
      page.on('request', (request) => {
        if (request.url().endsWith('/v1/count_tokens')) asked += 1;
      });
      const long = 'The llama is a domesticated South American camelid. '.repeat(200);
      await page.getByLabel('User, message 1').fill(long);
      await page.getByLabel('User, message 1').pressSequentially('It hums.');
      const content = `${long}It hums.`;
      await expect
        .poll(() => counted(page))
        .toBe(await apiCount({ model: MODEL, messages: [{ role: 'user', content }] }));
      expect(asked).toBeLessThan(long.length / 100);
      await page.getByText('too long for a link').waitFor();
      expect(page.url().length).toBeLessThan(5000);
      await expectClean();
    }));

  it('shows every offer with its cost, and why the first is first', () =>
    using({ query: chatQuery('Hello!', { max_tokens: '12' }) }, async ({ page, expectClean }) => {
      const body = { model: MODEL, messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 12 };
      const { data } = (await (await stack.post('/v1/offers', body)).json()) as {
        data: { provider: string; why: string[]; cost: { expected: string } | null }[];
      };
      const rows = page.getByRole('row').filter({ has: page.getByRole('cell') });
      await expect.poll(() => rows.count()).toBe(data.length);
      for (const [at, { provider, why, cost }] of data.entries()) {
        const row = await rows.nth(at).textContent();
        expect(row).toContain(provider);
        for (const reason of why) expect(row).toContain(reason);
        if (cost) expect(await rows.nth(at).locator('.bar').getAttribute('aria-label')).toContain(cost.expected);
      }
      await page.getByText(`${data[0]?.provider} would be asked first.`).waitFor();
      await page.getByRole('button', { name: 'Pin together' }).click();
      await page.getByText('together would be asked first.').waitFor();
      expect(await page.getByRole('combobox', { name: 'Model' }).inputValue()).toBe(`together/${MODEL}`);
      await expectClean();
    }));

  it('says why offers are left out, and what is wrong with a field', () =>
    using({ query: chatQuery('Hello!'), expected: /status of 400/ }, async ({ page, expectClean }) => {
      await page.getByText('Settings').click();
      await page.getByLabel('Temperature').fill('9');
      await page
        .getByRole('alert')
        .getByText(/temperature/)
        .first()
        .waitFor();
      expect(await page.getByLabel('Temperature').getAttribute('aria-invalid')).toBe('true');
      await page.getByLabel('Temperature').fill('');
      await page.getByRole('combobox', { name: 'Model' }).fill('llama-3-8b-instruct');
      await page.getByLabel('User, message 1').fill('llama '.repeat(9000));
      await page.getByText('No offer can serve this call.').waitFor();
      await page.getByText('Too long: the context is 8,192.').waitFor();
      expect(await page.getByText('Left out').count()).toBeGreaterThan(1);
      await expectClean();
    }));

  it('streams the answer, and gives its receipt', () =>
    using(
      { query: chatQuery('Reply with exactly OK', { model: `bedrock/${MODEL}` }) },
      async ({ page, expectAccessible }) => {
        await send(page);
        await page.getByText('Done.').waitFor();
        expect(await said(page).textContent()).toContain('OK');
        const receipt = page.getByRole('region', { name: 'Receipt' });
        const text = await receipt.textContent();
        expect(text).toMatch(/Providerbedrock/);
        expect(text).toMatch(/Cost\$0\.0000\d+/);
        expect(text).toMatch(/Generationgen-[0-9a-f]{32}/);
        expect(await receipt.getByRole('table', { name: 'Attempts' }).textContent()).toContain('ok');
        await expectAccessible();
      },
    ));

  it('shows the attempts of a call that failed over, and the error of one that failed', () =>
    using({ query: chatQuery('Hello!'), expected: /status of 50\d|status of 429/ }, async ({ page, expectClean }) => {
      await stack.dial({ provider: 'anyscale', times: 1, fault: { kind: 'status', status: 503 } });
      await send(page);
      await page.getByText('Done.').waitFor();
      const attempts = page.getByRole('table', { name: 'Attempts' });
      expect(await attempts.getByRole('row').count()).toBeGreaterThan(2);
      await stack.reset();
      await stack.dial({ times: 0, fault: { kind: 'status', status: 503 } });
      await send(page);
      await page.getByText('Failed.').waitFor({ timeout: 60_000 });
      expect(await page.getByRole('region', { name: 'Receipt' }).getByRole('alert').textContent()).not.toBe('');
      await stack.reset();
      await expectClean();
    }));

  it('stops a stream', () =>
    using({ query: chatQuery('Tell me a story.', { model: `together/${MODEL}` }) }, async ({ page, expectClean }) => {
      await stack.reset();
      await stack.dial({ provider: 'together', times: 1, fault: { kind: 'drip', ms: 300 } });
      await send(page);
      await expect.poll(async () => (await said(page).textContent())?.trim().length ?? 0).toBeGreaterThan(0);
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      await page.getByText('Stopped.').waitFor();
      expect(await page.getByRole('button', { name: 'Send' }).isEnabled()).toBe(true);
      const call = (await stack.journal()).find(({ path }) => path.endsWith('/chat/completions'));
      expect(call).toBeDefined();
      await expectClean();
      await stack.reset();
    }));

  it('shows whatever a prompt or an answer holds as text', () =>
    using({ query: chatQuery(`Reply with exactly ${HOSTILE}`) }, async ({ page, expectClean }) => {
      await counted(page);
      expect(await prompt(page).textContent()).toContain('<img src=x onerror="console.error(1)">');
      expect(await prompt(page).textContent()).toContain('⟨U+202E⟩');
      await send(page);
      await page.getByText('Done.').waitFor();
      const answer = await said(page).textContent();
      expect(answer).toContain('<script>');
      expect(answer).not.toContain('\u202e');
      expect(await page.locator('main img, main script').count()).toBe(0);
      await expectClean();
    }));

  it('keeps the call in its address', () =>
    using({ query: chatQuery('Hello!') }, async ({ page, expectClean }) => {
      await page.getByLabel('User, message 1').fill('A & B = "C"?');
      await page.getByText('Settings').click();
      await page.getByLabel('Seed').fill('7');
      await expect.poll(() => new URL(page.url()).searchParams.get('seed')).toBe('7');
      await page.reload();
      expect(await page.getByLabel('User, message 1').inputValue()).toBe('A & B = "C"?');
      expect(await page.getByLabel('Seed').inputValue()).toBe('7');
      await page.getByRole('link', { name: 'Race this prompt' }).click();
      await page.getByRole('heading', { level: 1, name: 'Race' }).waitFor();
      expect(await page.getByLabel('User, message 1').inputValue()).toBe('A & B = "C"?');
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'Try' }).waitFor();
      expect(await page.getByLabel('User, message 1').inputValue()).toBe('A & B = "C"?');
      await expectClean();
    }));

  it('goes by keyboard alone', () =>
    using({ query: chatQuery('') }, async ({ page, tabTo, expectClean }) => {
      await tabTo('textbox', 'User, message 1');
      await page.keyboard.type('Reply with exactly OK');
      await tabTo('button', 'Send');
      await page.keyboard.press('Enter');
      await page.getByText('Done.').waitFor();
      await tabTo('button', 'Python');
      await page.keyboard.press('Enter');
      expect(await page.getByRole('region', { name: 'Python code' }).textContent()).toContain('Reply with exactly OK');
      await expectClean();
    }));

  describe('in the open sandbox', () => {
    it('begins with a chat of the guide, and teaches how to add a provider', () =>
      using({ url: open.url }, async ({ page, expectAccessible }) => {
        expect(await page.getByLabel('User, message 3').inputValue()).toBe('What is my favorite color?');
        await send(page);
        await page.getByText('Done.').waitFor();
        expect(await said(page).textContent()).toMatch(/blue/i);
        await page.getByText('Connect a provider').click();
        await page.getByRole('combobox', { name: 'Provider' }).selectOption('Together');
        expect(await page.getByRole('region', { name: 'Lines for .dev.vars' }).textContent()).toContain(
          'TOGETHER_API_KEY=',
        );
        expect(await page.getByRole('region', { name: 'Commands for Cloudflare' }).textContent()).toContain(
          'npx wrangler secret put TOGETHER_API_KEY --env=""',
        );
        await page.getByRole('button', { name: 'Check the providers' }).click();
        await page.getByText('✓ works').nth(3).waitFor();
        await page.getByText('The sandbox still answers').waitFor();
        await expectAccessible();
      }));
  });

  it('has nothing that axe finds fault with, at any width, in light and dark', () =>
    using({ query: chatQuery('Hello! <|eot_id|>') }, async ({ page, expectAccessible }) => {
      await counted(page);
      await send(page);
      await page.getByText('Done.').waitFor();
      await page.getByText('Settings').click();
      await expectAccessible();
    }));
});
