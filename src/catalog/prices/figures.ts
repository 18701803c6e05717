import { formatDollars, type NanoDollars } from '../../core/index.ts';
import type { Rate } from './types.ts';

/** A rate's amounts by their names in JSON, where each is a decimal string of dollars. */
export function figuresOf(rate: Rate): Readonly<Record<string, NanoDollars>> {
  switch (rate.kind) {
    case 'token':
      return {
        input_per_mtok: rate.input,
        output_per_mtok: rate.output,
        ...(rate.cacheRead === undefined ? {} : { cache_read_per_mtok: rate.cacheRead }),
        ...(rate.cacheWrite === undefined ? {} : { cache_write_per_mtok: rate.cacheWrite }),
      };
    case 'second':
      return { usd_per_second: rate.perSecond };
    case 'hour':
      return { usd_per_hour: rate.perHour };
  }
}

/** A rate as JSON: its amounts, and what divides time into tokens. */
export function rateJson(rate: Rate): Readonly<Record<string, string | number>> {
  const amounts = Object.entries(figuresOf(rate)).map(([name, amount]) => [name, formatDollars(amount)]);
  return {
    ...Object.fromEntries(amounts),
    ...(rate.kind === 'second' && rate.hardware !== undefined ? { hardware: rate.hardware } : {}),
    ...(rate.kind !== 'token' && rate.tokensPerSecond !== undefined ? { tokens_per_second: rate.tokensPerSecond } : {}),
  };
}
