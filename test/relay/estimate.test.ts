import { describe, expect, it } from 'vitest';
import type { Event, Usage } from '../../src/core/index.ts';
import { type Plan, planFor } from '../../src/offers/index.ts';
import { applyStop, tally } from '../../src/relay/stream-guards.ts';
import { chat } from '../offers/support.ts';
import { offer } from './support.ts';

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
