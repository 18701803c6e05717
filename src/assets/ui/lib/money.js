/**
 * Money, exactly: the API's decimal strings of dollars as BigInt of nano-dollars. Floats are for the lengths of bars.
 *
 * @example
 * sumMoney(rows.map(({ cost }) => cost)) // 1234500n; '0.0012345' and so on
 * html`<${Money} value="0.0000216" />`    // $0.0000216
 */
import { html } from './html.js';

const DIGITS = 9;
const DOLLAR = 10n ** BigInt(DIGITS);
const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,9})0*)?$/;

/** Nano-dollars of a decimal string. Null for null, undefined, and what is not an amount. */
export function parseMoney(text) {
  if (typeof text === 'bigint') return text;
  const [, sign, whole, part = ''] = AMOUNT.exec(text ?? '') ?? [];
  if (whole === undefined) return null;
  const nano = BigInt(whole) * DOLLAR + BigInt(part.padEnd(DIGITS, '0'));
  return sign === '-' ? -nano : nano;
}

/** The sum of amounts; null if one of them is not known. */
export function sumMoney(amounts) {
  let sum = 0n;
  for (const amount of amounts) {
    const nano = parseMoney(amount);
    if (nano === null) return null;
    sum += nano;
  }
  return sum;
}

/** The largest of amounts in nano-dollars, and at least one: bars are divided by it. */
export function largest(amounts) {
  let most = 1n;
  for (const amount of amounts) if (amount > most) most = amount;
  return most;
}

const grouped = (whole) => whole.toString().replace(/\B(?=(\d{3})+$)/g, ',');

function written(nano, digits) {
  const size = nano < 0n ? -nano : nano;
  const part = (size % DOLLAR).toString().padStart(DIGITS, '0').slice(0, digits).replace(/0+$/, '').padEnd(2, '0');
  return `${nano < 0n ? '−' : ''}$${grouped(size / DOLLAR)}.${part}`;
}

/** Every digit: `$0.0000216`. */
export const exactMoney = (amount) => {
  const nano = parseMoney(amount);
  return nano === null ? 'unknown' : written(nano, DIGITS);
};

/** Rounded to two digits of cents from $1 on, below that to three significant digits. */
export function shortMoney(amount) {
  const nano = parseMoney(amount);
  if (nano === null) return 'unknown';
  const size = nano < 0n ? -nano : nano;
  const drop = size >= DOLLAR ? DIGITS - 2 : Math.max(0, size.toString().length - 3);
  const unit = 10n ** BigInt(drop);
  const rounded = ((size + unit / 2n) / unit) * unit;
  return written(nano < 0n ? -rounded : rounded, DIGITS);
}

/** Part of whole, from 0 to 1, for drawing. */
export const ratio = (part, whole) => {
  const [a, b] = [parseMoney(part), parseMoney(whole)];
  return a === null || b === null || b <= 0n ? 0 : Math.max(0, Math.min(1, Number((a * 1_000_000n) / b) / 1_000_000));
};

/** An amount: short, with all its digits on hover. `upper`: it is the most it can be, not what it is. */
export function Money({ value, upper = false, exact = false }) {
  const nano = parseMoney(value);
  if (nano === null) return html`<span class="unknown">unknown</span>`;
  return html`<span class="money" title=${exactMoney(nano)}>${upper ? '≤ ' : ''}${exact ? exactMoney(nano) : shortMoney(nano)}</span>`;
}
