/**
 * The parameters that reports share. Each is checked; a mistake is a 400, or a 403 for what belongs to others, that
 * names its parameter.
 */
import type { Context } from 'hono';
import { ACCOUNT_NAME, type Caller, type Hours } from '../accounts/index.ts';
import { GatewayError } from '../core/index.ts';

export const badParameter = (param: string, message: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${message}`, { param });

const LONGEST = 256;

/** The parameters of a request, each at most once. Throws for one that the route does not take. */
export function parametersOf(c: Context, known: readonly string[]): Readonly<Record<string, string>> {
  const read: Record<string, string> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    const shown = name.slice(0, 100);
    if (!known.includes(name)) throw badParameter(shown, `is not known here; known are ${known.join(', ')}.`);
    const [value = '', ...more] = values;
    if (more.length > 0) throw badParameter(name, 'is there twice. Say it once, with commas between several values.');
    if (value === '') throw badParameter(name, 'is empty. Give it a value, or leave it out.');
    if (name !== 'after' && value.length > LONGEST) throw badParameter(name, `is longer than ${LONGEST} characters.`);
    read[name] = value;
  }
  return read;
}

/** A list with commas in it, without repeats. */
export const listOf = (value: string): readonly string[] => [...new Set(value.split(',').map((one) => one.trim()))];

/** Whose rows the caller means: an admin's are all, unless it names an account; a key's are its own. */
export function scopeOf(
  { account, key, admin }: Caller,
  read: Readonly<Record<string, string>>,
): { readonly account?: string; readonly key?: string } {
  if (admin) {
    if (read.account !== undefined && !ACCOUNT_NAME.test(read.account)) {
      throw badParameter('account', 'is no name of an account: letters, digits and . _ - (63 at most).');
    }
    return {
      ...(read.account === undefined ? {} : { account: read.account }),
      ...(read.key === undefined ? {} : { key: read.key }),
    };
  }
  for (const [param, own] of [
    ['account', account],
    ['key', key],
  ] as const) {
    if (read[param] !== undefined && read[param] !== own) {
      throw new GatewayError('permission_denied', `${param}: a key sees only its own calls. Leave ${param} out.`, {
        param,
      });
    }
  }
  return { account, key };
}

/** How many lines a page has. */
export function limitOf(value: string | undefined, usual: number, most: number): number {
  if (value === undefined) return usual;
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw badParameter('limit', `must be a whole number from 1 to ${most}.`);
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^(\d{4}-\d\d-\d\d)[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)$/;
/** Nothing of this gateway is older, and nobody asks for later. */
const YEARS = { from: Date.UTC(2020, 0), to: Date.UTC(2100, 0) };

/** A day that the calendar has; `Date.parse` takes February 30 for March 2. */
const isDay = (text: string): boolean => {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
};

const HOW = 'must be a day of UTC such as 2026-11-28, or a time such as 2026-11-28T07:00:00Z.';

/** A moment in milliseconds since the epoch. A day stands for its beginning, or for its end where it is the last. */
function momentOf(param: string, value: string, last: boolean): number {
  // A `+` in a query is a space unless it is encoded.
  const text = value.replace(/ (?=\d\d:\d\d$)/, '+');
  const day = DAY.test(text) ? text : MOMENT.exec(text)?.[1];
  const ms = day !== undefined && isDay(day) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(ms)) throw badParameter(param, HOW);
  if (ms < YEARS.from || ms >= YEARS.to) throw badParameter(param, 'must be between 2020-01-01 and 2099-12-31.');
  return DAY.test(text) && last ? ms + DAY_MS : ms;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * `from` and `to`. `to` as a day belongs to the span, as a time it does not.
 *
 * @param unit sums are kept by it, so the span must begin and end with one
 * @param usual the span's length in days where `from` is not said; `to` is the end of today unless it is
 */
export function spanOf(
  { from, to }: Readonly<Record<string, string>>,
  now: number,
  unit: 'day' | 'hour' | 'any',
  usual: number,
): Span {
  const size = unit === 'day' ? DAY_MS : unit === 'hour' ? HOUR_MS : 1;
  const end = to === undefined ? (Math.floor(now / DAY_MS) + 1) * DAY_MS : momentOf('to', to, true);
  const start =
    from === undefined ? Math.floor((end - 1) / DAY_MS) * DAY_MS - (usual - 1) * DAY_MS : momentOf('from', from, false);
  for (const [param, ms] of [
    ['from', start],
    ['to', end],
  ] as const) {
    if (ms % size === 0) continue;
    const near = new Date(Math.floor(ms / size) * size).toISOString();
    const shown = unit === 'day' ? near.slice(0, 10) : near.replace('.000', '');
    throw badParameter(
      param,
      `sums are kept by the ${unit} (UTC), so it must be a whole ${unit}: ${shown}, for example.`,
    );
  }
  if (start >= end) throw badParameter(from === undefined ? 'to' : 'from', 'from must be before to.');
  return { from: start, to: end };
}

export const hoursOf = ({ from, to }: Span): Hours => ({ from: from / HOUR_MS, to: to / HOUR_MS });

export const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
export const hourText = (hour: number): string => rfc3339(hour * HOUR_MS);
export const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

type CursorValue = string | number;

/** Where the next page begins. `of` is what the cursor is for; another report does not take it. */
export const cursorText = (of: string, values: readonly CursorValue[]): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify([of, ...values]))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** @param types of the values, by `typeof` */
export function cursorFrom(
  text: string | undefined,
  of: string,
  types: readonly ('string' | 'number')[],
): readonly CursorValue[] | undefined {
  if (text === undefined) return undefined;
  const [name, ...values] = cursorParts(text);
  const fits =
    name === of &&
    values.length === types.length &&
    values.every(
      (value, at) => typeof value === types[at] && (typeof value !== 'number' || Number.isSafeInteger(value)),
    );
  if (fits) return values as readonly CursorValue[];
  throw badParameter('after', 'is no cursor of this report. Take it from `next` of the page before, as it is.');
}

const LONGEST_CURSOR = 4096;

function cursorParts(text: string): readonly unknown[] {
  if (text.length > LONGEST_CURSOR) return [];
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0));
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return Array.isArray(read) ? read : [];
  } catch {
    // Neither base64, nor UTF-8, nor JSON: somebody made it up, and the caller says so.
    return [];
  }
}
