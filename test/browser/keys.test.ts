import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, type Opened, openPage, type PageOptions, startGuarded, visit } from './harness.ts';

/** Markup, quotes, and a mark that turns what follows from right to left. */
const HOSTILE = `<script>console.error('ran')</script>"'&amp;\u202Etxt`;

interface Key {
  readonly id: string;
  readonly key: string;
  readonly [field: string]: unknown;
}

describeWithBrowser('the Keys panel', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startGuarded();
  });
  afterAll(() => stack.stop());

  async function using(options: Partial<PageOptions>, look: (opened: Opened) => Promise<void>): Promise<void> {
    await visit(openPage(await browser(), { url: stack.url, key: KEY, query: '?panel=keys', ...options }), look);
  }
  const make = async (settings: object): Promise<Key> => (await (await stack.post('/v1/keys', settings)).json()) as Key;
  const keyNow = async ({ id, account = 'main' }: Key): Promise<Key> =>
    (await (await stack.get(`/v1/keys/${id}?account=${account}`)).json()) as Key;
  const call = (key: string, signal: AbortSignal | null = null) =>
    fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'together/gpt-oss-120b',
        messages: [{ role: 'user', content: 'Hello' }],
        max_tokens: 20,
      }),
      signal,
    });

  it('makes a key whose text is seen once, shows what a call of it cost, and revokes it', () =>
    using({}, async ({ page, context, expectClean, expectAccessible }) => {
      await page.getByText('No key yet').waitFor();
      await page.getByRole('button', { name: 'Make a key' }).click();
      await page.getByLabel('Name').fill(HOSTILE);
      await page.getByLabel('Budget in dollars').fill('5');
      await page.getByLabel('Requests a minute').fill('60');
      await page.getByLabel('Models').fill('gpt-oss-120b\nllama-3-8b-instruct');
      await page.getByLabel('Metadata').fill('team=blue');
      await page.getByRole('button', { name: 'Make the key' }).click();
      const secret = (await page.locator('code.secret').textContent()) ?? '';
      expect(secret).toMatch(/^ck_main_/);

      // It can be copied, and is in the text of this page alone.
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.getByRole('button', { name: 'Copy the key' }).click();
      await page.getByText('Copied').waitFor();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret);
      await expectAccessible();
      const kept = 'JSON.stringify([location.href, {...history.state}, {...localStorage}, {...sessionStorage}])';
      expect(await page.evaluate(kept)).not.toContain(secret);
      expect(stack.logs()).not.toContain(secret);
      await page.getByRole('button', { name: 'hide it' }).click();
      expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(secret);
      await page.goBack();
      await page.reload();
      await page.getByRole('link', { name: HOSTILE }).waitFor();
      expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(secret);

      const answer = await call(secret);
      const { usage } = (await answer.json()) as { usage: { cost_exact: string } };
      await page.reload();
      const row = page.getByRole('row').filter({ hasText: HOSTILE });
      const spent = row.getByTitle(`$${usage.cost_exact}`, { exact: true });
      expect(await spent.textContent()).toMatch(/^\$0\.0+\d+$/);
      expect(await row.textContent()).toContain('60 requests a minute');
      expect(await row.textContent()).toContain('models: gpt-oss-120b, llama-3-8b-instruct');

      await row.getByRole('button', { name: 'Revoke' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      expect((await call(secret)).status).toBe(200);
      await row.getByRole('button', { name: 'Revoke' }).click();
      await expectAccessible();
      await page.getByRole('button', { name: 'Revoke it' }).click();
      await page.getByText('was revoked').waitFor();
      await page.getByText('No key yet').waitFor();
      expect((await call(secret)).status).toBe(401);
      await page.getByRole('link', { name: 'Revoked ones, too' }).click();
      await page.getByText(/revoked 20\d\d-/).waitFor();
      expect(await page.getByRole('button', { name: 'Revoke' }).count()).toBe(0);
      await expectClean();
    }));

  it('shows spent money and money of calls under way apart', async () => {
    const made = await make({ name: 'slow', account: 'slow', budget: { limit: '1', period: 'day' } });
    await (await call(made.key)).text();
    await stack.dial({ provider: 'together', fault: { kind: 'hang' } });
    const left = new AbortController();
    const under = call(made.key, left.signal).catch(() => undefined);
    await expect.poll(async () => (await keyNow(made)).running).toBe(1);
    const { spent, pending } = await keyNow(made);
    await using({ query: '?panel=keys&account=slow' }, async ({ page, expectClean }) => {
      const row = page.getByRole('row').filter({ hasText: 'slow' });
      const money = row.getByRole('cell').nth(1);
      await money.getByText('held for calls under way').waitFor();
      expect(await money.getByTitle(`$${spent}`, { exact: true }).count()).toBe(1);
      expect(await money.getByTitle(`$${pending}`, { exact: true }).count()).toBe(1);
      expect(await money.getByRole('img').getAttribute('aria-label')).toMatch(
        /^\$0\.\d+ spent, \$0\.\d+ held for calls under way, of \$1\.00$/,
      );
      await expectClean();
    });
    left.abort();
    await under;
    await stack.reset();
  });

  describe('a change', () => {
    it('is made by keyboard alone, and leaves alone what it does not name', async () => {
      const made = await make({
        name: 'agents',
        account: 'agents',
        limits: { rpm: 10, concurrency: 2 },
        expires_at: '2099-01-01T00:00:30Z',
        metadata: { team: 'blue', floor: '3' },
      });
      await using({ query: '?panel=keys&account=agents' }, async ({ page, tabTo, expectAccessible }) => {
        await tabTo('link', 'agents');
        await page.keyboard.press('Enter');
        await tabTo('textbox', 'Budget in dollars');
        await page.keyboard.type('2.50');
        await tabTo('textbox', 'Requests a minute');
        await page.keyboard.press('Control+A');
        await page.keyboard.press('Delete');
        await expectAccessible();
        await tabTo('textbox', 'Metadata');
        await page.keyboard.press('Control+A');
        await page.keyboard.type('team=red');
        await tabTo('button', 'Save changes');
        await page.keyboard.press('Enter');
        await page.getByText('was changed').waitFor();
        await page.getByRole('cell', { name: '2 calls at the same time' }).waitFor();
      });
      expect(await keyNow(made)).toMatchObject({
        budget: { limit: '2.5', period: 'month' },
        limits: { concurrency: 2 },
        expires_at: '2099-01-01T00:00:30.000Z',
        metadata: { team: 'red' },
      });
    });

    it.each([
      ['Budget in dollars', '-1', 'budget.limit: '],
      ['Tokens a minute', 'many', 'limits.tpm: '],
      ['Models', 'gpt-oss-120b\nno-such-model', 'allow.models[1]: no-such-model is not known here'],
      ['Providers', 'nobody', 'allow.providers[0]: '],
      ['Expires', '2001-01-01', 'expires_at: must be in the future'],
      ['Expires', 'soon', 'expires_at: must be a time'],
      ['Metadata', 'blue', 'metadata.blue: must be a text'],
      ['Name', '', 'name: '],
    ])('with a mistake in %s is refused at that field, in the words of the API', async (label, text, said) => {
      const made = await make({ name: 'wrong', account: 'wrong' });
      const query = `?panel=keys&account=wrong&key=${made.id}`;
      await using({ query, expected: /status of 400/ }, async ({ page, expectClean }) => {
        const field = page.getByLabel(label, { exact: true });
        await field.fill(text);
        await page.getByRole('button', { name: 'Save changes' }).click();
        await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true');
        const described = (await field.getAttribute('aria-describedby')) ?? '';
        const mistake = page.locator(`[id="${described.split(' ').at(-1)}"]`);
        expect(await mistake.textContent()).toContain(said);
        await expectClean();
      });
      expect(await keyNow(made)).toMatchObject({ name: 'wrong', revision: made.revision });
    });
  });

  it('sets the budget of an account', () =>
    using({ query: '?panel=keys&account=team', expected: /status of 400/ }, async ({ page, expectClean }) => {
      await page.getByRole('button', { name: 'Set a budget' }).click();
      await page.getByLabel('Budget in dollars').fill('lots');
      await page.getByRole('button', { name: 'Save the budget' }).click();
      expect(await page.getByRole('alert').textContent()).toContain('budget.limit: ');
      await page.getByLabel('Budget in dollars').fill('100');
      await page.getByLabel('Budget for').selectOption('week');
      await page.getByRole('button', { name: 'Save the budget' }).click();
      await page.getByRole('button', { name: 'Change the budget' }).waitFor();
      expect(await (await stack.get('/v1/accounts/team')).json()).toMatchObject({
        budget: { limit: '100', period: 'week' },
      });
      await expectClean();
    }));

  it('is not there for a caller, who sees the own key alone', async () => {
    await make({ name: 'somebody else', account: 'shared' });
    const made = await make({ name: HOSTILE, account: 'shared', budget: { limit: '3', period: 'total' } });
    await using({ key: made.key, query: '?panel=keys' }, async ({ page, expectAccessible }) => {
      await page.getByRole('link', { name: 'Your key', exact: true }).waitFor();
      expect((await page.getByRole('main').textContent()) ?? '').not.toContain('somebody else');
      await page.getByRole('link', { name: 'Your key', exact: true }).click();
      await page.getByText('$3.00').first().waitFor();
      expect(await page.getByRole('link', { name: 'Keys', exact: true }).count()).toBe(0);
      const shown = (await page.getByRole('main').textContent()) ?? '';
      expect(shown).toContain(HOSTILE);
      expect(shown).not.toContain('somebody else');
      await expectAccessible();
    });
  });
});
