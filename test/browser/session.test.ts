import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, openPage, startGuarded } from './harness.ts';

/** What a page of somebody else's tries with the session of a visitor who is signed in. */
const ATTEMPTS: Readonly<Record<string, (target: string) => string>> = {
  'a form': (target) => `
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: '${target}/v1/keys', target: 'frame', enctype: 'text/plain' });
    form.append(Object.assign(document.createElement('input'), { name: '{"name":"forged","x":"', value: '"}' }));
    document.body.append(Object.assign(document.createElement('iframe'), { name: 'frame' }), form);
    form.submit();
    await new Promise((resolve) => setTimeout(resolve, 300));`,
  'a fetch that needs no preflight': (target) =>
    `await fetch('${target}/v1/keys', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"name": "forged"}' });`,
  'a fetch of JSON': (target) =>
    `await fetch('${target}/v1/keys', { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{"name": "forged"}' });`,
  'a fetch without credentials': (target) =>
    `await fetch('${target}/v1/keys', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name": "forged"}' });`,
  'signing the visitor out': (target) =>
    `await fetch('${target}/session', { method: 'DELETE', credentials: 'include' });`,
  'signing the visitor in': (target) =>
    `await fetch('${target}/session', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"key": "${KEY}"}' });`,
  'reading by fetch': (target) =>
    `document.title = await (await fetch('${target}/v1/keys', { credentials: 'include' })).text();`,
  'reading what the page itself reads': (target) =>
    `document.title = await (await fetch('${target}/session', { credentials: 'include' })).text();`,
  'reading as a script': (target) => `await new Promise((resolve) => {
      const script = Object.assign(document.createElement('script'), { src: '${target}/v1/keys', onload: resolve, onerror: resolve });
      document.body.append(script);
    });`,
};

const ADMIN = { authorization: `Bearer ${KEY}` };

describeWithBrowser('somebody else’s page', (browser) => {
  let stack: Stack;
  let elsewhere: Server;
  let port: number;
  beforeAll(async () => {
    stack = await startGuarded();
    elsewhere = createServer((_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/html' });
      answer.end('<!doctype html><title>elsewhere</title><body></body>');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    port = (elsewhere.address() as AddressInfo).port;
  });
  afterAll(async () => {
    elsewhere.close();
    await stack.stop();
  });

  const keys = async () =>
    ((await (await stack.get('/v1/keys', ADMIN)).json()) as { data: { name: string }[] }).data.map(({ name }) => name);
  const attempt = (page: Page, script: string) => page.evaluate(`(async () => {${script}})().catch(() => undefined)`);

  // Of the same site, because a cookie's site has no port; of another site; and in a local network without https,
  // where browsers do not say where a request comes from.
  describe.each([
    ['on another port of the same host', (url: string) => url, '127.0.0.1'],
    ['of another site', (url: string) => url, 'localhost'],
    ['on another port, over plain HTTP', (url: string) => url.replace('127.0.0.1', 'gateway.lan'), 'gateway.lan'],
  ])('%s', (_, targetOf, host) => {
    it('can do nothing with the session of its visitor', async () => {
      const target = targetOf(stack.url);
      const opened = await openPage(await browser(), { url: target, key: KEY, query: '?panel=account' });
      await opened.page.getByText('signed in with the admin key').waitFor();
      const [cookie] = await opened.context.cookies();
      expect(cookie?.name).toBe(host === 'gateway.lan' ? 'chasqui-session' : '__Host-chasqui');

      const visitor = await opened.context.newPage();
      for (const [name, script] of Object.entries(ATTEMPTS)) {
        await visitor.goto(`http://${host}:${port}/`);
        await attempt(visitor, script(target));
        expect(await visitor.title(), name).toBe('elsewhere');
        expect(await keys(), name).not.toContain('forged');
        expect(await opened.context.cookies(), name).toEqual([cookie]);
      }

      // The same from the page itself works: what refuses the others is where they come from.
      await opened.page.bringToFront();
      await attempt(opened.page, ATTEMPTS['a fetch of JSON']?.(target) ?? '');
      expect(await keys()).toContain('forged');
      const answer = await stack.get('/v1/keys', ADMIN);
      for (const { id, name } of ((await answer.json()) as { data: { id: string; name: string }[] }).data) {
        if (name === 'forged') await fetch(`${stack.url}/v1/keys/${id}`, { method: 'DELETE', headers: ADMIN });
      }
      await opened.expectClean();
      await opened.close();
    });
  });

  it('cannot have the page in a frame', async () => {
    const context = await (await browser()).newContext();
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('iframe'), { src: '${stack.url}/' }))`,
    );
    await expect.poll(() => page.frames().length).toBe(2);
    await page.frames()[1]?.waitForLoadState();
    expect(await page.frames()[1]?.content()).not.toContain('Chasqui');
    await context.close();
  });
});
