import type { Bill, Correction } from './health.ts';
import type { PromptSize } from './types.ts';

/** The newest bills that are kept of an offer. */
export const BILLS_KEPT = 16;
/** Fewer say too little: a first answer may be a cached or a cut one. */
const LEAST_BILLS = 3;
/** No vocabulary that is known makes half or twice as many tokens of a usual text as another one does. */
const SCALE = { least: 0.5, most: 2 } as const;
/** No template that is known says more by itself. */
const EXTRA_MOST = 4096;
/** How much a bill weighs less than the belief that the estimate is right. */
const DOUBT = 0.02;
/** Nobody knows an estimate better than that. */
const LEAST_ERROR = 0.05;
/** The next prompt may be further off than any before. */
const MARGIN = 1.5;

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const predicted = ({ scale, extra }: Pick<Correction, 'scale' | 'extra'>, counted: number, prompts = 1): number =>
  scale * counted + extra * prompts;

/**
 * The line through the bills, each off by as little of itself as can be: least squares of `billed / counted`, which is
 * `scale + extra / counted`, drawn a little to no correction at all.
 */
function fitted(bills: readonly Bill[]): Pick<Correction, 'scale' | 'extra'> {
  const inverse = bills.map(({ counted }) => 1 / counted);
  const ratio = bills.map(({ billed, counted }) => billed / counted);
  const usual = sum(bills.map(({ counted }) => counted)) / bills.length;
  const [n, u, r] = [bills.length + DOUBT, sum(inverse), sum(ratio) + DOUBT];
  const uu = sum(inverse.map((value) => value * value)) + DOUBT / usual ** 2;
  const ur = sum(inverse.map((value, at) => value * (ratio[at] ?? 0)));
  const free = (n * ur - u * r) / (n * uu - u * u);
  const scale = within((r - Math.max(0, free) * u) / n, SCALE.least, SCALE.most);
  return { scale, extra: within((ur - scale * u) / uu, 0, EXTRA_MOST) };
}

/** What bills of one offer teach; undefined while they are too few. */
export function correctionFrom(bills: readonly Bill[]): Correction | undefined {
  if (bills.length < LEAST_BILLS) return undefined;
  const line = fitted(bills);
  const counts = bills.map(({ counted }) => counted);
  const off = bills.map(({ counted, billed }) => Math.abs(billed / predicted(line, counted) - 1));
  return {
    ...line,
    from: Math.min(...counts) / 2,
    to: Math.max(...counts) * 2,
    errorBound: Math.max(LEAST_ERROR, MARGIN * Math.max(...off)),
  };
}

/**
 * An estimate as the offer was seen to bill its like. It stays one, never above what is certain (`atMost`), and a prompt of
 * another size than any that was billed keeps the bound that it had.
 *
 * @param prompts that `total` is of
 */
export function asBilled(size: PromptSize, correction: Correction | undefined, prompts: number): PromptSize {
  const { total, largest, atMost = Number.POSITIVE_INFINITY, counted, errorBound = 0 } = size;
  if (correction === undefined || counted === undefined) return size;
  const { from, to } = correction;
  const known = from <= largest && largest <= to;
  return {
    ...size,
    total: Math.min(atMost, Math.round(predicted(correction, total, prompts))),
    largest: Math.min(atMost, Math.round(predicted(correction, largest))),
    errorBound: known ? correction.errorBound : Math.max(errorBound, correction.errorBound),
  };
}
