import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cancelAfter, createRequest } from '../../providers/replicate/input.ts';
import type { Sampling } from '../../src/core/index.ts';
import { job } from './replicate-upstream.ts';

const HASH = '02e509c789964a7ea8736978a43525956ef40397be9033abf9fd2badfe68c9e3';
const everything: Sampling = {
  temperature: 0,
  topP: 0.9,
  topK: 40,
  minP: 0.1,
  seed: 7,
  frequencyPenalty: 0.5,
  presencePenalty: 0.6,
  repetitionPenalty: 1.2,
};
const common = { prompt: job().prompt, prompt_template: '{prompt}' };

describe('how a prediction is asked for', () => {
  it('asks official models by name', () => {
    const { route, data } = createRequest(job({ model: 'meta/meta-llama-3-8b-instruct', family: 'llama-3' }));
    expect(route).toBe('models/meta/meta-llama-3-8b-instruct/predictions');
    expect(data).toEqual({ input: { ...common, max_tokens: 500 } });
  });

  it.each([`meta/llama-2-70b-chat:${HASH}`, HASH])('asks pinned models by version: %s', (model) => {
    const { route, data } = createRequest(job({ model }));
    expect(route).toBe('predictions');
    expect(data).toEqual({ version: HASH, input: { ...common, max_new_tokens: 500 } });
  });

  it.each(['llama', 'a/b/c', '../account', 'meta/llama-2?x=1', 'owner/name:'])('refuses the id %j', (model) => {
    expect(() => createRequest(job({ model }))).toThrow(expect.objectContaining({ code: 'model_not_found' }));
  });

  it('sends each engine what it takes, by its own names, and nothing else', () => {
    const input = (model: string, family: string) =>
      createRequest(job({ model, family, sampling: everything })).data.input;
    const llama2 = input(`meta/llama-2-70b-chat:${HASH}`, 'llama-2');
    expect(llama2).toEqual({
      ...common,
      max_new_tokens: 500,
      temperature: 0.01,
      top_p: 0.9,
      seed: 7,
      repetition_penalty: 1.2,
    });
    const triton = {
      ...common,
      max_tokens: 500,
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      seed: 7,
      presence_penalty: 0.6,
    };
    expect(input('meta/llama-2-70b-chat', 'llama-2')).toEqual(triton);
    expect(input('meta/meta-llama-3-70b-instruct', 'llama-3')).toEqual(triton);
    expect(input('meta/meta-llama-3.1-405b-instruct', 'llama-3.1')).toEqual({ ...triton, frequency_penalty: 0.5 });
    expect(input(`meta/codellama-34b:${HASH}`, 'code-llama')).toEqual({
      prompt: common.prompt,
      max_tokens: 500,
      max_new_tokens: 500,
      temperature: 0.01,
      top_p: 0.9,
      top_k: 40,
      presence_penalty: 0.6,
      frequency_penalty: 0.5,
      repeat_penalty: 1.2,
      repetition_penalty: 1.2,
    });
  });

  it('sends nothing that was not asked for', () => {
    const { maxTokens: _, ...unlimited } = job();
    expect(createRequest(unlimited).data).toEqual({ input: common });
  });

  it('makes a seed of 0 repeatable, which the engines take for none', () => {
    const { data } = createRequest(job({ sampling: { seed: 0 } }));
    expect(data).toMatchObject({ input: { seed: 2147483647 } });
  });

  it('joins stop sequences with commas, and does not send one that has a comma', () => {
    expect(createRequest(job({ stop: ['END', '\n\n'] })).data).toMatchObject({ input: { stop_sequences: 'END,\n\n' } });
    const refused = expect.objectContaining({
      code: 'unsupported_parameter',
      details: expect.objectContaining({ param: 'stop' }),
    });
    expect(() => createRequest(job({ stop: ['a,b'] }))).toThrow(refused);
  });

  it('keeps the prompt out of the template, whatever braces it has', () => {
    const prompt = 'def f(x): return {x.__class__} {prompt}';
    expect(createRequest(job({ prompt })).data).toEqual({
      input: { prompt, prompt_template: '{prompt}', max_tokens: 500 },
    });
  });

  it('waits for the answer only where it does not stream', () => {
    expect(createRequest(job({ stream: true })).headers.Prefer).toBeUndefined();
    expect(createRequest(job({ stream: false, deadlineMs: 300_000 })).headers.Prefer).toBe('wait=5');
    expect(createRequest(job({ stream: false, deadlineMs: 2_500 })).headers.Prefer).toBe('wait=2');
    expect(createRequest(job({ stream: false, deadlineMs: 10 })).headers.Prefer).toBe('wait=1');
  });
});

describe('Cancel-After', () => {
  it.each([
    [1, '5s'],
    [29_001, '30s'],
    [60_000, '60s'],
    [60_001, '2m'],
    [600_000, '10m'],
    [86_400_000, '30m'],
  ])('for a deadline of %d ms is %s', (ms, header) => expect(cancelAfter(ms)).toBe(header));

  it('is never before the deadline, below Replicate’s own limit of half an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_800_000 }), (ms) => {
        const [, amount, unit] = /^(\d+)([sm])$/.exec(cancelAfter(ms)) ?? [];
        expect(Number(amount) * (unit === 'm' ? 60_000 : 1000)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });
});
