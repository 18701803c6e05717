import type { NanoDollars } from '../../core/index.ts';
import { divideHalfUp, shareOf } from './cost.ts';
import type { PriceRow, Rate } from './types.ts';

/** What a call can come to, before it is made. */
export interface CostRange {
  readonly min: NanoDollars;
  readonly expected: NanoDollars;
  readonly max: NanoDollars;
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));

/** The cheapest, the usual and the dearest that a prompt's token can be: nobody knows beforehand what a cache holds. */
function promptRates({ input, cacheRead = input, cacheWrite = input }: Rate & { kind: 'token' }): CostRange {
  const [min = input, , max = input] = [input, cacheRead, cacheWrite].sort(ascending);
  return { min, expected: input, max };
}

/** Averages are welcome: what is not a whole token is counted as one. */
const whole = (tokens: number): bigint => BigInt(Math.ceil(tokens));

/**
 * The least, the expected and the most that a call costs by a rule; undefined where nobody can know (billed by time, and
 * no rate of tokens is set). `max` is a bound for tokens: what `costOf` says of a usage within the limits is never more
 * than one nano-dollar above it, which is the rounding of its parts. For time it is only as good as the operator's rate.
 *
 * @param promptTokens of all prompts together, as the offer's own tokenizer has them
 * @param maxOut the most output tokens the offer can give, over all samples; the other two are brought within it
 */
export function rangeOf(
  { price }: PriceRow,
  promptTokens: number,
  minOut: number,
  expectedOut: number,
  maxOut: number,
): CostRange | undefined {
  const low = Math.min(minOut, maxOut);
  const out = { min: low, expected: Math.max(low, Math.min(expectedOut, maxOut)), max: maxOut };
  const each = (cost: (figure: keyof CostRange) => NanoDollars): CostRange => ({
    min: cost('min'),
    expected: cost('expected'),
    max: cost('max'),
  });
  switch (price.kind) {
    case 'token': {
      const prompt = promptRates(price);
      const part = (rate: NanoDollars, tokens: number) => divideHalfUp(rate * whole(tokens), 1_000_000n);
      return each((figure) => part(prompt[figure], promptTokens) + part(price.output, out[figure]));
    }
    case 'second': {
      const { perSecond, tokensPerSecond: rate } = price;
      return rate === undefined ? undefined : each((figure) => shareOf(perSecond, 1n, out[figure], rate));
    }
    case 'hour': {
      const { perHour, tokensPerSecond: rate } = price;
      return rate === undefined ? undefined : each((figure) => shareOf(perHour, 3600n, out[figure], rate));
    }
  }
}
