import { expect } from 'vitest';
import {
  completionTokens,
  type ErrorCode,
  type Fetch,
  GatewayError,
  type Job,
  type Provider,
  promptTokens,
} from '../../../src/core/index.ts';
import { type Capture, type DeliveryPlan, replay } from '../../support/captures.ts';
import { type Collected, collect } from '../../support/collect.ts';
import { calm, chatJob, promptJob } from './openai-jobs.ts';

/** What each recorded kind of failure may become. */
export const CODES: Readonly<Record<string, readonly ErrorCode[]>> = {
  auth: ['provider_auth'],
  bad_request: ['invalid_request', 'unsupported_parameter'],
  not_found: ['model_not_found'],
  context_length: ['context_length_exceeded'],
  rate_limit: ['provider_rate_limited'],
  overloaded: ['provider_overloaded'],
  server: ['provider_error', 'provider_unavailable'],
  stream_decode: ['stream_interrupted'],
  truncated: ['stream_interrupted'],
  timeout: ['timeout', 'stream_interrupted'],
  bad_upstream_body: ['provider_error'],
  canceled: ['canceled'],
};

export function jobOf(c: Capture): Job {
  const stream = c.api.includes('stream');
  return c.api.startsWith('chat') ? chatJob({ stream }) : promptJob({ stream });
}

/** Replays a case through a provider; a rejection before the first event counts as an error of its stream. */
export async function run(c: Capture, plan: DeliveryPlan, provide: (fetch: Fetch) => Provider): Promise<Collected> {
  const provider = provide(async () => replay(c, plan));
  try {
    const generation = await provider.generate(jobOf(c), calm());
    return await collect(generation.events);
  } catch (error) {
    return { choices: new Map(), usage: undefined, batches: 0, error };
  }
}

function expectAnswer(c: Capture, got: Collected): void {
  expect(got.error).toBeUndefined();
  expect([...got.choices.keys()]).toEqual(c.expected.choices?.map((choice) => choice.index));
  for (const choice of c.expected.choices ?? []) {
    const actual = got.choices.get(choice.index);
    expect(actual?.text).toBe(choice.text ?? '');
    expect(actual?.reasoning).toBe(choice.reasoning ?? '');
    expect(actual?.finish).toBe(choice.finishReason);
    expect(actual?.toolCalls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) }))).toEqual(
      choice.toolCalls.map((call) => ({ name: call.name, arguments: call.arguments })),
    );
    expect(actual?.toolCalls.map((call) => call.id)).toEqual(choice.toolCalls.map((call) => call.id));
  }
  const usage = c.expected.usage;
  if (!usage) {
    expect(got.usage).toBeUndefined();
  } else if (usage.prompt_tokens === null) {
    // Unknown is not zero: we have to count the prompt.
    expect(got.usage).toMatchObject({ promptUnknown: true, output: usage.completion_tokens });
  } else {
    expect(got.usage && promptTokens(got.usage)).toBe(usage.prompt_tokens);
    // The total, because some count reasoning beside the completion and the gateway counts it inside.
    expect(got.usage && promptTokens(got.usage) + completionTokens(got.usage)).toBe(usage.total_tokens);
  }
}

function expectFailure(c: Capture, got: Collected): void {
  expect(got.error).toBeInstanceOf(GatewayError);
  if (!(got.error instanceof GatewayError)) return;
  const category = c.expected.error?.category;
  const codes = category ? CODES[category] : (['provider_error', 'stream_interrupted'] as const);
  expect(codes, `codes of ${category}`).toBeDefined();
  expect(codes).toContain(got.error.code);
  for (const choice of c.expected.choices ?? []) expect(got.choices.get(choice.index)?.text).toBe(choice.text ?? '');
  for (const choice of got.choices.values()) expect(choice.finish).toBeUndefined();
  const status = c.expected.error?.httpStatus;
  if (c.expected.error?.where === 'http') expect(got.error.details.upstreamStatus).toBe(status);
  if (c.expected.error?.where === 'http' && c.expected.error.nativeType) {
    expect(got.error.details.upstreamCode).toBe(c.expected.error.nativeType);
  }
  if (category && ['http', 'stream'].includes(c.expected.error?.where ?? '') && c.expected.error?.message) {
    if (category !== 'stream_decode') expect(got.error.details.upstreamMessage).toBe(c.expected.error.message);
  }
}

/** Holds what came to what the recording means. */
export function expectMeaning(c: Capture, got: Collected): void {
  if (c.expected.outcome === 'ok') expectAnswer(c, got);
  else expectFailure(c, got);
}
