import { describe, expect, it } from 'vitest';
import { about } from '../../providers/bedrock/about.ts';
import {
  type EmbeddingCall,
  type EmbeddingJob,
  type Embeddings,
  GatewayError,
  type Provider,
} from '../../src/core/index.ts';
import type { Candidate, OfferSheet } from '../../src/offers/index.ts';
import { carryEmbeddings, healthBook, type Relay, retryBudget, systemClock } from '../../src/relay/index.ts';

/** Embeddings in parts: order, concurrency, and what a part that fails does to the others. */

const call = (inputs: readonly string[], timeoutMs?: number): EmbeddingCall => ({
  kind: 'embedding',
  id: 'gen-1',
  models: ['m'],
  routing: {},
  unknownParameters: [],
  inputs,
  encoding: 'float',
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
});

const offer = (provider: string, inputs: readonly string[], mostInputs: number): Candidate => ({
  provider,
  model: 'm',
  upstream: `${provider}-m`,
  api: 'embeddings',
  family: 'other',
  drops: [],
  altered: [],
  nativeN: true,
  nativeStop: true,
  echo: 'none',
  toolStreaming: false,
  systemRole: false,
  sends: { form: 'prompts', prompts: inputs, stop: [] },
  prompt: { largest: 1, total: inputs.length, exactness: 'estimate', counted: inputs.length },
  reportsExtra: 0,
  output: { maxTokens: 0, most: 0, clamped: false },
  counter: { exactness: 'estimate', count: () => 1 },
  standing: 'served',
  priced: { known: false, reason: 'none' },
  breaker: 'closed',
  loses: false,
  structured: false,
  mostInputs,
  why: [],
});

type Embed = (job: EmbeddingJob, signal: AbortSignal) => Promise<Embeddings>;

const vectorOf = (text: string) => ({ numbers: String(Number(text.slice(1))) });
const answers: Embed = async ({ inputs }) => ({ vectors: inputs.map(vectorOf), promptTokens: inputs.length });

const provider = (id: string, embed: Embed): Provider => ({
  id,
  about,
  generate: () => Promise.reject(new Error('not asked')),
  embed,
});

function carried(embeds: Readonly<Record<string, Embed>>, count: number, mostInputs: number, timeoutMs?: number) {
  const inputs = Array.from({ length: count }, (_, at) => `t${at}`);
  const relay: Relay = {
    providers: new Map(Object.entries(embeds).map(([id, embed]) => [id, provider(id, embed)])),
    timeouts: { totalMs: 60_000 },
    budget: retryBudget(),
    health: healthBook(),
    subrequests: 1000,
    clock: { ...systemClock, random: () => 0 },
  };
  const sheet: OfferSheet = { eligible: Object.keys(embeds).map((id) => offer(id, inputs, mostInputs)), excluded: [] };
  return carryEmbeddings(call(inputs, timeoutMs), sheet, new AbortController().signal, relay);
}

const refusal = (code: 'provider_rate_limited' | 'invalid_request' | 'provider_error') => new GatewayError(code, 'No.');

describe('parts of a call', () => {
  it('are put together in the order of the inputs, whichever is answered first', async () => {
    const slowFirst: Embed = async (job, signal) => {
      if (job.inputs[0] === 't0') await new Promise((resolve) => setTimeout(resolve, 20));
      return answers(job, signal);
    };
    const { vectors, usage } = await carried({ a: slowFirst }, 23, 4);
    expect(vectors).toEqual(Array.from({ length: 23 }, (_, at) => ({ numbers: String(at) })));
    expect(usage).toMatchObject({ input: 23, source: 'provider' });
  });

  it('are asked five at a time', async () => {
    let running = 0;
    let most = 0;
    const watching: Embed = async (job, signal) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return answers(job, signal);
    };
    await carried({ a: watching }, 30, 1);
    expect(most).toBe(5);
  });

  it('have our count where one of them has none of the provider’s', async () => {
    const oneSilent: Embed = async (job, signal) => {
      const { vectors, promptTokens } = await answers(job, signal);
      return job.inputs.includes('t7') ? { vectors } : { vectors, ...(promptTokens ? { promptTokens } : {}) };
    };
    expect((await carried({ a: oneSilent }, 10, 2)).usage).toMatchObject({ input: 10, source: 'estimated' });
  });
});

describe('a part that fails', () => {
  it('takes the whole call to the next offer: no answer has vectors of two', async () => {
    const asked: string[] = [];
    const failing: Embed = async (job, signal) => {
      if (job.inputs[0] === 't6') throw refusal('provider_rate_limited');
      return answers(job, signal);
    };
    const elsewhere: Embed = async (job) => {
      asked.push(...job.inputs);
      return { vectors: job.inputs.map(() => ({ numbers: '9' })), promptTokens: job.inputs.length };
    };
    const { vectors, offer: served, attempts, maybeBilled } = await carried({ a: failing, b: elsewhere }, 10, 2);
    expect(served.provider).toBe('b');
    expect(new Set(vectors.map((vector) => JSON.stringify(vector)))).toEqual(new Set(['{"numbers":"9"}']));
    expect(asked.sort()).toHaveLength(10);
    expect(attempts.map(({ type }) => type)).toEqual(['provider_rate_limited', 'ok']);
    expect(maybeBilled.map(({ provider: who }) => who)).toEqual(['a']);
  });

  it('ends the others: they are aborted, and none is started', async () => {
    let started = 0;
    let aborted = 0;
    const hanging: Embed = (job, signal) => {
      started++;
      if (job.inputs[0] === 't0') return Promise.reject(refusal('invalid_request'));
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted++;
          reject(new Error('aborted'));
        });
      });
    };
    await expect(carried({ a: hanging }, 20, 1)).rejects.toMatchObject({ code: 'invalid_request' });
    expect([started, aborted]).toEqual([5, 4]);
  });

  it('is asked again by itself where no other offer is left', async () => {
    let refused = 0;
    const once: Embed = async (job, signal) => {
      if (job.inputs[0] === 't3' && refused++ === 0) throw refusal('provider_rate_limited');
      return answers(job, signal);
    };
    const { vectors, attempts } = await carried({ a: once }, 6, 1);
    expect(vectors).toHaveLength(6);
    expect(attempts).toHaveLength(1);
  });

  it('is not asked again where it may have been billed', async () => {
    let asked = 0;
    const broken: Embed = async (job, signal) => {
      asked++;
      if (job.inputs[0] === 't3') throw new GatewayError('provider_error', 'Half an answer.', { upstreamStatus: 200 });
      return answers(job, signal);
    };
    await expect(carried({ a: broken }, 4, 1)).rejects.toMatchObject({ code: 'provider_error' });
    expect(asked).toBe(4);
  });
});

describe('a provider that', () => {
  it('makes fewer vectors than there are texts is taken to have failed', async () => {
    const short: Embed = async ({ inputs }) => ({ vectors: inputs.slice(1).map(vectorOf) });
    const { offer: served } = await carried({ a: short, b: answers }, 3, 10);
    expect(served.provider).toBe('b');
  });

  it('hangs is given up when the time is over', async () => {
    const hangs: Embed = () => new Promise(() => undefined);
    await expect(carried({ a: hangs }, 1, 1, 30)).rejects.toMatchObject({ code: 'timeout' });
  });
});
