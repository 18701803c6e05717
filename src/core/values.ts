/**
 * What every room needs: unchecked JSON and settings, the order of names, money, waiting with an abort signal, days.
 */
import { abortReason, type GatewayError } from './errors.ts';

/** A JSON object whose members nobody has checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object: not an array, not null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The path of a member. A key that is not a plain name is quoted and cut. */
export const memberPath = (path: string, key: string): string =>
  /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 80))}]`;

/**
 * Orders by code units, the same on every machine. `localeCompare` does not, and loads a collation at its first use:
 * 14 ms of a cold start.
 */
export const byCodeUnits = (a: string, b: string): number => Number(a > b) - Number(a < b);

/** A variable's text without spaces around it; empty where it is not set. */
export const settingText = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** One word of printable ASCII, which can go into a header. */
export const isOneWord = (value: string): boolean => /^[!-~]+$/.test(value);

/** An http or https URL, parsed; undefined if the value is anything else. */
export function httpUrl(value: unknown): URL | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** Nothing but host, port and path: no credentials, query or fragment. */
export const isPlainUrl = (url: URL): boolean => !url.username && !url.password && !url.search && !url.hash;

/** A configured base URL without slashes at its end. Undefined if it is not a plain http or https URL. */
export function plainBaseUrl(value: unknown): string | undefined {
  const url = httpUrl(value);
  return url && isPlainUrl(url) ? url.href.replace(/\/+$/, '') : undefined;
}

/** The base URL ends in a version, such as `/v1`. */
export const endsInVersion = (url: string): boolean => /\/v\d+\/?$/.test(url);

/** A value that is made when it is first asked for, and only once. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

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

/** Calls back once after so many milliseconds, unless cancelled by the function it returns. */
export type After = (ms: number, callback: () => void) => () => void;

const afterTimeout: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/** Resolves after `ms`, or rejects with the abort's reason. `after` is the timer, which tests replace. */
export function sleep(ms: number, signal: AbortSignal, after: After = afterTimeout): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortReason(signal));
    const onAbort = () => {
      cancel();
      reject(abortReason(signal));
    };
    const cancel = after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Runs `work` under a signal of its own, which aborts with `signal`, or with the error `late` makes when `ms` are
 * over. Leaves no timer behind.
 */
export async function withTimeout<T>(
  ms: number,
  signal: AbortSignal,
  late: () => GatewayError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController();
  const timer = setTimeout(() => limited.abort(late()), ms);
  const onAbort = () => limited.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(limited.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The outcome of work, or a rejection as soon as the signal aborts, even if the work does not listen to the signal.
 */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (thrown: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(thrown);
      },
    );
  });
}

const DAY_MS = 86_400_000;

let known = { number: Number.NaN, text: '' };

/** The UTC day of a moment, as `2026-11-27`. Prices and retirements go by it. Formatted once for each day. */
export function dayOf(ms: number): string {
  const number = Math.floor(ms / DAY_MS);
  if (number !== known.number) known = { number, text: new Date(ms).toISOString().slice(0, 10) };
  return known.text;
}
