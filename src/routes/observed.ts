import type { Observed } from '../offers/index.ts';

export const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** How fast an offer has been, as callers read it. */
export const observedRow = (observed: Observed | undefined) => ({
  ttft_ms: observed?.ttftMs === undefined ? null : Math.round(observed.ttftMs),
  tokens_per_second: observed?.tokensPerSecond === undefined ? null : rounded(observed.tokensPerSecond, 1),
  samples: observed?.samples ?? 0,
});
