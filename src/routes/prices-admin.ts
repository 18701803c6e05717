import type { Context, Handler } from 'hono';
import { knownOffers, type PriceDocument, readOverrides } from '../catalog/index.ts';
import { GatewayError, isObject, type JsonObject } from '../core/index.ts';
import { readJson } from './body.ts';
import type { Gateway } from './gateway.ts';
import { priceList } from './prices.ts';
import { replyJson } from './reply.ts';

const invalid = (message: string, param?: string): GatewayError =>
  new GatewayError('invalid_request', message, param === undefined ? {} : { param });

/** Stores a document, or nothing in its place, and answers with what is in force then. */
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

/** Far above any price list, and below what a row of D1 holds (2 MB). */
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
 * `PUT /v1/prices` with `{source, prices, version?, force?}`: replaces all prices that were put before. `version` is the one
 * the caller has seen; the change is refused if another came between. `force` accepts what looks absurd.
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
      known: knownOffers(gateway.services.offers(), gateway.config.discoveries),
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

/** `DELETE /v1/prices?version=`: takes back what was put. Its version goes on counting, so that no two prices share one. */
export const deletePrices =
  (gateway: Gateway): Handler =>
  (c) => {
    const version = c.req.query('version');
    return replace(c, gateway, undefined, readVersion(version === undefined ? undefined : Number(version)));
  };
