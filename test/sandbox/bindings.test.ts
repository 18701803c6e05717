import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundlesBuilt, type Served, serveWorkers } from '../support/workerd.ts';
import type { Entry } from './control/journal.ts';
import { eventually, KEYS, read } from './support.ts';

let served: Served;
const built = { before: 0, after: 0 };

beforeAll(async () => {
  const workers = [
    { name: 'sandbox', config: 'test/sandbox/wrangler.toml', bindings: { TOGETHER_API_KEY: 'another-key' } },
    {
      name: 'caller',
      config: 'test/support/caller/wrangler.toml',
      bindings: { GREETING: 'hello "there"\n' },
      services: { TARGET: 'sandbox' },
    },
  ];
  await (await serveWorkers(workers)).stop();
  built.before = bundlesBuilt();
  served = await serveWorkers(workers);
  built.after = bundlesBuilt();
});
afterAll(() => served.stop());

const call = (path: string, init: RequestInit = {}) => fetch(`${served.urls.caller}${path}`, init);
const journal = async () => (await read<{ data: Entry[] }>(call('/sandbox/requests'))).data;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // There is no such process.
  }
};

describe('Workers served together', () => {
  it('end with the process that serves them, even if that is killed', async () => {
    const script = `import { serveWorkers } from './test/support/workerd.ts';
      const { pids } = await serveWorkers([{ name: 'sandbox', config: 'test/sandbox/wrangler.toml' }]);
      console.log(pids[0]);
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => child.stdout.once('data', (said) => resolve(Number(said))));
    expect(isRunning(pid)).toBe(true);
    child.kill('SIGKILL');
    await eventually(async () => (isRunning(pid) ? undefined : true));
  });

  it('are bundled once, and each listens on a port of its own', () => {
    expect(built.after).toBe(built.before);
    expect(new Set(Object.values(served.urls)).size).toBe(2);
    expect(served.pids).toHaveLength(1);
  });

  it('have the text bindings they were given', async () => {
    expect(await (await call('/greeting')).text()).toBe('hello "there"\n');
    const models = (key: string) => call('/together/v1/models', { headers: { authorization: `Bearer ${key}` } });
    expect((await models('another-key')).status).toBe(200);
    expect((await models(KEYS.together)).status).toBe(401);
  });

  it('reach each other by service bindings, under any host name', async () => {
    const created = await read<{ urls: { get: string; stream: string } }>(
      call('/replicate/v1/models/meta/llama-2-70b-chat/predictions', {
        method: 'POST',
        headers: { authorization: `Bearer ${KEYS.replicate}` },
        body: '{"input": {"prompt": "count to 3"}}',
      }),
    );
    expect(created.urls.get).toMatch(/^http:\/\/sandbox\.invalid\/replicate\/v1\/predictions\/\w{26}$/);
    const stream = await (await call(new URL(created.urls.stream).pathname)).text();
    expect(stream).toContain('event: done');
  });

  it.each([{ kind: 'hang' }, { kind: 'mute' }, { kind: 'stall', after: 3 }, { kind: 'drip', ms: 50 }])(
    'see a caller leave, whatever they are doing: $kind',
    async (fault) => {
      await call('/sandbox/requests', { method: 'DELETE' });
      const answer = await call('/anyscale/v1/chat/completions', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${KEYS.anyscale}`,
          'x-give-up-ms': '100',
          'x-sandbox-fault': JSON.stringify(fault),
        },
        body: JSON.stringify({
          model: 'llama',
          stream: true,
          messages: [{ role: 'user', content: 'write 300 words' }],
        }),
      });
      expect(await answer.text()).toBe('TimeoutError');
      const entry = await eventually(async () => (await journal()).find(({ aborted }) => aborted));
      expect(entry.ended).toBeUndefined();
    },
  );
});
