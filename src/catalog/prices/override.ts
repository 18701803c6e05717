import { isObject, memberPath } from '../../core/index.ts';
import { absurdities } from './absurd.ts';
import { listedFor } from './bundled.ts';
import type { KnownOffers } from './known.ts';
import { fieldsOf, kindOf, type Report, readDays, readRate } from './override-fields.ts';
import { ALWAYS, type PriceRow, type Rate } from './types.ts';

/** A price that the operator sets: for a contract, a discount, hardware, or an offer that no list prices. */
export interface PriceOverride {
  readonly provider: string;
  readonly offer: string;
  readonly price: Rate;
  readonly validFrom?: string;
  readonly validTo?: string;
  readonly detail?: string;
}

/** How strictly to read. */
export interface Reading {
  readonly known: KnownOffers;
  /** False for what was accepted once, and shall stay so when the lists change. */
  readonly judge: boolean;
  /** The source of all entries that name none of their own. */
  readonly source?: string;
  /** Accept what looks absurd, unless an entry says otherwise. */
  readonly force?: boolean;
}

function readEntry(
  provider: string,
  offer: string,
  entry: unknown,
  path: string,
  { judge, source: common, force: always = false }: Reading,
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
    for (const reason of absurdities(price, listed, sourced, force === true)) report(path, `: ${reason}`);
  }
  return [{ provider, offer, price, ...days, ...(sourced ? { detail: source.slice(0, 500) } : {}) }];
}

/**
 * Prices as the operator writes them, `{provider: {model: {input_per_mtok, output_per_mtok}}}`. Every mistake is reported, as
 * a whole sentence that names the place; with any of them nothing of it should be used.
 *
 * @param path where `value` stands: `CHASQUI_PRICES`
 */
export function readOverrides(
  value: unknown,
  path: string,
  reading: Reading,
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
    if (!reading.known.providers.includes(provider)) {
      report(at, `is no provider here; there are ${reading.known.providers.join(', ')}`);
      continue;
    }
    if (!isObject(entries)) {
      report(at, 'must be an object of models');
      continue;
    }
    for (const [name, entry] of Object.entries(entries)) {
      const place = memberPath(at, name);
      const [offer, ...others] = reading.known.find(provider, name);
      if (offer === undefined)
        report(place, `is no model of ${provider} that is known here; GET /v1/models lists them`);
      else if (others.length > 0) report(place, `can be any of ${[offer, ...others].join(', ')}; name one`);
      else {
        const before = seen.get(`${provider} ${offer}`);
        if (before !== undefined) report(place, `is priced already, as ${before}`);
        seen.set(`${provider} ${offer}`, place);
        overrides.push(...readEntry(provider, offer, entry, place, reading, report));
      }
    }
  }
  return { overrides, mistakes };
}

/** Overrides as a layer of the book. They hold in every region, in the Standard tier. */
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
