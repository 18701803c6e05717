import { type Event, type Family, isObject } from '../../src/core/index.ts';

/**
 * What Converse and InvokeModel have in common: model families, the range of a temperature, and how token usage is
 * reported.
 */

/** Meta's models: `llama-2`, `llama-3.3`, `code-llama`. */
export const isLlama = (family: Family): boolean => /^(?:code-?)?llama/.test(family);

/** Mistral AI's: `mistral`, `mistral-3`, `mixtral`. */
export const isMistral = (family: Family): boolean => /^mi[sx]tral/.test(family);

/** OpenAI's temperatures go up to 2; Bedrock's end at 1, and it refuses a request beyond that. */
export const clampTemperature = (temperature: number): number => Math.min(temperature, 1);

/** A text in JSON from outside; empty where there is none. */
export function textIn(value: unknown, name: string): string {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : '';
}

/** A number in JSON from outside. */
export function countIn(value: unknown, name: string): number | undefined {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'number' ? member : undefined;
}

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
