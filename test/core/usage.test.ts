import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionTokens, promptTokens, usageFromTotals } from '../../src/core/index.ts';

describe('usage from totals that hold their parts', () => {
  const count = fc.nat(2 ** 31);

  it('has no bucket below zero, and adds up to the totals, whatever a server says of the parts', () => {
    const part = fc.option(count, { nil: undefined });
    fc.assert(
      fc.property(count, count, part, part, (prompt, completion, cacheRead, reasoning) => {
        const usage = usageFromTotals({ prompt, completion, cacheRead, reasoning });
        const { input, output } = usage;
        for (const tokens of [input, usage.cacheRead, usage.cacheWrite, output, usage.reasoning]) {
          expect(tokens).toBeGreaterThanOrEqual(0);
        }
        expect([promptTokens(usage), completionTokens(usage)]).toEqual([prompt, completion]);
      }),
    );
  });

  it('takes more cached tokens than the prompt has for the whole of it, and more reasoning for all of the answer', () => {
    expect(usageFromTotals({ prompt: 10, completion: 5, cacheRead: 16, reasoning: 9 })).toMatchObject({
      input: 0,
      cacheRead: 10,
      output: 0,
      reasoning: 5,
    });
  });
});
