/**
 * Money is an integer number of nano-dollars (1e-9 $) in a `bigint`, so that sums of any size are exact, and a decimal
 * string of dollars in JSON. A price is known or unknown; unknown is never zero.
 */
export type NanoDollars = bigint;

export type Price =
  | {
      readonly known: true;
      /** Nano-dollars for one million tokens. */
      readonly inputPerMtok: NanoDollars;
      readonly outputPerMtok: NanoDollars;
    }
  | { readonly known: false };

const NANO_DIGITS = 9;

/**
 * Dollars as written (`"0.72"`, `"1e-6"` is refused) to nano-dollars. Throws RangeError on anything but a plain
 * decimal.
 */
export function parseDollars(text: string): NanoDollars {
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) throw new RangeError(`not a dollar amount with at most 9 decimals: ${text.slice(0, 40)}`);
  return BigInt(`${match[1]}${(match[2] ?? '').padEnd(NANO_DIGITS, '0')}`);
}

/** Nano-dollars as a decimal string of dollars, without trailing zeros: `"0.00132"`, `"0"`. */
export function formatDollars(amount: NanoDollars): string {
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(NANO_DIGITS + 1, '0');
  const whole = digits.slice(0, -NANO_DIGITS);
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, '');
  return `${sign}${whole}${fraction ? `.${fraction}` : ''}`;
}
