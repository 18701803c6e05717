import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../src/core/index.ts';
import { type Capture, capture, captures, plansOf, replay } from '../support/captures.ts';
import { job, json, prediction, run, sse, upstream } from './replicate-upstream.ts';

/** What each category of a sidecar must come out as. */
const CODES: Readonly<Record<string, readonly ErrorCode[]>> = {
  auth: ['provider_auth'],
  not_found: ['model_not_found'],
  rate_limit: ['provider_rate_limited'],
  server: ['provider_error'],
  canceled: ['canceled'],
  timeout: ['timeout', 'stream_interrupted'],
  stream_decode: ['stream_interrupted'],
};

const SCOPES = new Set(['core', 'robustness', 'status-machine']);
const recorded = captures('replicate/').filter((c) => SCOPES.has(c.scope));
const deliveries = recorded.flatMap((c) => plansOf(c).map((plan) => ({ name: `${c.id} ${plan.name}`, c, plan })));
const of = (api: string) => deliveries.filter(({ c }) => c.api === api);

const starting = json(prediction('starting'), 201);
const textOf = (c: Capture): string => c.expected.choices?.[0]?.text ?? '';

function expectError(error: unknown, c: Capture): void {
  expect(error).toBeInstanceOf(GatewayError);
  if (error instanceof GatewayError) expect(CODES[c.expected.error?.category ?? '']).toContain(error.code);
}

it('has every recorded case', () => {
  expect(recorded.length).toBeGreaterThanOrEqual(23);
  expect(new Set(recorded.map((c) => c.api))).toEqual(
    new Set(['predictions.create', 'predictions.cancel', 'predictions.get', 'stream']),
  );
});

describe('a recorded stream', () => {
  it.each(of('stream'))('means what it meant: $name', async ({ c, plan }) => {
    const { fetch } = upstream({
      create: starting,
      stream: () => replay(c, plan),
      // A prediction that cannot be read: the stream alone decides.
      get: [json({ detail: 'no' }, 401)],
    });
    const outcome = await run(fetch);
    expect(outcome.text).toBe(textOf(c));
    if (c.expected.outcome === 'ok') {
      expect(outcome.error).toBeUndefined();
      expect(outcome.finish?.reason).toBe('stop');
    } else {
      expect(outcome.finish).toBeUndefined();
      expectError(outcome.error, c);
    }
  });

  const cut = of('stream').filter(({ c }) => c.expected.outcome === 'truncated');
  const whole = textOf(capture('replicate/stream/llama-2-70b-chat-sse'));

  it.each(cut)('that was cut is completed from the prediction: $name', async ({ c, plan }) => {
    const { fetch } = upstream({
      create: starting,
      stream: () => replay(c, plan),
      get: [
        json(prediction('processing', { output: [whole.slice(0, 90)] })),
        json(prediction('succeeded', { output: [whole], metrics: { input_token_count: 9, output_token_count: 70 } })),
      ],
    });
    const outcome = await run(fetch);
    expect(outcome).toMatchObject({ error: undefined, text: whole, finish: { reason: 'stop' } });
    expect(outcome.usage?.usage).toMatchObject({ input: 9, output: 70, source: 'provider' });
  });

  it.each(cut)('that was cut is not complete when the prediction failed: $name', async ({ c, plan }) => {
    const get = [json(prediction('failed', { error: 'CUDA out of memory' }))];
    const outcome = await run(upstream({ create: starting, stream: () => replay(c, plan), get }).fetch);
    expect(outcome).toMatchObject({ finish: undefined, error: { code: 'provider_error' } });
  });
});

describe('a recorded prediction', () => {
  const predictions = [...of('predictions.get'), ...of('predictions.create')].filter(
    ({ c }) => (c.response.status ?? 200) < 300,
  );
  const ended = predictions.filter(({ c }) => c.expected.outcome !== 'pending');
  const pending = predictions.filter(({ c }) => c.expected.outcome === 'pending');

  it.each([...ended, ...of('predictions.cancel')])('ends as it ended: $name', async ({ c, plan }) => {
    const { fetch } = upstream({ create: starting, get: [() => replay(c, plan)] });
    const outcome = await run(fetch, job({ stream: false }));
    if (c.expected.outcome === 'ok') {
      expect(outcome).toMatchObject({ error: undefined, text: textOf(c), finish: { reason: 'stop' } });
    } else {
      expect(outcome.finish).toBeUndefined();
      expectError(outcome.error, c);
    }
  });

  it.each(pending)('is waited for, whatever output it shows already: $name', async ({ c, plan }) => {
    const { fetch, count } = upstream({
      create: () => replay(c, plan),
      get: [json(prediction('processing')), json(prediction('succeeded', { output: ['the', ' end'] }))],
    });
    const outcome = await run(fetch, job({ stream: false }));
    expect(outcome).toMatchObject({ error: undefined, text: 'the end', finish: { reason: 'stop' } });
    expect(count('get')).toBe(2);
  });

  it('walks through the recorded sequence of statuses', async () => {
    const sequence = captures('replicate/predictions/get-sequence-');
    expect(sequence).toHaveLength(4);
    const get = sequence.map((c) => () => replay(c));
    const outcome = await run(upstream({ create: starting, get }).fetch, job({ stream: false }));
    expect(outcome).toMatchObject({ error: undefined, finish: { reason: 'stop' } });
  });
});

describe('a recorded refusal', () => {
  const refusals = of('predictions.create').filter(({ c }) => (c.response.status ?? 200) >= 400);

  it.each(refusals)('rejects before any event, after one request: $name', async ({ c, plan }) => {
    const { fetch, calls } = upstream({ create: () => replay(c, plan), stream: sse('') });
    const outcome = await run(fetch);
    expectError(outcome.error, c);
    expect(outcome.batches).toEqual([]);
    expect(calls).toHaveLength(1);
    expect(outcome.error).toMatchObject({ details: { upstreamStatus: c.response.status, maybeBilled: false } });
  });

  it('says how long to wait where only the body says so', async () => {
    const c = capture('replicate/errors/429-throttled-retry-after-in-body');
    const { error } = await run(upstream({ create: () => replay(c) }).fetch);
    expect(error).toMatchObject({ details: { retryAfterMs: 5000 } });
  });
});
