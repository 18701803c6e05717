import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithBrowser, openPage } from './harness.ts';

/** Each page has one fault that the harness is to find. */
const PAGES: Readonly<Record<string, { readonly html: string; readonly finds: RegExp }>> = {
  'a console message': { html: '<script src="/say.js"></script>', finds: /warning: careful/ },
  'an uncaught error': { html: '<script src="/fail.js"></script>', finds: /uncaught: broken/ },
  'a violation of the policy': { html: '<script>1</script>', finds: /policy violation/ },
  'a request to another host': { html: '<img alt="" src="http://localhost:1/x.png">', finds: /request to http:/ },
  'a page that is too wide': { html: '<div id="wide">x</div>', finds: /pixels wide in a window/ },
};
const STYLE = '#wide { width: 5000px } #pale { color: #ccc; background: #fff }';
const SCRIPTS: Readonly<Record<string, string>> = {
  '/say.js': 'console.warn("careful")',
  '/fail.js': 'throw new Error("broken")',
};

const documentOf = (body: string): string =>
  `<!doctype html><html lang="en"><head><title>x</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/x.css">
  </head><body><main><h1>x</h1>${body}</main></body></html>`;

describeWithBrowser('the harness', (browser) => {
  let server: Server;
  let url: string;
  let body = '';
  beforeAll(async () => {
    server = createServer(({ url: path = '' }, answer) => {
      const script = SCRIPTS[path];
      const type = script ? 'text/javascript' : path === '/x.css' ? 'text/css' : 'text/html';
      answer.writeHead(200, { 'content-type': type, 'content-security-policy': "script-src 'self'" });
      answer.end(script ?? (path === '/x.css' ? STYLE : documentOf(body)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  async function open(html: string) {
    body = html;
    return openPage(await browser(), { url });
  }

  it.each(Object.entries(PAGES))('finds %s', async (_, { html, finds }) => {
    const opened = await open(html);
    await opened.page.waitForLoadState('networkidle');
    await expect(opened.expectClean()).rejects.toThrow();
    expect(opened.problems.join('\n')).toMatch(finds);
    await opened.close();
  });

  it('finds a text that cannot be read, and nothing in a page without faults', async () => {
    const pale = await open('<p id="pale">pale</p>');
    await expect(pale.expectAccessible()).rejects.toThrow(/color-contrast/);
    await pale.close();
    const fine = await open('<p>fine</p>');
    await fine.expectAccessible();
    await fine.close();
  });
});
