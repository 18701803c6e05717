/** From the surest to the least sure. */
export type UsageSource = 'provider' | 'counted' | 'estimated';

/**
 * Tokens in disjoint buckets: their sum is the total, whatever a provider counts inside what.
 * `input` is uncached input; `reasoning` is output that was thought and not said, and is not part of `output`.
 */
export interface Usage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  /** Who counted: the provider; we, with the model's own tokenizer and template; or we, as well as we could. */
  readonly source: UsageSource;
  /** Seconds of hardware time the provider bills, where it bills time (Replicate's `predict_time`). */
  readonly seconds?: number;
  /** Whether the provider said how much of the prompt came from a cache, so that a `cacheRead` of 0 is known to be none. */
  readonly cacheTold?: true;
  /** The provider counted its answer alone. `input` is 0 until we have counted the prompt. */
  readonly promptUnknown?: true;
}

export const promptTokens = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite;
export const completionTokens = (usage: Usage): number => usage.output + usage.reasoning;

const SURENESS: readonly UsageSource[] = ['provider', 'counted', 'estimated'];

const lessSure = (a: UsageSource, b: UsageSource): UsageSource => (SURENESS.indexOf(a) > SURENESS.indexOf(b) ? a : b);

/** The sum of several upstream requests of one call: it is as sure as its least sure part. */
export function addUsage(a: Usage, b: Usage): Usage {
  const seconds = a.seconds === undefined && b.seconds === undefined ? undefined : (a.seconds ?? 0) + (b.seconds ?? 0);
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
    source: lessSure(a.source, b.source),
    ...(a.cacheTold && b.cacheTold ? { cacheTold: true } : {}),
    ...(a.promptUnknown || b.promptUnknown ? { promptUnknown: true } : {}),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

/**
 * Usage from OpenAI's figures, where cached tokens are inside the prompt's and reasoning inside the completion's.
 * A part larger than its whole (seen on odd servers) is cut to the whole, so that no bucket is negative.
 */
export function usageFromTotals(totals: {
  prompt: number;
  completion: number;
  cacheRead?: number | undefined;
  reasoning?: number | undefined;
}): Usage {
  const cacheRead = Math.min(totals.cacheRead ?? 0, totals.prompt);
  const reasoning = Math.min(totals.reasoning ?? 0, totals.completion);
  return {
    input: totals.prompt - cacheRead,
    cacheRead,
    cacheWrite: 0,
    output: totals.completion - reasoning,
    reasoning,
    source: 'provider',
    ...(totals.cacheRead === undefined ? {} : { cacheTold: true }),
  };
}
