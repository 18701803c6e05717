import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

interface Prices {
  object: string;
  version: number;
  data: Record<string, unknown>[];
  replicate_hardware: { usd_per_second: Record<string, string> };
}
const prices = async (query = '') => (await (await stack.get(`/v1/prices${query}`)).json()) as Prices;

describe('GET /v1/prices', () => {
  it('lists every rule with source, age and layer', async () => {
    const { object, version, data, replicate_hardware: hardware } = await prices();
    expect([object, version]).toEqual(['list', 0]);
    expect(data.length).toBeGreaterThan(90);
    for (const row of data) {
      expect(row).toMatchObject({
        rule: expect.stringContaining(`${row.provider}/`),
        billing: 'token',
        input_per_mtok: expect.stringMatching(/^\d+(\.\d{1,9})?$/),
        source: expect.any(String),
        source_detail: expect.any(String),
        checked_at: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        age_days: expect.any(Number),
        stale: expect.any(Boolean),
        layer: 'bundled',
      });
      expect(row.models).not.toEqual([]);
    }
    expect(hardware.usd_per_second['gpu-t4']).toBe('0.000225');
  });

  it('filters by provider and by any name of a model', async () => {
    const { data } = await prices('?provider=together&model=meta-llama/Llama-3.3-70B-Instruct-Turbo');
    expect(data.map(({ rule, in_force }) => [rule, in_force])).toEqual([
      ['together/meta-llama/Llama-3.3-70B-Instruct-Turbo@2025-02-03', false],
      ['together/meta-llama/Llama-3.3-70B-Instruct-Turbo@2026-10-09', true],
    ]);
    expect((await prices('?model=nothing')).data).toEqual([]);
  });

  it('shows history as history: no rule of Anyscale Endpoints is in force', async () => {
    const { data } = await prices('?provider=anyscale');
    expect(data.length).toBeGreaterThan(5);
    expect(data.filter(({ in_force }) => in_force)).toEqual([]);
  });
});

describe('PUT /v1/prices', () => {
  const put = (of: Stack, body: unknown) =>
    fetch(`${of.url}/v1/prices`, {
      method: 'PUT',
      headers: { authorization: 'Bearer test-admin-key' },
      body: JSON.stringify(body),
    });

  it('keeps prices on plain workerd as on D1, and takes them back', async () => {
    const [llama, price] = ['meta.llama3-8b-instruct-v1:0', { input_per_mtok: '0.25', output_per_mtok: '0.6' }];
    const first = await put(stack, { source: 'contract 4711', prices: { bedrock: { [llama]: price } }, version: 0 });
    expect(first.status).toBe(200);
    const { version, data } = await prices('?provider=bedrock&model=llama-3-8b-instruct');
    expect(version).toBe(1);
    expect(data).toContainEqual(expect.objectContaining({ rule: `bedrock/${llama}@admin.1`, input_per_mtok: '0.25' }));
    const late = await put(stack, { source: 'another', prices: { bedrock: { [llama]: price } }, version: 0 });
    expect(late.status).toBe(409);
    const removed = await fetch(`${stack.url}/v1/prices`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer test-admin-key' },
    });
    expect(await removed.json()).toMatchObject({ version: 2, data: [] });
  });

  it('says what to add where there is no database', async () => {
    const without = await startStack((origin) => ({ ...sandboxEnv(origin), BOOKS: '' }));
    try {
      const response = await put(without, {});
      expect(response.status).toBe(501);
      expect(await response.text()).toContain('d1_databases');
    } finally {
      await without.stop();
    }
  });
});
