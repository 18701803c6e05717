/** `POST /v1/offers`, and how an offer sheet is written as JSON. */
import type { Handler } from 'hono';
import { ageDays, type Priced, priceSources, rateJson, stale } from '../catalog/index.ts';
import { dayOf, formatDollars } from '../core/index.ts';
import {
  type CallCost,
  type Candidate,
  type Exclusion,
  layOut,
  type Observed,
  type OfferSheet,
} from '../offers/index.ts';
import { termsOf, withTerms } from './access.ts';
import { anyCall } from './any-body.ts';
import { contextOf, type Gateway, inCallersNames, prepare, readJson, replyJson } from './request.ts';

export const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** Observed speed of an offer as JSON. */
export const observedRow = (observed: Observed | undefined) => ({
  ttft_ms: observed?.ttftMs === undefined ? null : Math.round(observed.ttftMs),
  tokens_per_second: observed?.tokensPerSecond === undefined ? null : rounded(observed.tokensPerSecond, 1),
  samples: observed?.samples ?? 0,
});

const dollars = (amount: bigint | undefined): string | null => (amount === undefined ? null : formatDollars(amount));

const costRow = (cost: CallCost | undefined) =>
  cost
    ? {
        min: dollars(cost.min),
        expected: dollars(cost.expected),
        max: dollars(cost.max),
        ...(cost.cached === undefined ? {} : { cached_tokens: cost.cached }),
      }
    : null;

function priceRow(priced: Priced | undefined, today: string) {
  if (!priced?.known) return null;
  const { row } = priced;
  return {
    rule: row.id,
    ...rateJson(row.price),
    source: priceSources[row.source]?.what ?? row.detail ?? row.source,
    ...(row.layer === 'bundled' && row.detail !== undefined ? { note: row.detail } : {}),
    checked_at: row.checkedAt,
    age_days: ageDays(row, today),
    stale: stale(row, today),
  };
}

const latencyRow = (observed: Observed | undefined, now: number) =>
  observed ? { ...observedRow(observed), age_ms: Math.max(0, now - observed.at) } : null;

type Known = Pick<
  Exclusion,
  | 'provider'
  | 'model'
  | 'route'
  | 'upstream'
  | 'api'
  | 'prompt'
  | 'contextLength'
  | 'output'
  | 'priced'
  | 'cost'
  | 'drops'
>;

/** The fields of every offer, eligible or not. */
const common = (offer: Known | Candidate, today: string) => ({
  provider: offer.provider,
  model: offer.model,
  provider_model: offer.upstream,
  ...(offer.route === undefined ? {} : { route: offer.route }),
  api: offer.api ?? null,
  prompt_tokens: offer.prompt?.total ?? null,
  exactness: offer.prompt?.exactness ?? null,
  context_length: offer.contextLength ?? null,
  max_output_tokens: offer.output?.most ?? null,
  cost: costRow(offer.cost),
  price: priceRow(offer.priced, today),
  drops: offer.drops ?? [],
});

/** A sheet as JSON: eligible offers in rank order, then excluded ones with the reason. */
export const offerRows = ({ eligible, excluded }: OfferSheet, now: number) => {
  const today = dayOf(now);
  return [
    ...eligible.map((offer, index) => ({
      ...common(offer, today),
      ...(offer.service === undefined ? {} : { service: offer.service }),
      eligible: true,
      rank: index + 1,
      latency: latencyRow(offer.observed, now),
      breaker: offer.breaker,
      neutralised: offer.altered,
      why: offer.why,
      ...(offer.priced.known ? {} : { unpriced: offer.priced.reason }),
    })),
    ...excluded.map((offer) => ({
      ...common(offer, today),
      eligible: false,
      rank: null,
      reason: { code: offer.code, message: offer.message },
      latency: null,
      breaker: null,
      why: [],
    })),
  ];
};

/**
 * `POST /v1/offers`: what every offer would do with this call and charge for it. Calls no provider. It takes a body of
 * any route that asks a model.
 */
export const offers =
  (gateway: Gateway): Handler =>
  async (c) => {
    const body = await readJson(c.req.raw, gateway.config.maxBodyBytes);
    const { call: given, callersNames: named } = anyCall(c, body, contextOf(c, ''));
    const call = withTerms(given, termsOf(c));
    try {
      const { asked, moment } = await prepare(call, gateway);
      const rows = offerRows(layOut(call, asked, gateway.world, moment, true), moment.now);
      const data = named ? rows.map((row) => ({ ...row, drops: row.drops.map(named) })) : rows;
      return replyJson(c, 200, { object: 'list', data });
    } catch (thrown) {
      throw inCallersNames(thrown, named);
    }
  };
