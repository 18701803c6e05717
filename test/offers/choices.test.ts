import { beforeAll, describe, expect, it } from 'vitest';
import { bundledBook, layered } from '../../src/catalog/index.ts';
import { type Message, parseDollars, type Tool } from '../../src/core/index.ts';
import { type Candidate, planFor, receiptOf, UNSEEN } from '../../src/offers/index.ts';
import { rowOf, tokens } from '../catalog/rows.ts';
import { offer } from '../relay/support.ts';
import { chat, errorOf, loadTokenizers, offerOf, order, service, sheet, user, world } from './support.ts';

beforeAll(loadTokenizers);

/** Bedrock $0.30/$0.60, Replicate $0.05/$0.25. */
const LLAMA = { models: ['llama-3-8b-instruct'] };
const CALLS = 60;

describe('the draw of the first offer', () => {
  it('leaves out what keeps failing, however cheap it is', () => {
    const failing = world({
      services: [],
      health: { ...UNSEEN, breaker: (provider) => (provider === 'replicate' ? 'open' : 'closed') },
    });
    for (let n = 0; n < CALLS; n++) {
      const call = chat({ ...LLAMA, messages: [user(`Question ${n}`)] });
      expect(order(call, failing)[0]).toBe('bedrock');
      // One alone is no draw.
      expect(offerOf(call, 'bedrock', failing).why.join(' ')).not.toMatch(/probability/i);
    }
  });

  it('tells long calls apart by their ends, where conversations differ', () => {
    const long = 'the same system of rules for everybody, '.repeat(200);
    const firsts = Array.from({ length: CALLS }, (_, n) => {
      const [first] = order(chat({ ...LLAMA, messages: [user(`${long}${n}`)] }), world({ services: [] }));
      return first;
    });
    expect(new Set(firsts)).toEqual(new Set(['bedrock', 'replicate']));
  });
});

describe('a call that is cut to what it may cost', () => {
  it('stays within it to the nano-dollar, rounding included', () => {
    // One nano-dollar for a token of output, and nothing for the prompt.
    const nano = tokens(0n, 1_000_000n);
    const priced = rowOf(nano, { provider: 'bedrock', offer: 'meta.llama3-8b-instruct-v1:0', layer: 'configuration' });
    const cheap = world({ services: [], prices: layered(bundledBook(), [], [], [priced]) });
    const routing = { only: ['bedrock'], maxCost: parseDollars('0.0000001'), clampOutput: true };
    const { output, cost } = offerOf(chat({ ...LLAMA, routing }), 'bedrock', cheap);
    expect(cost?.max).toBeLessThanOrEqual(100n);
    expect(output.maxTokens).toBe(99);
  });
});

describe('a prompt that is only estimated', () => {
  const own = (contextLength?: number) =>
    world({
      services: [service({ model: 'my-own', ...(contextLength === undefined ? {} : { contextLength }) })],
    });
  const asked = (more: Parameters<typeof chat>[0] = {}) => chat({ models: ['my-own'], ...more });

  it('is told with its error, by which it is not refused where it may fit', () => {
    const call = asked({ messages: [user('How long is a prompt of a model that nobody knows? '.repeat(20))] });
    const { prompt } = offerOf(call, 'anyscale', own());
    expect(prompt).toMatchObject({ exactness: 'estimate', errorBound: expect.any(Number) });
    expect(prompt.errorBound).toBeGreaterThan(0);
    expect(offerOf(call, 'anyscale', own(prompt.largest)).prompt.largest).toBe(prompt.largest);
    const tooSmall = own(Math.floor(prompt.largest / 2));
    expect(errorOf(() => sheet(call, tooSmall)).code).toBe('context_length_exceeded');
  });

  it('is bounded with the tools and the calls in it', () => {
    const long = 'a word of an argument '.repeat(200);
    const most = (call: Parameters<typeof offerOf>[0]) => offerOf(call, 'anyscale', own()).prompt.atMost ?? 0;
    const plain = most(asked());
    expect(most(asked({ tools: [{ name: 'f', description: long }] })) - plain).toBeGreaterThan(long.length);
    const calls = [{ id: 'call_1', name: 'f', arguments: JSON.stringify({ long }) }];
    const answered: Message[] = [
      user('Hi'),
      { role: 'assistant', content: '', toolCalls: calls },
      { role: 'tool', content: 'ok', toolCallId: 'call_1' },
    ];
    expect(most(asked({ messages: answered })) - plain).toBeGreaterThan(long.length);
  });
});

describe('a forced named function', () => {
  const tools: Tool[] = [{ name: 'get_weather' }, { name: 'get_time' }];

  it('that the wire cannot force is named as dropped', () => {
    const call = chat({ models: ['llama-3.3-70b-instruct'], tools, toolChoice: { name: 'get_time' } });
    expect(offerOf(call, 'bedrock').drops).toContain('tool_choice');
    expect(offerOf(call, 'together').drops).not.toContain('tool_choice');
    expect(offerOf({ ...call, toolChoice: 'auto' }, 'bedrock').drops).not.toContain('tool_choice');
  });
});

describe('the stop strings of a rendered prompt', () => {
  const sends: Candidate['sends'] = { form: 'prompts', prompts: ['USER: Hi'], stop: ['USER:'] };

  it.each([true, false])('hold beside the caller’s own (by the wire: %s)', (nativeStop) => {
    const plan = planFor(chat({ stop: ['END'] }), offer('any', { api: 'completions', sends, nativeStop }), 1000);
    expect({ wire: plan.jobs[0]?.stop, ours: plan.stop }).toEqual(
      nativeStop ? { wire: ['END', 'USER:'], ours: [] } : { wire: [], ours: ['END', 'USER:'] },
    );
  });
});

describe('the receipt of a call whose earlier attempts may have been billed', () => {
  const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output: 1, reasoning: 0, source: 'provider' } as const;
  const failed = (max?: bigint) => offer('other', max === undefined ? {} : { cost: { min: 0n, expected: 0n, max } });
  const told = (...attempts: Candidate[]) => receiptOf(offer('any'), attempts, usage).failed;

  it('says how many, and at most how much they cost together', () => {
    expect(told()).toBeUndefined();
    expect(told(failed(5n), failed(7n), failed(7n))).toEqual({ count: 3, atMost: 19n });
  });

  it('says that nobody knows where one of them may have cost anything', () => {
    expect(told(failed(5n), failed())).toEqual({ count: 2, atMost: undefined });
  });
});
