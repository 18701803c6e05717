import * as v from 'valibot';
import { byCodeUnits, PROVIDER_IDS, parseDollars } from '../../core/index.ts';
import { bedrockIdWithin } from '../bedrock.ts';
import prices from '../prices.json' with { type: 'json' };
import hardware from '../replicate-hardware.json' with { type: 'json' };
import { bookOnDemand } from './book.ts';
import { type PriceBook, type PriceRow, type Rate, TIERS } from './types.ts';

const day = v.pipe(v.string(), v.isoDate());
const dollars = v.pipe(v.string(), v.transform(parseDollars));

const line = v.strictObject({
  provider: v.picklist(PROVIDER_IDS),
  offer: v.string(),
  validFrom: day,
  validTo: v.exactOptional(day),
  region: v.optional(v.string(), '*'),
  tier: v.optional(v.picklist(TIERS), 'standard'),
  inputPerMtok: dollars,
  outputPerMtok: dollars,
  cacheReadPerMtok: v.exactOptional(dollars),
  cacheWritePerMtok: v.exactOptional(dollars),
  source: v.string(),
  checkedAt: day,
  note: v.exactOptional(v.string()),
});

function rateOf(entry: v.InferOutput<typeof line>): Rate {
  const {
    inputPerMtok: input,
    outputPerMtok: output,
    cacheReadPerMtok: cacheRead,
    cacheWritePerMtok: cacheWrite,
  } = entry;
  return {
    kind: 'token',
    input,
    output,
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
  };
}

/** Tier and region stand in a rule's name only where they are not the usual ones. */
function idOf({ provider, offer, validFrom, tier, region }: v.InferOutput<typeof line>): string {
  const place = region === '*' || region === 'us' ? '' : `#${region}`;
  return `${provider}/${offer}@${validFrom}${tier === 'standard' ? '' : `#${tier}`}${place}`;
}

const bareOffer = (provider: string, offer: string): string =>
  (provider === 'bedrock' ? bedrockIdWithin(offer) : undefined) ?? offer;

function rowOf(entry: v.InferOutput<typeof line>): PriceRow {
  const { provider, tier, region, validFrom, validTo, source, checkedAt, note } = entry;
  const offer = bareOffer(provider, entry.offer);
  return {
    id: idOf(entry),
    layer: 'bundled',
    provider,
    offer,
    ...(offer === entry.offer ? {} : { profile: entry.offer.slice(0, -offer.length - 1) }),
    tier,
    region,
    validFrom,
    ...(validTo === undefined ? {} : { validTo }),
    source,
    ...(note === undefined ? {} : { detail: note }),
    checkedAt,
    price: rateOf(entry),
  };
}

let book: PriceBook | undefined;

/** Whose the lines are; the rest is read and checked when it is asked for. */
const owners = v.array(v.looseObject({ provider: v.string(), offer: v.string() }));

/** The list prices of `prices.json`. Read at the first call, so that loading the module costs nothing. */
export function bundledBook(): PriceBook {
  const lines: readonly unknown[] = prices;
  book ??= bookOnDemand(
    v.parse(owners, prices).map(({ provider, offer }, at) => {
      let row: PriceRow | undefined;
      return {
        provider,
        offer: bareOffer(provider, offer),
        row() {
          row ??= rowOf(v.parse(line, lines[at]));
          return row;
        },
      };
    }),
  );
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
 * Replicate's hardware, in dollars for a second (replicate.com/pricing). It is no rule by itself: which hardware a model
 * runs on is not in the API, so a rule for a time-billed model has to name it.
 */
export const REPLICATE_HARDWARE: {
  readonly source: string;
  readonly checkedAt: string;
  readonly perSecond: Readonly<Record<string, string>>;
} = hardware;
