import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Stack } from '../support/gateway.ts';
import {
  describeWithBrowser,
  KEY,
  type Opened,
  openPage,
  type PageOptions,
  startGuarded,
  THEMES,
  WIDTHS,
} from './harness.ts';

/** However slow the machine is. */
const eventually = <T>(of: () => T) => expect.poll(of, { timeout: 60_000 });

const SCRIPT = '<img src=x onerror=alert(1)>"\'';

interface Drawn {
  /** Rows that were drawn, again or for the first time. */
  readonly drawn: number;
  /** Changes of rows that were there. */
  readonly changed: number;
  readonly rows: number;
  /** Milliseconds between frames. */
  readonly gaps: number[];
}

/** A stream of events that the test itself sends. A row that is drawn looks up the name of its key: that is counted. */
const FAKE_STREAM = `const { get } = Map.prototype;
Map.prototype.get = function (key) {
  if (key === 'counted') globalThis.drawn = (globalThis.drawn ?? 0) + 1;
  return get.call(this, key);
};
globalThis.EventSource = class extends EventTarget {
  constructor() {
    super();
    globalThis.stream = this;
    setTimeout(() => this.dispatchEvent(new Event('open')));
  }
  close() {}
};`;

/** For five seconds sends five calls every tenth of one, and watches what the page does. */
const FIFTY_A_SECOND = `new Promise((resolve) => {
  let changed = 0;
  let sent = 0;
  const gaps = [];
  const body = document.querySelector('main tbody');
  new MutationObserver((records) => {
    // Rows that leave are taken apart, which is no drawing.
    changed += records.filter(({ target }) => target !== body && body.contains(target)).length;
  }).observe(body, { childList: true, subtree: true, attributes: true, characterData: true });
  const send = () => {
    const attempts = Array.from({ length: 5 }, () => {
      const at = new Date(Date.now() + sent).toISOString();
      return {
        id: 'gen-' + ++sent, created_at: at, started_at: at, account: 'main', key: 'counted', dialect: 'chat', asked: 'm',
        attempt: 1, model: 'm', provider: 'p', outcome: 'ok', billing: 'exact', cost: '0.000001', latency_ms: 5,
        ttft_ms: 3, tokens_from: 'provider', prompt_tokens: 5, completion_tokens: 7,
      };
    });
    stream.dispatchEvent(new MessageEvent('attempts', { data: JSON.stringify(attempts) }));
  };
  const timer = setInterval(() => sent < 250 && send(), 100);
  let last = performance.now();
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (sent < 250) requestAnimationFrame(frame);
    else setTimeout(() => {
      clearInterval(timer);
      resolve({ drawn, changed, rows: body.rows.length, gaps });
    }, 100);
  };
  requestAnimationFrame(frame);
})`;

describeWithBrowser('the Live panel', (browser: () => Promise<Browser>) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startGuarded();
  });
  afterAll(() => stack.stop());
  beforeEach(() => stack.reset());

  async function using(
    { prepare, ...options }: Partial<PageOptions> & { readonly prepare?: string },
    look: (opened: Opened) => Promise<void>,
  ): Promise<void> {
    const opened = await openPage(await browser(), { url: stack.url, key: KEY, query: '?panel=live', ...options });
    try {
      if (prepare !== undefined) {
        await opened.context.addInitScript({ content: prepare });
        await opened.page.reload();
      }
      await look(opened);
    } finally {
      await opened.close();
    }
  }
  const chat = (model: string, more: Record<string, unknown> = {}) => ({
    model,
    messages: [{ role: 'user', content: 'My own swordfish.' }],
    max_tokens: 20,
    ...more,
  });
  async function ask(body: unknown, headers: Record<string, string> = {}): Promise<string> {
    const answer = await stack.post('/v1/chat/completions', body, headers);
    expect(answer.status, await answer.text()).toBe(200);
    return answer.headers.get('x-chasqui-generation-id') ?? '';
  }
  async function makeKey(name: string): Promise<{ id: string; headers: Record<string, string> }> {
    const { id, key } = (await (await stack.post('/v1/keys', { name })).json()) as { id: string; key: string };
    return { id, headers: { authorization: `Bearer ${key}` } };
  }
  const failedOver = async (headers = {}) => {
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 503 } });
    return ask(chat('gpt-oss-120b', { stream: true, provider: { order: ['together', 'bedrock'] } }), headers);
  };
  const rowsOf = ({ page }: Opened) => page.getByRole('region', { name: 'Calls' }).locator('tbody tr');

  it('shows a call when it has happened, and opens its story: each attempt, and why the next one came', () =>
    using({}, async (opened) => {
      const { page, expectAccessible } = opened;
      await page.getByText('Following.').waitFor();
      const id = await failedOver();
      const row = rowsOf(opened).filter({ has: page.locator(`a[title$="${id}"]`) });
      await row.waitFor();
      expect(await row.textContent()).toMatch(/together ✗ → .*bedrock/s);
      await row.getByRole('link').click();
      await page.getByRole('heading', { name: `Call ${id}` }).waitFor();
      expect(new URL(page.url()).searchParams.get('call')).toBe(id);

      const { attempts, alternatives, cost } = (await (await stack.get(`/v1/generations/${id}`)).json()) as {
        attempts: { provider: string; outcome: string }[];
        alternatives: unknown[];
        cost: string;
      };
      const lanes = page.getByRole('region', { name: 'Attempts' }).locator('tbody tr');
      await eventually(() => lanes.count()).toBe(attempts.length);
      for (const [at, attempt] of attempts.entries()) {
        const text = await lanes.nth(at).textContent();
        expect(text).toContain(attempt.provider);
        const bar = await lanes.nth(at).getByRole('img').getAttribute('aria-label');
        if (at < attempts.length - 1) {
          expect(bar).toMatch(/^Failed after .*\(HTTP 503\)\. Handed over to attempt \d+ after /);
          expect(text).toContain('not billed');
        } else expect(bar).toMatch(/^First token after .*, then a stream of .*: ended with /);
      }
      expect(await page.locator('dd .money').textContent()).toBe(`$${cost}`);
      const others = page.getByRole('region', { name: 'The same tokens at every other offer' }).locator('tbody tr');
      expect(await others.count()).toBe(alternatives.length);
      expect(await page.content()).not.toContain('swordfish');
      await page.getByText('No text of the prompt or the answer is kept').waitFor();
      await expectAccessible();
    }));

  it('holds the calls still while one reads, and says how many are new', () =>
    using({}, async (opened) => {
      const { page, expectClean } = opened;
      await page.getByText('Following.').waitFor();
      const first = await ask(chat('bedrock/llama-3-8b-instruct'));
      const newest = () => rowsOf(opened).first().getByRole('link').getAttribute('title');
      await eventually(newest).toContain(first);
      await rowsOf(opened).first().hover();
      const later: string[] = [];
      for (let at = 0; at < 3; at++) later.push(await ask(chat('bedrock/llama-3-8b-instruct')));
      const fresh = page.getByRole('button', { name: '3 new' });
      await fresh.waitFor();
      expect(await newest()).toContain(first);
      await fresh.click();
      await eventually(newest).toContain(later[2]);
      expect(await fresh.count()).toBe(0);
      await expectClean();
    }));

  it('is filtered under the heads of its columns, by keyboard alone, and the address says so', () =>
    using({}, async (opened) => {
      const { page, tabTo, expectClean } = opened;
      await ask(chat('together/gpt-oss-120b'));
      await ask(chat('bedrock/llama-3-8b-instruct'));
      await eventually(() => rowsOf(opened).count()).toBeGreaterThan(1);
      await tabTo('combobox', 'Only this provider');
      await page.keyboard.type('together');
      await eventually(() => new URL(page.url()).searchParams.get('provider')).toBe('together');
      await eventually(
        async () => new Set(await rowsOf(opened).locator('td:nth-child(4)').allInnerTexts()),
      ).not.toContain('bedrock');
      await tabTo('textbox', 'Only this model');
      await page.keyboard.type('gpt-oss-120b');
      await page.keyboard.press('Enter');
      await eventually(() => new URL(page.url()).searchParams.get('model')).toBe('gpt-oss-120b');
      const id = await ask(chat('together/gpt-oss-120b'));
      const link = page.locator(`a[title$="${id}"]`);
      await link.waitFor();
      await page.reload();
      await link.waitFor();
      await link.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: `Call ${id}` }).waitFor();
      await tabTo('link', 'All calls');
      await page.keyboard.press('Enter');
      await link.waitFor();
      expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
        ...{ panel: 'live', provider: 'together', model: 'gpt-oss-120b' },
      });
      await expectClean();
    }));

  it('shows names of keys and models as text, whatever is in them', async () => {
    const key = await makeKey(SCRIPT);
    const id = await ask(chat('bedrock/llama-3-8b-instruct'), key.headers);
    const odd = await stack.post(
      '/v1/chat/completions',
      chat(SCRIPT, { models: ['bedrock/llama-3-8b-instruct'] }),
      key.headers,
    );
    await odd.text();
    await using({}, async ({ page, expectAccessible }) => {
      const link = page.locator(`a[title$="${id}"]`);
      await link.waitFor();
      await page.getByRole('cell', { name: SCRIPT, exact: true }).first().waitFor();
      await link.click();
      await page.getByRole('link', { name: SCRIPT, exact: true }).waitFor();
      expect(await page.locator('main img[src]').count()).toBe(0);
      await expectAccessible();
    });
    await using(
      { query: `?panel=live&model=${encodeURIComponent(SCRIPT)}&provider=${encodeURIComponent(SCRIPT)}` },
      async ({ page, expectClean }) => {
        await page.getByText('No calls here yet.').waitFor();
        expect(await page.getByRole('textbox', { name: 'Only this model' }).inputValue()).toBe(SCRIPT);
        await expectClean();
      },
    );
    await using(
      { query: `?panel=live&call=${encodeURIComponent(SCRIPT)}`, expected: /status of 404/ },
      async ({ page, expectClean }) => {
        await page.getByText('There is no generation').waitFor();
        await expectClean();
      },
    );
  });

  it('shows the holder of a key its own calls only', async () => {
    const [one, two] = [await makeKey('first holder'), await makeKey('second holder')];
    const theirs = await ask(chat('bedrock/llama-3-8b-instruct'), two.headers);
    const own = await ask(chat('bedrock/llama-3-8b-instruct'), one.headers);
    const text = one.headers.authorization?.slice('Bearer '.length) ?? '';
    await using({ key: text }, async (opened) => {
      await opened.page.locator(`a[title$="${own}"]`).waitFor();
      const next = await ask(chat('bedrock/llama-3-8b-instruct'), one.headers);
      await opened.page.locator(`a[title$="${next}"]`).waitFor();
      expect(await rowsOf(opened).count()).toBe(2);
      expect(await opened.page.content()).not.toContain(theirs);
      expect(await rowsOf(opened).first().textContent()).toContain('first holder');
      await opened.expectClean();
    });
  });

  it('draws what is new and nothing else, and no more than it has room for, at fifty calls a second', () =>
    using({ prepare: FAKE_STREAM }, async (opened) => {
      const { page, expectClean } = opened;
      await page.getByText('Following.').waitFor();
      const { drawn, changed, rows, gaps } = (await page.evaluate(FIFTY_A_SECOND)) as Drawn;
      expect(changed).toBe(0);
      // Each of the 250 once; and those that were there when the names of keys came, once more.
      expect(drawn).toBeLessThanOrEqual(350);
      expect(rows).toBe(100);
      // A frame is 17 ms. How many were late depends on the machine; that most were not does not.
      expect(gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]).toBeLessThan(200);
      await expectClean();
    }));

  describe.each(WIDTHS)('%i pixels wide', (width) => {
    it.each(THEMES)('has nothing that axe finds fault with, in %s', async (theme) => {
      const key = await makeKey('axe');
      const id = await failedOver(key.headers);
      await using({ width, theme, query: `?panel=live&key=${key.id}` }, async ({ page, expectAccessible }) => {
        await page.locator(`a[title$="${id}"]`).waitFor();
        await page.getByText('Following.').waitFor();
        await expectAccessible();
      });
      await using({ width, theme, query: `?panel=live&call=${id}` }, async ({ page, expectAccessible }) => {
        await page.getByRole('region', { name: 'Attempts' }).waitFor();
        await expectAccessible();
      });
    });
  });
});
