import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const ASSETS = new URL('../../src/assets/', import.meta.url).pathname;

/** Sends a path as it is: `fetch` would resolve the dots in it. */
const ask = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const { hostname, port } = new URL(stack.url);
    request({ hostname, port, path, method, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
      );
    })
      .on('error', reject)
      .end();
  });

describe('the page’s files', () => {
  it.each([
    ['/', 'ui/index.html', 'text/html; charset=utf-8'],
    ['/ui/index.html', 'ui/index.html', 'text/html; charset=utf-8'],
    ['/ui/main.js', 'ui/main.js', 'text/javascript; charset=utf-8'],
    ['/ui/styles.css', 'ui/styles.css', 'text/css; charset=utf-8'],
    ['/ui/icon.svg', 'ui/icon.svg', 'image/svg+xml'],
    ['/ui/vendor/htm-LICENSE.txt', 'ui/vendor/htm-LICENSE.txt', 'text/plain; charset=utf-8'],
  ])('need no key, and have their type and the policy: %s', async (path, file, type) => {
    const { status, headers, body } = await ask(path);
    expect([status, headers['content-type']]).toEqual([200, type]);
    expect(body.equals(readFileSync(ASSETS + file))).toBe(true);
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    });
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"]),
    );
    expect(policy.join()).not.toMatch(/unsafe|https?:|\*/);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    const head = await ask(path, 'HEAD');
    expect([head.status, head.headers['content-type'], head.body.length]).toEqual([200, type, 0]);
  });

  it('are not sent again while they are the same', async () => {
    const { headers } = await ask('/ui/main.js');
    const asked = {
      ...(headers.etag === undefined ? {} : { 'if-none-match': String(headers.etag) }),
      ...(headers['last-modified'] === undefined ? {} : { 'if-modified-since': String(headers['last-modified']) }),
    };
    expect(asked).not.toEqual({});
    const again = await ask('/ui/main.js', 'GET', asked);
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect(again.headers).toHaveProperty('content-security-policy');
    expect((await ask('/ui/main.js', 'GET', { 'if-none-match': '"another"' })).status).toBe(200);
  });

  it('with a version in their name are kept for good', async () => {
    const [name = ''] = readdirSync(`${ASSETS}ui/vendor`).filter((file) => file.endsWith('.js'));
    expect((await ask(`/ui/vendor/${name}`)).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it.each([
    '/vocab/qwen.bin',
    '/ui/vocab/qwen.bin',
    '/ui/../vocab/qwen.bin',
    '/ui/..%2fvocab/qwen.bin',
    '/ui/%2e%2e/vocab/qwen.bin',
    '/ui//..%2fvocab/qwen.bin',
    '/ui/lib/..%2f..%2f..%2fvocab%2fqwen.bin',
    '/ui/..%5cvocab%5cqwen.bin',
    '//vocab/qwen.bin',
    '/_headers',
    '/ui/',
    '/ui/lib',
    '/ui/lib/',
    '/ui/nothing.js',
    '/ui/.hidden.js',
    '/ui/main.js%00.txt',
    '/ui/MAIN.JS',
    '/index.html',
  ])('are all there is: %s', async (path) => {
    const { status, headers, body } = await ask(path);
    expect(status).not.toBe(200);
    expect(status).toBeLessThan(500);
    expect(headers['content-type']).toMatch(/json/);
    expect(body.length).toBeLessThan(2_000);
  });
});
