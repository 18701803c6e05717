import { byCodeUnits, parseDollars } from '../../core/index.ts';
import prices from '../prices.json' with { type: 'json' };
import hardware from '../replicate-hardware.json' with { type: 'json' };
import { byPrecedence, grouped, keyOf, NONE } from './book.ts';
import { type PriceBook, type PriceRow, type Rate, TIERS } from './types.ts';

/**
 * The list prices that come with the software: `prices.json`. The tests check every line against a schema. A line
 * becomes a row when somebody asks for it, because a call needs a few of hundreds.
 */

/** A price as the file has it. */
export interface PriceJson {
  readonly provider: string;
  /** The provider's id. */
  readonly offer: string;
  /** The inference profile that `offer` begins with, where the price holds for that profile alone. */
  readonly profile?: string;
  readonly validFrom: string;
  readonly validTo?: string;
  readonly region?: string;
  readonly tier?: string;
  readonly inputPerMtok: string;
  readonly outputPerMtok: string;
  readonly cacheReadPerMtok?: string;
  readonly cacheWritePerMtok?: string;
  readonly source: string;
  readonly checkedAt: string;
  readonly note?: string;
}

const lines: readonly PriceJson[] = prices;

function rateOf({ inputPerMtok, outputPerMtok, cacheReadPerMtok, cacheWritePerMtok }: PriceJson): Rate {
  return {
    kind: 'token',
    input: parseDollars(inputPerMtok),
    output: parseDollars(outputPerMtok),
    ...(cacheReadPerMtok === undefined ? {} : { cacheRead: parseDollars(cacheReadPerMtok) }),
    ...(cacheWritePerMtok === undefined ? {} : { cacheWrite: parseDollars(cacheWritePerMtok) }),
  };
}

/** The id of a line's offer without its profile. */
const bareOffer = ({ offer, profile }: PriceJson): string =>
  profile === undefined ? offer : offer.slice(profile.length + 1);

function rowOf(line: PriceJson): PriceRow {
  const { provider, profile, region = '*', validFrom, validTo, source, checkedAt, note } = line;
  const tier = TIERS.find((one) => one === (line.tier ?? 'standard'));
  if (tier === undefined) throw new Error(`prices.json: ${line.tier} is none of ${TIERS.join(', ')}.`);
  // Tier and region stand in a rule's name only where they are not the usual ones.
  const place = region === '*' || region === 'us' ? '' : `#${region}`;
  return {
    id: `${provider}/${line.offer}@${validFrom}${tier === 'standard' ? '' : `#${tier}`}${place}`,
    layer: 'bundled',
    provider,
    offer: bareOffer(line),
    ...(profile === undefined ? {} : { profile }),
    tier,
    region,
    validFrom,
    ...(validTo === undefined ? {} : { validTo }),
    source,
    ...(note === undefined ? {} : { detail: note }),
    checkedAt,
    price: rateOf(line),
  };
}

function readBook(): PriceBook {
  const made = new Map<PriceJson, PriceRow>();
  const row = (line: PriceJson): PriceRow => {
    const known = made.get(line) ?? rowOf(line);
    made.set(line, known);
    return known;
  };
  const byOffer = grouped(lines, (line) => keyOf(line.provider, bareOffer(line)));
  const sorted = new Map<string, readonly PriceRow[]>();
  let all: readonly PriceRow[] | undefined;
  return {
    get rows() {
      all ??= lines.map(row);
      return all;
    },
    rowsOf(provider, offer) {
      const key = keyOf(provider, offer);
      const known = sorted.get(key);
      if (known) return known;
      const own = byOffer.get(key)?.map(row).sort(byPrecedence) ?? NONE;
      if (own.length > 0) sorted.set(key, own);
      return own;
    },
  };
}

let book: PriceBook | undefined;

/** The list prices. Read at the first call, so that loading the module costs nothing. */
export function bundledBook(): PriceBook {
  book ??= readBook();
  return book;
}

/** The newest list price of an offer, in the Standard tier and the usual region; of a retired one the last. */
export const listedFor = (provider: string, offer: string): PriceRow | undefined =>
  bundledBook()
    .rowsOf(provider, offer)
    .filter(
      ({ tier, region, profile = 'us' }) => tier === 'standard' && ['us', '*'].includes(region) && profile === 'us',
    )
    .sort((a, b) => byCodeUnits(b.validFrom, a.validFrom))[0];

/**
 * Replicate's hardware, in dollars for a second (replicate.com/pricing). These are no prices of models: the API does
 * not say on which hardware a model runs, so the price of a time-billed model has to name it.
 */
export const REPLICATE_HARDWARE: {
  readonly source: string;
  readonly checkedAt: string;
  readonly perSecond: Readonly<Record<string, string>>;
} = hardware;
