import { describe, expect, it } from 'vitest';
import { completionTokens, type ErrorCode, GatewayError, type Job, promptTokens } from '../../src/core/index.ts';
import { type Capture, captures, plansOf, replay } from '../support/captures.ts';
import type { Collected } from '../support/collect.ts';
import { bedrock, converseJob, invokeJob, run, upstream } from './support/bedrock.ts';

/** What each category of a sidecar must come out as. */
const CODES: Readonly<Record<string, readonly ErrorCode[]>> = {
  auth: ['provider_auth'],
  // The recorded ones name a model that does not exist.
  bad_request: ['invalid_request'],
  not_found: ['model_not_found'],
  rate_limit: ['provider_rate_limited'],
  overloaded: ['provider_overloaded'],
  server: ['provider_error', 'provider_unavailable'],
  stream_decode: ['stream_interrupted'],
  truncated: ['stream_interrupted'],
  canceled: ['canceled'],
};

const JOBS: Readonly<Record<string, Job>> = {
  Converse: converseJob({ stream: false }),
  ConverseStream: converseJob(),
  InvokeModel: invokeJob({ stream: false }),
  InvokeModelWithResponseStream: invokeJob(),
};

const jobOf = (c: Capture): Job => {
  const job = JOBS[c.api];
  if (!job) throw new Error(`no job for ${c.api}`);
  return job;
};

const recorded = captures('bedrock/').filter((c) => c.scope === 'core' || c.scope === 'robustness');
const deliveries = recorded.flatMap((c) => plansOf(c).map((plan) => ({ name: `${c.id} ${plan.name}`, c, plan })));
const answered = deliveries.filter(({ c }) => c.expected.outcome === 'ok');
const failed = deliveries.filter(({ c }) => c.expected.outcome !== 'ok');

function expectAnswer(c: Capture, got: Collected): void {
  expect(got.error).toBeUndefined();
  const [expected] = c.expected.choices ?? [];
  const actual = got.choices.get(0);
  expect(actual?.text).toBe(expected?.text ?? '');
  expect(actual?.reasoning).toBe(expected?.reasoning ?? '');
  expect(actual?.finish).toBe(expected?.finishReason);
  expect(actual?.native).toBe(c.expected.native?.finishReason);
  expect(
    actual?.toolCalls.map((call) => ({ id: call.id, name: call.name, arguments: JSON.parse(call.arguments) })),
  ).toEqual(expected?.toolCalls.map((call) => ({ id: call.id, name: call.name, arguments: call.arguments })));
  expect(got.usage && promptTokens(got.usage)).toBe(c.expected.usage?.prompt_tokens);
  expect(got.usage && completionTokens(got.usage)).toBe(c.expected.usage?.completion_tokens);
}

function expectFailure(c: Capture, got: Collected): void {
  expect(got.error).toBeInstanceOf(GatewayError);
  if (!(got.error instanceof GatewayError)) return;
  const { code, details } = got.error;
  const { category, where, message } = c.expected.error ?? {};
  expect(CODES[category ?? '']).toContain(code);
  expect(details.provider).toBe('bedrock');
  expect(got.choices.get(0)?.text ?? '').toBe(c.expected.choices?.[0]?.text ?? '');
  expect(got.choices.get(0)?.finish).toBeUndefined();
  expect(got.usage).toBeUndefined();
  expect(details.upstreamStatus).toBe(where === 'http' ? c.response.status : undefined);
  if (category !== 'stream_decode') expect(details.upstreamMessage).toBe(message?.replace(/\s+/g, ' '));
  expect(details.upstreamRequestId).toBe(c.response.headers['x-amzn-requestid']);
}

it('has every recorded case', () => {
  expect(recorded.length).toBeGreaterThanOrEqual(30);
  expect(new Set(recorded.map((c) => c.api))).toEqual(new Set(Object.keys(JOBS)));
});

describe('a recorded answer', () => {
  it.each(answered)('means what it meant: $name', async ({ c, plan }) => {
    const { fetch, sent } = upstream(() => replay(c, plan));
    const got = await run(bedrock(fetch), jobOf(c));
    expect(sent).toHaveLength(1);
    if (got.error && c.expected.acceptable?.includes('decode-error')) {
      expect(got.error).toMatchObject({ code: 'stream_interrupted' });
      expect(got.choices.get(0)?.finish).toBeUndefined();
    } else {
      expectAnswer(c, got);
    }
  });
});

describe('a recorded failure', () => {
  it.each(failed)('is one typed error after one request, and never looks complete: $name', async ({ c, plan }) => {
    const { fetch, sent } = upstream(() => replay(c, plan));
    expectFailure(c, await run(bedrock(fetch), jobOf(c)));
    expect(sent).toHaveLength(1);
  });
});
