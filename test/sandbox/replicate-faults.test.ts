import type { Prediction } from 'replicate';
import { describe, expect, it } from 'vitest';
import type { Fault } from './control/faults.ts';
import { eventually, KEYS, read, sandbox } from './support.ts';

const box = sandbox();
const headers = { authorization: `Bearer ${KEYS.replicate}` };

const create = () =>
  fetch(`${box.url}/replicate/v1/models/meta/llama-2-70b-chat/predictions`, {
    method: 'POST',
    headers,
    body: '{"input": {"prompt": "count to 20"}}',
  });
const get = (id: string) => read<Prediction>(fetch(`${box.url}/replicate/v1/predictions/${id}`, { headers }));
const ended = (id: string) =>
  eventually(async () => {
    const prediction = await get(id);
    return prediction.completed_at ? prediction : undefined;
  });

const under = async (fault: Fault) => {
  await box.dial({ provider: 'replicate', fault });
  return read<Prediction>(create());
};
const stream = ({ urls }: Prediction) => fetch(urls.stream ?? '');
const outputs = (source: string) => source.match(/^data: .+$/gm)?.length ?? 0;

const WHOLE = Array.from({ length: 20 }, (_, i) => i + 1).join(', ');

describe('faults of a prediction', () => {
  it.each<Fault>([{ kind: 'status', status: 429 }, { kind: 'html' }])(
    'strike the request that creates it: $kind',
    async (fault) => {
      await box.dial({ provider: 'replicate', fault });
      expect((await create()).status).toBe(fault.kind === 'html' ? 502 : 429);
      expect((await create()).status).toBe(201);
    },
  );

  it('let it fail after some output, in the stream and in the prediction', async () => {
    const created = await under({ kind: 'error', after: 4, message: 'CUDA out of memory' });
    const source = await (await stream(created)).text();
    expect(source).toMatch(
      /event: error\nid: \d+:5\ndata: \{"detail":"CUDA out of memory"\}\n\nevent: done\nid: \d+:6\ndata: \{"reason": "error"\}\n\n$/,
    );
    const failed = await ended(created.id);
    expect(failed).toMatchObject({ status: 'failed', error: 'CUDA out of memory' });
    expect(failed.output).toHaveLength(5);
  });

  it('let it fail at once', async () => {
    const created = await under({ kind: 'error' });
    expect(outputs(await (await stream(created)).text())).toBe(2);
    expect(await ended(created.id)).toMatchObject({ status: 'failed', output: [] });
  });

  it.each<Fault>([{ kind: 'no_end' }, { kind: 'cut', bytes: 300, clean: true }])(
    'end its stream too early, while it succeeds: $kind',
    async (fault) => {
      const created = await under(fault);
      expect(await (await stream(created)).text()).not.toContain('event: done');
      const done = await ended(created.id);
      expect([done.status, done.output.join('')]).toEqual(['succeeded', WHOLE]);
    },
  );

  it('break the connection of its stream', async () => {
    const created = await under({ kind: 'cut', bytes: 120 });
    await expect((await stream(created)).text()).rejects.toThrow();
    expect((await ended(created.id)).status).toBe('succeeded');
  });

  it('stall it after some output, until it is canceled', async () => {
    const created = await under({ kind: 'stall', after: 3 });
    await eventually(async () => ((await get(created.id)).output?.length === 4 ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await get(created.id)).toMatchObject({ status: 'processing', output: ['', '1', ',', ' '] });
    await fetch(`${box.url}/replicate/v1/predictions/${created.id}/cancel`, { method: 'POST', headers });
    expect((await get(created.id)).status).toBe('canceled');
  });

  it('drip its output', async () => {
    const from = performance.now();
    await (await stream(await under({ kind: 'drip', ms: 10 }))).text();
    expect(performance.now() - from).toBeGreaterThan(200);
  });

  it('strike its stream or its look-ups alone where a rule names their path', async () => {
    await box.dial({ path: '/replicate-stream/', fault: { kind: 'status', status: 503 } });
    await box.dial({ path: '/replicate/v1/predictions/', fault: { kind: 'status', status: 500 } });
    const created = await read<Prediction>(create());
    expect((await stream(created)).status).toBe(503);
    expect(await get(created.id)).toMatchObject({ status: 500, detail: expect.any(String) });
    expect((await stream(created)).status).toBe(200);
  });
});
