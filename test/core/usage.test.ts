import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addUsage, completionTokens, promptTokens, type Usage, usageFromTotals } from '../../src/core/index.ts';

const tokens = fc.nat(10_000);
const maybe = fc.option(tokens, { nil: undefined });
const BUCKETS = ['input', 'cacheRead', 'cacheWrite', 'output', 'reasoning'] as const;

describe('a usage of OpenAI’s figures', () => {
  it('has no negative bucket, and the totals it was made of, whatever parts a server claims', () => {
    fc.assert(
      fc.property(tokens, tokens, maybe, maybe, (prompt, completion, cacheRead, reasoning) => {
        const usage = usageFromTotals({ prompt, completion, cacheRead, reasoning });
        for (const bucket of BUCKETS) expect(usage[bucket]).toBeGreaterThanOrEqual(0);
        expect([promptTokens(usage), completionTokens(usage)]).toEqual([prompt, completion]);
      }),
    );
  });
});

describe('a sum of usages', () => {
  const of = (source: Usage['source'], more: Partial<Usage> = {}): Usage => ({
    ...usageFromTotals({ prompt: 3, completion: 2 }),
    source,
    ...more,
  });

  it('is as sure as its least sure part', () => {
    const sure: readonly Usage['source'][] = ['provider', 'counted', 'estimated'];
    for (const [a, one] of sure.entries()) {
      for (const [b, other] of sure.entries()) {
        expect(addUsage(of(one), of(other)).source).toBe(sure[Math.max(a, b)]);
      }
    }
  });

  it('knows of a cache only where both do, and of an uncounted prompt where one has it', () => {
    const told = of('provider', { cacheTold: true });
    expect(addUsage(told, told).cacheTold).toBe(true);
    expect(addUsage(told, of('provider'))).not.toHaveProperty('cacheTold');
    expect(addUsage(told, of('provider', { promptUnknown: true })).promptUnknown).toBe(true);
  });
});
