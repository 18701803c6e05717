import type { Handler } from 'hono';
import {
  ALWAYS,
  ageDays,
  findModel,
  models,
  offerKey,
  type PriceBook,
  type PriceRow,
  priceFor,
  priceSources,
  REPLICATE_HARDWARE,
  rateJson,
  stale,
} from '../catalog/index.ts';
import { dayOf } from '../core/index.ts';
import type { Gateway } from './gateway.ts';
import { replyJson } from './reply.ts';

/** The names that callers use for each priced offer. */
function modelNames({ services }: Gateway): (row: PriceRow) => readonly string[] {
  const found = new Map<string, Set<string>>();
  const add = (provider: string, offer: string, model: string) => {
    const key = `${provider} ${offer}`;
    found.set(key, (found.get(key) ?? new Set()).add(model));
  };
  for (const { id, offers } of models()) for (const offer of offers) add(offer.provider, offer.id, id);
  for (const { provider, upstream, service, model } of services.offers()) {
    add(provider, offerKey(provider, upstream, service), model);
  }
  return (row) => [...(found.get(`${row.provider} ${row.offer}`) ?? [])];
}

/** What a time-billed model's price can name as its hardware. */
const hardware = {
  source: REPLICATE_HARDWARE.source,
  checked_at: REPLICATE_HARDWARE.checkedAt,
  usd_per_second: REPLICATE_HARDWARE.perSecond,
};

/** The provider's id that a row prices: an inference profile's where the price is its alone. */
const idOf = ({ offer, profile }: PriceRow): string => (profile === undefined ? offer : `${profile}.${offer}`);

/** Who says so, and what else was said. */
const detailOf = ({ source, detail }: PriceRow): string | null =>
  [priceSources[source]?.what, detail].filter((text) => text !== undefined).join('. ') || null;

/** Whether a row is what a call of today is costed by: no layer above it and no later row has taken its place. */
function inForce(book: PriceBook, row: PriceRow, day: string): boolean {
  const region = row.region === '*' || row.region === 'us' ? 'us-east-1' : row.region;
  const priced = priceFor(book, row.provider, idOf(row), day, { tier: row.tier, region });
  return priced.known && priced.row.id === row.id;
}

function describe(row: PriceRow, names: readonly string[], book: PriceBook, day: string) {
  return {
    rule: row.id,
    provider: row.provider,
    provider_model: idOf(row),
    models: names,
    billing: row.price.kind,
    tier: row.tier,
    region: row.region,
    ...rateJson(row.price),
    valid_from: row.validFrom === ALWAYS ? null : row.validFrom,
    valid_to: row.validTo ?? null,
    in_force: inForce(book, row, day),
    source: row.source,
    source_detail: detailOf(row),
    checked_at: row.checkedAt,
    age_days: ageDays(row, day),
    stale: stale(row, day),
    layer: row.layer,
  };
}

/** Rows as JSON, those that are wanted. */
export function priceList(gateway: Gateway, wanted: (row: PriceRow, names: readonly string[]) => boolean) {
  const book = gateway.prices.book();
  const namesOf = modelNames(gateway);
  const day = dayOf(Date.now());
  const data = book.rows.flatMap((row) => {
    const names = namesOf(row);
    return wanted(row, names) ? [describe(row, names, book, day)] : [];
  });
  return { object: 'list', data, version: gateway.prices.version() };
}

/** `GET /v1/prices?provider=&model=`: every rule of the book, history and what is overridden included. */
export const listPrices =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { provider, model } = c.req.query();
    const match = model === undefined ? undefined : findModel(model);
    const named = match?.kind === 'model' ? match.model.id : model;
    await gateway.prices.fresh(0);
    const list = priceList(
      gateway,
      (row, names) =>
        (provider === undefined || row.provider === provider) &&
        (named === undefined || names.includes(named) || row.offer === named || idOf(row) === named),
    );
    return replyJson(c, 200, { ...list, replicate_hardware: hardware });
  };
