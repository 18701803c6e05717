import { byCodeUnits, type ProviderDescriptor, parseDollars } from '../../core/index.ts';
import prices from '../prices.json' with { type: 'json' };
import hardware from '../replicate-hardware.json' with { type: 'json' };
import { offerKey, type PriceBook, type Priced, type PriceRow, type Rate, TIERS, type Tier } from './price.ts';

/**
 * The price book: rows in layers, of which the last wins; the one row that holds for an offer on a day; and the
 * bottom layer, the list prices that come with the software.
 */

const keyOf = (provider: string, offer: string): string => `${provider} ${offer}`;

/** Sorts nearer places first, then later days, so that the first row that fits is the one that holds. */
const byPrecedence = (a: PriceRow, b: PriceRow): number =>
  Number(a.region === '*') - Number(b.region === '*') ||
  Number(a.region === 'us') - Number(b.region === 'us') ||
  byCodeUnits(b.validFrom, a.validFrom);

/** `Map.groupBy`, which Node 20 does not have. */
function grouped<T>(rows: readonly T[], keyOfRow: (row: T) => string): ReadonlyMap<string, readonly T[]> {
  const byKey = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOfRow(row);
    const list = byKey.get(key);
    if (list) list.push(row);
    else byKey.set(key, [row]);
  }
  return byKey;
}

const NONE: readonly PriceRow[] = [];

/** A book of one layer. */
export function bookFrom(rows: readonly PriceRow[]): PriceBook {
  const byOffer = grouped([...rows].sort(byPrecedence), ({ provider, offer }) => keyOf(provider, offer));
  return { rows, rowsOf: (provider, offer) => byOffer.get(keyOf(provider, offer)) ?? NONE };
}

/** A book with layers over it. The last layer wins: if one of its rows fits, no row below is used. */
export function layered(base: PriceBook, ...overrides: readonly (readonly PriceRow[])[]): PriceBook {
  return overrides
    .filter((layer) => layer.length > 0)
    .reduce((below, layer) => {
      const over = bookFrom(layer);
      return {
        get rows() {
          return [...below.rows, ...layer];
        },
        rowsOf(provider, offer) {
          const own = over.rowsOf(provider, offer);
          const others = below.rowsOf(provider, offer);
          return own.length === 0 ? others : [...own, ...others];
        },
      };
    }, base);
}

/** What a row's region `us` covers: price lists speak of "US regions", and GovCloud is not one of them. */
const IN_US: ReadonlySet<string> = new Set(['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2']);

const coversRegion = (row: PriceRow, region: string): boolean =>
  row.region === '*' || row.region === region || (row.region === 'us' && IN_US.has(region));

const coversDay = (row: PriceRow, day: string): boolean =>
  row.validFrom <= day && (row.validTo === undefined || day <= row.validTo);

/** The first row that fits. Prices of single inference profiles are tried in the order of `profiles`. */
function throughProfile(rows: readonly PriceRow[], profiles: readonly string[]): PriceRow | undefined {
  const [first] = rows;
  if (first?.profile === undefined) return first;
  return profiles.map((one) => rows.find(({ profile = one }) => profile === one)).find((row) => row !== undefined);
}

export interface PriceTerms {
  /** Default: `standard`. A tier's price says nothing about another tier's. */
  readonly tier?: Tier;
  /** The region of the call. Default: one in the US, because list prices by region are for the US. */
  readonly region?: string;
  /** Which of the user's own services serves it. */
  readonly service?: string;
}

const HOW = 'Set it with PUT /v1/prices or CHASQUI_PRICES.';

/** Why no row fits: the first condition that leaves none. */
function whyNot(rows: readonly PriceRow[], name: string, day: string, tier: Tier, region: string): string {
  const inTier = rows.filter((row) => row.tier === tier);
  if (inTier.length === 0) {
    return rows.length === 0
      ? `No price of ${name} is known. ${HOW}`
      : `No price of ${name} is known for the ${tier} tier. ${HOW}`;
  }
  const inRegion = inTier.filter((row) => coversRegion(row, region));
  if (inRegion.length === 0) {
    const places = [...new Set(inTier.map((row) => row.region))].sort().join(', ');
    return `The price of ${name} is known for ${places}, and ${region} may differ. ${HOW}`;
  }
  const ends = inRegion.map(({ validTo }) => validTo ?? '9999').sort();
  const last = ends.at(-1) ?? '9999';
  return last < day
    ? `The last known price of ${name} ended on ${last}. ${HOW}`
    : `No price of ${name} is known for ${day}.`;
}

/** The last answer about an id, and the question that it answers: for most offers the same all day. */
interface Answer {
  readonly book: PriceBook;
  readonly day: string;
  readonly tier: Tier;
  readonly region: string;
  readonly service: string | undefined;
  readonly priced: Priced;
}

/** Ids of one provider that are remembered. */
const REMEMBERED = 1024;
const answers = new WeakMap<ProviderDescriptor, Map<string, Answer>>();

/**
 * What an offer costs on a day, or why that is unknown. A price for US regions is not used for other regions: the known
 * differences go up to 19 %, and a guess would end up in a budget.
 *
 * @param upstream the provider's id, as it is sent or as the catalogue has it
 * @param day as `2026-11-22`
 */
export function priceFor(
  book: PriceBook,
  about: ProviderDescriptor,
  upstream: string,
  day: string,
  terms: PriceTerms = {},
): Priced {
  const { tier = 'standard', region = 'us-east-1', service } = terms;
  let known = answers.get(about);
  if (!known) {
    known = new Map();
    answers.set(about, known);
  }
  const last = known.get(upstream);
  if (
    last?.book === book &&
    last.day === day &&
    last.tier === tier &&
    last.region === region &&
    last.service === service
  ) {
    return last.priced;
  }
  const priced = findPrice(book, about, upstream, day, { tier, region, service });
  // There is no limit to ids that pin a version, so the memory starts again when it is full.
  if (known.size >= REMEMBERED) known.clear();
  known.set(upstream, { book, day, tier, region, service, priced });
  return priced;
}

function findPrice(
  book: PriceBook,
  about: ProviderDescriptor,
  upstream: string,
  day: string,
  { tier, region, service }: Pick<Answer, 'tier' | 'region' | 'service'>,
): Priced {
  const offer = offerKey(about, upstream, service);
  const rows = book.rowsOf(about.id, offer);
  const fitting = rows.filter((one) => one.tier === tier && coversRegion(one, region) && coversDay(one, day));
  const row = throughProfile(fitting, about.priceProfiles?.(upstream, region) ?? []);
  if (row) return { known: true, row };
  const name = `${offer} at ${about.id}`;
  // All rows that fit are for other profiles.
  const others = [...new Set(fitting.map(({ profile }) => profile))].sort().join(', ');
  return {
    known: false,
    reason: others
      ? `The price of ${name} is known through ${others}, and ${upstream} may differ. ${HOW}`
      : whyNot(rows, name, day, tier, region),
  };
}

/*
 * The list prices that come with the software: `prices.json`. The tests check every line against a schema. A line
 * becomes a row when it is first needed, because a call needs only a few of the hundreds.
 */

/** A price as the file has it. */
interface PriceJson {
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
  // A rule's name has the tier and the region only if they are not the default ones.
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
