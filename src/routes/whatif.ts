/** `GET /v1/whatif`: what the traffic of some days would have cost elsewhere. */
import type { Handler } from 'hono';
import { type TrafficOfDays, trafficOf } from '../accounts/index.ts';
import { rateJson } from '../catalog/index.ts';
import { completionTokens, dayOf, type NanoDollars, parseDollars, type Traffic } from '../core/index.ts';
import {
  addRecorded,
  addRepriced,
  attemptsOf,
  NONE_REPRICED,
  onOwnHardware,
  type Policy,
  type Recorded,
  type Repriced,
  type RepricedOffer,
  type Repricer,
  recorded,
  repricer,
  type Unpriced,
} from '../offers/index.ts';
import { callerOf } from './access.ts';
import { badParameter, listOf, parametersOf, rfc3339, scopeOf, spanOf } from './report-query.ts';
import { dollars, reportFrom } from './reports.ts';
import { type Gateway, replyJson } from './request.ts';

const KNOWN = [
  ...['from', 'to', 'account', 'key', 'provider', 'model', 'prices', 'policy', 'order', 'exclude'],
  ...['usd_per_hour', 'tokens_per_second', 'detail'],
];
const USUAL_DAYS = 30;
const DAY_MS = 86_400_000;

type Read = Readonly<Record<string, string>>;

const providersHere = ({ world }: Gateway): readonly string[] => [
  ...new Set([...world.registry.ids, ...world.services.map(({ provider }) => provider)]),
];

function providersIn(param: string, value: string | undefined, known: readonly string[]): readonly string[] {
  if (value === undefined) return [];
  return listOf(value).map((name) => {
    if (known.includes(name)) return name;
    throw badParameter(param, `there is no provider "${name.slice(0, 80)}" here. There are ${known.join(', ')}.`);
  });
}

/** A policy, and the name that its line has. */
interface NamedPolicy {
  readonly name: string;
  readonly of: (reprice: Repricer, traffic: Traffic) => Repriced;
}

/** Policies that take no providers: what each takes of a model's offers. */
const POLICIES: Readonly<Record<string, (known: readonly string[]) => Policy>> = {
  price: () => ({ order: [], exclude: [], take: 'cheapest' }),
  most_expensive: () => ({ order: [], exclude: [], take: 'most_expensive' }),
  first: (known) => ({ order: known, exclude: [], take: 'cheapest' }),
};

/** A policy by its name or a provider's, or `order` and `exclude`; cheapest first unless told. */
function policyOf(given: Read, known: readonly string[]): NamedPolicy {
  // `policy=order=together,bedrock` says the same as `order=together,bedrock`.
  const [, field, providers = ''] = /^(order|exclude)=(.+)$/.exec(given.policy ?? '') ?? [];
  const read: Read = field === undefined ? given : { ...given, policy: 'price', [field]: providers };
  const { policy = 'price' } = read;
  const order = providersIn('order', read.order, known);
  const exclude = providersIn('exclude', read.exclude, known);
  const chosen = order.length + exclude.length > 0;
  if (policy !== 'price' && chosen) {
    throw badParameter('policy', 'only price goes together with order and exclude. Leave the others out.');
  }
  const named = POLICIES[policy]?.(known);
  if (!named) {
    const [provider = ''] = providersIn('policy', policy, [...known, ...Object.keys(POLICIES)]);
    return { name: provider, of: (reprice, traffic) => reprice.atProvider(provider, traffic) };
  }
  const both: Policy = chosen ? { order, exclude, take: 'cheapest' } : named;
  const parts = [
    ...(order.length > 0 ? [`order=${order.join(',')}`] : []),
    ...(exclude.length > 0 ? [`exclude=${exclude.join(',')}`] : []),
  ];
  return { name: chosen ? parts.join('&') : policy, of: (reprice, traffic) => reprice.chosen(traffic, both) };
}

/** Hardware of one's own, if the caller asks about it. */
function hardwareOf({ usd_per_hour: perHour, tokens_per_second: speed }: Read) {
  if (perHour === undefined && speed === undefined) return undefined;
  if (perHour === undefined) throw badParameter('usd_per_hour', 'goes with tokens_per_second: say what an hour costs.');
  if (speed === undefined) throw badParameter('tokens_per_second', 'goes with usd_per_hour: say how fast it writes.');
  if (!/^\d{1,6}(?:\.\d{1,9})?$/.test(perHour))
    throw badParameter('usd_per_hour', 'must be dollars, for example 0.95.');
  const tokensPerSecond = /^\d{1,7}(?:\.\d{1,3})?$/.test(speed) ? Number(speed) : 0;
  if (tokensPerSecond < 0.001) throw badParameter('tokens_per_second', 'must be a number above 0, for example 400.');
  return { perHour: parseDollars(perHour), tokensPerSecond };
}

const was = ({ cost, upperBound }: Recorded) => ({ cost: dollars(cost), cost_upper_bound: dollars(upperBound) });

/** How much more than it did cost; null where that is not known. */
const deltaOf = (cost: NanoDollars, { cost: exact, upperBound, unknown }: Recorded): string | null =>
  unknown > 0 ? null : dollars(cost - exact - upperBound);

function line(name: Readonly<Record<string, string>>, { attempts, cost, was: before, estimate, unpriced }: Repriced) {
  return {
    ...name,
    cost: attempts === 0 ? null : dollars(cost),
    requests: attempts,
    unpriced_requests: unpriced.reduce((sum, one) => sum + one.attempts, 0),
    compared_with: was(before),
    delta: attempts === 0 ? null : deltaOf(cost, before),
    estimate,
  };
}

/** What could not be repriced, the same reasons added up. */
function reasonsOf(name: Readonly<Record<string, string>>, all: readonly Unpriced[]) {
  const byReason = new Map<string, Unpriced>();
  for (const one of all) {
    const key = JSON.stringify([one.model, one.reason]);
    const known = byReason.get(key);
    byReason.set(key, known ? { ...known, attempts: known.attempts + one.attempts } : one);
  }
  return [...byReason.values()].map(({ model, attempts, reason }) => ({ ...name, model, requests: attempts, reason }));
}

const sum = (all: readonly Repriced[]): Repriced => all.reduce(addRepriced, NONE_REPRICED);

function actualOf({ traffic, unmetered }: TrafficOfDays) {
  const all = traffic.map(recorded).reduce(addRecorded, unmetered);
  return {
    requests: traffic.reduce((sum, one) => sum + attemptsOf(one), 0) + unmetered.attempts,
    ...was(all),
    unknown_cost: all.unknown,
  };
}

/** A candidate for some traffic, with what the traffic that it prices did cost. */
function candidateJson({
  provider,
  service,
  upstream,
  row,
  at: { attempts, cost, was: before, ...rest },
}: RepricedOffer) {
  return {
    ...{ provider, service: service ?? null, provider_model: upstream, price: row?.id ?? null },
    ...{ requests: attempts, cost: attempts === 0 ? null : dollars(cost), estimate: rest.estimate },
    compared_with: { ...was(before), unknown_cost: before.unknown },
    unpriced: rest.unpriced.map(({ attempts: requests, reason }) => ({ requests, reason })),
  };
}

/** What policies are worked out from: each day's traffic at an offer, what it comes to elsewhere, and the prices. */
function detailOf(traffic: readonly Traffic[], reprice: Repricer) {
  const prices = new Map<string, Readonly<Record<string, string | number>>>();
  const lines = traffic.map((one) => {
    const candidates = reprice.candidates(one);
    for (const { row } of candidates) if (row) prices.set(row.id, rateJson(row.price));
    const { day, model, provider, service, upstream } = one;
    const before = recorded(one);
    return {
      ...{ day, model, provider, service: service === '' ? null : service, provider_model: upstream },
      requests: attemptsOf(one),
      completion_tokens: one.parts.reduce((sum, { usage }) => sum + completionTokens(usage), 0),
      ...was(before),
      unknown_cost: before.unknown,
      offers: candidates.map(candidateJson),
    };
  });
  return { traffic: lines, offer_prices: Object.fromEntries(prices) };
}

/**
 * `GET /v1/whatif?from=&to=&prices=then|today&policy=&order=&exclude=`, and filters by account, key, provider and
 * model. One line for each provider, one for a routing policy, and one for hardware of one's own if asked.
 */
export const whatIf =
  (gateway: Gateway): Handler =>
  async (c) => {
    const read = parametersOf(c, KNOWN);
    const scope = scopeOf(callerOf(c), read);
    const now = Date.now();
    const span = spanOf(read, now, 'day', USUAL_DAYS);
    const known = providersHere(gateway);
    const policy = policyOf(read, known);
    const hardware = hardwareOf(read);
    const { prices = 'then', provider, model, detail } = read;
    if (prices !== 'then' && prices !== 'today') throw badParameter('prices', 'must be then or today.');
    if (detail !== undefined && detail !== 'offers') throw badParameter('detail', 'must be offers, or left out.');
    const found = await reportFrom(c, gateway, scope.account, async ({ db, pending }) => ({
      ...(await trafficOf(db, {
        ...scope,
        ...(provider === undefined ? {} : { provider }),
        ...(model === undefined ? {} : { model }),
        from: span.from / DAY_MS,
        to: span.to / DAY_MS,
      })),
      pending,
    }));
    const { traffic, unmetered, pending } = found;
    const book = await gateway.prices.fresh();
    const reprice = repricer(
      gateway.world,
      book,
      prices === 'then' ? { kind: 'then' } : { kind: 'today', day: dayOf(now) },
    );
    const lines = [
      ...known.map((one) => ({ name: { provider: one }, at: sum(traffic.map((of) => reprice.atProvider(one, of))) })),
      { name: { policy: policy.name }, at: sum(traffic.map((of) => policy.of(reprice, of))) },
    ];
    return replyJson(c, 200, {
      object: 'list',
      data: [...lines.map(({ name, at }) => line(name, at)), ...(hardware ? [onHardware(traffic, hardware)] : [])],
      actual: actualOf(found),
      left_out: { requests: unmetered.attempts, ...was(unmetered), unknown_cost: unmetered.unknown },
      unpriced: lines.flatMap(({ name, at }) => reasonsOf(name, at.unpriced)),
      from: rfc3339(span.from),
      to: rfc3339(span.to),
      prices,
      pending,
      ...(detail === undefined ? {} : detailOf(traffic, reprice)),
    });
  };

function onHardware(
  traffic: readonly Traffic[],
  { perHour, tokensPerSecond }: { readonly perHour: NanoDollars; readonly tokensPerSecond: number },
) {
  const { cost, hours } = onOwnHardware(traffic, perHour, tokensPerSecond);
  const before = traffic.map(recorded).reduce(addRecorded, NONE_REPRICED.was);
  const attempts = traffic.reduce((all, one) => all + attemptsOf(one), 0);
  return {
    hypothetical: {
      usd_per_hour: dollars(perHour),
      tokens_per_second: tokensPerSecond,
      busy_hours: Math.round(hours * 1000) / 1000,
    },
    ...line({}, { attempts, cost, was: before, estimate: true, unpriced: [] }),
  };
}
