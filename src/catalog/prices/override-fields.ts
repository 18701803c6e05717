import { type JsonObject, type NanoDollars, parseDollars } from '../../core/index.ts';
import { REPLICATE_HARDWARE } from './bundled.ts';
import type { Rate } from './types.ts';

/** Says what is wrong with a value: where it is, as a JSON path, and what ought to be there. Never the value that is. */
export type Report = (path: string, wrong: string) => void;

/** The fields of an entry, by what it is billed by. */
const BILLING = {
  token: ['input_per_mtok', 'output_per_mtok', 'cache_read_per_mtok', 'cache_write_per_mtok'],
  second: ['usd_per_second', 'hardware', 'tokens_per_second'],
  hour: ['usd_per_hour', 'tokens_per_second'],
} as const satisfies Record<Rate['kind'], readonly string[]>;
const COMMON = ['valid_from', 'valid_to', 'source', 'force'];

export const fieldsOf = (kind: Rate['kind']): readonly string[] => [...BILLING[kind], ...COMMON];

/** By what an entry is billed, told by the first field that only one kind has. */
export function kindOf(entry: JsonObject): Rate['kind'] | undefined {
  if ('usd_per_hour' in entry) return 'hour';
  if ('usd_per_second' in entry || 'hardware' in entry) return 'second';
  return BILLING.token.some((name) => name in entry) ? 'token' : undefined;
}

function amount(value: unknown, path: string, report: Report): NanoDollars | undefined {
  try {
    if (typeof value === 'string') return parseDollars(value);
  } catch {
    // Reported below, with every other value that is no amount.
  }
  report(path, 'must be dollars as a decimal string, not negative, with at most 9 decimals, like "0.66"');
  return undefined;
}

/** An amount that may be left out. */
const optional = (entry: JsonObject, name: string, path: string, report: Report): NanoDollars | undefined =>
  entry[name] === undefined ? undefined : amount(entry[name], `${path}.${name}`, report);

function speed({ tokens_per_second: value }: JsonObject, path: string, report: Report): { tokensPerSecond?: number } {
  if (value === undefined) return {};
  if (typeof value === 'number' && value >= 0.001 && value <= 1e9) return { tokensPerSecond: value };
  report(`${path}.tokens_per_second`, 'must be a number, 0.001 or above');
  return {};
}

function bySecond(entry: JsonObject, path: string, report: Report): Rate | undefined {
  const { hardware, usd_per_second: price } = entry;
  const listed = REPLICATE_HARDWARE.perSecond;
  const known = typeof hardware === 'string' && Object.hasOwn(listed, hardware) ? listed[hardware] : undefined;
  if (hardware !== undefined && known === undefined) {
    report(`${path}.hardware`, `must be one of ${Object.keys(listed).join(', ')}`);
    return undefined;
  }
  const perSecond =
    price === undefined && known !== undefined ? parseDollars(known) : amount(price, `${path}.usd_per_second`, report);
  if (perSecond === undefined) return undefined;
  return {
    kind: 'second',
    perSecond,
    ...(typeof hardware === 'string' ? { hardware } : {}),
    ...speed(entry, path, report),
  };
}

/** The rate of an entry of a kind, undefined where its amounts are none. */
export function readRate(kind: Rate['kind'], entry: JsonObject, path: string, report: Report): Rate | undefined {
  switch (kind) {
    case 'second':
      return bySecond(entry, path, report);
    case 'hour': {
      const perHour = amount(entry.usd_per_hour, `${path}.usd_per_hour`, report);
      return perHour === undefined ? undefined : { kind, perHour, ...speed(entry, path, report) };
    }
    case 'token': {
      const input = amount(entry.input_per_mtok, `${path}.input_per_mtok`, report);
      const output = amount(entry.output_per_mtok, `${path}.output_per_mtok`, report);
      const cacheRead = optional(entry, 'cache_read_per_mtok', path, report);
      const cacheWrite = optional(entry, 'cache_write_per_mtok', path, report);
      if (input === undefined || output === undefined) return undefined;
      return {
        kind,
        input,
        output,
        ...(cacheRead === undefined ? {} : { cacheRead }),
        ...(cacheWrite === undefined ? {} : { cacheWrite }),
      };
    }
  }
}

const isDay = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));

/** From and to which day an entry holds. */
export function readDays(entry: JsonObject, path: string, report: Report): { validFrom?: string; validTo?: string } {
  const { valid_from: from, valid_to: to } = entry;
  for (const [name, value] of Object.entries({ valid_from: from, valid_to: to })) {
    if (value !== undefined && !isDay(value)) report(`${path}.${name}`, 'must be a day, like "2026-11-22"');
  }
  if (isDay(from) && isDay(to) && to < from) report(`${path}.valid_to`, 'must not be before valid_from');
  return { ...(isDay(from) ? { validFrom: from } : {}), ...(isDay(to) ? { validTo: to } : {}) };
}
