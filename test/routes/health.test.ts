import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Fetch } from '../../src/core/index.ts';
import { errorOf, gateway, MODEL } from './support.ts';

interface Probe {
  service?: string;
  asked: string;
  ok: boolean;
  fault: string | null;
  message: string;
  missing?: string[];
}
interface Health {
  status: string;
  warnings: string[];
  configuration: Record<string, unknown> & { not_configured: { id: string; variables: string[] }[] };
  providers: { id: string; probe?: Probe[] }[];
}

const silent: Fetch = () => Promise.reject(new Error('no network at http://10.0.0.1:8080 here'));
const healthOf = async (settings: Record<string, unknown>, network: Fetch = silent, path = '/v1/health') =>
  (await gateway(network, settings)('GET', path)).json<Health>();

afterEach(() => vi.restoreAllMocks());

describe('the configuration, for admins', () => {
  it('is what is in effect, without any value of a secret or an address', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const secret = 'planted-5f1d-planted-5f1d';
    const { configuration } = await healthOf({
      TOGETHER_API_KEY: secret,
      CHASQUI_KEY_SECRET: secret,
      OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
        { id: 'mine', base_url: `http://10.1.2.3/v1`, token: secret, models: { 'my-model': { upstream: 'm' } } },
      ]),
      CHASQUI_TIMEOUTS: '{"total_ms": 1234}',
      CHASQUI_ROUTES: '{"small": "llama-3-8b-instruct"}',
      CHASQUI_PRIVACY: '{"mine": {"zdr": true}}',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://10.1.2.3',
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secret}`,
    });
    expect(configuration).toMatchObject({
      timeouts: { total_ms: 1234, connect_ms: null },
      routes: ['small'],
      services: ['mine'],
      traces: true,
      trace_providers: false,
      privacy: [{ provider: 'mine', data_collection: 'deny', zdr: true }],
    });
    const missing = configuration.not_configured.find(({ id }) => id === 'replicate');
    expect(missing?.variables).toContain('REPLICATE_API_TOKEN');
    expect(configuration.not_configured.map(({ id }) => id)).not.toContain('together');
    expect(JSON.stringify(configuration)).not.toMatch(/5f1d|10\.1\.2\.3/);
    log.mockRestore();
  });
});

describe('what was probably meant otherwise', () => {
  it.each([
    ['TOGETHER_API_KEI', 'Did you mean TOGETHER_API_KEY?'],
    ['TOGETHERAI_API_KEY', 'Did you mean TOGETHER_API_KEY?'],
    ['together_api_key', 'Did you mean TOGETHER_API_KEY?'],
    ['REPLICATE_API_KEY', 'Did you mean REPLICATE_API_TOKEN?'],
    ['AWS_DEFAULT_REGION', 'Did you mean AWS_REGION?'],
    ['AWS_SECRET_KEY', 'Did you mean AWS_SECRET_ACCESS_KEY?'],
    ['ANYSCALE_SERVICE', 'Did you mean ANYSCALE_SERVICES?'],
    ['OPENAI_COMPATIBLE_SERVICE', undefined],
    ['CHASQUI_TIMEOUT', 'Did you mean CHASQUI_TIMEOUTS?'],
    ['CHASQUI_ADMIN_KEI', 'Did you mean CHASQUI_ADMIN_KEY?'],
    ['CHASQUI_WHATEVER', 'Known are CHASQUI_ADMIN_KEY'],
    ['MY_OWN_SETTING', undefined],
    ['DB', undefined],
  ])('is said of %s, and its value is not', async (name, hint) => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { warnings } = await healthOf({ [name]: 'value-5f1d' });
    if (hint === undefined) expect(warnings).toEqual([]);
    else expect(warnings).toEqual([expect.stringContaining(name) && expect.stringContaining(hint)]);
    // Logged once, at the start.
    expect(log.mock.calls.flat().join(' ')).toBe(hint === undefined ? '' : `Configuration: ${warnings[0]}`);
    expect(JSON.stringify(warnings)).not.toContain('5f1d');
  });

  it('is said of a missing key, by which every call is refused', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const answer = await gateway(silent, { CHASQUI_ADMIN_KEY: '' })('GET', '/v1/models');
    expect(answer.status).toBe(401);
    expect(log.mock.calls.flat().join(' ')).toMatch(/^Configuration: CHASQUI_ADMIN_KEY is not set/);
  });

  it('is not said where the variable that is like it is set', async () => {
    const { warnings } = await healthOf({ TOGETHER_API_KEY: 'key-of-together', TOGETHER_API_KEY_OLD: 'x' });
    expect(warnings).toEqual([]);
  });

  it('is said of a secret so short that a holder of a key could guess it', async () => {
    const { warnings } = await healthOf({ CHASQUI_KEY_SECRET: 'hunter2' });
    expect(warnings).toEqual([expect.stringMatching(/^CHASQUI_KEY_SECRET is so short.*openssl rand -hex 32/)]);
    expect(JSON.stringify(warnings)).not.toContain('hunter2');
  });

  it.each([
    ['https://host.example', 0],
    ['https://host.example/v1', 0],
    ['https://host.example/serve/v1/', 0],
    ['https://api.deepinfra.com/v1/openai', 0],
    ['https://host.example/api', 1],
    ['https://host.example/v1/engines/x', 1],
  ])('is said of a base URL that does not end where it should: %s', async (url, count) => {
    const { warnings } = await healthOf({
      OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
        { id: 'first', base_url: 'http://first.example/v1', models: { a: {} } },
        { id: 'mine', base_url: url, models: { b: {} } },
      ]),
    });
    expect(warnings).toEqual(
      Array(count).fill(expect.stringMatching(/^OPENAI_COMPATIBLE_SERVICES\[1\]\.base_url does not end/)),
    );
  });

  it.each(['TOGETHER', 'REPLICATE'])('is said of another host of %s', async (name) => {
    const settings = { TOGETHER_API_KEY: 'key-of-together', REPLICATE_API_TOKEN: 'r8_token_of_ours' };
    const { warnings } = await healthOf({ ...settings, [`${name}_BASE_URL`]: 'https://proxy.example/it' });
    expect(warnings).toEqual([expect.stringMatching(`${name}_BASE_URL does not end in /v1`)]);
  });

  it.each([
    ['https://bedrock-runtime.us-east-1.amazonaws.com', 0],
    ['https://bedrock-runtime-fips.us-east-1.amazonaws.com', 0],
    ['https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com', 0],
    ['http://127.0.0.1:9000/bedrock', 0],
    ['https://bedrock.us-east-1.amazonaws.com', 1],
    ['https://bedrock-runtime.eu-west-1.amazonaws.com', 1],
    ['https://bedrock-runtime.us-east-1.amazonaws.com/model', 1],
    ['https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1', 1],
  ])('is said of another host of Bedrock: %s', async (endpoint, count) => {
    const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = ALL;
    const credentials = { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
    const { warnings } = await healthOf({ ...credentials, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint });
    expect(warnings).toEqual(Array(count).fill(expect.stringContaining('AWS_ENDPOINT_URL_BEDROCK_RUNTIME')));
  });

  it('stands beside the mistakes, where there are some', async () => {
    const settings = { AWS_ACCESS_KEY_ID: 'AKIA0000000000000000', AWS_SECRET_KEY: 'secret', AWS_REGION: 'us-east-1' };
    const { message } = await errorOf(await gateway(silent, settings)('GET', '/v1/health'));
    expect(message).toMatch(/AWS_ACCESS_KEY_ID is set without.*AWS_SECRET_KEY is not read\. Did you mean/);
  });
});

const list = (...ids: string[]) => Response.json({ object: 'list', data: ids.map((id) => ({ id, object: 'model' })) });
const refusal = (status: number, message: string) => Response.json({ error: { message }, detail: message }, { status });

/** One of several networks, by host. */
const hosts =
  (answers: Readonly<Record<string, (path: string) => Response>>): Fetch =>
  async (input, init) => {
    const { hostname, pathname } = new URL(new Request(input, init).url);
    const answer = answers[hostname];
    if (!answer) throw new Error(`no ${hostname} here`);
    return answer(pathname);
  };

const ALL = {
  TOGETHER_API_KEY: 'key-of-together-5f1d',
  REPLICATE_API_TOKEN: 'r8_token_of_ours_5f1d',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIA0000000000005F1D',
  AWS_SECRET_ACCESS_KEY: 'secret-of-aws-5f1d',
};
const BEDROCK = 'bedrock-runtime.us-east-1.amazonaws.com';
const bedrockSays = (status: number, type: string, message: string) => () =>
  Response.json({ message }, { status, headers: { 'x-amzn-errortype': type } });
const startsWrong = bedrockSays(400, 'ValidationException', 'A conversation must start with a user message.');

const GOOD = {
  'mine.example': () => list(MODEL, 'another'),
  'api.together.ai': () => list(),
  'api.replicate.com': () => Response.json({ owner: 'meta' }),
  [BEDROCK]: startsWrong,
};

async function probed(answers: Readonly<Record<string, (path: string) => Response>>) {
  const { status, providers } = await healthOf(ALL, hosts({ ...GOOD, ...answers }), '/v1/health?probe=1');
  const of = (id: string): Probe => {
    const probe = providers.find((one) => one.id === id)?.probe?.[0];
    if (!probe) throw new Error(`${id} was not asked`);
    return probe;
  };
  return { status, of, text: JSON.stringify(providers) };
}

describe('GET /v1/health?probe=1', () => {
  it('asks each provider something free, and finds what is well', async () => {
    const asked: string[] = [];
    const network: Fetch = async (input, init) => {
      const request = new Request(input, init);
      asked.push(`${request.method} ${request.url}`);
      return hosts(GOOD)(request.clone() as Request);
    };
    const { providers } = await healthOf(ALL, network, '/v1/health?probe=1');
    const probes = providers.flatMap(({ probe }) => probe ?? []);
    expect(providers.map(({ id }) => id)).toEqual(['bedrock', 'replicate', 'together', 'mine']);
    expect(probes.map(({ ok }) => ok)).toEqual([true, true, false, true]);
    expect(new Set(asked.map((line) => line.replace(/(model|models)\/.*/, '$1/…')))).toEqual(
      new Set([
        `POST https://${BEDROCK}/model/…`,
        'GET https://api.replicate.com/v1/models/…',
        'GET https://api.together.ai/v1/models',
        'GET http://mine.example/v1/models',
      ]),
    );
  });

  it('is not asked without it', async () => {
    const network = vi.fn(silent);
    const { providers } = await healthOf(ALL, network);
    expect(network).not.toHaveBeenCalled();
    expect(providers[0]).not.toHaveProperty('probe');
    expect((await gateway(silent)('GET', '/v1/health?probe=please')).status).toBe(400);
  });

  it('says which key is wrong, and what to do', async () => {
    const { status, of, text } = await probed({
      'mine.example': () => refusal(401, 'Invalid token mine-token-5f1d'),
      'api.together.ai': () => refusal(401, 'Invalid API key provided: key-of-together-5f1d'),
      'api.replicate.com': () => refusal(401, 'You did not pass a valid authentication token'),
      [BEDROCK]: bedrockSays(
        403,
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      ),
    });
    expect(status).toBe('degraded');
    for (const [id, what] of [
      ['mine', /token of mine/],
      ['together', /TOGETHER_API_KEY/],
      ['replicate', /REPLICATE_API_TOKEN/],
      ['bedrock', /AWS credentials.*The security token included in the request is invalid/],
    ] as const)
      expect(of(id), id).toMatchObject({ ok: false, fault: 'key', message: expect.stringMatching(what) });
    expect(text).not.toMatch(/5f1d/i);
  });

  it('says which host does not answer, and for Bedrock the region', async () => {
    const { of, text } = await (async () => {
      const { providers } = await healthOf(ALL, silent, '/v1/health?probe=1');
      return {
        of: (id: string) => providers.find((one) => one.id === id)?.probe?.[0],
        text: JSON.stringify(providers),
      };
    })();
    expect(of('mine')).toMatchObject({ ok: false, fault: 'host', message: expect.stringMatching(/base_url of mine/) });
    expect(of('together')).toMatchObject({ fault: 'host', message: expect.stringMatching(/TOGETHER_BASE_URL/) });
    expect(of('replicate')).toMatchObject({ fault: 'host', message: expect.stringMatching(/REPLICATE_BASE_URL/) });
    expect(of('bedrock')).toMatchObject({ fault: 'region', message: expect.stringMatching(/AWS_REGION: us-east-1/) });
    expect(text).not.toContain('10.0.0.1');
  });

  it.each([
    ['nothing there', () => new Response('<h1>404</h1>', { status: 404 })],
    ['a page', () => new Response('<h1>Welcome</h1>')],
    ['something else', () => Response.json({ hello: 'world' })],
    ['another place', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } })],
  ])('says where the address leads to %s', async (_what, answer) => {
    const { of } = await probed({ 'mine.example': answer, 'api.together.ai': answer });
    expect(of('mine')).toMatchObject({ ok: false, fault: 'host', message: expect.stringMatching(/base_url/) });
    expect(of('together')).toMatchObject({ ok: false, fault: 'host', message: expect.stringMatching(/\/v1/) });
  });

  it('says which models are not there, and what is', async () => {
    const { of } = await probed({
      'mine.example': () => list('their-name', 'another'),
      'api.replicate.com': (path) =>
        path.includes('llama-2') ? refusal(404, 'Not found.') : Response.json({ owner: 'meta' }),
      [BEDROCK]: () => bedrockSays(400, 'ValidationException', 'The provided model identifier is invalid.')(),
    });
    expect(of('mine')).toMatchObject({
      ok: false,
      fault: 'models',
      missing: [MODEL],
      message: expect.stringMatching(/upstream.*their-name, another/),
    });
    expect(of('bedrock')).toMatchObject({ ok: false, fault: 'models', missing: expect.any(Array) });
    const { fault, missing = [] } = of('replicate');
    expect(fault).toBe('models');
    for (const id of missing) expect(id).toContain('llama-2');
  });

  it('takes a limit of the rate for a key that is right', async () => {
    const { of } = await probed({ 'mine.example': () => refusal(429, 'Slow down.') });
    expect(of('mine')).toMatchObject({ ok: true, fault: null, message: expect.stringMatching(/Slow down/) });
  });

  it('needs the gateway’s key', async () => {
    const answer = await gateway(silent, ALL)('GET', '/v1/health?probe=1', null, { authorization: 'Bearer no' });
    expect(answer.status).toBe(401);
  });
});
