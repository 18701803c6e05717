import {
  formatDollars,
  isObject,
  type JsonObject,
  memberPath,
  type NanoDollars,
  parseDollars,
} from '../../core/index.ts';
import { listedFor, REPLICATE_HARDWARE } from './book.ts';
import { ALWAYS, amountsOf, type PriceRow, type Rate } from './price.ts';

/**
 * Prices that the operator sets in `CHASQUI_PRICES` or through the admin API: parsed, checked for probable mistakes (a
 * wrong unit, a missing digit, two amounts exchanged), and turned into rows of the book.
 */

/** A price that the operator sets: for a contract, a discount, hardware, or an offer without a list price. */
export interface PriceOverride {
  readonly provider: string;
  readonly offer: string;
  readonly price: Rate;
  readonly validFrom?: string;
  readonly validTo?: string;
  readonly detail?: string;
}

/** What prices can be set for. */
export interface PriceableOffers {
  readonly providers: readonly string[];
  /** The keys of a provider's offers that a name may mean: none, one, or several to choose from. */
  find(provider: string, name: string): readonly string[];
}

/** How strictly to read. */
export interface OverrideRules {
  readonly known: PriceableOffers;
  /** False for prices that were accepted before: they stay accepted when the lists change. */
  readonly judge: boolean;
  /** The source of entries that name none. */
  readonly source?: string;
  /** Accept implausible prices, unless an entry says otherwise. */
  readonly force?: boolean;
}

/** Reports a mistake: where, as a JSON path, and what is expected there. Never the value itself. */
type Report = (path: string, wrong: string) => void;

/** The fields of an entry, by kind of price. */
const BILLING = {
  token: ['input_per_mtok', 'output_per_mtok', 'cache_read_per_mtok', 'cache_write_per_mtok'],
  second: ['usd_per_second', 'hardware', 'tokens_per_second'],
  hour: ['usd_per_hour', 'tokens_per_second'],
} as const satisfies Record<Rate['kind'], readonly string[]>;
const COMMON = ['valid_from', 'valid_to', 'source', 'force'];

const fieldsOf = (kind: Rate['kind']): readonly string[] => [...BILLING[kind], ...COMMON];

/** The kind of an entry's price, by the first field that only one kind has. */
function kindOf(entry: JsonObject): Rate['kind'] | undefined {
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

/** An optional amount. */
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

/** The rate of an entry, undefined if its amounts are wrong. */
function readRate(kind: Rate['kind'], entry: JsonObject, path: string, report: Report): Rate | undefined {
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

/** The first and the last day of an entry. */
function readDays(entry: JsonObject, path: string, report: Report): { validFrom?: string; validTo?: string } {
  const { valid_from: from, valid_to: to } = entry;
  for (const [name, value] of Object.entries({ valid_from: from, valid_to: to })) {
    if (value !== undefined && !isDay(value)) report(`${path}.${name}`, 'must be a day, like "2026-11-22"');
  }
  if (isDay(from) && isDay(to) && to < from) report(`${path}.valid_to`, 'must not be before valid_from');
  return { ...(isDay(from) ? { validFrom: from } : {}), ...(isDay(to) ? { validTo: to } : {}) };
}

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
function implausible(rate: Rate, listed: Rate | undefined, sourced: boolean, force: boolean): string[] {
  const zeros = sourced
    ? []
    : Object.entries(amountsOf(rate)).flatMap(([name, amount]) =>
        amount === 0n ? [`${name} is zero and nothing says why: add "source", with who gives it away.`] : [],
      );
  if (force) return zeros;
  const compared = listed?.kind === rate.kind ? againstList(rate, listed) : againstAll(rate);
  return [...zeros, ...compared, ...oddShape(rate)];
}

function readEntry(
  provider: string,
  offer: string,
  entry: unknown,
  path: string,
  { judge, source: common, force: always = false }: OverrideRules,
  report: Report,
): PriceOverride[] {
  const kind = isObject(entry) ? kindOf(entry) : undefined;
  if (!isObject(entry) || kind === undefined) {
    report(
      path,
      'must be an object with input_per_mtok and output_per_mtok, usd_per_second, hardware, or usd_per_hour',
    );
    return [];
  }
  const fields = fieldsOf(kind);
  for (const key of Object.keys(entry)) {
    if (!fields.includes(key))
      report(memberPath(path, key), `is not known; beside ${kind} prices there can be ${fields.join(', ')}`);
  }
  const { source = common, force = always } = entry;
  const sourced = typeof source === 'string' && source.trim() !== '';
  if (source !== undefined && !sourced) report(`${path}.source`, 'must be a text');
  if (typeof force !== 'boolean') report(`${path}.force`, 'must be true or false');
  const days = readDays(entry, path, report);
  const price = readRate(kind, entry, path, report);
  if (!price) return [];
  if (judge) {
    const listed = listedFor(provider, offer)?.price;
    for (const reason of implausible(price, listed, sourced, force === true)) report(path, `: ${reason}`);
  }
  return [{ provider, offer, price, ...days, ...(sourced ? { detail: source.slice(0, 500) } : {}) }];
}

/**
 * Reads prices as the operator writes them: `{provider: {model: {input_per_mtok, output_per_mtok}}}`. Every mistake is
 * a whole sentence that names the place. If there are any, nothing should be used.
 *
 * @param path where `value` comes from: `CHASQUI_PRICES`
 */
export function readOverrides(
  value: unknown,
  path: string,
  rules: OverrideRules,
): { readonly overrides: readonly PriceOverride[]; readonly mistakes: readonly string[] } {
  const mistakes: string[] = [];
  const report: Report = (place, wrong) => {
    mistakes.push(`${place}${wrong.startsWith(':') ? '' : ' '}${wrong}${wrong.endsWith('.') ? '' : '.'}`);
  };
  if (!isObject(value)) {
    report(
      path,
      'must be an object, like {"together": {"openai/gpt-oss-120b": {"input_per_mtok": "0.15", "output_per_mtok": "0.6"}}}',
    );
    return { overrides: [], mistakes };
  }
  const overrides: PriceOverride[] = [];
  const seen = new Map<string, string>();
  for (const [provider, entries] of Object.entries(value)) {
    const at = memberPath(path, provider);
    if (!rules.known.providers.includes(provider)) {
      report(at, `is no provider here; there are ${rules.known.providers.join(', ')}`);
      continue;
    }
    if (!isObject(entries)) {
      report(at, 'must be an object of models');
      continue;
    }
    for (const [name, entry] of Object.entries(entries)) {
      const place = memberPath(at, name);
      const [offer, ...others] = rules.known.find(provider, name);
      if (offer === undefined)
        report(place, `is no model of ${provider} that is known here; GET /v1/models lists them`);
      else if (others.length > 0) report(place, `can be any of ${[offer, ...others].join(', ')}; name one`);
      else {
        const before = seen.get(`${provider} ${offer}`);
        if (before !== undefined) report(place, `is priced already, as ${before}`);
        seen.set(`${provider} ${offer}`, place);
        overrides.push(...readEntry(provider, offer, entry, place, rules, report));
      }
    }
  }
  return { overrides, mistakes };
}

/** Overrides as a layer of the book. They are for every region and the Standard tier. */
export const overrideRows = (
  overrides: readonly PriceOverride[],
  {
    layer,
    version,
    from = ALWAYS,
    checkedAt,
  }: { layer: 'admin' | 'configuration'; version?: number; from?: string; checkedAt: string },
): PriceRow[] =>
  overrides.map(({ provider, offer, price, validFrom = from, validTo, detail }) => ({
    id: `${provider}/${offer}@${layer}${version === undefined ? '' : `.${version}`}`,
    layer,
    provider,
    offer,
    tier: 'standard',
    region: '*',
    validFrom,
    ...(validTo === undefined ? {} : { validTo }),
    source: layer,
    ...(detail === undefined ? {} : { detail }),
    checkedAt,
    price,
  }));
