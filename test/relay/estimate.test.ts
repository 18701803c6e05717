import { describe, expect, it } from 'vitest';
import type { Event, Usage } from '../../src/core/index.ts';
import { type Candidate, type Plan, planFor } from '../../src/offers/index.ts';
import { applyStop, tally } from '../../src/relay/stream-guards.ts';
import { chat } from '../offers/support.ts';
import { answers, call, finished, offer, run, said, scripted } from './support.ts';

const text = (said: string, choice = 0): Event => ({ type: 'text', choice, text: said });
const finish = (reason: 'stop' | 'length' | 'tool_calls', choice = 0): Event => ({ type: 'finish', choice, reason });

/** A token a word. */
const planOf = (more: Parameters<typeof chat>[0] = {}): Plan => planFor(chat(more), offer('any'), 1000);

function counted(events: readonly Event[], plan = planOf()): Usage {
  const counter = tally(plan);
  counter.note(events);
  return counter.count();
}

describe('an answer whose provider counts no thoughts', () => {
  const usage = (output: number, reasoning = 0): Event => ({
    type: 'usage',
    usage: { input: 5, cacheRead: 0, cacheWrite: 0, output, reasoning, source: 'provider' },
  });
  const apart = (...batches: Event[][]): Usage | undefined => {
    const counter = tally(planOf());
    const out = batches.map((batch) => {
      counter.note(batch);
      return counter.completed(batch);
    });
    const shown = out.flat().find(({ type }) => type === 'usage');
    expect(shown?.type === 'usage' ? shown.usage : undefined).toEqual(counter.told());
    return counter.told();
  };
  const thought: Event = { type: 'reasoning', choice: 0, text: 'one two three' };

  it('has them told apart by our count, in one piece or several, and its total as it was', () => {
    expect(apart([thought, text('four'), finish('stop'), usage(9)])).toMatchObject({ output: 6, reasoning: 3 });
    expect(apart([thought], [text('four')], [finish('stop'), usage(9)])).toMatchObject({ output: 6, reasoning: 3 });
  });

  it('has the prompt of our count where its provider counted the answer alone, and passes for no bill', () => {
    const half: Event = {
      type: 'usage',
      usage: {
        input: 0,
        cacheRead: 0,
        cacheWrite: 0,
        output: 9,
        reasoning: 0,
        source: 'provider',
        promptUnknown: true,
      },
    };
    const expected = { input: planOf().promptTokens(), output: 9, reasoning: 0, source: 'counted' };
    expect(apart([text('four'), finish('stop'), half])).toMatchObject(expected);
    expect(apart([text('four'), finish('stop'), half])).not.toHaveProperty('promptUnknown');
  });

  it('never has more of them than the provider counted in all', () => {
    expect(apart([thought, finish('length'), usage(2)])).toMatchObject({ output: 0, reasoning: 2 });
  });

  it('is left alone where the provider counts them, or there are none', () => {
    expect(apart([thought, finish('stop'), usage(9, 4)])).toMatchObject({ output: 9, reasoning: 4 });
    expect(apart([text('four'), finish('stop'), usage(9)])).toMatchObject({ output: 9, reasoning: 0 });
  });
});

describe('an answer that we count', () => {
  it('costs its text and the token that ended it', () => {
    expect(counted([text('one two'), text(' three'), finish('stop')])).toEqual({
      input: 11,
      cacheRead: 0,
      cacheWrite: 0,
      output: 4,
      reasoning: 0,
      source: 'counted',
    });
  });

  it('costs whole tokens, also where one of several prompts was sent once more', () => {
    const plan = planOf({ n: 3 });
    const counter = tally({
      ...plan,
      promptTokens: () => 10,
      jobs: Array.from({ length: 3 }, () => plan.jobs[0]).flatMap((job) => job ?? []),
    });
    expect([0, 1, 2, 3].map((repeats) => counter.count(repeats).input)).toEqual([10, 14, 17, 20]);
  });

  it('costs its text alone where a limit cut it', () => {
    expect(counted([text('one two'), finish('length')])).toMatchObject({ output: 2, source: 'counted' });
  });

  it('costs one end for each choice that had one', () => {
    const events = [text('one'), text('one two', 1), finish('stop', 1), finish('length'), finish('stop', 2)];
    expect(counted(events, planOf({ n: 3 }))).toMatchObject({ output: 5, source: 'counted' });
  });

  it('costs no end where we cut it at a stop string', async () => {
    async function* upstream() {
      yield [text('one two|'), text(' three'), finish('stop')];
    }
    const counter = tally(planOf());
    for await (const batch of applyStop(upstream(), ['|'], 1)) counter.note(batch);
    expect(counter.count()).toMatchObject({ output: 2, source: 'counted' });
  });

  it('is an estimate where the provider may have taken a stop string away', () => {
    const plan = planOf({ stop: ['|'] });
    expect(counted([text('one'), finish('stop')], plan)).toMatchObject({ output: 2, source: 'estimated' });
    expect(counted([text('one'), finish('length')], plan)).toMatchObject({ output: 1, source: 'counted' });
  });

  it('is an estimate where there are thoughts or tools, whose marks we do not see', () => {
    const thought: Event = { type: 'reasoning', choice: 0, text: 'Hm hm' };
    expect(counted([thought, text('one'), finish('stop')])).toMatchObject({
      output: 2,
      reasoning: 2,
      source: 'estimated',
    });
    const tool: Event = { type: 'tool', choice: 0, index: 0, id: 'x', name: 'clock', arguments: '{}' };
    expect(counted([tool, finish('tool_calls')])).toMatchObject({ source: 'estimated' });
  });

  it('goes on where it begins with a space, which is the one that SentencePiece would put there', () => {
    const seen: unknown[] = [];
    const count = (said: string, options?: unknown): number => {
      seen.push([said, options]);
      return 1;
    };
    counted([text(' one'), text('two', 1), finish('stop')], {
      ...planOf({ n: 2 }),
      counter: { exactness: 'exact', count },
    });
    expect(seen).toEqual([
      [' one', { continued: true }],
      ['two', { continued: false }],
    ]);
  });
});

describe('a tokenizer that was not needed to send the call', () => {
  /** A token a word, once it is loaded. */
  function pending() {
    let loaded = 0;
    const words = (content: string): number => {
      if (loaded === 0) throw new Error('It is not loaded.');
      return content.split(' ').length;
    };
    const counter: Candidate['counter'] = {
      exactness: 'exact',
      count: words,
      get load() {
        return loaded > 0 ? undefined : () => Promise.resolve().then(() => void loaded++);
      },
    };
    const prompt: Candidate['prompt'] = {
      exactness: 'exact',
      uncountedBound: 20,
      get largest() {
        return words('one two');
      },
      get total() {
        return words('one two');
      },
    };
    return { offers: [offer('a', { counter, prompt })], loads: () => loaded };
  }
  const usage = { input: 5, cacheRead: 0, cacheWrite: 0, output: 3, reasoning: 0, source: 'provider' } as const;
  const usageOf = async (batches: Event[][], stream: boolean) => {
    const { offers, loads } = pending();
    const { events } = await run({ providers: [scripted('a', answers(...batches))], offers, asked: call({ stream }) });
    let last: unknown;
    for await (const batch of events) for (const event of batch) if (event.type === 'usage') last = event.usage;
    return { usage: last, loads: loads() };
  };

  it.each([true, false])('is loaded where the provider does not count (stream: %s)', async (stream) => {
    const { usage: counted, loads } = await usageOf([[said('Hello there')], [finished]], stream);
    expect(counted).toMatchObject({ input: 2, output: 3, source: 'counted' });
    expect(loads).toBe(1);
  });

  it.each([true, false])('is loaded where the provider does not count the prompt (stream: %s)', async (stream) => {
    const answer: Event = { type: 'usage', usage: { ...usage, input: 0, promptUnknown: true } };
    const { usage: counted, loads } = await usageOf([[said('Hello')], [finished, answer]], stream);
    expect(counted).toMatchObject({ input: 2, output: 3 });
    expect(loads).toBe(1);
  });

  it.each([true, false])('is not loaded where the provider counts (stream: %s)', async (stream) => {
    const { usage: counted, loads } = await usageOf([[said('Hello')], [finished, { type: 'usage', usage }]], stream);
    expect(counted).toEqual(usage);
    expect(loads).toBe(0);
  });
});
