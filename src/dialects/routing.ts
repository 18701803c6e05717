/**
 * `provider`, the part of a body that says who may serve the call, at what price and how fast: OpenRouter's
 * `ProviderPreferences` (@openrouter/sdk 1.3, openrouter.ai/docs/guides/routing/provider-selection), and ours. The same
 * grammar is used in named routes. Unknown fields are refused, because a misspelt limit would be no limit.
 */
import * as v from 'valibot';
import { MARKER_MODES, parseDollars, type Routing, type Templating } from '../core/index.ts';
import { between, finite, integer, name, names, optional, problemOf } from './validation.ts';

/** Dollars as callers write them, as a number or as text. A double holds any price to the nano-dollar. */
export const amountOf = (dollars: number | string) =>
  parseDollars(typeof dollars === 'number' ? dollars.toFixed(9) : dollars);

function isAmount(dollars: number | string): boolean {
  try {
    amountOf(dollars);
    return true;
  } catch {
    // The error only says that this is not an amount.
    return false;
  }
}

export const dollars = v.pipe(
  v.union([finite, v.string()], 'must be an amount in dollars, like 0.5 or "0.5"'),
  v.check(isAmount, 'must be an amount in dollars, 0 or more, with at most 9 decimals'),
);

/** A speed or a delay: one figure, or one for each percentile of what was measured. */
const threshold = v.union(
  [
    between(0, 1e9),
    v.strictObject({
      p50: optional(between(0, 1e9)),
      p75: optional(between(0, 1e9)),
      p90: optional(between(0, 1e9)),
      p99: optional(between(0, 1e9)),
    }),
  ],
  'must be a number, or an object with p50, p75, p90 or p99',
);

const sortBy = v.picklist(['price', 'latency', 'throughput'], 'must be "price", "latency" or "throughput"');

export const routing = v.strictObject(
  {
    order: optional(names),
    only: optional(names),
    ignore: optional(names),
    allow_fallbacks: optional(v.boolean()),
    require_parameters: optional(v.boolean()),
    data_collection: optional(v.picklist(['allow', 'deny'], 'must be "allow" or "deny"')),
    zdr: optional(v.boolean()),
    enforce_distillable_text: optional(v.boolean()),
    quantizations: optional(v.array(name)),
    sort: optional(
      v.union(
        [sortBy, v.strictObject({ by: optional(sortBy), partition: optional(v.picklist(['model', 'none'])) })],
        'must be "price", "latency" or "throughput"',
      ),
    ),
    preferred_min_throughput: optional(threshold),
    preferred_max_latency: optional(threshold),
    // No offer here charges by the request, the image or the second of sound, so such a limit always holds.
    max_price: optional(
      v.strictObject({
        prompt: optional(dollars),
        completion: optional(dollars),
        request: optional(dollars),
        image: optional(dollars),
        audio: optional(dollars),
      }),
    ),
    max_cost: optional(dollars),
    clamp_output: optional(v.boolean()),
    deadline_ms: optional(integer(1)),
    allow_policy_fallbacks: optional(v.boolean()),
  },
  'must be an object, for example {"order": ["bedrock"]}',
);

type WireRouting = v.InferOutput<typeof routing>;

/** `template`, the part of a body that says how a chat becomes a prompt. Ours. */
export const template = v.strictObject({
  name: optional(name),
  markers: optional(v.picklist(MARKER_MODES, 'must be "reject", "neutralise" or "allow"')),
});

export function toTemplating(wire: v.InferOutput<typeof template> | null | undefined): Templating {
  const out: Writable<Templating> = {};
  if (wire?.name != null) out.name = wire.name;
  if (wire?.markers != null) out.markers = wire.markers;
  return out;
}

/** The one figure that OpenRouter takes is the median. */
const medianOf = (wire: WireRouting['preferred_min_throughput']): number | undefined =>
  (typeof wire === 'object' ? wire?.p50 : wire) ?? undefined;

const hasOtherPercentile = (wire: WireRouting['preferred_min_throughput']): boolean =>
  typeof wire === 'object' && wire !== null && [wire.p75, wire.p90, wire.p99].some((limit) => limit != null);

/**
 * Preferences that we cannot honour, by the caller's names. None of them concerns money or privacy. Bedrock, Replicate
 * and Together do not publish a model's precision, and only the median speed is known.
 */
function unmetIn(wire: WireRouting): string[] {
  const asked: readonly (readonly [string, boolean])[] = [
    ['quantizations', (wire.quantizations?.length ?? 0) > 0 && !wire.quantizations?.includes('unknown')],
    ['enforce_distillable_text', wire.enforce_distillable_text === true],
    ['sort.partition', typeof wire.sort === 'object' && wire.sort?.partition === 'none'],
    ['preferred_min_throughput', hasOtherPercentile(wire.preferred_min_throughput)],
    ['preferred_max_latency', hasOtherPercentile(wire.preferred_max_latency)],
  ];
  return asked.filter(([, unmet]) => unmet).map(([field]) => `provider.${field}`);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** `provider` in our words. Null means not set, as everywhere in OpenAI's API; false means false. */
export function toRouting(wire: WireRouting): Writable<Routing> {
  const out: Writable<Routing> = {};
  if (wire.order) out.order = wire.order;
  if (wire.only) out.only = wire.only;
  if (wire.ignore) out.ignore = wire.ignore;
  if (wire.allow_fallbacks != null) out.allowFallbacks = wire.allow_fallbacks;
  if (wire.require_parameters != null) out.requireParameters = wire.require_parameters;
  if (wire.data_collection === 'deny') out.noCollection = true;
  if (wire.zdr) out.noRetention = true;
  const sort = typeof wire.sort === 'object' ? wire.sort?.by : wire.sort;
  if (sort) out.sort = sort;
  const throughput = medianOf(wire.preferred_min_throughput);
  if (throughput !== undefined) out.preferredMinThroughput = throughput;
  // OpenRouter's are seconds.
  const latency = medianOf(wire.preferred_max_latency);
  if (latency !== undefined) out.preferredMaxLatencyMs = latency * 1000;
  const { prompt, completion } = wire.max_price ?? {};
  if (prompt != null || completion != null) {
    out.maxPrice = {
      ...(prompt == null ? {} : { prompt: amountOf(prompt) }),
      ...(completion == null ? {} : { completion: amountOf(completion) }),
    };
  }
  if (wire.max_cost != null) out.maxCost = amountOf(wire.max_cost);
  if (wire.clamp_output != null) out.clampOutput = wire.clamp_output;
  if (wire.deadline_ms != null) out.deadlineMs = wire.deadline_ms;
  if (wire.allow_policy_fallbacks != null) out.allowPolicyFallbacks = wire.allow_policy_fallbacks;
  const unmet = unmetIn(wire);
  if (unmet.length > 0) out.unmet = unmet;
  return out;
}

/**
 * `provider` from the configuration: all its mistakes, each a sentence.
 *
 * @param path where `value` stands: `CHASQUI_ROUTES.cheap.provider`
 */
export function readRouting(
  value: unknown,
  path: string,
): { readonly routing: Routing; readonly mistakes: readonly string[] } {
  const read = v.safeParse(routing, value);
  if (read.success) {
    const { unmet = [], ...known } = toRouting(read.output);
    // Callers are told about these in the answer. The author of a configuration would not see that.
    return {
      routing: known,
      mistakes: unmet.map((field) => `${path}${field.slice('provider'.length)}: cannot be honoured here.`),
    };
  }
  const mistakes = read.issues.map((issue) => {
    const { param, text } = problemOf(issue, (field) => routingFieldMeant(field, 3));
    return `${param ? `${path}.${param}` : path}: ${text}`;
  });
  return { routing: {}, mistakes };
}

/** The letters of a name: `maxCost`, `max-cost` and `max_cost` have the same. */
export const letters = (field: string): string => field.toLowerCase().replace(/[^a-z]/g, '');

/** A limit of money under another name than ours. Budgets of tokens or of reasoning are something else. */
const MONEY =
  /(?:max|limit|cap|budget).*(?:cost|price|spend|usd|dollar)|(?:cost|price|spend|usd|dollar).*(?:max|limit|cap|budget)|budget/;
const NO_MONEY = /token|think|reason/;
const PRIVACY =
  /datacollection|collectdata|dataretention|zeroretention|noretention|nologging|notrain|optout|privacy|zdr/;

/** Other names for a choice of providers, by their letters. */
const PROVIDERS: readonly (readonly [says: string, means: string])[] = [
  ['providers', 'only'],
  ['allowedproviders', 'only'],
  ['onlyproviders', 'only'],
  ['provideronly', 'only'],
  ['ignoreproviders', 'ignore'],
  ['ignoredproviders', 'ignore'],
  ['blockedproviders', 'ignore'],
  ['excludedproviders', 'ignore'],
  ['providerorder', 'order'],
  ['providerpreferences', 'order'],
];

const byLetters = new Map([
  ...Object.keys(routing.entries).map((field) => [letters(field), field] as const),
  ...PROVIDERS,
]);

/** Whether two names differ by one letter (added, missing or changed) or by two letters swapped. */
function differsByOne(given: string, meant: string): boolean {
  if (Math.abs(given.length - meant.length) > 1) return false;
  let at = 0;
  while (at < given.length && given[at] === meant[at]) at += 1;
  const [rest, other] = [given.slice(at), meant.slice(at)];
  return (
    rest.slice(1) === other ||
    rest === other.slice(1) ||
    rest.slice(1) === other.slice(1) ||
    (rest[0] === other[1] && rest[1] === other[0] && rest.slice(2) === other.slice(2))
  );
}

/**
 * The field of `provider` that a name probably means, if any.
 *
 * @param shortest letters that a name must have to count as misspelt: short names resemble each other and everything
 *   else
 */
export function routingFieldMeant(field: string, shortest = 6): string | undefined {
  if (field.length > 40) return undefined;
  const plain = letters(field);
  const same = byLetters.get(plain);
  if (same !== undefined) return same;
  const near = plain.length < shortest ? undefined : [...byLetters].find(([known]) => differsByOne(plain, known))?.[1];
  if (near !== undefined) return near;
  if (MONEY.test(plain) && !NO_MONEY.test(plain)) return 'max_cost';
  if (PRIVACY.test(plain)) return /collect|train|optout/.test(plain) ? 'data_collection' : 'zdr';
  return undefined;
}
