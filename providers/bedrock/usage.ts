import type { Event } from '../../src/core/index.ts';

export interface Counts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}

const isCount = (value: number | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const orNone = (value: number | undefined): number => (isCount(value) ? value : 0);

/**
 * Bedrock counts cached tokens beside `inputTokens`, so that the buckets are disjoint as they come; it does not tell
 * reasoning from other output. Zeros are told as zeros (a guardrail that let nothing in or out); a missing figure is
 * unknown, and then there is no usage.
 */
export function usageEvent({ input, output, cacheRead, cacheWrite }: Counts): Event | undefined {
  if (!isCount(input) || !isCount(output)) return undefined;
  return {
    type: 'usage',
    usage: {
      input,
      cacheRead: orNone(cacheRead),
      cacheWrite: orNone(cacheWrite),
      output,
      reasoning: 0,
      source: 'provider',
      ...(isCount(cacheRead) ? { cacheTold: true } : {}),
    },
  };
}
