/**
 * `npm run screenshots [-- --only PANEL] [--readme]`: pictures of every panel, light and dark, wide and narrow, into
 * `.screenshots/`. The gateway is the real one, with the sandbox's providers behind it and a week of their traffic.
 * With `--readme` only the two pictures are made that the README opens with, in docs/images/.
 */
import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { sandboxEnv, startSandbox } from '../../support/gateway.ts';
import { serveWorkers } from '../../support/workerd.ts';
import { KEY, openPage, THEMES, type Theme } from '../harness.ts';
import { install } from '../setup.mjs';
import { makeTraffic, type Traffic } from './traffic.ts';

/** The page's own list. Its files have no types. */
const PAGE: { readonly PANELS: readonly { readonly name: string }[] } = await import(
  new URL('../../../src/assets/ui/panels/index.js', import.meta.url).href
);

const OUT = resolve('.screenshots');
const README = resolve('docs/images');
const README_SIZE = { width: 1200, height: 890 };
const WIDTHS = [1200, 400] as const;

interface Shot {
  readonly name: string;
  readonly query?: string;
  /** Another page than `/`. */
  readonly path?: string;
  /** Signs in with a caller's key, not the admin's; or with none. */
  readonly as?: 'caller' | 'nobody';
  /** What a person does before there is something to see. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

const CHAT = JSON.stringify(['Name three rivers of Peru, and say in one sentence where each of them ends.']);
/** What the README shows: how a prompt is read, and who would be asked at what cost. */
const README_SHOT: Shot = {
  name: 'try',
  query: `model=llama-3.3-70b-instruct&chat=${encodeURIComponent(CHAT)}`,
  prepare: (page) => page.getByRole('table', { name: /^Offers/ }).waitFor(),
};
const CHAT_QUERY = `model=llama-3.3-70b-instruct&max_tokens=120&chat=${encodeURIComponent(CHAT)}`;

/** Panels in which calls are made. */
const CALLING: ReadonlySet<string> = new Set(['try', 'race']);

/** What is done in a panel; a panel that is not named here is shown as it opens. */
const PREPARED: Readonly<Record<string, Omit<Shot, 'name'>>> = {
  try: {
    query: CHAT_QUERY,
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('region', { name: 'Receipt' }).waitFor();
    },
  },
  race: {
    query: CHAT_QUERY,
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Race', exact: true }).click();
      await page.getByText('The race is over.').waitFor();
    },
  },
  live: { prepare: (page) => page.getByText('Following.').waitFor() },
  spend: { query: 'last=7d', prepare: (page) => page.getByRole('table', { name: /Saved by routing/ }).waitFor() },
};

/** The sandbox's providers; the hardware of the service at Anyscale has a price. */
function variables(origin: string): Record<string, string> {
  const env = sandboxEnv(origin);
  const [service] = JSON.parse(env.ANYSCALE_SERVICES ?? '') as [object];
  const price = { usd_per_hour: '0.9542', tokens_per_second: 400 };
  return { ...env, ANYSCALE_SERVICES: JSON.stringify([{ ...service, price }]) };
}

/** Every panel, and what it opens. */
function shotsOf({ failedOver }: Traffic): readonly Shot[] {
  return [
    ...PAGE.PANELS.map(({ name }) => ({ ...PREPARED[name], name })),
    { name: 'live-call', query: `panel=live&call=${failedOver}` },
    { name: 'models-offer', query: 'panel=models&model=llama-3.3-70b-instruct' },
    {
      name: 'keys-form',
      query: 'panel=keys',
      prepare: (page) => page.getByRole('button', { name: 'Make a key' }).click(),
    },
    {
      name: 'health-probe',
      query: 'panel=health',
      prepare: (page) => page.getByRole('button', { name: 'Probe the providers' }).click(),
    },
    { name: 'account-caller', query: 'panel=account', as: 'caller' },
    { name: 'sign-in', as: 'nobody' },
    { name: 'docs', path: 'docs', as: 'nobody' },
  ];
}

const { values } = parseArgs({ options: { only: { type: 'string' }, readme: { type: 'boolean', default: false } } });

async function open(browser: Browser, url: string, shot: Shot, theme: Theme, width: number, secret: string) {
  const { name, query = '', path = '', as, prepare } = shot;
  const panel = path !== '' || query.includes('panel=') || as === 'nobody' ? [] : [`panel=${name}`];
  const opened = await openPage(browser, {
    url,
    theme,
    width,
    query: `${path}?${[...panel, query].join('&')}`,
    ...(as === 'nobody' ? {} : { key: as === 'caller' ? secret : KEY }),
  });
  const { page } = opened;
  await page.getByText('Loading …').waitFor({ state: 'detached' });
  await prepare?.(page);
  // Nothing is being fetched any more, and what came is drawn.
  await page.waitForTimeout(800);
  return opened;
}

async function main(): Promise<void> {
  const found = install();
  if ('missing' in found) throw new Error(`Pictures need a browser: ${found.missing}.`);
  const sandbox = await startSandbox();
  const served = await serveWorkers([
    { name: 'gateway', config: 'test/browser/shots/wrangler.toml', bindings: variables(sandbox.url) },
  ]);
  const url = served.urls.gateway ?? '';
  const browser = await chromium.launch({ executablePath: found.browser, args: ['--no-sandbox'] });
  try {
    const traffic = await makeTraffic(url, async (rule) => {
      const headers = { 'content-type': 'application/json' };
      await fetch(`${sandbox.url}/sandbox/faults`, { method: 'POST', headers, body: JSON.stringify(rule) });
    });
    // A report asks the account for what it has not written yet.
    await fetch(`${url}/v1/usage`, { headers: { authorization: `Bearer ${KEY}` } });
    console.log(`The ledger has ${await (await fetch(`${url}/past`, { method: 'POST' })).text()} of a week before.`);

    const all = shotsOf(traffic);
    const folder = values.readme ? README : OUT;
    mkdirSync(folder, { recursive: true });
    const wanted = values.readme ? [README_SHOT] : all.filter(({ name }) => (values.only ?? name) === name);
    if (wanted.length === 0) throw new Error(`There is no ${values.only}; there are ${all.map((one) => one.name)}.`);
    // What calls somebody comes last: the others show the traffic.
    for (const shot of wanted.toSorted((a, b) => Number(CALLING.has(a.name)) - Number(CALLING.has(b.name)))) {
      for (const theme of THEMES) {
        for (const width of values.readme ? [README_SIZE.width] : WIDTHS) {
          const opened = await open(browser, url, shot, theme, width, traffic.secret);
          const name = values.readme ? `page-${theme}` : `${shot.name}-${theme}${width === WIDTHS[0] ? '' : '-narrow'}`;
          const path = `${folder}/${name}.png`;
          if (values.readme) await opened.page.setViewportSize(README_SIZE);
          await opened.page.screenshot({ path, fullPage: !values.readme });
          console.log(`${path} (${Math.round(statSync(path).size / 1000)} KB)`);
          for (const problem of opened.problems) {
            console.error(`  ${problem}`);
            process.exitCode = 1;
          }
          await opened.close();
        }
      }
    }
  } finally {
    await browser.close();
    await served.stop();
    await sandbox.stop();
  }
}

await main();
