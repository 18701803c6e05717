/**
 * What tests of the page share: the real gateway with the sandbox behind it, a real browser, and a page that records
 * all that goes wrong in it: console messages, violations of the content security policy, requests to other hosts.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, startStack } from '../support/gateway.ts';
import { serveWorkers } from '../support/workerd.ts';
import { install } from './setup.mjs';

export { KEY };
/** Narrow, middle and wide, in CSS pixels. */
export const WIDTHS = [360, 800, 1440] as const;
export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Scripts that use the DOM are texts: this repository is checked with the types of Workers, which have none. */
const REPORT_VIOLATIONS = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy violation', event.violatedDirective, event.blockedURI, event.sample));`;

/** What CI systems set for everything they run: there a test that cannot run is a failure. */
const inCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';

/**
 * Tests that need a browser. Where there is none, they are skipped under a name that gives the reason; in CI they fail
 * instead.
 *
 * @param tests gets what makes pages: it is called while tests run, not before
 */
export function describeWithBrowser(name: string, tests: (browser: () => Promise<Browser>) => void): void {
  const found = install();
  if ('browser' in found) {
    describe(name, () => {
      let running: Promise<Browser> | undefined;
      afterAll(async () => (await running)?.close());
      tests(() => {
        running ??= chromium.launch({
          executablePath: found.browser,
          // Tests run as root in containers, where Chromium's own sandbox cannot. `gateway.lan` is a host that is not
          // a loopback address by its name.
          args: ['--no-sandbox', '--host-resolver-rules=MAP gateway.lan 127.0.0.1'],
        });
        return running;
      });
    });
  } else if (inCi) {
    it(`${name} (cannot run: ${found.missing})`, () => {
      throw new Error(`CI needs these tests, and ${found.missing}. Run: node test/browser/setup.mjs`);
    });
  } else {
    // A reporter may leave out what is skipped.
    console.warn(`Skipped: ${name}, because ${found.missing}.`);
    describe.skip(`${name} (skipped: ${found.missing})`, () => tests(() => Promise.reject(new Error(found.missing))));
  }
}

/** A gateway that asks for a key: `KEY` is the admin's. The sandbox plays its four providers. */
export const startGuarded = (): Promise<Stack> => startStack();

/** The gateway as `npm start` runs it without credentials: the sandbox answers, and no key is needed. */
export async function startOpen(): Promise<{ readonly url: string; logs(): string; stop(): Promise<void> }> {
  const served = await serveWorkers([
    { name: 'sandbox', config: 'test/sandbox/wrangler.toml' },
    { name: 'gateway', config: 'wrangler.toml', env: 'local', services: { SANDBOX: 'sandbox' } },
  ]);
  return { url: served.urls.gateway ?? '', logs: served.logs, stop: served.stop };
}

export interface PageOptions {
  /** The gateway's address, without a slash at the end. */
  readonly url: string;
  /** Query of the page, such as `?panel=spend&last=24h`. */
  readonly query?: string;
  readonly theme?: Theme;
  readonly width?: number;
  /** Signs in with this key before the page is shown. */
  readonly key?: string;
  /** Console messages that this test means to cause, such as the browser's own note of a 401. */
  readonly expected?: RegExp;
}

export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong so far. */
  readonly problems: readonly string[];
  /** Fails if anything went wrong, or the page is wider than its window. */
  expectClean(): Promise<void>;
  /** `expectClean`, and nothing that axe finds fault with, in the page as it is now, in both themes at all widths. */
  expectAccessible(): Promise<void>;
  /** Presses Tab until the element with this role and name has the focus, as somebody without a mouse would. */
  tabTo(role: string, name: string | RegExp): Promise<void>;
  close(): Promise<void>;
}

const TALL = 900;
const MOST_TABS = 200;

/** Opens the page in a context of its own, with cookies and storage of its own. */
export async function openPage(browser: Browser, options: PageOptions): Promise<Opened> {
  const { url, query = '', theme = 'light', width = 1440, key, expected } = options;
  const context = await browser.newContext({
    viewport: { width, height: TALL },
    colorScheme: theme,
    reducedMotion: 'reduce',
    timezoneId: 'America/Lima',
  });
  const page = await context.newPage();
  const problems: string[] = [];
  const problem = (text: string) => {
    if (!expected?.test(text)) problems.push(text);
  };
  page.on('console', (message) => problem(`${message.type()}: ${message.text()} (${message.location().url})`));
  page.on('pageerror', (error) => problem(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== url && !['data:', 'blob:'].includes(protocol)) problem(`request to ${request.url()}`);
  });
  await context.addInitScript({ content: REPORT_VIOLATIONS });

  if (key !== undefined) await signIn(page, url, key);
  await page.goto(`${url}/${query}`);

  const expectClean = async () => {
    const [wide, inner] = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]');
    if (wide > inner) problem(`the page is ${wide} pixels wide in a window of ${inner}`);
    expect(problems).toEqual([]);
  };
  return {
    page,
    context,
    problems,
    expectClean,
    async expectAccessible() {
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        for (const size of WIDTHS) {
          await page.setViewportSize({ width: size, height: TALL });
          await expectClean();
          expect((await axe(page)).join('\n'), `${colorScheme}, ${size} pixels wide`).toBe('');
        }
      }
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: TALL });
    },
    tabTo: (role, name) => tabTo(page, role, name),
    close: () => context.close(),
  };
}

/** Signs in as the page does, from the page's own origin, without typing. */
async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/ui/icon.svg`);
  const status = await page.evaluate(async (text) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch('/session', { method: 'POST', headers, body: JSON.stringify({ key: text }) })).status;
  }, key);
  if (status !== 200) throw new Error(`signing in was answered with ${status}`);
}

/** axe's findings, one line each. Its script is evaluated: the page's policy refuses script elements. */
async function axe(page: Page): Promise<string[]> {
  await page.evaluate(`globalThis.axe ?? (() => {${AXE}})()`);
  const { violations } = await page.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })");
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
  );
}

/** Looks at a page that was opened, and closes it whatever comes of that. */
export async function visit(opening: Promise<Opened>, look: (opened: Opened) => Promise<void>): Promise<void> {
  const opened = await opening;
  try {
    await look(opened);
  } finally {
    await opened.close();
  }
}

async function tabTo(page: Page, role: string, name: string | RegExp): Promise<void> {
  const wanted = page.getByRole(role as Parameters<Page['getByRole']>[0], { name }).first();
  await wanted.waitFor();
  for (let presses = 0; presses < MOST_TABS; presses++) {
    if (await wanted.evaluate((element) => element.matches(':focus'))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach the ${role} ${name}`);
}
