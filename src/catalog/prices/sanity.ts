import { formatDollars, type NanoDollars, parseDollars } from '../../core/index.ts';
import { amountsOf, type Rate } from './types.ts';

/** Finds prices that are probably mistakes: a wrong unit, a missing digit, two amounts exchanged. */

/** Where there is no list price to compare with: a tenth of the lowest known price to ten times the highest. */
const PLAUSIBLE: Readonly<Record<Rate['kind'], readonly [from: string, to: string, unit: string]>> = {
  token: ['0.001', '150', 'dollars for a million tokens'],
  second: ['0.00001', '0.15', 'dollars for a second'],
  // From a CPU at Anyscale to some dozens of GPUs.
  hour: ['0.005', '1000', 'dollars for an hour'],
};

/** A wrong unit is off by ten times or more; no real change of a price was. */
const FACTOR = 10n;

const FORCE = 'If it is right, say "force": true.';

/** How one amount compares with another, in words. */
function times(amount: NanoDollars, listed: NanoDollars): string {
  if (amount === 0n) return 'zero, against';
  return amount > listed ? `${amount / listed} times` : `1/${listed / amount} of`;
}

function againstList(rate: Rate, listed: Rate): string[] {
  const known = amountsOf(listed);
  return Object.entries(amountsOf(rate)).flatMap(([name, amount]) => {
    const before = known[name];
    if (before === undefined || (amount < before * FACTOR && amount * FACTOR > before)) return [];
    const factor = times(amount, before);
    return [
      `${name} is ${factor} the list price of ${formatDollars(before)}; it is in ${PLAUSIBLE[rate.kind][2]}. ${FORCE}`,
    ];
  });
}

function againstAll(rate: Rate): string[] {
  const [from, to, unit] = PLAUSIBLE[rate.kind];
  return Object.entries(amountsOf(rate)).flatMap(([name, amount]) =>
    amount === 0n || (amount >= parseDollars(from) && amount <= parseDollars(to))
      ? []
      : [`${name} is not between ${from} and ${to}, as every price known is; it is in ${unit}. ${FORCE}`],
  );
}

/** Combinations that were always mistakes: a digit of the output is missing, two prices are exchanged. */
function oddShape(rate: Rate): string[] {
  if (rate.kind !== 'token') return [];
  const odd: string[] = [];
  if (rate.output * 2n < rate.input) odd.push(`output_per_mtok is less than half of input_per_mtok. ${FORCE}`);
  if (rate.cacheRead !== undefined && rate.cacheRead > rate.input) {
    odd.push(`cache_read_per_mtok is above input_per_mtok. ${FORCE}`);
  }
  if (rate.cacheWrite !== undefined && rate.cacheWrite >= rate.input * FACTOR && rate.cacheWrite > 0n) {
    odd.push(`cache_write_per_mtok is ten times input_per_mtok or more. ${FORCE}`);
  }
  return odd;
}

/**
 * Why a price is probably a mistake; none where it looks right. Negative amounts are refused before.
 *
 * @param listed the newest bundled price of the offer
 * @param sourced the entry says where the price is from; a zero without a source is a mistake
 * @param force the operator confirms the price; a zero still needs its source
 */
export function implausible(rate: Rate, listed: Rate | undefined, sourced: boolean, force: boolean): string[] {
  const zeros = sourced
    ? []
    : Object.entries(amountsOf(rate)).flatMap(([name, amount]) =>
        amount === 0n ? [`${name} is zero and nothing says why: add "source", with who gives it away.`] : [],
      );
  if (force) return zeros;
  const compared = listed?.kind === rate.kind ? againstList(rate, listed) : againstAll(rate);
  return [...zeros, ...compared, ...oddShape(rate)];
}
