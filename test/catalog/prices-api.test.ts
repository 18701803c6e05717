import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { databaseOf } from '../../src/accounts/index.ts';
import { createApp } from '../../src/app.ts';

const KEY = 'test-admin-key';
const LLAMA = 'meta.llama3-8b-instruct-v1:0';
const network = () => Promise.reject(new Error('no network here'));

interface Row {
  rule: string;
  provider: string;
  provider_model: string;
  models: string[];
  billing: string;
  layer: string;
  in_force: boolean;
  source: string;
  source_detail: string | null;
  input_per_mtok?: string;
  usd_per_hour?: string;
  tokens_per_second?: number;
  valid_from: string | null;
}
interface Answer {
  status: number;
  data: Row[];
  version: number;
  error: { message: string; param: string | null };
}

const db = (): unknown => Reflect.get(env, 'DB');
/** The gateway as its routes are: with a key, a database, and what else a test sets. */
function gateway(settings: Readonly<Record<string, unknown>> = {}) {
  const app = createApp({ CHASQUI_ADMIN_KEY: KEY, DB: db(), ...settings }, network);
  return async (method: string, path = '/v1/prices', body?: unknown): Promise<Answer> => {
    const headers = { authorization: `Bearer ${KEY}` };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await app.request(path, init);
    return { status: answer.status, ...(await answer.json<Omit<Answer, 'status'>>()) };
  };
}
const contract = (input: string, more = {}) => ({
  source: 'contract 4711',
  prices: { bedrock: { [LLAMA]: { input_per_mtok: input, output_per_mtok: '0.6' } } },
  ...more,
});
/** In the usual region: the name of a rule for another says which. */
const inForce = ({ data }: Answer) =>
  data
    .filter((row) => row.in_force && !`${row.rule}`.includes('#'))
    .map(({ rule, input_per_mtok: input }) => [rule, input]);
const OF_LLAMA = `/v1/prices?provider=bedrock&model=llama-3-8b-instruct`;

beforeEach(async () => {
  const database = databaseOf({ DB: db() });
  if (!database) throw new Error('no D1 in this runtime');
  await database.batch([database.prepare('DROP TABLE IF EXISTS config')]);
});

describe('PUT /v1/prices', () => {
  it('sets prices that win over the lists, for everyone who asks', async () => {
    const ask = gateway();
    const put = await ask('PUT', '/v1/prices', contract('0.25'));
    expect(put).toMatchObject({ status: 200, version: 1, data: [{ layer: 'admin', source_detail: 'contract 4711' }] });
    const expected = [[`bedrock/${LLAMA}@admin.1`, '0.25']];
    expect(inForce(await ask('GET', OF_LLAMA))).toEqual(expected);
    expect(inForce(await gateway()('GET', OF_LLAMA))).toEqual(expected);
  });

  it('is one document: what it leaves out is as the lists say', async () => {
    const ask = gateway();
    await ask('PUT', '/v1/prices', contract('0.25'));
    const prices = { together: { 'openai/gpt-oss-120b': { input_per_mtok: '0.12', output_per_mtok: '0.5' } } };
    await ask('PUT', '/v1/prices', { source: 'another', prices });
    expect(inForce(await ask('GET', OF_LLAMA))).toEqual([[`bedrock/${LLAMA}@2025-01-13`, '0.3']]);
  });

  it('gives way to CHASQUI_PRICES', async () => {
    const CHASQUI_PRICES = JSON.stringify({ bedrock: { [LLAMA]: { input_per_mtok: '0.2', output_per_mtok: '0.4' } } });
    const ask = gateway({ CHASQUI_PRICES });
    await ask('PUT', '/v1/prices', contract('0.25'));
    expect(inForce(await ask('GET', OF_LLAMA))).toEqual([[`bedrock/${LLAMA}@configuration`, '0.2']]);
  });

  it('refuses an absurd price with the reason, and keeps what was there', async () => {
    const ask = gateway();
    await ask('PUT', '/v1/prices', contract('0.25'));
    const refused = await ask('PUT', '/v1/prices', contract('300'));
    expect(refused).toMatchObject({ status: 400, error: { param: 'prices' } });
    expect(refused.error.message).toMatch(
      /input_per_mtok is 1000 times the list price of 0.3; it is in dollars for a million tokens/,
    );
    expect(inForce(await ask('GET', OF_LLAMA))).toEqual([[`bedrock/${LLAMA}@admin.1`, '0.25']]);
    expect(await ask('PUT', '/v1/prices', contract('300', { force: true }))).toMatchObject({ status: 200, version: 2 });
  });

  it('answers 409 if somebody else was faster', async () => {
    const [one, other] = [gateway(), gateway()];
    expect(await one('PUT', '/v1/prices', contract('0.25', { version: 0 }))).toMatchObject({ status: 200, version: 1 });
    const late = await other('PUT', '/v1/prices', contract('0.26', { version: 0 }));
    expect(late).toMatchObject({ status: 409, error: { param: 'version' } });
    expect(late.error.message).toContain('at version 1, not 0');
  });

  it.each<[string, unknown, string, string]>([
    ['no source', { prices: {} }, 'source', 'say in a few words'],
    ['no prices', { source: 'x', prices: {} }, 'prices', 'there are none'],
    ['a stray field', { source: 'x', prices: {}, note: '' }, 'note', 'not known'],
    ['a version that is none', contract('0.25', { version: '1' }), 'version', 'whole number'],
    ['a force that is none', contract('0.25', { force: 'yes' }), 'force', 'true or false'],
    ['a negative price', contract('-1', { force: true }), 'prices', 'not negative'],
  ])('answers 400 for %s', async (_name, body, param, message) => {
    const answer = await gateway()('PUT', '/v1/prices', body);
    expect(answer).toMatchObject({ status: 400, error: { param } });
    expect(answer.error.message).toContain(message);
  });

  it('answers 501 without a database, with the way to one', async () => {
    const ask = gateway({ DB: undefined });
    for (const method of ['PUT', 'DELETE']) {
      const answer = await ask(method, '/v1/prices', contract('0.25'));
      expect(answer.status).toBe(501);
      expect(answer.error.message).toContain('[[d1_databases]] with binding = "DB"');
    }
  });
});

describe('DELETE /v1/prices', () => {
  it('takes back what was put', async () => {
    const ask = gateway();
    await ask('PUT', '/v1/prices', contract('0.25'));
    expect(await ask('DELETE', '/v1/prices?version=7')).toMatchObject({ status: 409 });
    expect(await ask('DELETE')).toMatchObject({ status: 200, data: [], version: 2 });
    expect(inForce(await ask('GET', OF_LLAMA))).toEqual([[`bedrock/${LLAMA}@2025-01-13`, '0.3']]);
  });
});

describe('a price by the hour', () => {
  const services = (price: unknown) =>
    JSON.stringify([
      {
        id: 'mine',
        base_url: 'https://mine.example/v1',
        models: { 'llama-3.3-70b-instruct': { upstream: 'my-llama' } },
        price,
      },
    ]);

  it("of one's own Anyscale service is a rule of the book, and shown with the model", async () => {
    const ask = gateway({ ANYSCALE_SERVICES: services({ usd_per_hour: '0.95', tokens_per_second: 400 }) });
    const rule = 'anyscale/mine/my-llama@service';
    const { data } = await ask('GET', '/v1/prices?provider=anyscale&model=llama-3.3-70b-instruct');
    expect(data).toEqual([
      expect.objectContaining({
        rule,
        billing: 'hour',
        usd_per_hour: '0.95',
        tokens_per_second: 400,
        valid_from: null,
        layer: 'configuration',
      }),
    ]);
    expect(await ask('GET', '/v1/models/llama-3.3-70b-instruct')).toMatchObject({
      offers: [{ service: 'mine', pricing: { rule, usd_per_hour: '0.95' } }, {}, {}],
    });
  });
});

describe('GET /v1/models', () => {
  const pricing = async (region: string) => {
    const answer: unknown = await gateway({ AWS_REGION: region, AWS_BEARER_TOKEN_BEDROCK: 'x' })(
      'GET',
      `/v1/models/llama-3-8b-instruct`,
    );
    return (answer as { offers: { provider: string; pricing: unknown }[] }).offers.find(
      (one) => one.provider === 'bedrock',
    )?.pricing;
  };

  it('shows the price of the region that the gateway calls, and none where only another is known', async () => {
    expect(await pricing('us-west-2')).toMatchObject({ input_per_mtok: '0.3', rule: `bedrock/${LLAMA}@2025-01-13` });
    expect(await pricing('ap-south-1')).toMatchObject({ input_per_mtok: '0.36' });
    expect(await pricing('eu-central-1')).toBeNull();
  });

  it('shows what is known of a model of today, and what is doubtful about it', async () => {
    const ask = gateway({ AWS_REGION: 'us-east-1', AWS_BEARER_TOKEN_BEDROCK: 'x', TOGETHER_API_KEY: 'x' });
    expect(await ask('GET', '/v1/models/z-ai%2Fglm-5.3')).toMatchObject({
      id: 'glm-5.3',
      context_length: 1_048_575,
      openrouter: ['z-ai/glm-5.3'],
      offers: [
        {
          provider: 'bedrock',
          max_output_tokens: 131_072,
          capabilities: { tools: true, structured_output: false },
          pricing: { rule: 'bedrock/us.zai.glm-5.3@2026-11-28', note: 'LiteLLM alone.' },
        },
        { provider: 'together', max_output_tokens: null, capabilities: { tools: true, structured_output: true } },
      ],
    });
    expect(await ask('GET', '/v1/models/gemma-3-12b-it')).toMatchObject({
      offers: [
        {
          status_date: '2027-03-30',
          status_note: expect.stringContaining('LiteLLM alone dates its end'),
          capabilities: { vision: true, structured_output: true },
          pricing: { input_per_mtok: '0.09', note: 'models.dev says 0.05/0.1.' },
        },
      ],
    });
  });
});

describe('CHASQUI_PRICES', () => {
  it('with mistakes is refused at the start, all of them named', async () => {
    for (const CHASQUI_PRICES of [
      '{',
      '[]',
      '{"openai": {}}',
      { bedrock: { [LLAMA]: { input_per_mtok: '300', output_per_mtok: '600' } } },
    ]) {
      const answer = await gateway({ CHASQUI_PRICES })('GET');
      expect(answer.status).toBe(500);
      expect(answer.error.message).toMatch(/configuration has mistakes\. CHASQUI_PRICES/);
    }
  });
});
