import { describe, expect, it } from 'vitest';
import type { Api, Parameter } from '../../src/core/index.ts';
import { registry, TRAITS, traitsCalled } from '../support/providers.ts';

const wireOf = (provider: string, api: Api, family: string, upstream?: string) =>
  registry.of(provider).traits(api, family, upstream)?.name;

describe('the wire of a job', () => {
  it.each([
    ['bedrock', 'converse', 'llama-3.3', 'bedrock.converse-llama'],
    ['bedrock', 'converse', 'gpt-oss', 'bedrock.converse'],
    ['bedrock', 'invoke', 'llama-2', 'bedrock.invoke-llama'],
    ['bedrock', 'invoke', 'code-llama', 'bedrock.invoke-llama'],
    ['bedrock', 'invoke', 'code-llama-70b', 'bedrock.invoke-llama'],
    ['bedrock', 'invoke', 'mistral', 'bedrock.invoke-mistral'],
    ['bedrock', 'invoke', 'mixtral', 'bedrock.invoke-mistral'],
    ['bedrock', 'invoke', 'deepseek-r1', undefined],
    ['bedrock', 'chat', 'llama-3.3', undefined],
    ['replicate', 'predictions', 'llama-2', 'replicate.triton'],
    ['replicate', 'predictions', 'llama-3', 'replicate.triton'],
    ['replicate', 'predictions', 'llama-3.1', 'replicate.vllm'],
    ['replicate', 'predictions', 'code-llama', 'replicate.llama-cpp'],
    ['replicate', 'completions', 'llama-2', undefined],
    ['together', 'chat', 'llama-3.3', 'together.chat'],
    ['together', 'completions', 'llama-3.3', 'together.completions'],
    ['anyscale', 'chat', 'llama-2', 'openai.chat'],
    ['my-own', 'completions', 'llama-2', 'openai.completions'],
    ['my-own', 'invoke', 'llama-2', undefined],
  ] as const)('%s %s for %s is %s', (provider, api, family, wire) => expect(wireOf(provider, api, family)).toBe(wire));

  it('depends on the version, where Replicate ran Llama 2 on another engine in 2023', () => {
    expect(wireOf('replicate', 'predictions', 'llama-2', `meta/llama-2-7b-chat:${'0'.repeat(64)}`)).toBe(
      'replicate.llama-2-2023',
    );
  });
});

describe('what a wire takes', () => {
  const wires = [...TRAITS.keys()];
  const taking = (parameter: Parameter) => wires.filter((wire) => traitsCalled(wire).takes.has(parameter));

  it('is a limit, a temperature and top-p everywhere', () => {
    for (const parameter of ['maxTokens', 'temperature', 'topP'] as const) expect(taking(parameter)).toEqual(wires);
  });

  it('is n at Together and OpenAI-compatible servers alone: elsewhere samples are requests', () => {
    expect(taking('n')).toEqual(['together.chat', 'together.completions', 'openai.chat', 'openai.completions']);
  });

  it('is never stop on Replicate, whose one string with commas cannot carry a comma, nor for Llama on Invoke', () => {
    expect(taking('stop').filter((wire) => wire.startsWith('replicate.'))).toEqual([]);
    expect(traitsCalled('bedrock.invoke-llama').takes.has('stop')).toBe(false);
  });

  it.each(['seed', 'logprobs', 'logitBias', 'frequencyPenalty', 'presencePenalty', 'user', 'minP'] as const)(
    'is never %s on Bedrock',
    (parameter) => expect(taking(parameter).filter((wire) => wire.startsWith('bedrock.'))).toEqual([]),
  );

  it('is tools with a choice on Converse, but only auto for Llama', () => {
    expect(traitsCalled('bedrock.converse').takes.has('toolChoice')).toBe(true);
    expect(traitsCalled('bedrock.converse-llama').takes.has('tools')).toBe(true);
    expect(traitsCalled('bedrock.converse-llama').takes.has('toolChoice')).toBe(false);
  });

  it('is tools, images and a response format on no completion API', () => {
    const completions = wires.filter((wire) => /completions|invoke|replicate/.test(wire));
    for (const parameter of ['tools', 'toolChoice', 'images', 'responseFormat'] as const) {
      expect(taking(parameter).filter((wire) => completions.includes(wire))).toEqual([]);
    }
  });
});
