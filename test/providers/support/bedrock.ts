import { expect } from 'vitest';
import { configureBedrock } from '../../../providers/bedrock/index.ts';
import type { ChatJob, Fetch, Job, PromptJob, Provider } from '../../../src/core/index.ts';
import { type Collected, collect } from '../../support/collect.ts';
import { calm, chatJob, promptJob } from './openai-jobs.ts';

export const ENV = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

export function bedrock(fetch: Fetch, env: Record<string, unknown> = ENV): Provider {
  const { providers, mistakes } = configureBedrock(env, fetch);
  expect(mistakes).toEqual([]);
  const [provider] = providers;
  if (!provider) throw new Error('no provider');
  return provider;
}

const LLAMA = { model: 'us.meta.llama3-3-70b-instruct-v1:0', family: 'llama-3.3' } as const;

export const converseJob = (over: Partial<ChatJob> = {}): ChatJob => chatJob({ ...LLAMA, api: 'converse', ...over });

export const invokeJob = (over: Partial<PromptJob> = {}): PromptJob => promptJob({ ...LLAMA, api: 'invoke', ...over });

/** A request as Bedrock would get it. */
export interface Sent {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: string;
  readonly body: Record<string, unknown>;
}

/** An upstream that answers every request alike and remembers them. */
export function upstream(answer: (signal: AbortSignal) => Response | Promise<Response>): {
  fetch: Fetch;
  sent: Sent[];
} {
  const sent: Sent[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const { url, method, headers, redirect, signal } = request;
    sent.push({ url: new URL(url), method, headers, redirect, body: await request.json() });
    return answer(signal);
  };
  return { fetch, sent };
}

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });

/** A job as its provider arranged it. */
export const arranged = (provider: Provider, job: Job): Job =>
  job.kind === 'chat' ? { ...job, ...provider.arrange?.(job) } : job;

/** What a job comes to; a rejection before the first event counts as the error of its stream. */
export async function run(provider: Provider, job: Job, signal: AbortSignal = calm()): Promise<Collected> {
  try {
    const generation = await provider.generate(arranged(provider, job), signal);
    return await collect(generation.events);
  } catch (error) {
    return { choices: new Map(), usage: undefined, batches: 0, error };
  }
}
