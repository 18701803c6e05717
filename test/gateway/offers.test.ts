import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDollars, parseDollars } from '../../src/core/index.ts';
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

let stack: Stack;
/** Code Llama on Replicate is billed by the second; on which hardware is the operator's to know. */
const CODELLAMA = 'meta/codellama-34b:67942fd0f55b66da802218a19a8f0e1d73095473674061a6ea19f2dc8c053152';
const PRICES = { replicate: { 'meta/codellama-34b': { hardware: 'gpu-a100-large' } } };

beforeAll(async () => {
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), CHASQUI_PRICES: JSON.stringify(PRICES) }));
});
afterAll(() => stack.stop());

interface Row {
  readonly provider: string;
  readonly provider_model: string;
  readonly eligible: boolean;
  readonly rank: number | null;
  readonly prompt_tokens: number | null;
  readonly cost: { readonly min: string; readonly expected: string; readonly max: string | null } | null;
  readonly price: { readonly rule: string; readonly stale: boolean } | null;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly drops: readonly string[];
}
interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost: number | null;
  readonly cost_exact: string | null;
  readonly cost_details: Readonly<Record<string, unknown>>;
}

async function offersFor(body: unknown, headers?: Record<string, string>): Promise<readonly Row[]> {
  const response = await stack.post('/v1/offers', body, headers);
  const json = (await response.json()) as { data: readonly Row[] };
  expect(response.status, JSON.stringify(json)).toBe(200);
  return json.data;
}

/** Nothing of one's own, which would always come first, so that prices decide. */
const elsewhere = { provider: { ignore: ['anyscale'] } };
const chat = (text: string, more: object = {}) => ({
  model: 'llama-3-8b-instruct',
  messages: [{ role: 'user', content: text }],
  max_tokens: 50,
  ...more,
});

/** What a million tokens cost by a rule, from the book that anybody can read. */
async function ratesOf(rule: string): Promise<{ input: bigint; output: bigint }> {
  const { data } = (await (await stack.get('/v1/prices')).json()) as {
    data: { rule: string; input_per_mtok: string; output_per_mtok: string }[];
  };
  const row = data.find((one) => one.rule === rule);
  if (!row) throw new Error(`no rule ${rule}`);
  return { input: parseDollars(row.input_per_mtok), output: parseDollars(row.output_per_mtok) };
}

const costOf = (tokens: number, perMtok: bigint): bigint => (2n * BigInt(tokens) * perMtok + 1_000_000n) / 2_000_000n;

describe('POST /v1/offers', () => {
  it('says what every offer would do with the call and charge for it, and calls nobody', async () => {
    await stack.reset();
    const rows = await offersFor(chat('Hello!'));
    expect(await stack.journal()).toEqual([]);
    expect(rows.map(({ eligible }) => eligible)).toEqual([...rows.map(({ eligible }) => eligible)].sort().reverse());
    const ranked = rows.filter(({ eligible }) => eligible);
    expect(ranked.map(({ rank }) => rank)).toEqual(ranked.map((_, index) => index + 1));
    expect(rows.find(({ provider }) => provider === 'bedrock')).toMatchObject({
      provider_model: 'meta.llama3-8b-instruct-v1:0',
      api: 'converse',
      prompt_tokens: 12,
      exactness: 'exact',
      context_length: 8192,
      max_output_tokens: 50,
      cost: { min: '0.0000042', expected: '0.0000336', max: '0.0000336' },
      price: {
        rule: expect.any(String),
        source: expect.any(String),
        checked_at: expect.any(String),
        stale: expect.any(Boolean),
      },
      drops: [],
      breaker: 'closed',
      why: [expect.any(String)],
    });
    expect(rows.find(({ provider }) => provider === 'anyscale')).toMatchObject({ cost: null, price: null, rank: 1 });
    expect(rows.find(({ reason }) => reason?.code === 'retired')).toMatchObject({ eligible: false, rank: null });
  });

  it('takes the body of either call, and is as strict about it', async () => {
    const rows = await offersFor({ model: 'gpt-oss-120b', prompt: 'Once', max_tokens: 10 });
    expect(rows.filter(({ eligible }) => eligible).map(({ provider }) => provider)).toContain('replicate');
    const refused = await stack.post('/v1/offers', { model: 'llama-3-8b-instruct' });
    expect(refused.status).toBe(400);
    const unknown = await stack.post('/v1/offers', chat('x', { provider: { max_prize: 1 } }));
    expect(await unknown.json()).toMatchObject({ error: { param: 'provider.max_prize' } });
  });

  it('takes a body of Messages or of Responses, and names fields as that API does', async () => {
    const model = 'llama-3.3-70b-instruct';
    const tokens = async (body: object) =>
      (await offersFor({ model, ...body })).find(({ provider }) => provider === 'together')?.prompt_tokens;
    const asChat = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello!' },
    ];
    const counts = [
      await tokens({ messages: asChat }),
      await tokens({ system: 'Be brief.', messages: asChat.slice(1) }),
      await tokens({ instructions: 'Be brief.', input: 'Hello!' }),
      await tokens({ input: asChat }),
    ];
    expect(counts).toEqual(Array(4).fill(expect.any(Number)));
    expect(new Set(counts).size).toBe(1);

    const rows = await offersFor({ model, input: asChat, reasoning: { effort: 'high' } });
    expect(rows.find(({ provider }) => provider === 'bedrock')?.drops).toEqual(['reasoning.effort']);
    const wrong = await stack.post('/v1/offers', { model, system: 'x', messages: [], stop_sequences: 'no list' });
    expect(await wrong.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    expect(wrong.headers.get('request-id')).toBe(wrong.headers.get('x-request-id'));
    const stored = await stack.post('/v1/offers', { model, input: 'x', previous_response_id: 'resp_1' });
    expect(await stored.json()).toMatchObject({
      error: { param: 'previous_response_id', type: 'invalid_request_error' },
    });
  });

  it('its first offer is the provider that serves the same body next', async () => {
    for (let n = 0; n < 12; n++) {
      const body = chat(`Question ${n}: ${'why? '.repeat(n)}`, elsewhere);
      const minute = () => Math.floor(Date.now() / 60_000);
      const before = minute();
      const [first] = await offersFor(body);
      const answer = await stack.post('/v1/chat/completions', body);
      // A draw holds for a minute of the clock.
      if (minute() === before) expect(answer.headers.get('x-chasqui-provider')).toBe(first?.provider);
      await answer.text();
    }
  });

  it('and the second, where the first fails', async () => {
    const body = chat('Who is next?', { provider: { ...elsewhere.provider, sort: 'price' } });
    const [first, second] = await offersFor(body);
    await stack.dial({ provider: first?.provider, times: 0, fault: { kind: 'status', status: 404 } });
    const answer = await stack.post('/v1/chat/completions', body);
    await stack.reset();
    expect(answer.headers.get('x-chasqui-provider')).toBe(second?.provider);
  });
});

describe('what an answer cost', () => {
  it.each(['bedrock', 'replicate'])(
    'is its tokens at the rule that it names, to the nano-dollar: %s',
    async (provider) => {
      const response = await stack.post('/v1/chat/completions', chat('Hello!', { provider: { only: [provider] } }));
      const { usage } = (await response.json()) as { usage: Usage };
      const { input, output } = await ratesOf(String(usage.cost_details.price));
      const prompt = costOf(usage.prompt_tokens, input);
      const completion = costOf(usage.completion_tokens, output);
      expect(usage).toMatchObject({
        cost: Number(formatDollars(prompt + completion)),
        cost_exact: formatDollars(prompt + completion),
        is_byok: false,
        cost_details: {
          upstream_inference_cost: Number(formatDollars(prompt + completion)),
          upstream_inference_prompt_cost: Number(formatDollars(prompt)),
          upstream_inference_completions_cost: Number(formatDollars(completion)),
          prompt: Number(formatDollars(prompt)),
          completion: Number(formatDollars(completion)),
          cached: 0,
          basis: 'provider_tokens',
        },
      });
      expect(response.headers.get('x-chasqui-cost')).toBe(usage.cost_exact);
    },
  );

  it('is within the bounds that the sheet gave', async () => {
    const body = chat('Write a haiku about llamas', { n: 3, provider: { only: ['bedrock'] } });
    const [row] = await offersFor(body);
    const { usage } = (await (await stack.post('/v1/chat/completions', body)).json()) as { usage: Usage };
    expect(parseDollars(usage.cost_exact ?? '')).toBeLessThanOrEqual(parseDollars(row?.cost?.max ?? '0') + 6n);
    expect(parseDollars(usage.cost_exact ?? '')).toBeGreaterThanOrEqual(parseDollars(row?.cost?.min ?? ''));
  });

  it('comes with the usage of a stream', async () => {
    const body = chat('Hello!', {
      stream: true,
      stream_options: { include_usage: true },
      provider: { only: ['bedrock'] },
    });
    const { usage } = readStream(await (await stack.post('/v1/chat/completions', body)).text());
    expect(usage).toMatchObject({
      cost: expect.any(Number),
      cost_exact: expect.stringMatching(/^0\.0/),
      cost_details: { basis: 'provider_tokens' },
    });
  });

  it('is unknown where the price is, and never zero', async () => {
    const response = await stack.post('/v1/chat/completions', chat('Hello!', { provider: { only: ['anyscale'] } }));
    expect(await response.json()).toMatchObject({
      usage: { cost: null, cost_exact: null, cost_details: { price: null, reason: expect.stringMatching(/No price/) } },
    });
    expect(response.headers.get('x-chasqui-cost')).toBeNull();
  });

  it('is time at its price where time is billed', async () => {
    const body = { model: CODELLAMA, prompt: 'def fib(n):', max_tokens: 40 };
    const [row] = await offersFor(body);
    expect(row).toMatchObject({
      provider: 'replicate',
      cost: null,
      price: { rule: expect.stringMatching(/configuration/) },
    });
    const { usage } = (await (await stack.post('/v1/completions', body)).json()) as { usage: Usage };
    expect(usage.cost_details).toMatchObject({ basis: 'seconds', prompt: 0 });
    // The sandbox's predictions run for a tenth of a second or so; a second is $0.0014.
    expect(parseDollars(usage.cost_exact ?? '')).toBeGreaterThan(0n);
    expect(parseDollars(usage.cost_exact ?? '')).toBeLessThan(parseDollars('0.0014'));
  });

  it('is told beside what it would have been elsewhere, in debug', async () => {
    const body = chat('Hello!', { provider: { ...elsewhere.provider, order: ['replicate'] } });
    const answer = await (await stack.post('/v1/chat/completions', body, { 'x-chasqui-debug': '1' })).json();
    const { usage, chasqui } = answer as {
      usage: Usage;
      chasqui: { alternatives: { provider: string; cost: string }[]; saved: string };
    };
    const bedrock = chasqui.alternatives.find(({ provider }) => provider === 'bedrock');
    expect(parseDollars(chasqui.saved)).toBe(parseDollars(bedrock?.cost ?? '') - parseDollars(usage.cost_exact ?? ''));
  });

  it('says what a failed attempt may have cost besides', async () => {
    const body = chat('Hello!', { provider: { order: ['replicate'], only: ['replicate', 'bedrock'] } });
    const [replicate] = await offersFor(body);
    await stack.dial({ provider: 'replicate', times: 0, fault: { kind: 'error', message: 'CUDA out of memory' } });
    const response = await stack.post('/v1/chat/completions', body);
    await stack.reset();
    expect(response.headers.get('x-chasqui-provider')).toBe('bedrock');
    expect(await response.json()).toMatchObject({
      usage: { cost_details: { failed_attempts: { count: 1, at_most: Number(replicate?.cost?.max) } } },
    });
  });
});

describe('money that a call may cost', () => {
  it('leaves nothing where every offer is too dear, and says how dear', async () => {
    await stack.reset();
    const response = await stack.post('/v1/chat/completions', chat('Hello!', { provider: { max_cost: 0.000001 } }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: {
        code: 'no_eligible_offer',
        message: expect.stringMatching(/over provider.max_cost of \$0\.000001/),
        metadata: {
          offers: expect.arrayContaining([
            expect.objectContaining({ reason: expect.objectContaining({ code: 'over_max_cost' }) }),
          ]),
        },
      },
    });
    expect(await stack.journal()).toEqual([]);
  });

  it('buys as much output as it can, where the caller allows', async () => {
    const body = chat('Write 60 words', {
      max_tokens: 500,
      provider: { only: ['bedrock'], max_cost: '0.00001', clamp_output: true },
    });
    const response = await stack.post('/v1/chat/completions', body);
    const { usage, choices } = (await response.json()) as { usage: Usage; choices: { finish_reason: string }[] };
    expect(response.headers.get('x-chasqui-dropped')).toMatch(/^max_tokens \(limited to \d+\)$/);
    expect(choices[0]?.finish_reason).toBe('length');
    expect(parseDollars(usage.cost_exact ?? '')).toBeLessThanOrEqual(parseDollars('0.00001'));
  });
});

/** The server's context is not configured, so that it is taken for less than the model could take. */
describe('a raw prompt without max_tokens, on a server that ends after 16 tokens then', () => {
  const ask = async (path: string, body: object) => {
    const response = await stack.post(path, {
      model: 'llama-3-8b-instruct',
      provider: { only: ['anyscale'] },
      ...body,
    });
    const answer = (await response.json()) as { usage: Usage; choices: { finish_reason: string }[] };
    expect(response.status, JSON.stringify(answer)).toBe(200);
    return answer;
  };

  it.each([
    ['a completion', '/v1/completions', { prompt: 'Please write 60 words' }],
    [
      'a chat that goes out as one',
      '/v1/chat/completions',
      {
        messages: [
          { role: 'user', content: 'Please write 60 words' },
          { role: 'assistant', content: 'Well:' },
        ],
      },
    ],
  ])('%s comes to its own end', async (_, path, body) => {
    await stack.reset();
    const { usage, choices } = await ask(path, body);
    expect([choices[0]?.finish_reason, usage.completion_tokens > 16]).toEqual(['stop', true]);
    const [asked] = (await stack.journal()).filter((entry) => entry.path.endsWith('/completions'));
    expect(asked?.body).toMatchObject({ max_tokens: 4096 - usage.prompt_tokens });
    const [row] = await offersFor({ ...body, model: 'llama-3-8b-instruct', provider: { only: ['anyscale'] } });
    expect(row).toMatchObject({ eligible: true, max_output_tokens: 4096 - usage.prompt_tokens });
  });

  it('a chat that goes out as a chat keeps the server’s own limit', async () => {
    await stack.reset();
    await ask('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello!' }] });
    const [asked] = await stack.journal();
    expect(asked?.body).not.toHaveProperty('max_tokens');
  });
});

describe('a session', () => {
  it('goes to one provider', async () => {
    const served = new Set<string | null>();
    for (let n = 0; n < 8; n++) {
      const body = chat(`Turn ${n}`, { ...elsewhere });
      const answer = await stack.post('/v1/chat/completions', body, { 'x-session-id': 'conversation-1' });
      served.add(answer.headers.get('x-chasqui-provider'));
      await answer.text();
    }
    expect(served.size).toBe(1);
  });
});

describe('GET /v1/health', () => {
  it('shows what has been seen of each offer, and no drift where counts agree', async () => {
    const health = (await (await stack.get('/v1/health')).json()) as {
      offers: { provider: string; samples: number }[];
      token_drift: { provider: string; tokens: number; drifting: boolean }[];
    };
    expect(health.offers.find(({ provider }) => provider === 'bedrock')?.samples).toBeGreaterThan(0);
    expect(health.token_drift.length).toBeGreaterThan(0);
    for (const drift of health.token_drift) expect(drift).toMatchObject({ tokens: 0, drifting: false });
  });
});
