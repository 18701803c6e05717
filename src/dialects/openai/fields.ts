import * as v from 'valibot';
import { MARKER_MODES, parseDollars } from '../../core/index.ts';

/** The building blocks of both request bodies. OpenAI takes `null` for a field that is not set; so do we. */

const finite = v.pipe(v.number(), v.finite('must be a finite number'));
const between = (low: number, high: number) =>
  v.pipe(finite, v.minValue(low, `must be at least ${low}`), v.maxValue(high, `must be at most ${high}`));
const integer = (low: number, high = Number.MAX_SAFE_INTEGER) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(low, `must be at least ${low}`),
    v.maxValue(high, `must be at most ${high}`),
  );
export const optional = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);

/** Providers differ in how many they take; OpenAI takes 4. */
const MAX_STOPS = 16;
const MAX_STOP_LENGTH = 500;
/** As many as OpenAI's. Where the provider has no `n`, each is a request of its own. */
export const MAX_CHOICES = 128;
const MAX_NAMES = 32;

const name = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(512, 'must be at most 512 characters'),
);
const names = v.pipe(
  v.array(name),
  v.minLength(1, 'must name at least one'),
  v.maxLength(MAX_NAMES, `must name at most ${MAX_NAMES}`),
);
const stopString = v.pipe(v.string(), v.maxLength(MAX_STOP_LENGTH, `must be at most ${MAX_STOP_LENGTH} characters`));

export const MAX_SESSION = 256;
const session = v.pipe(v.string(), v.maxLength(MAX_SESSION, `must be at most ${MAX_SESSION} characters`));

/** An amount as people write it, as a number or as text: a double holds every price there is to the nano-dollar. */
const dollars = v.pipe(
  v.union([finite, v.string()], 'must be an amount in dollars, like 0.5 or "0.5"'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseDollars(typeof dataset.value === 'number' ? dataset.value.toFixed(9) : dataset.value);
    } catch {
      addIssue({ message: 'must be an amount in dollars, 0 or more, with at most 9 decimals' });
      return NEVER;
    }
  }),
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

/**
 * The grammar of `provider`, in a body and in a named route: OpenRouter's `ProviderPreferences` (@openrouter/sdk 1.3,
 * openrouter.ai/docs/guides/routing/provider-selection), and ours. Unknown fields are refused.
 */
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
    // Nothing here is charged by the request, image or second of sound, so that any limit of those holds.
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

export const ROUTING_FIELDS: readonly string[] = Object.keys(routing.entries);

/** Ours: how a chat becomes a prompt. */
const template = v.strictObject({
  name: optional(name),
  markers: optional(v.picklist(MARKER_MODES, 'must be "reject", "neutralise" or "allow"')),
});

/** What both bodies share, by OpenAI's names and those that open-model servers have added to them. */
export const shared = {
  model: optional(name),
  models: optional(names),
  provider: optional(routing),
  template: optional(template),
  max_tokens: optional(integer(1)),
  temperature: optional(between(0, 2)),
  top_p: optional(between(0, 1)),
  top_k: optional(integer(-1)),
  min_p: optional(between(0, 1)),
  seed: optional(v.pipe(v.number(), v.integer('must be a whole number'))),
  frequency_penalty: optional(between(-2, 2)),
  presence_penalty: optional(between(-2, 2)),
  repetition_penalty: optional(between(0, 10)),
  logit_bias: optional(v.record(v.string(), between(-100, 100))),
  n: optional(integer(1, MAX_CHOICES)),
  stop: optional(
    v.union(
      [stopString, v.pipe(v.array(stopString), v.maxLength(MAX_STOPS, `must have at most ${MAX_STOPS} strings`))],
      'must be a string or a list of strings',
    ),
  ),
  stream: optional(v.boolean()),
  // Text is never padded here, which is what `include_obfuscation` is about.
  stream_options: optional(
    v.object({ include_usage: optional(v.boolean()), include_obfuscation: optional(v.boolean()) }),
  ),
  /** OpenRouter's older way to ask for usage in a stream. */
  usage: optional(v.object({ include: optional(v.boolean()) })),
  user: optional(v.string()),
  session_id: optional(session),
  prompt_cache_key: optional(v.string()),
  vote: optional(v.unknown()),
};

export { between, integer };
