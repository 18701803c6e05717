/** `/v1/prices`: the price book as JSON, and the admin's own prices. */
import type { Context, Handler } from 'hono';
import {
  ALWAYS,
  ageDays,
  findModel,
  models,
  type PriceBook,
  type PriceDocument,
  type PriceRow,
  priceableOffers,
  priceFor,
  priceSources,
  REPLICATE_HARDWARE,
  rateJson,
  readOverrides,
  serviceKey,
  stale,
} from '../catalog/index.ts';
import { dayOf, GatewayError, isObject, type JsonObject, type ProviderDescriptor } from '../core/index.ts';
import { type Gateway, readJson, replyJson } from './request.ts';

/** The model names of each priced offer. */
function modelNames({ services }: Gateway): (row: PriceRow) => readonly string[] {
  const found = new Map<string, Set<string>>();
  const add = (provider: string, offer: string, model: string) => {
    const key = `${provider} ${offer}`;
    found.set(key, (found.get(key) ?? new Set()).add(model));
  };
  for (const { id, offers } of models()) for (const offer of offers) add(offer.provider, offer.id, id);
  for (const { provider, upstream, service, model } of services.offers()) {
    add(provider, serviceKey(provider, upstream, service), model);
  }
  return (row) => [...(found.get(`${row.provider} ${row.offer}`) ?? [])];
}

/** The hardware that the price of a time-billed model can name. */
const hardware = {
  source: REPLICATE_HARDWARE.source,
  checked_at: REPLICATE_HARDWARE.checkedAt,
  usd_per_second: REPLICATE_HARDWARE.perSecond,
};

/** The provider's id that a row prices: an inference profile's where the row is for that profile alone. */
const idOf = ({ offer, profile }: PriceRow): string => (profile === undefined ? offer : `${profile}.${offer}`);

/** Who says so, and what else was said. */
const detailOf = ({ source, detail }: PriceRow): string | null =>
  [priceSources[source]?.what, detail].filter((text) => text !== undefined).join('. ') || null;

/** Whether a call of today uses this row: no higher layer and no later row replaces it. */
function inForce(about: ProviderDescriptor, book: PriceBook, row: PriceRow, day: string): boolean {
  const region = row.region === '*' || row.region === 'us' ? 'us-east-1' : row.region;
  const priced = priceFor(book, about, idOf(row), day, { tier: row.tier, region });
  return priced.known && priced.row.id === row.id;
}

function describe(row: PriceRow, about: ProviderDescriptor, names: readonly string[], book: PriceBook, day: string) {
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
    in_force: inForce(about, book, row, day),
    source: row.source,
    source_detail: detailOf(row),
    checked_at: row.checkedAt,
    age_days: ageDays(row, day),
    stale: stale(row, day),
    layer: row.layer,
  };
}

/** The rows that `wanted` accepts, as JSON. */
export function priceList(gateway: Gateway, wanted: (row: PriceRow, names: readonly string[]) => boolean) {
  const book = gateway.prices.book();
  const namesOf = modelNames(gateway);
  const day = dayOf(Date.now());
  const data = book.rows.flatMap((row) => {
    const names = namesOf(row);
    return wanted(row, names) ? [describe(row, gateway.config.registry.of(row.provider), names, book, day)] : [];
  });
  return { object: 'list', data, version: gateway.prices.version() };
}

/** `GET /v1/prices?provider=&model=`: every row of the price book, also past and overridden ones. */
export const listPrices =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { provider, model } = c.req.query();
    const match = model === undefined ? undefined : findModel(model, gateway.config.registry);
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

const invalid = (message: string, param?: string): GatewayError =>
  new GatewayError('invalid_request', message, param === undefined ? {} : { param });

/** Stores a document, or removes the stored one, and answers with the admin's prices. */
async function replace(
  c: Context,
  gateway: Gateway,
  document: PriceDocument | undefined,
  expected: number | undefined,
): Promise<Response> {
  const { prices } = gateway;
  if (!prices.replace) throw withoutDatabase();
  if ((await prices.replace(document, expected)) === undefined) {
    await prices.fresh(0);
    throw new GatewayError(
      'invalid_request',
      `version: the stored prices are at version ${prices.version()}, not ${expected}. Read GET /v1/prices and decide again.`,
      { param: 'version', status: 409 },
    );
  }
  return replyJson(
    c,
    200,
    priceList(gateway, ({ layer }) => layer === 'admin'),
  );
}

const withoutDatabase = (): GatewayError =>
  new GatewayError(
    'not_implemented',
    'Prices cannot be kept here: no database is bound. Add [[d1_databases]] with binding = "DB" to wrangler.toml and deploy, or set CHASQUI_PRICES.',
  );

function readVersion(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid('version: must be a whole number, as GET /v1/prices gives it.', 'version');
}

/** Far above any price list, and below the size limit of a D1 row (2 MB). */
const MAX_BYTES = 1_000_000;

const KNOWN = ['source', 'prices', 'version', 'force'];

function readBody(body: unknown): JsonObject {
  if (!isObject(body)) throw invalid('The body must be a JSON object.');
  const stray = Object.keys(body)
    .find((key) => !KNOWN.includes(key))
    ?.slice(0, 100);
  if (stray !== undefined) throw invalid(`${stray} is not known; known are ${KNOWN.join(', ')}.`, stray);
  return body;
}

/**
 * `PUT /v1/prices` with `{source, prices, version?, force?}`: replaces all prices that were put before. `version` is
 * the one that the caller has seen: the change is refused if another one came in between. `force` accepts implausible
 * prices.
 */
export const putPrices =
  (gateway: Gateway): Handler =>
  async (c) => {
    if (!gateway.prices.replace) throw withoutDatabase();
    const { source, prices, version, force = false } = readBody(await readJson(c.req.raw, MAX_BYTES));
    if (typeof source !== 'string' || source.trim() === '') {
      throw invalid('source: say in a few words where the prices are from.', 'source');
    }
    if (typeof force !== 'boolean') throw invalid('force: must be true or false.', 'force');
    const expected = readVersion(version);
    const { overrides, mistakes } = readOverrides(prices, 'prices', {
      known: priceableOffers(gateway.config.registry, gateway.services.offers(), gateway.config.discoveries),
      judge: true,
      source,
      force,
    });
    if (mistakes.length > 0) throw invalid(mistakes.join(' '), 'prices');
    if (overrides.length === 0) {
      throw invalid('prices: there are none. DELETE /v1/prices takes back what was put.', 'prices');
    }
    return replace(c, gateway, { source, prices }, expected);
  };

/**
 * `DELETE /v1/prices?version=`: removes what was put. The version goes on counting, so that it is never used twice.
 */
export const deletePrices =
  (gateway: Gateway): Handler =>
  (c) => {
    const version = c.req.query('version');
    return replace(c, gateway, undefined, readVersion(version === undefined ? undefined : Number(version)));
  };
