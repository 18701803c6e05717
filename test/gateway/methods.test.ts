import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATHS } from '../../src/routes/access.ts';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

/** The methods of every path, over real sockets. */

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** By node:http, because fetch refuses TRACE. */
const ask = (method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(`${stack.url}${path}`, { method, headers: { authorization: `Bearer ${KEY}`, ...headers } });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      const done = () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
      answer.on('end', done);
      // A watch has no end.
      if (method === 'GET' && answer.headers['content-type']?.startsWith('text/event-stream')) {
        done();
        asked.destroy();
      }
    });
    asked.end();
  });

const EVERY = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'QUERY'];
const paths = [...PATHS].map(([path, methods]) => ({
  path: path.replace('/ui/:id', '/ui/main.js').replace(':id', 'main'),
  methods,
}));
const listed = (text: string | string[] | undefined): readonly string[] => String(text).split(', ');

describe('a path that needs no key', () => {
  it('needs none to say what it takes, and is a 404 where nothing is', async () => {
    expect(await ask('POST', '/healthz', { authorization: '' })).toMatchObject({ status: 405 });
    expect(await ask('GET', '/ui/nothing.js')).toMatchObject({ status: 404 });
    expect(await ask('GET', '/ui/nothing.js', { authorization: '' })).toMatchObject({ status: 404 });
  });
});

describe.each(paths)('$path', ({ path, methods }) => {
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort();

  it('refuses every other method with 405, names those it takes, and echoes nothing', async () => {
    const others = [...EVERY, ...(methods.includes('GET') ? [] : ['HEAD'])].filter((one) => !methods.includes(one));
    for (const method of others) {
      const answer = await ask(method, path, { 'x-canary': 'do-not-echo' });
      expect([method, answer.status]).toEqual([method, 405]);
      expect([...listed(answer.headers.allow)].sort(), method).toEqual(allowed);
      expect(answer.body).not.toContain('do-not-echo');
      if (method !== 'HEAD')
        expect(JSON.parse(answer.body), method).toMatchObject({ error: { code: 'invalid_request' } });
    }
  });

  it('says its methods to OPTIONS, without a key', async () => {
    const answer = await ask('OPTIONS', path, { authorization: '' });
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect([...listed(answer.headers.allow)].sort()).toEqual(allowed);
  });

  if (path.startsWith('/v1/')) {
    it('lets a browser’s program from anywhere ask', async () => {
      const [method = ''] = methods;
      const answer = await ask('OPTIONS', path, {
        authorization: '',
        origin: 'https://elsewhere.example',
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization, content-type',
      });
      expect(answer.status).toBe(204);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'authorization, content-type',
      });
      expect(listed(answer.headers['access-control-allow-methods'])).toContain(method);
    });
  }

  if (methods.includes('GET')) {
    it('answers HEAD as GET, without the body', async () => {
      const [head, get] = [await ask('HEAD', path), await ask('GET', path)];
      expect([head.status, head.body]).toEqual([get.status, '']);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    });
  }
});
