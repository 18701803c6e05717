/** Answers of the gateway's own routes, as JSON Schemas: offers, tokens, models, prices, reports, keys, health. */
import { GROUPS } from '../../src/accounts/index.ts';
import {
  anything,
  constant,
  count,
  countOrNull,
  described,
  dollars,
  dollarsOrNull,
  flag,
  listOf,
  mapOf,
  number,
  numberOrNull,
  object,
  objectOrNull,
  one,
  orNull,
  ref,
  type Schema,
  someObject,
  text,
  textOrNull,
} from './json.ts';

const exactness = one('exact', 'estimate', 'provider');
const exactnessOrNull: Schema = { type: ['string', 'null'], enum: ['exact', 'estimate', 'provider', null] };
const time = described(text, 'RFC 3339, in UTC.');
const timeOrNull = described(textOrNull, 'RFC 3339, in UTC.');

const list = (items: Schema, more: Readonly<Record<string, Schema>> = {}): Schema =>
  object({ object: constant('list'), data: listOf(items), ...more });

/** What reports say of their pages and of what is not in them yet. */
const page = {
  has_more: flag,
  next: described(textOrNull, 'Send it as `after` to get the next page.'),
  pending: described(countOrNull, 'Attempts that ended and are not in the figures yet. Null: not known.'),
};

const offerCost = object({ min: dollarsOrNull, expected: dollarsOrNull, max: dollarsOrNull, 'cached_tokens?': count });

const offer = object({
  provider: text,
  model: text,
  provider_model: text,
  api: textOrNull,
  eligible: flag,
  rank: described(countOrNull, '1 is asked first. Null: it is left out.'),
  'reason?': described(object({ code: text, message: text }), 'Why it is left out.'),
  prompt_tokens: countOrNull,
  exactness: exactnessOrNull,
  context_length: countOrNull,
  max_output_tokens: countOrNull,
  cost: described(orNull(offerCost), 'What the call costs there. Null: the price is not known.'),
  price: described(objectOrNull, 'The rule by which it is priced, with its source and age.'),
  drops: described(listOf(text), 'Fields of the request that it cannot serve.'),
  latency: objectOrNull,
  breaker: textOrNull,
  why: described(listOf(text), 'Why it has this rank.'),
});

const tokenCount = {
  object: constant('token_count'),
  model: text,
  tokens: count,
  exactness,
  'error_bound?': described(number, 'An estimate is off by at most this share.'),
  template: textOrNull,
  context_length: countOrNull,
  fits: { type: ['boolean', 'null'] } satisfies Schema,
  'offers?': listOf(someObject),
};

const model = object({
  id: text,
  object: constant('model'),
  created: count,
  owned_by: text,
  name: text,
  kind: text,
  'context_length?': countOrNull,
  'capabilities?': objectOrNull,
  'aliases?': listOf(text),
  'offers?': described(listOf(someObject), 'Who offers it, at what price, with which limits.'),
  'models?': described(listOf(text), 'Of a route: what it stands for.'),
});

const price = object({
  rule: text,
  provider: text,
  provider_model: text,
  models: listOf(text),
  billing: one('token', 'second', 'hour'),
  tier: text,
  region: text,
  valid_from: textOrNull,
  valid_to: textOrNull,
  in_force: described(flag, 'A call of today is priced by it.'),
  source: text,
  source_detail: textOrNull,
  checked_at: text,
  age_days: count,
  stale: flag,
  layer: one('bundled', 'admin', 'configuration'),
  'input_per_mtok?': dollars,
  'output_per_mtok?': dollars,
  'usd_per_second?': dollars,
  'usd_per_hour?': dollars,
});

const figures = {
  calls: count,
  requests: count,
  prompt_tokens: count,
  cached_tokens: count,
  completion_tokens: count,
  reasoning_tokens: count,
  cost: described(dollars, 'What is known exactly.'),
  cost_upper_bound: described(dollars, 'The most that other attempts may have cost.'),
  unknown_cost: described(count, 'Attempts whose cost is not known.'),
  unknown_tokens: count,
  errors: count,
  canceled: count,
  undelivered: count,
  expired: count,
  latency_ms: numberOrNull,
  ttft_ms: numberOrNull,
};

const groups = Object.fromEntries(Object.keys(GROUPS).map((name) => [`${name}?`, text]));

const was = { cost: dollars, cost_upper_bound: dollars };

const attempt = {
  attempt: count,
  model: text,
  provider: text,
  service: textOrNull,
  provider_model: text,
  api: text,
  started_at: time,
  outcome: text,
  status: countOrNull,
  finish_reason: textOrNull,
  prompt_tokens: countOrNull,
  completion_tokens: countOrNull,
  cost: dollarsOrNull,
  billing: one('exact', 'upper_bound', 'not_billed', 'unknown'),
  ttft_ms: numberOrNull,
  latency_ms: number,
};

const call = { id: text, created_at: time, account: text, key: text, dialect: text, streamed: flag, asked: text };

const spending = { spent: dollars, pending: dollars, left: dollarsOrNull, period_ends: timeOrNull };
const budget = orNull(object({ limit: dollars, period: one('day', 'week', 'month', 'total') }));

const key = {
  id: text,
  object: constant('key'),
  account: text,
  name: text,
  budget,
  limits: objectOrNull,
  allow: objectOrNull,
  expires_at: timeOrNull,
  metadata: mapOf(text),
  markers: textOrNull,
  at_limit: one('clamp', 'cheaper'),
  revision: count,
  created_at: timeOrNull,
  revoked_at: timeOrNull,
  ...spending,
  running: described(count, 'Calls that are under way.'),
  rate_limits: listOf(object({ name: text, limit: count, remaining: number, reset_ms: number })),
  account_budget: objectOrNull,
};

export const REPORTS: Readonly<Record<string, Schema>> = {
  OfferSheet: list(offer),
  TokenCount: object(tokenCount),
  TokenCounts: list(object(tokenCount)),
  Tokens: object({
    model: text,
    ids: listOf(count),
    pieces: { type: ['array', 'null'], items: text },
    offsets: described({ type: ['array', 'null'], items: count }, 'Where each begins in the UTF-8 of the input.'),
    count,
    exactness,
  }),
  DetokenizedText: object({ model: text, text, count }),
  Model: model,
  Models: list(model),
  MessagesModel: object({ type: constant('model'), id: text, display_name: text, created_at: time }),
  MessagesModels: object({
    data: listOf(ref('MessagesModel')),
    has_more: flag,
    first_id: textOrNull,
    last_id: textOrNull,
  }),
  CodexModels: object({ models: listOf(object({ slug: text, display_name: text })) }),
  Prices: list(price, { version: count, 'replicate_hardware?': someObject }),
  UsageReport: list(object({ ...groups, ...figures }), {
    from: time,
    to: time,
    group_by: listOf(one(...Object.keys(GROUPS))),
    total: object(figures),
    'percentiles?': listOf(
      object({ provider: text, model: text, requests: count, ttft_ms: objectOrNull, latency_ms: objectOrNull }),
    ),
    ...page,
  }),
  WhatIf: list(
    object({
      'provider?': text,
      'policy?': text,
      'hypothetical?': someObject,
      cost: dollarsOrNull,
      requests: count,
      unpriced_requests: count,
      compared_with: object(was),
      delta: described(dollarsOrNull, 'How much more than it did cost. Null: not known.'),
      estimate: flag,
    }),
    {
      actual: object({ requests: count, ...was, unknown_cost: count }),
      left_out: described(object({ requests: count, ...was, unknown_cost: count }), 'Attempts without token counts.'),
      unpriced: listOf(object({ model: text, requests: count, reason: text })),
      from: time,
      to: time,
      prices: one('then', 'today'),
      pending: page.pending,
      'traffic?': described(
        listOf(object({ day: text, model: text, provider: text, requests: count, offers: listOf(someObject) })),
        'With `detail=offers`: the lines from which policies are worked out.',
      ),
      'offer_prices?': described(mapOf(someObject), 'The prices that these lines name.'),
    },
  ),
  Generations: list(object({ ...call, ...attempt }), page),
  Generation: object({
    object: constant('generation'),
    ...call,
    prompt_tokens: count,
    completion_tokens: count,
    cost: dollars,
    cost_upper_bound: dollars,
    unknown_cost: count,
    attempts: listOf(object(attempt)),
    alternatives: described(listOf(someObject), 'What the answer would have cost at the model’s other offers.'),
  }),
  Key: object(key),
  KeyWithSecret: object({ ...key, key: described(text, 'The key itself. It is shown this once.') }),
  OwnKey: {
    anyOf: [
      object({ ...key, admin: flag }),
      object({ id: text, object: constant('key'), account: text, admin: flag, budget: { type: 'null' } }),
    ],
  },
  Keys: list(object(key), { has_more: flag, last_id: textOrNull }),
  Account: object({ id: text, object: constant('account'), budget, ...spending, keys: anything }),
  Health: object({
    status: one('ok', 'degraded', 'no_providers'),
    sandbox: flag,
    'warnings?': listOf(text),
    providers: listOf(object({ id: text, configured: flag, 'probe?': listOf(someObject) })),
    offers: listOf(someObject),
    token_drift: listOf(someObject),
    token_estimates: listOf(someObject),
  }),
  Session: object({
    object: constant('session'),
    access: one('open', 'key', 'unconfigured'),
    sandbox: flag,
    signed_in: flag,
    admin: flag,
    account: textOrNull,
    key: textOrNull,
    expires_at: timeOrNull,
  }),
  Liveness: object({ status: constant('ok') }),
};
